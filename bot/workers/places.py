"""The places for calls, in a table that all workers see.

A place is reserved when a call is answered or dialled and taken when its media stream comes; one
whose stream never comes is free again when its time is up. The table knows no clock and no lock:
it is told the time, and whoever changes it holds the lock (`Board`).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

_ENTRY = struct.Struct("<16sbxhxxxxq")  # call id, use, worker, expires at (ms)
_NOBODY = bytes(16)


class Refusal(Enum):
    """Why another call is not taken."""

    FULL = "full"
    LATE = "late"  # places are left, and no worker for them: late (see loop_lag.py), or absent
    STOPPING = "stopping"


class StreamRuns(Exception):
    """The call has a place already, and a stream on it."""


class _Use(IntEnum):
    FREE = 0
    RESERVED = 1
    TAKEN = 2


@dataclass(frozen=True, slots=True)
class _Entry:
    call_id: bytes  # 16 bytes, zeros where it is not known
    use: _Use
    worker: int  # that leads the call; of a reserved place: nobody yet
    expires_ms: int  # of a reserved place, on the clock of whoever tells the time


@dataclass(frozen=True, slots=True)
class Occupied:
    """How many places are in use."""

    taken: tuple[int, ...]  # by worker
    reserved: int

    @property
    def total(self) -> int:
        return sum(self.taken) + self.reserved


def table_bytes(max_calls: int) -> int:
    """The size of a table."""
    return _ENTRY.size * max_calls


class Places:
    """A table of `max_calls` places over a buffer of `table_bytes`, all zeros at first.

    `workers` share them: none leads more than its share, so that the calls of one that is not
    there are not piled on the others.
    """

    def __init__(self, buffer: memoryview, max_calls: int, workers: int) -> None:
        self.max_calls = max_calls
        self.share = -(-max_calls // workers)
        self._buffer = buffer
        self._workers = workers

    def occupied(self, now_ms: int) -> Occupied:
        """The places in use at `now_ms`."""
        taken, reserved = [0] * self._workers, 0
        for _, entry in self._in_use(now_ms):
            if entry.use is _Use.TAKEN:
                taken[entry.worker] += 1
            else:
                reserved += 1
        return Occupied(tuple(taken), reserved)

    def room(self, is_open: Sequence[bool], now_ms: int) -> int:
        """How many more calls may come; `is_open`: which workers take any."""
        used = self.occupied(now_ms)
        of_workers = sum(
            max(0, self.share - taken)
            for taken, open_ in zip(used.taken, is_open, strict=True)
            if open_
        )
        return max(0, min(self.max_calls - used.total, of_workers - used.reserved))

    def reserve(self, call_id: str, is_open: Sequence[bool], now_ms: int, expires_ms: int) -> bool:
        """Keep a place for a call until `expires_ms`; again for one that has it. False: no room."""
        index, entry = self._of(call_id, now_ms)
        if entry is not None and entry.use is _Use.TAKEN:
            return True
        if entry is None:
            if self.room(is_open, now_ms) < 1:
                return False
            index = self._free_one(now_ms)
        self._write(index, _Entry(bytes.fromhex(call_id), _Use.RESERVED, 0, expires_ms))
        return True

    def release(self, call_id: str, now_ms: int) -> None:
        """Give up the place that is reserved for a call, if there is one."""
        index, entry = self._of(call_id, now_ms)
        if entry is not None and entry.use is _Use.RESERVED:
            self.free(index)

    def take(
        self, call_id: str | None, worker: int, is_open: Sequence[bool], now_ms: int
    ) -> int | None:
        """The number of the place that `worker` leads a call on from now; None: there is no room.

        A reserved one is the call's own, whatever is open. Raises StreamRuns.
        """
        index, entry = self._of(call_id, now_ms) if call_id else (0, None)
        if entry is not None and entry.use is _Use.TAKEN:
            raise StreamRuns
        if entry is None:
            if self.room(is_open, now_ms) < 1:
                return None
            index = self._free_one(now_ms)
        name = bytes.fromhex(call_id) if call_id else _NOBODY
        self._write(index, _Entry(name, _Use.TAKEN, worker, 0))
        return index

    def name(self, place: int, call_id: str) -> None:
        """Say whose a taken place is. Raises StreamRuns where the call has another."""
        if self._of(call_id, 0)[1] is not None:
            raise StreamRuns
        entry = self._read(place)
        self._write(place, _Entry(bytes.fromhex(call_id), entry.use, entry.worker, 0))

    def free(self, place: int) -> None:
        """Leave a place."""
        self._write(place, _Entry(_NOBODY, _Use.FREE, 0, 0))

    def free_all_of(self, worker: int) -> None:
        """Leave the places of a worker that died."""
        for index in range(self.max_calls):
            entry = self._read(index)
            if entry.use is _Use.TAKEN and entry.worker == worker:
                self.free(index)

    def leader_of(self, call_id: str) -> int | None:
        """The worker on which a call runs; None: it runs on none."""
        _, entry = self._of(call_id, 0)
        return entry.worker if entry is not None and entry.use is _Use.TAKEN else None

    def _in_use(self, now_ms: int) -> Iterator[tuple[int, _Entry]]:
        for index in range(self.max_calls):
            entry = self._read(index)
            is_over = entry.use is _Use.RESERVED and entry.expires_ms <= now_ms
            if entry.use is not _Use.FREE and not is_over:
                yield index, entry

    def _of(self, call_id: str, now_ms: int) -> tuple[int, _Entry | None]:
        wanted = bytes.fromhex(call_id)
        found = (item for item in self._in_use(now_ms) if item[1].call_id == wanted)
        return next(found, (0, None))

    def _free_one(self, now_ms: int) -> int:
        """A place that nobody uses; there must be one."""
        used = {index for index, _ in self._in_use(now_ms)}
        return next(index for index in range(self.max_calls) if index not in used)

    def _read(self, index: int) -> _Entry:
        call_id, use, worker, expires_ms = _ENTRY.unpack_from(self._buffer, index * _ENTRY.size)
        return _Entry(call_id, _Use(use), worker, expires_ms)

    def _write(self, index: int, entry: _Entry) -> None:
        _ENTRY.pack_into(
            self._buffer,
            index * _ENTRY.size,
            entry.call_id,
            entry.use,
            entry.worker,
            entry.expires_ms,
        )
