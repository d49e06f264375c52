"""The event loop that the server runs on, and how its coroutines wait with a deadline.

Pipecat replaces `asyncio.wait_for` on Python 3.11 by one that makes a task of what is waited for,
which costs turns of the loop, and waits so twice for each packet of the bot's voice: with 24 calls
the voice had holes though no turn was long. From Python 3.12 on, `asyncio.wait_for` waits in place;
`wait_for` here is that one.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


async def wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109
    """What `awaitable` gives within `timeout` seconds, as from Python 3.12 on.

    Raises TimeoutError when the time is over; `awaitable` is cancelled then.
    """
    if timeout is not None and timeout <= 0:
        task = asyncio.ensure_future(awaitable)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        try:
            return task.result()
        except asyncio.CancelledError as error:
            raise TimeoutError from error
    async with asyncio.timeout(timeout):
        return await awaitable


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run the server's coroutine to its end."""
    asyncio.wait_for = wait_for
    uvloop.run(main)
