"""The calls that run in this process: how many there may be, and how to reach one."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from bot.ending import CallEnding
from bot.session import CallSession
from telephony.call import Disposition, EndedBy
from telephony.errors import LineBusy

HANDSHAKES_PER_CALL = 4
"""Sockets that may be open without having said which call they are, for each call that may run.

A carrier says it within a second. Fewer, and a burst of calls loses sockets that would have spoken;
more, and silent sockets take memory for nothing.
"""


class LiveCalls:
    """Sessions by call id."""

    def __init__(self, max_calls: int) -> None:
        self.max_calls = max_calls
        self._places = 0
        self._silent: dict[asyncio.Timeout, str] = {}  # the oldest first; its peer's address
        self._sessions: dict[str, CallSession] = {}
        self._is_draining = False
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __len__(self) -> int:
        """How many places are taken."""
        return self._places

    @property
    def is_draining(self) -> bool:
        """Whether no more calls are taken."""
        return self._is_draining

    @property
    def is_full(self) -> bool:
        """Whether another call would be refused."""
        return self._is_draining or self._places >= self.max_calls

    @asynccontextmanager
    async def handshake(self, peer: str) -> AsyncGenerator[None]:
        """Room for a socket from `peer`, an address, that has yet to say which call it is.

        Where there is none, one that has been silent for longer loses its own. Raises LineBusy,
        in the block too.
        """
        if self._is_draining:
            raise LineBusy("The server is shutting down; try another")
        room = asyncio.timeout(None)
        try:
            async with room:
                self._silent[room] = peer
                if len(self._silent) > HANDSHAKES_PER_CALL * self.max_calls:
                    self._close_a_silent_one()
                try:
                    yield
                finally:
                    self._silent.pop(room, None)
        except TimeoutError:
            if not room.expired():
                raise
            raise LineBusy(
                "No start message yet, and a new socket needs the room: "
                f"{HANDSHAKES_PER_CALL * self.max_calls} may be silent"
            ) from None

    def _close_a_silent_one(self) -> None:
        """The oldest of the peer that holds most.

        So one that opens many displaces its own and not the carriers', and where all come through
        one proxy, and look alike, it is the oldest of all: a carrier has spoken long before.
        """
        held = Counter(self._silent.values())
        most = max(held.values())
        oldest = next(room for room, peer in self._silent.items() if held[peer] == most)
        del self._silent[oldest]
        oldest.reschedule(asyncio.get_running_loop().time())

    @contextmanager
    def place(self) -> Generator[None]:
        """A place for one call. Raises LineBusy."""
        if self._is_draining:
            raise LineBusy("The server is shutting down; try another")
        if self._places >= self.max_calls:
            raise LineBusy(
                f"{self._places} calls are running, and CALLWRIGHT_MAX_CALLS is {self.max_calls}"
            )
        self._places += 1
        self._emptied.clear()
        try:
            yield
        finally:
            self._places -= 1
            if not self._places:
                self._emptied.set()

    async def run(self, session: CallSession) -> None:
        """Run a session, reachable by its call's id. Raises LineBusy when it runs already."""
        if session.call_id in self._sessions:
            raise LineBusy(f"Call {session.call_id} has a stream already")
        self._sessions[session.call_id] = session
        try:
            await session.run()
        finally:
            del self._sessions[session.call_id]

    def find(self, call_id: str) -> CallSession | None:
        """The session of a call, if it runs here."""
        return self._sessions.get(call_id)

    async def drain(self, timeout_s: float) -> None:
        """Take no more calls, wait for those that run, and end those that outlast the wait."""
        self._is_draining = True
        try:
            async with asyncio.timeout(timeout_s):
                await self._emptied.wait()
        except TimeoutError:
            ending = CallEnding(Disposition.FAILED, EndedBy.OPERATOR, reason="the server stopped")
            # At once: one that hangs takes seconds, and the machine's patience is for all of them.
            async with asyncio.TaskGroup() as tasks:
                for session in list(self._sessions.values()):
                    tasks.create_task(session.end(ending))
            await self._emptied.wait()
