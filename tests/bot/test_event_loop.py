"""Waiting with a deadline, as from Python 3.12 on."""

import asyncio

import pytest

from bot.event_loop import wait_for


async def test_what_is_there_is_given_without_a_turn_of_the_loop() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(7)
    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "turn")
    assert await wait_for(queue.get(), 1.0) == 7
    assert turns == []


async def test_what_comes_too_late_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        await wait_for(never(), 0.01)
    assert cancelled.is_set()


async def test_no_time_at_all_takes_what_is_done_and_nothing_else() -> None:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.set_result(3)
    assert await wait_for(done, 0) == 3
    with pytest.raises(TimeoutError):
        await wait_for(asyncio.Event().wait(), 0)


async def test_its_own_failures_and_timeouts_pass_through() -> None:
    async def fails() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await wait_for(fails(), 1.0)


async def test_who_is_cancelled_while_waiting_is_cancelled() -> None:
    waiter = asyncio.create_task(wait_for(asyncio.Event().wait(), 10.0))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
