"""Tells whoever looks for the echo what the far end plays, and when, on the caller's clock."""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame

from processors.line_clock import LineClock
from speech.stt import Pcm

SEAM_MS = 60
"""A packet whose place differs less from the end of the one before follows it without a seam: so
deep are telephones' jitter buffers, which bridge a late packet without a hole. Smaller, and late
packets of a busy machine tear holes into the reference, through which echo passes: at 20 ms, 2 of 9
calls ducked. Larger: a real hole moves the echo against the reference, which is learnt anew."""


class HeardBack(Protocol):
    """Where the bot's voice may come back from the far end's loudspeaker."""

    def played(self, pcm: Pcm, *, at_sample: int) -> None:
        """The far end plays this, int16 mono, from `at_sample` of the caller's audio."""
        ...

    def clear(self) -> None:
        """The far end drops what it has not played."""
        ...


class EchoPlacement:
    """Places the bot's audio on the caller's clock by the model of the far end's playout."""

    def __init__(
        self,
        heard_back: HeardBack,
        sample_rate_hz: int,
        *,
        unplayed_ms: Callable[[], float],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`unplayed_ms`: what the far end should hold unplayed, the packet just sent included."""
        self._heard_back = heard_back
        self._rate_hz = sample_rate_hz
        self._unplayed_ms = unplayed_ms
        self._monotonic_s = monotonic_s
        self._clock = LineClock(sample_rate_hz)
        self._end = 0
        self._early = 0  # samples by which audio was placed before its model, at most

    def caller(self, frame: InputAudioRawFrame) -> None:
        """The caller's audio arrived."""
        self._clock.receive(len(frame.audio) // 2, self._monotonic_s())

    def bot(self, frame: OutputAudioRawFrame) -> None:
        """The bot's audio was sent."""
        pcm = np.frombuffer(frame.audio, np.int16, count=len(frame.audio) // 2)
        unplayed = round(self._unplayed_ms() * self._rate_hz / 1000) - len(pcm)
        start = self._clock.now(self._monotonic_s()) + max(0, unplayed)
        if abs(start - self._end) <= SEAM_MS * self._rate_hz // 1000:
            self._early = max(self._early, start - self._end)
            start = self._end
        else:  # an echo that comes 7 ms sooner than before is heard for a second, one later is not
            start = max(start - self._early, 0)
        self._end = start + len(pcm)
        self._heard_back.played(pcm, at_sample=start)

    def clear(self) -> None:
        """The far end was told to drop what it has not played."""
        self._end = 0
        self._heard_back.clear()
