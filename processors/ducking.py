"""The bot's voice steps back while the caller speaks over it: a gain envelope, counted in samples.

Pure. Time is the line's: a sample applied is a sample of time, and so is one told by `advance`
while the bot is silent. A command takes effect with the next sample.
"""

import sys

import numpy as np
import numpy.typing as npt

DUCKED_GAIN = 0.3
"""-10 dB: the bot is still heard, and the caller has the floor."""

FALL_MS = 10
"""From 1.0 to `DUCKED_GAIN`. 2 ms click; 50 ms, the most that is allowed, are a later reaction."""

HOLD_MS = 300
"""From the caller's silence to the return: a pause between two words ends nothing."""

RISE_MS = 125
"""From `DUCKED_GAIN` to 1.0. 100-150 ms are heard as one voice that goes on; less jumps."""

_UNTIL_RELEASED = sys.maxsize


class DuckingEnvelope:
    """The gain of one line.

    The gain is kept as a depth in whole steps, so that it is the same however the audio is cut
    into packets: 0 is a gain of 1.0, the floor is `DUCKED_GAIN`; a sample falls or rises by a
    fixed number of steps from wherever it is, so no command makes it jump.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        """`sample_rate_hz` of the audio that `apply` takes. Raises ValueError under 1000."""
        if sample_rate_hz < 1000:
            raise ValueError(f"sample_rate_hz must be 1000 or more, not {sample_rate_hz}")
        self._hold_samples = sample_rate_hz * HOLD_MS // 1000
        self._rise_step = sample_rate_hz * FALL_MS // 1000
        self._fall_step = sample_rate_hz * RISE_MS // 1000
        self._floor = self._rise_step * self._fall_step
        self.reset()
        self._position_samples = 0

    @property
    def position_samples(self) -> int:
        """The line's time: how many samples have passed."""
        return self._position_samples

    @property
    def gain(self) -> float:
        """Of the last sample that passed, 1.0 before the first."""
        return float(self._gain_of(np.array(self._depth)))

    def duck(self) -> None:
        """The caller speaks over the bot: fall to `DUCKED_GAIN`, and stay there until released."""
        self._falls_until = _UNTIL_RELEASED

    def release_at(self, silent_from_samples: int) -> None:
        """The caller fell silent at that position, in the past as a rule (a detector needs time).

        The gain begins to rise `HOLD_MS` after it, at once if that has passed. Only the first
        release after `duck` counts.
        """
        if self._falls_until == _UNTIL_RELEASED:
            self._falls_until = silent_from_samples + self._hold_samples

    def reset(self) -> None:
        """What was to be heard is gone: the next sample has a gain of 1.0. Jumps."""
        self._depth = 0
        self._falls_until = 0  # the position from which the gain rises

    def advance(self, samples: int) -> None:
        """So much time passed on the line without audio from the bot. Raises ValueError if < 0."""
        if samples < 0:
            raise ValueError(f"time does not go back by {-samples} samples")
        if samples:
            self._depth = int(self._pass(samples)[-1])

    def apply(self, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """`pcm`, int16 mono of any length, as it is to be heard; itself where the gain is 1.0.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"apply to int16 of shape (n,), not {pcm.dtype} of {pcm.shape}")
        if not len(pcm):
            return pcm
        if self._depth == 0 and self._falls_until <= self._position_samples:
            self._position_samples += len(pcm)
            return pcm
        depths = self._pass(len(pcm))
        self._depth = int(depths[-1])
        return np.rint(pcm * self._gain_of(depths)).astype(np.int16)

    def _pass(self, samples: int) -> npt.NDArray[np.int64]:
        """The depth at each of the next samples; moves the position, not the depth."""
        falling = min(max(0, self._falls_until - self._position_samples), samples)
        steps = np.arange(1, samples + 1, dtype=np.int64)
        depths = np.minimum(self._depth + self._fall_step * steps, self._floor)
        start = int(depths[falling - 1]) if falling else self._depth
        depths[falling:] = np.maximum(start - self._rise_step * steps[: samples - falling], 0)
        self._position_samples += samples
        return depths

    def _gain_of(self, depths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        # In this form both ends are exact: 0.3 at the floor, 1.0 at 0.
        return DUCKED_GAIN + (1 - DUCKED_GAIN) * (self._floor - depths) / self._floor
