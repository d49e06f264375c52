"""Where each sample of a call belongs in its recording: pure, fed with samples and arrival times.

The call's clock is the caller's audio: sample n of the recording is the n-th sample that the
caller's carrier sent (what it lost was filled with silence before it came here). The bot's audio
is placed where the far end played it (`far_end.py`): by the marks that it returned, for which the
audio waits a few seconds; where it returns none, behind what it still had to play, or, where that
had run out, at the clock's present when the audio was sent. Between two packets of the caller the
present is estimated from their arrival times (`line_clock.py`).

All audio is int16 mono PCM, shape (n,), at the recording's rate; times `at_s` are of one
monotonic clock, in seconds. Nothing here reads a clock.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from processors.far_end import GAP_MS, Cut, FarEnd
from processors.line_clock import LineClock
from speech.stt import Pcm

Stereo = npt.NDArray[np.int16]
"""int16 PCM, shape (n, 2): caller left, bot right."""

BLOCK_SAMPLES = 4096  # what is handed out at once; FLAC's own block at these rates

LONGEST_AHEAD_S = 600
"""Bot audio further ahead of the clock is dropped, as Twilio drops it (warning 31931)."""


HOLD_S = 3
"""The bot's audio waits so long for the echoes that tell when it was heard. Shorter: one late echo
decides alone (they come every 0.4 s). Longer: a killed process loses so much more of its end."""


class RecordingTimeline:
    """Puts caller and bot side by side, and hands out what can no longer change."""

    def __init__(
        self, sample_rate_hz: int, *, bot_delay_ms: int = 0, echoes_marks: bool = False
    ) -> None:
        """A recording at `sample_rate_hz`.

        `bot_delay_ms` is how long bot audio lasts on its way after `bot` was told of it, where no
        echo tells. `echoes_marks`: the far end returns marks; what it was sent waits for them.
        """
        self._rate_hz = sample_rate_hz
        self._clock = LineClock(sample_rate_hz)
        self._far_end = FarEnd(sample_rate_hz, delay_ms=bot_delay_ms, position=self._clock.position)
        self._gap = GAP_MS * sample_rate_hz // 1000
        self._hold = HOLD_S * sample_rate_hz if echoes_marks else float("-inf")
        self._caller: deque[Pcm] = deque()  # from `_emitted` to the clock
        self._bot: deque[tuple[int, Pcm]] = deque()  # (start, audio), in order, never overlapping
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
            self._far_end.caller_reached(self._clock.samples)

    def bot(self, pcm: Pcm, at_s: float) -> None:
        """The bot's next audio left for the line."""
        ahead = self._far_end.end + self._far_end.held_samples - self._clock.now(at_s)
        if len(pcm) and ahead <= LONGEST_AHEAD_S * self._rate_hz:
            self._far_end.sent(pcm, at_s, self._clock.samples)
            self._settle()

    def mark(self, name: str, at_s: float) -> None:
        """A mark left for the line."""
        self._far_end.marked(name, at_s)

    def echo(self, name: str, at_s: float, samples: int | None = None) -> None:
        """The mark came back because the audio before it was played.

        `samples`: how much of the caller's audio came before it on the line; None: what is here.
        """
        self._far_end.echoed(name, at_s, self._clock.samples if samples is None else samples)

    def clear(self, at_s: float) -> None:
        """The far end's buffer was emptied: what it had not played by now was never heard."""
        self._clock.now(at_s)
        self._far_end.cleared(at_s, self._clock.samples)
        self._settle()

    def advance_to(self, samples: int, at_s: float) -> None:
        """The caller's audio stopped arriving: fill with silence up to `samples`."""
        missing = samples - self._clock.samples
        if missing > 0:
            # One zero seen `missing` times: takes no memory however long the silence.
            self._caller.append(np.broadcast_to(np.int16(0), (missing,)))
            self._clock.receive(missing, at_s)

    def blocks(self) -> Iterator[Stereo]:
        """What can no longer change, in whole blocks."""
        if self._clock.samples - self._gap - self._emitted < BLOCK_SAMPLES:
            return
        self._settle()
        floor = self._far_end.floor()
        until = self._clock.samples if floor is None else min(floor, self._clock.samples)
        while until - self._gap - self._emitted >= BLOCK_SAMPLES:
            yield self._emit(BLOCK_SAMPLES)

    def finish(self, at_s: float) -> Iterator[Stereo]:
        """The call is over: the rest, up to the clock.

        Bot audio beyond the clock was not played. Where the caller's audio never came at all,
        the clock is that of the bot's audio.
        """
        self._place(self._far_end.settle(float("inf")))
        if self._clock.samples == 0:
            self.advance_to(min(self._far_end.end, self._clock.now(at_s)), at_s)
        while rest := min(self._clock.samples - self._emitted, BLOCK_SAMPLES):
            yield self._emit(rest)

    def _settle(self) -> None:
        self._place(self._far_end.settle(self._clock.samples - self._hold))

    def _place(self, settled: Iterator[tuple[int, Pcm] | Cut]) -> None:
        for item in settled:
            if isinstance(item, Cut):
                self._cut(item.at)
            else:
                self._bot.append(item)

    def _cut(self, at: int) -> None:
        while self._bot and self._bot[-1][0] >= at:
            self._bot.pop()
        if self._bot:
            start, pcm = self._bot.pop()
            self._bot.append((start, pcm[: at - start]))

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
