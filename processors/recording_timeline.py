"""Where each sample of a call belongs in its recording: pure, fed with samples and arrival times.

The call's clock is the caller's audio: sample n of the recording is the n-th sample that the
caller's carrier sent (what it lost was filled with silence before it came here). The bot's audio
is placed where the far end plays it: behind what it still has to play, or, where that has run
out, at the clock's present. Between two packets of the caller the present is estimated from
their arrival times, so that packets of 100 ms and a late packet do not shift the bot's voice.

All audio is int16 mono PCM, shape (n,), at the recording's rate; times `at_s` are of one
monotonic clock, in seconds. Nothing here reads a clock.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Stereo = npt.NDArray[np.int16]
"""int16 PCM, shape (n, 2): caller left, bot right."""

GAP_MS = 20
"""A lag of the bot's packets up to this is bridged, as a telephone's jitter buffer does; a longer
one is a pause. Larger: the bot's voice may sit so much too early. Smaller: the jitter of packets
tears gaps into words."""

WINDOW_S = 4
"""The present is judged by the least delayed packet of so many seconds. Longer: a clock that
drifts is followed late (50 ppm in 4 s: 0.2 ms). Shorter: a stall of the network looks like time."""

BLOCK_SAMPLES = 4096  # what is handed out at once; FLAC's own block at these rates

LONGEST_AHEAD_S = 600
"""Bot audio further ahead of the clock is dropped, as Twilio drops it (warning 31931)."""


class LineClock:
    """The caller's clock between his packets."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._first_seen_s: float | None = None
        self._lead_s: deque[tuple[int, float]] = deque()  # (second, clock minus arrival, at most)
        self.samples = 0

    def receive(self, samples: int, at_s: float) -> None:
        """So many samples of the caller's audio arrived."""
        self.samples += samples
        second, lead_s = int(at_s), self.samples / self._rate_hz - at_s
        if self._lead_s and self._lead_s[-1][0] >= second:
            second, best_s = self._lead_s.pop()
            lead_s = max(lead_s, best_s)
        self._lead_s.append((second, lead_s))
        while self._lead_s[0][0] <= second - WINDOW_S:
            self._lead_s.popleft()

    def now(self, at_s: float) -> int:
        """The present, in samples; never before what was received."""
        if self._first_seen_s is None:
            self._first_seen_s = at_s
        best_s = max((lead for _, lead in self._lead_s), default=-self._first_seen_s)
        return max(self.samples, round((at_s + best_s) * self._rate_hz))


class RecordingTimeline:
    """Puts caller and bot side by side, and hands out what can no longer change."""

    def __init__(self, sample_rate_hz: int, *, bot_delay_ms: int = 0) -> None:
        """A recording at `sample_rate_hz`.

        `bot_delay_ms` is how long bot audio stays on our side after `bot` was told of it, e.g.
        while a serializer gathers a packet of 100 ms.
        """
        self._rate_hz = sample_rate_hz
        self._clock = LineClock(sample_rate_hz)
        self._gap = GAP_MS * sample_rate_hz // 1000
        self._delay = bot_delay_ms * sample_rate_hz // 1000
        self._caller: deque[Pcm] = deque()  # from `_emitted` to the clock
        self._bot: deque[tuple[int, Pcm]] = deque()  # (start, audio), in order, never overlapping
        self._bot_end = 0
        self._emitted = 0

    @property
    def clock_samples(self) -> int:
        """The caller's samples so far: the call's clock."""
        return self._clock.samples

    def caller(self, pcm: Pcm, at_s: float) -> None:
        """The caller's next audio arrived."""
        if len(pcm):
            self._caller.append(pcm)
            self._clock.receive(len(pcm), at_s)

    def bot(self, pcm: Pcm, at_s: float) -> None:
        """The bot's next audio left for the line."""
        now = self._clock.now(at_s) + self._delay
        start = self._bot_end if now - self._bot_end <= self._gap else now
        if not len(pcm) or start - now > LONGEST_AHEAD_S * self._rate_hz:
            return
        self._bot.append((start, pcm))
        self._bot_end = start + len(pcm)

    def clear(self, at_s: float) -> None:
        """The far end's buffer was emptied: what it had not played by now was never heard."""
        now = self._clock.now(at_s)
        while self._bot and self._bot[-1][0] >= now:
            self._bot.pop()
        if self._bot:
            start, pcm = self._bot.pop()
            self._bot.append((start, pcm[: now - start]))
        self._bot_end = min(self._bot_end, now)

    def advance_to(self, samples: int, at_s: float) -> None:
        """The caller's audio stopped arriving: fill with silence up to `samples`."""
        missing = samples - self._clock.samples
        if missing > 0:
            # One zero seen `missing` times: takes no memory however long the silence.
            self._caller.append(np.broadcast_to(np.int16(0), (missing,)))
            self._clock.receive(missing, at_s)

    def blocks(self) -> Iterator[Stereo]:
        """What can no longer change, in whole blocks."""
        while self._clock.samples - self._gap - self._emitted >= BLOCK_SAMPLES:
            yield self._emit(BLOCK_SAMPLES)

    def finish(self, at_s: float) -> Iterator[Stereo]:
        """The call is over: the rest, up to the clock.

        Bot audio beyond the clock was not played. Where the caller's audio never came at all,
        the clock is that of the bot's audio.
        """
        if self._clock.samples == 0:
            self.advance_to(min(self._bot_end, self._clock.now(at_s)), at_s)
        while rest := min(self._clock.samples - self._emitted, BLOCK_SAMPLES):
            yield self._emit(rest)

    def _emit(self, samples: int) -> Stereo:
        block: Stereo = np.zeros((samples, 2), dtype=np.int16)
        self._take_caller(block[:, 0])
        self._take_bot(block[:, 1])
        self._emitted += samples
        return block

    def _take_caller(self, out: Pcm) -> None:
        filled = 0
        while filled < len(out):
            pcm = self._caller.popleft()
            part = pcm[: len(out) - filled]
            out[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) < len(pcm):
                self._caller.appendleft(pcm[len(part) :])

    def _take_bot(self, out: Pcm) -> None:
        end = self._emitted + len(out)
        while self._bot and self._bot[0][0] < end:
            start, pcm = self._bot.popleft()
            part = pcm[: end - start]
            offset = start - self._emitted
            out[offset : offset + len(part)] = part
            if len(part) < len(pcm):
                self._bot.appendleft((end, pcm[len(part) :]))
