"""How much of what was heard is the bot's own voice, come back by way of a room. Pure.

What was heard in the last quarter of a second is explained by a short filter of what was played, at
the delay where the two are most alike. A caller's voice can't be: at best by the chance that two
vowels have one pitch, and then the filter foretells nothing of what comes next.

All is done at 4 kHz, where most of a voice is; what mu-law and a telephone's own noise do to the
rest does not matter. A comparison costs about 0.5 ms, everything else next to nothing.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.stt import Pcm

RATE_HZ = 4_000
REACH_MS = 650
"""The latest echo that is looked for, by the call's clock: 400 ms of the network's and the room's,
and the telephone's own buffer."""

COMPARED_MS = 256
"""Of what was heard, at most. Longer is surer and later; at 96 ms every eighth piece of a caller's
speech was explained by more than three quarters, at 256 ms one in a hundred."""

FORETOLD_MS = 64
"""What an earlier comparison is tried on."""

STILL_FORETOLD = 0.5
"""A filter that foretells so much of the power is good. Higher costs a new one, at ten times the
price; lower follows a room that changes later."""

FILTER_MS = 12
"""Of the room's answer: four fifths of a small room's. Longer, more is explained by chance."""

_TAPS = FILTER_MS * RATE_HZ // 1000
_REACH = REACH_MS * RATE_HZ // 1000
_COMPARED = COMPARED_MS * RATE_HZ // 1000
_FORETOLD = FORETOLD_MS * RATE_HZ // 1000
_RIDGE = 0.01  # of the reference's power: keeps the filter from what a voice's harmonics leave open
_PRE_EMPHASIS = 0.9  # a voice's spectrum falls; without, its loudest harmonic decides alone
_FAINT = 0.1  # against the loudest quarter of a second in reach
_DIAGONAL = np.eye(_TAPS, dtype=np.float32)
_FFT = 4_096  # holds all that is compared

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """One comparison. Parts are of the power, after pre-emphasis below 2 kHz."""

    explained: float  # 0..1, by the filter that suits it best
    foretold: float  # -1..1, by the comparison before this one; below 0: worse than nothing
    delay_ms: float  # where the filter begins


@dataclass(frozen=True, slots=True)
class _Filter:
    first: int  # sample of the reference's reach at which the taps begin
    taps: Samples

    @property
    def delay_ms(self) -> float:
        return (_REACH - self.first - _TAPS + 1) * 1000 / RATE_HZ


class Comparison:
    """What was played and what was heard lately. Audio is int16 mono at the line's rate."""

    def __init__(self, sample_rate_hz: int) -> None:
        """Raises ValueError where the rate is no multiple of 4000 Hz."""
        self._reference = _Recent(sample_rate_hz, _COMPARED + _REACH)
        self._heard = _Recent(sample_rate_hz, _COMPARED)
        self._filter: _Filter | None = None
        self._since_filter = 0

    def add(self, reference: Pcm, heard: Pcm) -> None:
        """What was played and heard next: of one length, and whole samples at 4 kHz."""
        self._reference.add(reference)
        self._heard.add(heard)
        self._since_filter += len(heard) // self._heard.step

    def forget(self) -> None:
        """All of it was long ago."""
        self._reference.clear()
        self._heard.clear()
        self._filter = None

    def compare(self) -> Likeness:
        """What was heard lately with what was played before.

        While the filter of an earlier comparison still foretells, it is kept and tells it all.
        """
        reference, heard = self._reference.take(), self._heard.take()
        power = float(heard @ heard)
        if power < 1.0:
            return Likeness(0.0, 0.0, 0.0)
        foretold = self._foretold(reference, heard)
        if self._filter is not None and foretold >= STILL_FORETOLD:
            return Likeness(foretold, foretold, self._filter.delay_ms)
        first = _best_place(reference, heard)
        inputs = np.ascontiguousarray(_inputs(reference[first:], len(heard)))
        products, answer = inputs.T @ inputs, inputs.T @ heard
        kept = np.trace(products) / _TAPS * _RIDGE + 1.0
        taps = np.linalg.solve(products + _DIAGONAL * np.float32(kept), answer)
        explained = float(2 * taps @ answer - taps @ products @ taps) / power
        self._filter, self._since_filter = _Filter(first, taps), 0
        return Likeness(explained, foretold, self._filter.delay_ms)

    def _foretold(self, reference: Samples, heard: Samples) -> float:
        """What an earlier comparison says of what was heard since."""
        since = min(self._since_filter, _FORETOLD)
        if self._filter is None or not since:
            return 0.0
        fresh, first = heard[-since:], self._filter.first + len(heard) - since
        rest = fresh - _inputs(reference[first:], since) @ self._filter.taps
        return max(-1.0, 1.0 - float(rest @ rest) / max(float(fresh @ fresh), 1.0))


