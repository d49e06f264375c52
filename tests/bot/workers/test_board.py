"""What workers see of each other, through the file that they share."""

import os
from collections.abc import Iterator

import pytest

from bot.workers.board import TEXT_BYTES, Board, WorkerState, board_file

A, B = f"{1:032x}", f"{2:032x}"


@pytest.fixture
def boards() -> Iterator[tuple[Board, Board]]:
    """Two views of one file, as two processes have them."""
    fd = board_file(4, 2)
    one, two = Board(4, 2, fd=fd), Board(4, 2, fd=fd)
    for worker in range(2):
        one.set_state(worker, WorkerState.OPEN)
    yield one, two
    os.close(fd)


def test_a_place_that_one_gives_the_other_sees_taken(boards: tuple[Board, Board]) -> None:
    one, two = boards
    assert one.reserve(A, 20.0)
    assert two.room() == 3
    assert two.take(A, 1) is not None
    assert one.leader_of(A) == 1
    assert one.occupied().taken == (0, 1)


def test_a_socket_goes_to_the_open_worker_with_the_fewest(boards: tuple[Board, Board]) -> None:
    one, two = boards
    assert [one.place_socket(0) for _ in range(5)] == [0, 1, 0, 1, 0]
    two.closed_socket(0)
    two.closed_socket(0)
    assert two.place_socket(1) == 0
    one.set_state(0, WorkerState.LATE)
    assert [one.place_socket(0) for _ in range(3)] == [1, 1, 1]
    one.set_state(1, WorkerState.STOPPING)
    assert (one.place_socket(0), one.place_socket(1)) == (0, 1)  # none is open: they stay


def test_a_socket_that_could_not_be_handed_over_is_counted_where_it_stays(
    boards: tuple[Board, Board],
) -> None:
    one, _ = boards
    assert (one.place_socket(0), one.place_socket(0)) == (0, 1)
    one.moved_socket(1, 0)
    assert one.place_socket(0) == 1


def test_of_a_dead_worker_nothing_is_left(boards: tuple[Board, Board]) -> None:
    one, two = boards
    one.introduce(1, "00ff00ff00ff00ff")
    one.take(B, 1)
    one.place_socket(0)
    one.publish(1, b"{}")
    two.forget(1)
    assert one.state(1) is WorkerState.ABSENT
    assert one.occupied().total == 0
    assert one.published(1) == b""
    assert not one.is_of_us("00ff00ff00ff00ff")
    one.closed_socket(1)  # one that was on its way to it
    one.set_state(1, WorkerState.OPEN)
    assert one.place_socket(1) == 1


def test_measurements_are_read_as_they_were_left(boards: tuple[Board, Board]) -> None:
    one, two = boards
    one.publish(0, b"x" * TEXT_BYTES)
    one.publish(0, b"short")
    one.publish(1, b"other")
    assert (two.published(0), two.published(1)) == (b"short", b"other")
    with pytest.raises(ValueError, match="8193 bytes"):
        one.publish(0, b"x" * (TEXT_BYTES + 1))


def test_a_call_is_ours_when_its_owner_is_a_worker_of_the_service(
    boards: tuple[Board, Board],
) -> None:
    one, two = boards
    one.introduce(0, "0123456789abcdef")
    assert two.is_of_us("0123456789abcdef")
    assert not two.is_of_us("fedcba9876543210")
    assert not two.is_of_us(None)
