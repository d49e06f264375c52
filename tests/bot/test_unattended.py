"""Calls whose carrier never told how they ended are closed, and no others."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.live_calls import LiveCalls
from bot.unattended import ANSWER_GRACE_S, STREAM_GRACE_S, Unattended
from telephony.call import Call, CallStatus, Direction, Disposition, EndedBy, NewCall
from telephony.database import Database
from telephony.store import CallStore
from telephony.workers import this_worker

RING_S = 45.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[CallStore]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}")
    store = CallStore(database, this_worker())
    await store.start()
    yield store
    await database.close()


async def call_in(store: CallStore, *statuses: CallStatus) -> Call:
    new = NewCall(Direction.OUTBOUND, "+911", "+912", "vendor_confirmation", "twilio")
    call = (await store.create_call(new)).call
    for status in statuses:
        call = await store.update_status(call.id, status)
    return call


def sweeper(store: CallStore) -> Unattended:
    return Unattended(store, LiveCalls(4), {}, RING_S)


RINGING = (CallStatus.DIALING, CallStatus.RINGING)
ANSWERED = (*RINGING, CallStatus.IN_PROGRESS)


@pytest.mark.parametrize("statuses", [RINGING[:1], RINGING, ANSWERED])
async def test_a_call_in_its_time_is_left_alone(
    store: CallStore, statuses: tuple[CallStatus, ...]
) -> None:
    call = await call_in(store, *statuses)
    await sweeper(store).sweep(call.created_at_unix_ms + 30_000)
    assert (await store.get(call.id)).status is statuses[-1]


async def test_a_phone_that_rang_too_long_was_not_answered(store: CallStore) -> None:
    call = await call_in(store, *RINGING)
    await sweeper(store).sweep(call.created_at_unix_ms + round((RING_S + ANSWER_GRACE_S) * 1000))
    closed = await store.get(call.id)
    assert (closed.status, closed.disposition) == (CallStatus.NO_ANSWER, Disposition.NO_ANSWER)


async def test_an_answered_call_without_a_session_has_failed(store: CallStore) -> None:
    call = await call_in(store, *ANSWERED)
    assert call.answered_at_unix_ms is not None
    await sweeper(store).sweep(call.answered_at_unix_ms + round(STREAM_GRACE_S * 1000))
    closed = await store.get(call.id)
    assert (closed.disposition, closed.ended_by) == (Disposition.FAILED, EndedBy.CARRIER)
    assert closed.is_settled


async def test_a_queued_call_is_the_dialers_and_not_closed(store: CallStore) -> None:
    call = await call_in(store)
    await sweeper(store).sweep(call.created_at_unix_ms + 10_000_000)
    assert (await store.get(call.id)).status is CallStatus.QUEUED
