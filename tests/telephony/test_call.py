"""A call's life as a table of what may become of what."""

from itertools import product

import pytest

from telephony.call import (
    TERMINAL,
    TRANSITIONS,
    Call,
    CallStatus,
    CarrierUpdate,
    Direction,
    Disposition,
    EndedBy,
    NewCall,
)
from telephony.errors import IllegalTransition

S = CallStatus


def a_call(status: CallStatus = S.QUEUED) -> Call:
    return Call(
        id="0" * 32,
        direction=Direction.OUTBOUND,
        status=status,
        to_number="+919876543210",
        from_number="+918047491899",
        flow="vendor_confirmation",
        language="en",
        carrier="twilio",
        created_at_unix_ms=1_000,
    )


LEGAL = {
    S.QUEUED: {S.DIALING, S.FAILED, S.CANCELED, S.LOST},
    S.DIALING: {S.RINGING, S.IN_PROGRESS} | TERMINAL,
    S.RINGING: {S.IN_PROGRESS} | TERMINAL,
    S.IN_PROGRESS: {S.COMPLETED, S.FAILED, S.LOST},
}


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_a_status_becomes_only_what_the_table_allows(before: S, after: S) -> None:
    if after in LEGAL.get(before, set()):
        assert a_call(before).moved_to(after, 2_000).status is after
    else:
        with pytest.raises(IllegalTransition, match=f"is {before} and can't become {after}"):
            a_call(before).moved_to(after, 2_000)


def test_a_terminal_status_is_never_left() -> None:
    assert {status for status in S if not TRANSITIONS[status]} == TERMINAL


def test_every_call_can_end_as_lost() -> None:
    assert all(S.LOST in TRANSITIONS[status] for status in set(S) - TERMINAL)


@pytest.mark.parametrize(
    ("status", "disposition", "ended_by"),
    [
        (S.BUSY, Disposition.BUSY, EndedBy.CARRIER),
        (S.NO_ANSWER, Disposition.NO_ANSWER, EndedBy.CARRIER),
        (S.FAILED, Disposition.FAILED, EndedBy.CARRIER),
        (S.CANCELED, Disposition.FAILED, EndedBy.OPERATOR),
        (S.LOST, Disposition.FAILED, EndedBy.LOST),
        (S.COMPLETED, None, None),
    ],
)
def test_an_end_implies_what_came_of_the_call(
    status: S, disposition: Disposition | None, ended_by: EndedBy | None
) -> None:
    ended = a_call(S.DIALING).moved_to(status, 2_000)
    assert (ended.disposition, ended.ended_by) == (disposition, ended_by)
    assert ended.ended_at_unix_ms == 2_000
    assert ended.is_settled is (disposition is not None)


def test_what_the_conversation_said_wins_over_what_the_end_implies() -> None:
    confirmed = a_call(S.IN_PROGRESS).with_outcome(disposition=Disposition.CONFIRMED)
    failed = confirmed.moved_to(S.FAILED, 2_000, reason="SIP 500")
    assert failed.disposition is Disposition.CONFIRMED
    assert failed.failure_reason == "SIP 500"


def test_the_answer_is_timed_once() -> None:
    answered = a_call(S.RINGING).moved_to(S.IN_PROGRESS, 2_000)
    assert answered.moved_to(S.COMPLETED, 9_000).answered_at_unix_ms == 2_000


def follow(call: Call, *updates: tuple[CallStatus, int | None]) -> Call:
    for status, sequence in updates:
        call = call.with_carrier_update(CarrierUpdate(status, sequence), 5_000)
    return call


@pytest.mark.parametrize(
    ("updates", "status", "sequence"),
    [
        ([(S.DIALING, 0), (S.RINGING, 1), (S.IN_PROGRESS, 2), (S.COMPLETED, 3)], S.COMPLETED, 3),
        ([(S.IN_PROGRESS, 2), (S.RINGING, 1)], S.IN_PROGRESS, 2),  # late
        ([(S.COMPLETED, 3), (S.IN_PROGRESS, 2), (S.RINGING, 1)], S.COMPLETED, 3),  # reversed
        ([(S.RINGING, 1), (S.RINGING, 1)], S.RINGING, 1),  # repeated
        ([(S.IN_PROGRESS, 2), (S.RINGING, 5)], S.IN_PROGRESS, 5),  # backwards, counted all the same
        ([(S.RINGING, 4), (S.BUSY, 3)], S.RINGING, 4),  # old, though it would be legal
        ([(S.BUSY, 2), (S.COMPLETED, 3)], S.BUSY, 3),  # a terminal status stays
        ([(S.IN_PROGRESS, None), (S.RINGING, None)], S.IN_PROGRESS, None),  # without numbers
        ([(S.RINGING, None), (S.IN_PROGRESS, 0)], S.IN_PROGRESS, 0),
    ],
)
def test_carrier_updates_count_by_sequence_and_not_by_arrival(
    updates: list[tuple[S, int | None]], status: S, sequence: int | None
) -> None:
    call = follow(a_call(S.DIALING), *updates)
    assert (call.status, call.carrier_sequence) == (status, sequence)


def test_a_repeated_update_changes_nothing_at_all() -> None:
    ringing = follow(a_call(S.DIALING), (S.RINGING, 1))
    assert follow(ringing, (S.RINGING, 1)) is ringing


def test_a_carriers_reason_is_kept_for_failures_only() -> None:
    busy = a_call(S.RINGING).with_carrier_update(CarrierUpdate(S.BUSY, 2, "SIP 486"), 1)
    assert busy.failure_reason == "SIP 486"
    done = a_call(S.RINGING).with_carrier_update(CarrierUpdate(S.COMPLETED, 2, "SIP 200"), 1)
    assert done.failure_reason is None


def test_outcome_variables_are_merged_while_the_call_runs() -> None:
    call = a_call(S.IN_PROGRESS).with_outcome(outcome={"confirmed": True})
    assert call.with_outcome(outcome={"minutes": 25}).outcome == {"confirmed": True, "minutes": 25}
    assert call.with_outcome(outcome={"confirmed": None, "minutes": 25}).outcome == {"minutes": 25}


def test_a_settled_call_does_not_change_its_story() -> None:
    settled = (
        a_call(S.IN_PROGRESS)
        .with_outcome(disposition=Disposition.CONFIRMED)
        .moved_to(S.COMPLETED, 1)
    )
    assert settled.with_outcome(disposition=Disposition.REJECTED, outcome={"x": 1}) is settled


def test_a_call_ended_by_the_carrier_is_judged_afterwards() -> None:
    over = follow(a_call(S.IN_PROGRESS), (S.COMPLETED, 3))
    assert not over.is_settled
    judged = over.with_outcome(disposition=Disposition.HUNG_UP, ended_by=EndedBy.CALLER)
    assert judged.is_settled


@pytest.mark.parametrize(
    ("direction", "status"), [(Direction.OUTBOUND, S.QUEUED), (Direction.INBOUND, S.RINGING)]
)
def test_a_call_to_us_begins_ringing_and_one_of_ours_queued(
    direction: Direction, status: S
) -> None:
    assert NewCall(direction, "+1", "+2", "f", "twilio").first_status is status
