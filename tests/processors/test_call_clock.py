"""The call's clock tells who waits for it when so much of the caller's audio has come."""

import asyncio

from processors.call_clock import CallClock

RATE_HZ = 8000


async def test_who_waits_is_told_by_audio_in_the_order_of_time() -> None:
    clock, told = CallClock(), list[int]()

    async def wait(at_ms: int) -> None:
        await clock.reached(at_ms)
        told.append(at_ms)

    async with asyncio.TaskGroup() as tasks:
        for at_ms in (300, 100, 200, 100):
            tasks.create_task(wait(at_ms))
        left = tasks.create_task(wait(150))
        await asyncio.sleep(0)
        assert told == []
        left.cancel()
        for expected in ([100, 100], [100, 100, 200], [100, 100, 200, 300]):
            clock.advance(RATE_HZ // 10, RATE_HZ)
            await asyncio.sleep(0)
            assert told == expected
    await clock.reached(300)  # has come
