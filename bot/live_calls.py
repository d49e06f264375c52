"""The calls that run in this process: how many there may be, and how to reach one."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from loguru import logger

from bot.ending import CallEnding
from bot.garbage import CollectionRule
from bot.session import CallSession
from bot.workers.board import Board, WorkerState
from bot.workers.places import Refusal, StreamRuns
from telephony.call import Disposition, EndedBy
from telephony.errors import LineBusy

HANDSHAKES_PER_CALL = 4
"""Sockets that may be open without having said which call they are, for each call that may run.

A carrier says it within a second. Fewer, and a burst of calls loses sockets that would have spoken;
more, and silent sockets take memory for nothing.
"""

STREAM_WAIT_S = 20.0
"""How long an answered call keeps its place without a media stream. Twilio gives the socket 10 s,
Exotel 10 s and one more try; a caller who hangs up before that sends no word of it."""


class Place:
    """A place that a call has taken."""

    def __init__(self, board: Board, number: int) -> None:
        self._board = board
        self._number = number

    def belongs_to(self, call_id: str) -> None:
        """Say whose it is, where that was not known when it was taken. Raises LineBusy."""
        try:
            self._board.name(self._number, call_id)
        except StreamRuns:
            raise LineBusy(f"Call {call_id} has a stream already") from None


class LiveCalls:
    """Sessions by call id, and their places among those of the service."""

    def __init__(self, max_calls: int, board: Board | None = None, worker: int = 0) -> None:
        """`board`: of the service that this process is the `worker` of; None: it is alone."""
        self.max_calls = max_calls
        self.worker = worker
        self.board = board or Board(max_calls)
        self.refused: Counter[Refusal] = Counter()
        self._places = 0
        self._silent: dict[asyncio.Timeout, str] = {}  # the oldest first; its peer's address
        self._sessions: dict[str, CallSession] = {}
        self._collection = CollectionRule()
        self._is_open = self._is_draining = self._is_late = False
        self._emptied = asyncio.Event()
        self._emptied.set()
        if board is None:
            self.open()

    def __len__(self) -> int:
        """How many places this process has taken."""
        return self._places

    @property
    def is_draining(self) -> bool:
        """Whether no more calls are taken."""
        return self._is_draining

    @property
    def is_full(self) -> bool:
        """Whether another call would be refused."""
        return self.refusal() is not None

    @property
    def running(self) -> int:
        """The calls that run in the whole service."""
        return sum(self.board.occupied().taken)

    def open(self, worker_id: str = "") -> None:
        """Take calls from now on, and lead them under that id."""
        if worker_id:
            self.board.introduce(self.worker, worker_id)
        self._collection = CollectionRule()
        self._is_open = True
        self._show_state()

    def set_late(self, is_late: bool) -> None:
        """Keep new calls away from this process, or let them come again: see loop_lag.py."""
        self._is_late = is_late
        if is_late:
            logger.warning("the event loop is late: new calls are kept away")
        else:
            logger.info("the event loop is on time again: calls are taken")
        self._show_state()

    def _show_state(self) -> None:
        if not self._is_open:
            return
        late = WorkerState.LATE if self._is_late else WorkerState.OPEN
        self.board.set_state(self.worker, WorkerState.STOPPING if self._is_draining else late)

    def refusal(self) -> Refusal | None:
        """Why another call would be refused now; None: it would be taken."""
        if self._is_draining:
            return Refusal.STOPPING
        if self.board.room() > 0:
            return None
        is_full = self.board.occupied().total >= self.max_calls
        return Refusal.FULL if is_full else Refusal.LATE

    def reserve(self, call_id: str, for_s: float = STREAM_WAIT_S) -> Refusal | None:
        """Keep a place for a call whose stream is to come within `for_s`; None: it has one.

        Again for the same call, the time begins anew. Who gets none is counted as refused.
        """
        refusal = self._reserve(call_id, for_s)
        if refusal is not None:
            self.refused[refusal] += 1
        return refusal

    def try_reserve(self, call_id: str, for_s: float) -> bool:
        """The same for one that can wait: it is not refused."""
        return self._reserve(call_id, for_s) is None

    def _reserve(self, call_id: str, for_s: float) -> Refusal | None:
        if self._is_draining:
            return Refusal.STOPPING
        if self.board.reserve(call_id, for_s):
            return None
        return self.refusal() or Refusal.FULL

    def release(self, call_id: str) -> None:
        """Give up the place that is kept for a call: it is over, or was never dialled."""
        self.board.release(call_id)

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
                if len(self._silent) > HANDSHAKES_PER_CALL * self.board.share:
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
                f"{HANDSHAKES_PER_CALL * self.board.share} may be silent"
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
    def place(self, call_id: str | None = None) -> Generator[Place]:
        """A place for one call, its own where one is reserved. Raises LineBusy."""
        if self._is_draining:
            raise LineBusy("The server is shutting down; try another")
        number = self._take(call_id)
        self._places += 1
        self._emptied.clear()
        try:
            yield Place(self.board, number)
        finally:
            self.board.free(number)
            self._places -= 1
            if not self._places:
                self._emptied.set()

    def _take(self, call_id: str | None) -> int:
        try:
            number = self.board.take(call_id, self.worker)
        except StreamRuns:
            raise LineBusy(f"Call {call_id} has a stream already") from None
        if number is None:
            refusal = self.refusal() or Refusal.FULL
            self.refused[refusal] += 1
            raise LineBusy(self.words(refusal))
        return number

    def words(self, refusal: Refusal) -> str:
        """A refusal for people."""
        match refusal:
            case Refusal.STOPPING:
                return "The server is shutting down; try another"
            case Refusal.LATE:
                return "The machine is too busy, or a worker is missing; try again later"
            case Refusal.FULL:
                used = self.board.occupied().total
                return f"{used} calls are running, and CALLWRIGHT_MAX_CALLS is {self.max_calls}"

    async def run(self, session: CallSession) -> None:
        """Run a session, reachable by its call's id. Raises LineBusy when it runs already."""
        call_id = session.call_id
        if call_id in self._sessions:
            raise LineBusy(f"Call {call_id} has a stream already")
        self._sessions[call_id] = session
        try:
            await session.run()
        finally:
            del self._sessions[call_id]
        if self._collection.is_due(len(self._sessions)):
            del session  # it is part of the garbage
            await asyncio.to_thread(gc.collect)

    def find(self, call_id: str) -> CallSession | None:
        """The session of a call, if it runs here."""
        return self._sessions.get(call_id)

    async def drain(self, timeout_s: float) -> None:
        """Take no more calls, wait for those that run, and end those that outlast the wait."""
        self._is_draining = True
        self._show_state()
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
