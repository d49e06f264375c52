"""What the workers of a service know of each other: memory that they share.

Each has a slot (whether it takes calls, how many media sockets it holds, its last measurements),
and all have the places for calls. The parent of the workers makes the memory and they inherit it;
a process alone has one of its own. Changes are made under a lock of the file, which the system
lifts from a process that dies.
"""

import fcntl
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from typing import Any

from bot.workers.places import Occupied, Places, table_bytes

_SLOT = struct.Struct("<8sbxxxii")  # its id, state, sockets, length of the text behind it
TEXT_BYTES = 8 * 1024
"""For a worker's measurements as text; they take about 2 KB."""


class WorkerState(IntEnum):
    """What a worker does with new calls."""

    ABSENT = 0  # starting, or dead
    OPEN = 1
    LATE = 2  # its loop is late: it finishes what it has
    STOPPING = 3


def monotonic_ms() -> int:
    """Milliseconds on the machine's clock, the same for all its processes."""
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class _Slot:
    """What stands of one worker."""

    worker_id: bytes = bytes(8)
    state: WorkerState = WorkerState.ABSENT
    sockets: int = 0  # media sockets that it holds, or that are on their way to it
    text_bytes: int = 0


class Board:
    """The shared memory. Every method takes the lock for some microseconds."""

    def __init__(
        self,
        max_calls: int,
        workers: int = 1,
        *,
        fd: int | None = None,
        now_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        """`fd`: the file under the memory, of `Board.file`; None: memory of this process alone."""
        self.workers = workers
        self.max_calls = max_calls
        self._fd = fd
        self._now_ms = now_ms
        size = board_bytes(max_calls, workers)
        self._memory = memoryview(bytearray(size) if fd is None else mmap.mmap(fd, size))
        self._places = Places(self._memory[workers * _slot_bytes() :], max_calls, workers)

    @property
    def share(self) -> int:
        """The most calls that one worker leads."""
        return self._places.share

    # Places

    def room(self) -> int:
        """How many more calls may come."""
        with self._locked():
            return self._places.room(self._open(), self._now_ms())

    def occupied(self) -> Occupied:
        """The places in use."""
        with self._locked():
            return self._places.occupied(self._now_ms())

    def reserve(self, call_id: str, for_s: float) -> bool:
        """Keep a place for a call; False: there is no room."""
        with self._locked():
            now_ms = self._now_ms()
            expires_ms = now_ms + round(for_s * 1000)
            return self._places.reserve(call_id, self._open(), now_ms, expires_ms)

    def release(self, call_id: str) -> None:
        """Give up what is reserved for a call."""
        with self._locked():
            self._places.release(call_id, self._now_ms())

    def take(self, call_id: str | None, worker: int) -> int | None:
        """A place that `worker` leads a call on; None: there is no room. Raises StreamRuns."""
        with self._locked():
            return self._places.take(call_id, worker, self._open(), self._now_ms())

    def name(self, place: int, call_id: str) -> None:
        """Say whose a taken place is. Raises StreamRuns where the call has another."""
        with self._locked():
            self._places.name(place, call_id)

    def free(self, place: int) -> None:
        """Leave a place."""
        with self._locked():
            self._places.free(place)

    def leader_of(self, call_id: str) -> int | None:
        """The worker on which a call runs; None: it runs on none."""
        with self._locked():
            return self._places.leader_of(call_id)

    # Workers

    def introduce(self, worker: int, worker_id: str) -> None:
        """Say under which id (16 hex digits) a worker leads calls."""
        with self._locked():
            self._change(worker, worker_id=bytes.fromhex(worker_id))

    def is_of_us(self, worker_id: str | None) -> bool:
        """Whether a worker of this service leads calls under that id."""
        with self._locked():
            ids = {self._slot(worker).worker_id.hex() for worker in range(self.workers)}
        return worker_id in ids

    def set_state(self, worker: int, state: WorkerState) -> None:
        """Say what a worker does with new calls."""
        with self._locked():
            self._change(worker, state=state)

    def state(self, worker: int) -> WorkerState:
        """What a worker does with new calls."""
        with self._locked():
            return self._slot(worker).state

    def forget(self, worker: int) -> None:
        """A worker died: its calls are over, its place in the row is empty."""
        with self._locked():
            self._places.free_all_of(worker)
            self._write(worker, _Slot())

    def place_socket(self, at: int) -> int:
        """The worker that shall have a media socket which came to the worker `at`; it is counted.

        That is the open one with the fewest; where two have as few, the one that it came to. Where
        none is open it stays where it is: its place may be reserved.
        """
        with self._locked():
            open_ = [
                (slot.sockets, worker != at, worker)
                for worker, slot in enumerate(map(self._slot, range(self.workers)))
                if slot.state is WorkerState.OPEN
            ]
            chosen = min(open_)[2] if open_ else at
            self._count_socket(chosen, 1)
            return chosen

    def moved_socket(self, from_worker: int, to_worker: int) -> None:
        """The socket that was counted for one worker stays with another."""
        with self._locked():
            self._count_socket(from_worker, -1)
            self._count_socket(to_worker, 1)

    def closed_socket(self, worker: int) -> None:
        """A media socket of a worker was closed."""
        with self._locked():
            self._count_socket(worker, -1)

    def publish(self, worker: int, text: bytes) -> None:
        """Leave a worker's measurements for the others. Raises ValueError over TEXT_BYTES."""
        if len(text) > TEXT_BYTES:
            raise ValueError(f"{len(text)} bytes of measurements; there is room for {TEXT_BYTES}")
        with self._locked():
            self._change(worker, text_bytes=len(text))
            start = worker * _slot_bytes() + _SLOT.size
            self._memory[start : start + len(text)] = text

    def published(self, worker: int) -> bytes:
        """What a worker left last; nothing where it is absent."""
        with self._locked():
            start = worker * _slot_bytes() + _SLOT.size
            return bytes(self._memory[start : start + self._slot(worker).text_bytes])

    def _count_socket(self, worker: int, change: int) -> None:
        # One that was on its way to a worker that died is closed later than it was forgotten.
        self._change(worker, sockets=max(0, self._slot(worker).sockets + change))

    def _open(self) -> list[bool]:
        return [self._slot(worker).state is WorkerState.OPEN for worker in range(self.workers)]

    def _slot(self, worker: int) -> _Slot:
        found = _SLOT.unpack_from(self._memory, worker * _slot_bytes())
        worker_id, state, sockets, text_bytes = found
        return _Slot(worker_id, WorkerState(state), sockets, text_bytes)

    def _change(self, worker: int, **fields: Any) -> None:
        self._write(worker, replace(self._slot(worker), **fields))

    def _write(self, worker: int, slot: _Slot) -> None:
        _SLOT.pack_into(self._memory, worker * _slot_bytes(), *astuple(slot))

    @contextmanager
    def _locked(self) -> Generator[None]:
        if self._fd is None:
            yield
            return
        fcntl.lockf(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)


def board_bytes(max_calls: int, workers: int) -> int:
    """The size of the memory."""
    return workers * _slot_bytes() + table_bytes(max_calls)


def board_file(max_calls: int, workers: int) -> int:
    """A file without a name for the memory of a board; returns its descriptor, to be inherited."""
    with tempfile.TemporaryFile() as file:
        file.truncate(board_bytes(max_calls, workers))
        return os.dup(file.fileno())


def _slot_bytes() -> int:
    return _SLOT.size + TEXT_BYTES
