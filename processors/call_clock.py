"""The call's clock: milliseconds of the caller's audio since the stream began.

Audio is the truth; between two packets the wall fills in, so that events without audio
(a reply that is ready, a packet that was sent) get a time on the same axis.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable


class CallClock:
    """Counts the caller's samples and interpolates between packets."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._audio_ms = 0.0
        self._audio_at_s: float | None = None
        self._told_ms = 0
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []  # heap, by time

    @property
    def audio_ms(self) -> int:
        """The end of the audio received so far."""
        return round(self._audio_ms)

    def advance(self, samples: int, sample_rate_hz: int) -> None:
        """Audio of so many samples arrived."""
        self._audio_ms += samples * 1000 / sample_rate_hz
        self._audio_at_s = self._monotonic_s()
        while self._waiting and self._waiting[0][0] <= self._audio_ms:
            _, _, waiting = heapq.heappop(self._waiting)
            if not waiting.done():
                waiting.set_result(None)

    async def reached(self, at_ms: int) -> None:
        """Wait for so much of the caller's audio: for ever, where the line has gone silent."""
        if self._audio_ms < at_ms:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (at_ms, next(self._order), waiting))
            await waiting

    def now_ms(self) -> int:
        """The time now: the audio so far, plus the wall since its last packet. Never goes back,
        though a packet that comes late brings less audio than the wall promised."""
        if self._audio_at_s is None:
            return 0
        now_ms = round(self._audio_ms + (self._monotonic_s() - self._audio_at_s) * 1000)
        self._told_ms = max(self._told_ms, now_ms)
        return self._told_ms
