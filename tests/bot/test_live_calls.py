"""How many calls and how many silent sockets there may be at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.live_calls import HANDSHAKES_PER_CALL, LiveCalls
from telephony.errors import LineBusy

CARRIER, STRANGER = "198.51.100.1", "203.0.113.7"


class Sockets:
    """Silent ones, each waiting in a task of its own."""

    def __init__(self, live: LiveCalls, tasks: asyncio.TaskGroup) -> None:
        self._live = live
        self._tasks = tasks
        self.closed: list[str] = []  # their names, in the order in which they lost their room
        self.reasons: list[str] = []
        self._waiting: list[asyncio.Task[None]] = []

    async def open(self, peer: str, *names: str) -> None:
        """Returns when they are open, and whoever lost its room has left."""
        for name in names:
            opened = asyncio.Event()
            self._waiting.append(self._tasks.create_task(self._wait(peer, name, opened)))
            await opened.wait()
            for _ in range(5):  # turns of the loop: the one that goes is told, and goes
                await asyncio.sleep(0)

    async def _wait(self, peer: str, name: str, opened: asyncio.Event) -> None:
        try:
            async with self._live.handshake(peer):
                opened.set()
                await asyncio.Event().wait()
        except LineBusy as error:
            self.closed.append(name)
            self.reasons.append(str(error))

    def leave(self) -> None:
        """All hang up."""
        for task in self._waiting:
            task.cancel()


@asynccontextmanager
async def sockets(live: LiveCalls) -> AsyncGenerator[Sockets]:
    async with asyncio.TaskGroup() as tasks:
        opened = Sockets(live, tasks)
        yield opened
        opened.leave()


async def test_silent_sockets_take_no_place_of_a_call() -> None:
    live = LiveCalls(2)
    async with AsyncExitStack() as stack:
        for _ in range(2 * HANDSHAKES_PER_CALL):
            await stack.enter_async_context(live.handshake(STRANGER))
        assert (len(live), live.is_full) == (0, False)
        with live.place():
            assert len(live) == 1


async def test_a_new_socket_takes_the_room_of_the_one_that_was_silent_longest() -> None:
    async with sockets(LiveCalls(1)) as silent:
        await silent.open(STRANGER, "a", "b", "c", "d")
        assert silent.closed == []
        await silent.open(STRANGER, "e", "f")
        assert silent.closed == ["a", "b"]
        assert "4 may be silent" in silent.reasons[0]


async def test_who_opens_many_sockets_displaces_its_own_and_not_the_carriers() -> None:
    async with sockets(LiveCalls(1)) as silent:
        await silent.open(CARRIER, "call")
        await silent.open(STRANGER, *"abcdefgh")
        assert silent.closed == ["a", "b", "c", "d", "e"]
        await silent.open(CARRIER, "another call")
        assert silent.closed == ["a", "b", "c", "d", "e", "f"]


async def test_sockets_that_left_make_room() -> None:
    live = LiveCalls(1)
    for _ in range(3):
        async with sockets(live) as silent:
            await silent.open(STRANGER, "a", "b", "c", "d")
        assert silent.closed == []


async def test_a_time_out_of_the_handshake_itself_is_not_taken_for_a_lack_of_room() -> None:
    with pytest.raises(TimeoutError):
        async with LiveCalls(1).handshake(CARRIER):
            raise TimeoutError


def test_a_call_over_the_limit_is_told_the_limit() -> None:
    live = LiveCalls(1)
    with live.place(), pytest.raises(LineBusy, match="CALLWRIGHT_MAX_CALLS is 1"), live.place():
        pass
    assert not live.is_full


async def test_a_server_that_stops_takes_neither_calls_nor_sockets() -> None:
    live = LiveCalls(1)
    await live.drain(timeout_s=1)
    with pytest.raises(LineBusy, match="shutting down"):
        async with live.handshake(CARRIER):
            pass
    with pytest.raises(LineBusy, match="shutting down"), live.place():
        pass
