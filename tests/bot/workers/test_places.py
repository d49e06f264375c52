"""The table of places: who gets one, and when it is free again."""

import pytest

from bot.workers.places import Places, StreamRuns, table_bytes

OPEN = [True, True]
A, B, C, D, E = (f"{number:032x}" for number in range(1, 6))


def places(max_calls: int = 4, workers: int = 2) -> Places:
    return Places(memoryview(bytearray(table_bytes(max_calls))), max_calls, workers)


def test_fifty_at_once_get_as_many_places_as_there_are() -> None:
    table = places(24)
    got = [table.reserve(f"{call:032x}", OPEN, 0, 20_000) for call in range(50)]
    assert (sum(got), got[:24]) == (24, [True] * 24)
    assert table.room(OPEN, 0) == 0
    for call in range(24):  # each stream finds its own
        assert table.take(f"{call:032x}", call % 2, OPEN, 1) is not None
    assert table.take(None, 0, OPEN, 1) is None
    assert table.occupied(1).taken == (12, 12)


def test_a_place_whose_stream_never_came_is_free_again_in_time() -> None:
    table = places(1, 1)
    assert table.reserve(A, [True], 0, 100)
    assert not table.reserve(B, [True], 99, 200)
    assert table.reserve(B, [True], 100, 200)
    assert table.occupied(150).reserved == 1
    assert table.take(A, 0, [True], 150) is None  # too late, and another has it


def test_who_has_a_place_keeps_it_anew_and_needs_no_second() -> None:
    table = places(1, 1)
    assert table.reserve(A, [True], 0, 100)
    assert table.reserve(A, [True], 50, 500)
    assert table.occupied(400).total == 1
    assert table.take(A, 0, [True], 400) is not None
    assert table.reserve(A, [True], 400, 500)  # the webhook comes once more
    assert (table.occupied(9_999).taken, table.occupied(9_999).reserved) == ((1,), 0)


def test_a_call_that_never_was_leaves_its_place_and_a_running_one_does_not() -> None:
    table = places(2, 1)
    table.reserve(A, [True], 0, 100)
    table.release(A, 1)
    table.take(B, 0, [True], 1)
    table.release(B, 1)
    table.release(C, 1)
    assert (table.occupied(1).taken, table.occupied(1).reserved) == ((1,), 0)


def test_a_second_stream_of_a_call_is_refused_on_any_worker() -> None:
    table = places()
    table.take(A, 0, OPEN, 0)
    with pytest.raises(StreamRuns):
        table.take(A, 1, OPEN, 0)
    unnamed = table.take(None, 1, OPEN, 0)
    assert unnamed is not None
    with pytest.raises(StreamRuns):
        table.name(unnamed, A)
    table.name(unnamed, B)
    assert (table.leader_of(A), table.leader_of(B), table.leader_of(C)) == (0, 1, None)


@pytest.mark.parametrize(
    ("is_open", "taken_by", "room"),
    [
        ([True, True], [], 4),
        ([True, True], [0, 0], 2),
        ([True, False], [], 2),  # the calls of one that is not there are not the other's
        ([True, False], [0, 0], 0),
        ([True, False], [1, 1], 2),
        ([False, True], [0, 0, 1], 1),
        ([False, False], [], 0),
    ],
)
def test_no_worker_leads_more_than_its_share(
    is_open: list[bool], taken_by: list[int], room: int
) -> None:
    table = places()
    for worker in taken_by:
        table.take(None, worker, OPEN, 0)
    assert table.room(is_open, 0) == room


def test_what_is_reserved_is_taken_from_the_share_of_those_that_are_open() -> None:
    table = places()
    assert table.reserve(A, OPEN, 0, 100)
    assert table.room([True, False], 0) == 1
    assert table.room([False, False], 0) == 0
    assert table.take(A, 1, [False, False], 1) is not None  # a promise is kept


def test_a_dead_worker_leaves_its_places_and_no_others() -> None:
    table = places()
    for call_id, worker in ((A, 0), (B, 1), (C, 1)):
        table.take(call_id, worker, OPEN, 0)
    table.reserve(D, OPEN, 0, 100)
    table.free_all_of(1)
    assert (table.occupied(0).taken, table.occupied(0).reserved) == ((1, 0), 1)
    assert table.leader_of(B) is None
    assert table.reserve(E, OPEN, 0, 100)
