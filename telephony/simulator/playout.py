"""The carrier's playout of the bot's audio: a FIFO with a playhead, counted in samples; pure."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from telephony.simulator.phone_audio import Mask, Pcm


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What left the loudspeaker in one tick."""

    pcm: Pcm  # int16 mono, silence where nothing was there to play
    supplied: Mask  # True where the sample came from the bot
    marks: tuple[str, ...]  # passed by the playhead in this tick, in order


@dataclass(slots=True)
class _Chunk:
    pcm: Pcm
    position: int = 0  # samples of it that were played

    @property
    def left(self) -> int:
        return self.pcm.size - self.position


@dataclass(slots=True)
class _Mark:
    name: str


@dataclass(slots=True)
class Playout:
    """Plays chunks in order and says when the playhead passes a mark.

    After having run dry it starts again when `jitter_samples` are buffered, or when that much time
    has passed since the first of them arrived, whichever is first: the jitter buffer that stands in
    front of every telephone. Without it (0) each late chunk is heard as a hole.
    """

    capacity_samples: int
    jitter_samples: int = 0
    _queue: "deque[_Chunk | _Mark]" = field(default_factory=lambda: deque[_Chunk | _Mark]())
    _buffered: int = 0
    _running: bool = False
    _waited: int = 0

    @property
    def buffered_samples(self) -> int:
        return self._buffered

    def push(self, pcm: Pcm) -> bool:
        """Takes one chunk. False: the capacity would be exceeded, and it was discarded."""
        if self._buffered + pcm.size > self.capacity_samples:
            return False
        if pcm.size:
            self._queue.append(_Chunk(pcm))
            self._buffered += pcm.size
        return True

    def mark(self, name: str) -> bool:
        """True: nothing is buffered, so the mark is due at once; else it waits for the playhead."""
        if self._buffered == 0 and not self._queue:
            return True
        self._queue.append(_Mark(name))
        return False

    def clear(self) -> tuple[str, ...]:
        """Twilio's clear: drops everything. Returns the pending marks, in order."""
        return self._drop(keep_started=False)

    def clear_not_started(self) -> tuple[str, ...]:
        """Exotel's clear: the chunk that has begun to play is finished, all after it is dropped."""
        return self._drop(keep_started=True)

    def _drop(self, *, keep_started: bool) -> tuple[str, ...]:
        first = self._queue[0] if self._queue else None
        started = isinstance(first, _Chunk) and first.position > 0
        kept = first if keep_started and started and isinstance(first, _Chunk) else None
        marks = tuple(item.name for item in self._queue if isinstance(item, _Mark))
        self._queue.clear()
        self._buffered = 0
        if kept is not None:
            self._queue.append(kept)
            self._buffered = kept.left
        else:
            self._running = False
            self._waited = 0
        return marks

    def advance(self, samples: int) -> Played:
        """Moves the playhead by one tick."""
        pcm = np.zeros(samples, dtype=np.int16)
        supplied = np.zeros(samples, dtype=np.bool_)
        if not self._may_run(samples):
            return Played(pcm, supplied, ())
        marks: list[str] = []
        filled = 0
        while self._queue:
            item = self._queue[0]
            if isinstance(item, _Mark):
                marks.append(item.name)
                self._queue.popleft()
                continue
            if filled == samples:
                break
            count = min(item.left, samples - filled)
            pcm[filled : filled + count] = item.pcm[item.position : item.position + count]
            supplied[filled : filled + count] = True
            filled += count
            item.position += count
            self._buffered -= count
            if item.left == 0:
                self._queue.popleft()
        if self._buffered == 0:
            self._running = False
            self._waited = 0
        return Played(pcm, supplied, tuple(marks))

    def _may_run(self, samples: int) -> bool:
        if self._running:
            return True
        if self._buffered == 0:
            return False
        if self._buffered >= self.jitter_samples or self._waited >= self.jitter_samples:
            self._running = True
            return True
        self._waited += samples
        return False
