"""What IndicConformer's encoder wants of audio: mel features, as NeMo computes them. Pure.

The release carries this step as TorchScript (preprocessor.ts); in numpy it needs no torch. Its
constants are those of NeMo's AudioToMelSpectrogramPreprocessor: pre-emphasis 0.97, a symmetric Hann
window of 25 ms every 10 ms, the power of a 512-point transform, 80 Slaney mel bands up to 8 kHz,
log(x + 2^-24), each band to mean 0 and deviation 1 over the clip
(https://docs.nvidia.com/nemo-framework/user-guide/latest/nemotoolkit/asr/api.html).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from speech.silence import Samples

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
BANDS = 80

_WINDOW_SAMPLES = 400
_POINTS = 512
_PRE_EMPHASIS = 0.97
_LOG_GUARD = 2.0**-24
_DEVIATION_GUARD = 1e-5  # NeMo's CONSTANT

# Slaney's scale: linear up to 1 kHz, logarithmic above; librosa's default, which NeMo uses.
_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0

Features = npt.NDArray[np.float32]
"""float32, shape (80, n), one column for every 10 ms and one more."""


def features(samples: Samples) -> Features:
    """The mel features of `samples`, float32 mono at 16 kHz: shape (80, len // 160 + 1).

    Raises:
        ValueError: there are fewer than 257 samples (16 ms), which can't be mirrored at the ends.
    """
    if len(samples) <= _POINTS // 2:
        raise ValueError(f"features need more than {_POINTS // 2} samples, not {len(samples)}")
    emphasised = np.append(samples[:1], samples[1:] - np.float32(_PRE_EMPHASIS) * samples[:-1])
    padded = np.pad(emphasised, _POINTS // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _POINTS)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    mel = np.log(power @ mel_bands().T + _LOG_GUARD).T
    mean = mel.mean(axis=1, keepdims=True)
    deviation = mel.std(axis=1, keepdims=True, ddof=1)
    return ((mel - mean) / (deviation + _DEVIATION_GUARD)).astype(np.float32)


@cache
def mel_bands() -> npt.NDArray[np.float64]:
    """The weights of each band, shape (80, 257), of equal area (Slaney's normalisation)."""
    bins_hz = np.linspace(0.0, SAMPLE_RATE_HZ / 2, _POINTS // 2 + 1)
    highest = _mel(SAMPLE_RATE_HZ / 2)
    edges_hz = np.array([_hz(mel) for mel in np.linspace(0.0, highest, BANDS + 2)])
    widths = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None, :]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]


@cache
def _window() -> npt.NDArray[np.float64]:
    """The Hann window of 400 in the middle of 512, as torch.stft places a shorter window."""
    left = (_POINTS - _WINDOW_SAMPLES) // 2
    return np.pad(np.hanning(_WINDOW_SAMPLES), left)


def _mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def _hz(mel: float) -> float:
    if mel < _BREAK_MEL:
        return float(mel * _LINEAR_HZ)
    return float(_BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
