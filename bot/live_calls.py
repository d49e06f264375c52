"""The calls that run in this process: how many there may be, and how to reach one."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from bot.ending import CallEnding
from bot.session import CallSession
from telephony.call import Disposition, EndedBy
from telephony.errors import LineBusy

HANDSHAKES_PER_CALL = 4
"""Sockets that may be open without having said which call they are, for each call that may run.

A carrier says it within a second. Fewer, and a burst of calls is refused behind silent sockets;
more, and silent sockets take memory for nothing.
"""


class LiveCalls:
    """Sessions by call id."""

    def __init__(self, max_calls: int) -> None:
        self.max_calls = max_calls
        self._places = 0
        self._handshakes = 0
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

    @contextmanager
    def handshake(self) -> Generator[None]:
        """Room for a socket that has yet to say which call it is. Raises LineBusy."""
        if self._is_draining:
            raise LineBusy("The server is shutting down; try another")
        if self._handshakes >= HANDSHAKES_PER_CALL * self.max_calls:
            raise LineBusy(f"{self._handshakes} sockets have yet to send their start message")
        self._handshakes += 1
        try:
            yield
        finally:
            self._handshakes -= 1

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
