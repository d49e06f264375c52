"""What arrives together runs together, finals first, and nobody pays for another's failure."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest

from speech.engines.whisper_batching import Batcher
from speech.errors import EngineBusy, EngineFailed
from speech.pool import Priority

FINAL, PARTIAL = Priority.FINAL, Priority.PARTIAL


class Network:
    """Doubles numbers; can be held up; keeps the batches that it was given."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.entered.set()
        assert self.go_on.wait(30)
        self.batches.append(list(numbers))
        if 13 in numbers:
            raise EngineFailed("13")
        if 0 in numbers:
            raise ZeroDivisionError
        return [2 * number for number in numbers]


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
async def batcher(network: Network) -> AsyncIterator[Batcher[int, int]]:
    made = Batcher[int, int](
        network, key=lambda number: number >= 100, most=8, gather_ms=0, max_queued=20
    )
    yield made
    network.go_on.set()
    made.close()


async def held(network: Network, batcher: Batcher[int, int]) -> "asyncio.Future[int]":
    """The thread is busy with this one until the network may go on."""
    network.go_on.clear()
    first = batcher.submit(1, FINAL)
    assert await asyncio.to_thread(network.entered.wait, 30)
    return first


async def test_what_comes_while_a_batch_runs_is_the_next_batch(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    others = [batcher.submit(number, FINAL) for number in (2, 3, 4)]
    network.go_on.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert network.batches == [[1], [2, 3, 4]]
    assert (batcher.stats.batches, batcher.stats.items, batcher.stats.largest) == (2, 4, 3)


async def test_an_idle_batcher_waits_for_company_and_starts_when_it_is_full(
    network: Network,
) -> None:
    patient = Batcher[int, int](network, key=lambda number: 0, most=3, gather_ms=30_000)
    jobs = [patient.submit(number, FINAL) for number in (1, 2, 3)]
    assert await asyncio.wait_for(asyncio.gather(*jobs), 20) == [2, 4, 6]
    assert network.batches == [[1, 2, 3]]
    patient.close()


async def test_one_alone_is_not_kept_waiting_for_good(network: Network) -> None:
    patient = Batcher[int, int](network, key=lambda number: 0, most=3, gather_ms=20)
    assert await asyncio.wait_for(patient.submit(1, FINAL), 20) == 2
    patient.close()


async def test_finals_go_before_partials_and_never_with_them(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    partials = [batcher.submit(number, PARTIAL) for number in (2, 3)]
    finals = [batcher.submit(number, FINAL) for number in (4, 5)]
    network.go_on.set()
    await asyncio.gather(first, *partials, *finals)
    assert network.batches == [[1], [4, 5], [2, 3]]


async def test_a_batch_is_of_one_key_the_oldest_first_and_no_larger_than_allowed(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    jobs = [batcher.submit(number, FINAL) for number in (100, 2, 101, 3)]
    jobs += [batcher.submit(number, FINAL) for number in range(20, 28)]
    network.go_on.set()
    await asyncio.gather(first, *jobs)
    assert network.batches == [[1], [100, 101], [2, 3, *range(20, 26)], [26, 27]]


async def test_a_batch_of_partials_is_small_so_that_a_final_waits_little(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    jobs = [batcher.submit(number, PARTIAL) for number in (2, 3, 4)]
    network.go_on.set()
    await asyncio.gather(first, *jobs)
    assert network.batches == [[1], [2, 3], [4]]


async def test_who_goes_away_while_queued_is_never_run(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    gone, stays = batcher.submit(2, FINAL), batcher.submit(3, FINAL)
    gone.cancel()
    await asyncio.sleep(0)
    network.go_on.set()
    await asyncio.gather(first, stays)
    assert network.batches == [[1], [3]]
    assert batcher.stats.dropped == 1


async def test_it_is_busy_for_partials_when_finals_wait_or_enough_of_them_do(
    network: Network, batcher: Batcher[int, int]
) -> None:
    assert not batcher.is_busy
    first = await held(network, batcher)
    assert not batcher.is_busy
    waiting = [batcher.submit(2, PARTIAL)]
    assert not batcher.is_busy
    waiting.append(batcher.submit(3, PARTIAL))
    assert batcher.is_busy
    waiting.pop().cancel()
    await asyncio.sleep(0)
    assert not batcher.is_busy
    waiting.append(batcher.submit(4, FINAL))
    assert batcher.is_busy
    network.go_on.set()
    await asyncio.gather(first, *waiting)
    assert not batcher.is_busy


async def test_one_that_fails_in_company_fails_alone(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    good, bad = batcher.submit(2, FINAL), batcher.submit(13, FINAL)
    other = batcher.submit(3, FINAL)
    network.go_on.set()
    assert await asyncio.gather(first, good, other) == [2, 4, 6]
    with pytest.raises(EngineFailed, match="13"):
        await bad


async def test_a_failure_of_the_code_reaches_its_waiters_and_the_thread_lives_on(
    batcher: Batcher[int, int],
) -> None:
    with pytest.raises(ZeroDivisionError):
        await batcher.submit(0, FINAL)
    assert await batcher.submit(5, FINAL) == 10


async def test_too_many_are_refused_with_what_to_do(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    jobs = [batcher.submit(number, FINAL) for number in range(20, 40)]
    with pytest.raises(EngineBusy, match="fewer calls at once, or add a GPU"):
        batcher.submit(99, FINAL)
    network.go_on.set()
    await asyncio.gather(first, *jobs)
    assert batcher.stats.refused == 1


async def test_closing_cancels_what_waits_and_refuses_what_comes(
    network: Network, batcher: Batcher[int, int]
) -> None:
    first = await held(network, batcher)
    waiting = batcher.submit(2, FINAL)
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    network.go_on.set()
    await closing
    assert await first == 2
    with pytest.raises(EngineBusy, match="closed"):
        batcher.submit(3, FINAL)
    batcher.close()