class _Recent:
    """The last audio of one side, at 4 kHz once somebody wants it."""

    def __init__(self, sample_rate_hz: int, samples: int) -> None:
        if sample_rate_hz % RATE_HZ:
            raise ValueError(f"sample_rate_hz must be a multiple of {RATE_HZ}")
        self.step = sample_rate_hz // RATE_HZ
        self._low_pass = _low_pass(self.step)
        self._samples = samples
        self.clear()

    def add(self, pcm: Pcm) -> None:
        if len(pcm) % self.step:
            raise ValueError(f"audio comes in multiples of {self.step} samples, not {len(pcm)}")
        self._new.append(pcm)
        self._new_samples += len(pcm)
        while self._new_samples - len(self._new[0]) >= self._samples * self.step:
            self._new_samples -= len(self._new.popleft())

    def take(self) -> Samples:
        """The last `samples` of it."""
        pcm = np.concatenate((self._edge, *self._new))
        edge = len(self._edge)
        if len(pcm) > edge:
            low = np.convolve(pcm.astype(np.float32), self._low_pass, mode="valid")
            self._low = np.concatenate((self._low, low[:: self.step]))[-self._samples :]
            self._edge = pcm[-edge:]
        self._new.clear()
        self._new_samples = 0
        return self._low

    def clear(self) -> None:
        self._new: deque[Pcm] = deque()
        self._new_samples = 0
        self._edge: Pcm = np.zeros(len(self._low_pass) - 1, np.int16)
        self._low: Samples = np.zeros(self._samples, np.float32)


def _inputs(reference: Samples, samples: int) -> Samples:
    """What each tap sees of each of so many samples, shape (samples, taps)."""
    return np.lib.stride_tricks.sliding_window_view(reference[: samples + _TAPS - 1], _TAPS)


def _best_place(reference: Samples, heard: Samples) -> int:
    """Where the taps begin: the stretch of delays at which the two are most alike in all."""
    crossed = np.fft.rfft(reference, _FFT) * np.conj(np.fft.rfft(heard, _FFT))
    products = np.fft.irfft(crossed, _FFT)[: _REACH + 1]
    sums = np.cumsum(reference * reference, dtype=np.float64)
    powers = sums[len(heard) - 1 :][: _REACH + 1]
    powers[1:] -= sums[:_REACH]
    least = float(powers.max()) * _FAINT + 1.0  # faint sounds are like anything
    alike = np.cumsum(products * products / np.maximum(powers, least))
    alike[_TAPS:] -= alike[:-_TAPS].copy()
    return max(0, int(np.argmax(alike)) - _TAPS + 1)


def _low_pass(step: int) -> npt.NDArray[np.float32]:
    """To below half of 4 kHz, with the pre-emphasis (at 4 kHz) in it."""
    reach = 5 * step
    at = np.arange(-reach, reach + 1) / step
    taps: npt.NDArray[Any] = np.sinc(0.9 * at) * np.hamming(2 * reach + 1)
    taps /= taps.sum()
    emphasised = np.concatenate((taps, np.zeros(step)))
    emphasised[step:] -= _PRE_EMPHASIS * taps
    return emphasised.astype(np.float32)
