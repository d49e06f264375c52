"""Lost packets of the caller's audio, made up for by what was heard before them; pure.

After ITU-T G.711 Appendix I: the last pitch period is repeated, at full level for 10 ms and then
fading to nothing at 60 ms; silence follows. The packet behind the gap is faded in over it. A hole
of a packet would sound like a stop consonant to the recogniser, and like a pause to whoever waits
for one.
"""

import numpy as np
from numpy.typing import NDArray

LONGEST_MS = 60
"""What lasts longer is silence: the voice has changed by then, and a tone would go on for ever."""

FULL_MS = 10  # before it begins to fade
SHORTEST_PITCH_MS, LONGEST_PITCH_MS = 5, 15  # 200 Hz and 66 Hz; a higher voice repeats two periods
COMPARED_MS = 20  # of the last audio, to find its pitch
FADE_IN_MS = 4

Samples = NDArray[np.float64]


class Concealer:
    """One stream's memory of its last audio. All audio is int16 little-endian mono."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._per_ms = sample_rate_hz // 1000
        self._kept_bytes = 2 * self._per_ms * (COMPARED_MS + LONGEST_PITCH_MS)
        self._last = b""

    def next(self, pcm: bytes, lost_samples: int) -> bytes:
        """The packet `pcm`, with so many samples that were lost before it put in front."""
        if not lost_samples:
            self._keep(pcm)
            return pcm
        longest = LONGEST_MS * self._per_ms
        made_up = self._made_up(min(lost_samples, longest) + FADE_IN_MS * self._per_ms)
        filled = np.zeros(lost_samples, np.float64)
        filled[: min(lost_samples, longest)] = made_up[: min(lost_samples, longest)]
        packet = np.frombuffer(pcm, "<i2").astype(np.float64)
        if lost_samples < longest:
            tail = made_up[lost_samples : lost_samples + len(packet)]
            rise = (np.arange(len(tail)) + 1) / (len(tail) + 1)
            packet[: len(tail)] = rise * packet[: len(tail)] + (1 - rise) * tail
        whole = np.concatenate((filled, packet)).round().astype("<i2").tobytes()
        self._keep(whole)
        return whole

    def _keep(self, pcm: bytes) -> None:
        self._last = (self._last + pcm)[-self._kept_bytes :]

    def _made_up(self, samples: int) -> Samples:
        """How the last audio would go on, faded; silence where none was heard."""
        past = np.frombuffer(self._last, "<i2").astype(np.float64)
        if len(past) * 2 < self._kept_bytes:
            return np.zeros(samples)
        period = past[-self._pitch(past) :]
        fade_ms = np.arange(samples) / self._per_ms
        level = np.clip((LONGEST_MS - fade_ms) / (LONGEST_MS - FULL_MS), 0.0, 1.0)
        return np.resize(period, samples) * level

    def _pitch(self, past: Samples) -> int:
        """Samples of the period that repeats best at the end of `past`."""
        lags = range(SHORTEST_PITCH_MS * self._per_ms, LONGEST_PITCH_MS * self._per_ms + 1)
        size = COMPARED_MS * self._per_ms
        end = past[-size:]

        def likeness(lag: int) -> float:
            shifted = past[-size - lag : -lag]
            return float(end @ shifted) / (float(np.sqrt(shifted @ shifted)) + 1.0)

        return max(lags, key=likeness)
