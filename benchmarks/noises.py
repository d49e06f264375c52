"""Sounds that are not words, made from arithmetic: the same at every run, int16 mono at 8000 Hz.

They are made to have what fools a voice detector, not to please an ear: a cough's two bursts of
throat noise, a breath's slow band of air, a room's many voices, a hold melody's chords.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from telephony.simulator.phone_audio import FULL_SCALE, Pcm, level_dbfs, saturate

RATE_HZ: Final = 8000
Wave = npt.NDArray[np.floating[Any]]

_KEYS_HZ: Final = {
    "1": (697, 1209),
    "5": (770, 1336),
    "9": (852, 1477),
    "0": (941, 1336),
    "#": (941, 1477),
}


def white(duration_ms: int, level_db: float, seed: int) -> Pcm:
    """A burst of noise as of a dropped receiver: RMS level in dBFS, edges of 2 ms."""
    random = np.random.default_rng(seed)
    return _at_level(_edged(random.normal(0, 1, _count(duration_ms)), 2), level_db)


def cough(coughs: int, level_db: float, seed: int) -> Pcm:
    """`coughs` in a row. Each: an explosion of 40 ms, then throat noise that dies away in 200 ms,
    with most of its power between 300 and 1500 Hz and hardly a pitch."""
    random = np.random.default_rng(seed)
    parts: list[Wave] = []
    for _ in range(coughs):
        length = _count(int(random.uniform(220, 320)))
        times_s = np.arange(length) / RATE_HZ
        envelope = np.minimum(times_s / 0.008, 1.0) * np.exp(-times_s / 0.07)
        envelope += 0.35 * np.exp(-np.square((times_s - 0.16) / 0.04))
        throat = _band(random.normal(0, 1, length), 300, 1500) + 0.4 * random.normal(0, 1, length)
        parts += [throat * envelope, np.zeros(_count(int(random.uniform(90, 180))))]
    return _at_level(np.concatenate(parts[:-1]), level_db)


def breath(duration_ms: int, level_db: float, seed: int) -> Pcm:
    """Air between 500 and 3000 Hz that swells and dies away."""
    random = np.random.default_rng(seed)
    air = _band(random.normal(0, 1, _count(duration_ms)), 500, 3000)
    return _at_level(air * np.square(np.sin(np.linspace(0, np.pi, air.size))), level_db)


def clicks(count: int, gap_ms: int, seed: int) -> Pcm:
    """Switches and bad contacts: single peaks of 1 ms, near full scale."""
    random = np.random.default_rng(seed)
    made = np.zeros(_count(gap_ms * count))
    for index in range(count):
        start = _count(gap_ms * index)
        made[start : start + 8] = random.uniform(-0.8, 0.8, 8) * FULL_SCALE
    return saturate(made)


def keys(digits: str, level_db: float) -> Pcm:
    """DTMF in the audio, as of a phone that also sends its tones: 100 ms on, 100 ms off."""
    times_s = np.arange(_count(100)) / RATE_HZ
    parts: list[Wave] = []
    for digit in digits:
        low_hz, high_hz = _KEYS_HZ[digit]
        both = np.sin(2 * np.pi * low_hz * times_s) + np.sin(2 * np.pi * high_hz * times_s)
        parts += [_edged(both, 3), np.zeros(times_s.size)]
    return _at_level(np.concatenate(parts[:-1]), level_db)


def music(duration_ms: int, level_db: float, seed: int) -> Pcm:
    """Like hold music: a chord of three notes with overtones every 400 ms, with a beat."""
    random = np.random.default_rng(seed)
    parts: list[Wave] = []
    for _ in range(-(-duration_ms // 400)):
        root_hz = 220.0 * 2.0 ** (random.integers(0, 8) / 12)
        times_s = np.arange(_count(400)) / RATE_HZ
        chord = np.zeros(times_s.size)
        for semitones in (0, 4, 7):
            note_hz = root_hz * 2.0 ** (semitones / 12)
            for overtone in (1, 2, 3):
                chord += np.sin(2 * np.pi * note_hz * overtone * times_s) / overtone
        parts.append(_edged(chord * np.exp(-times_s / 0.5), 5))
    return _at_level(np.concatenate(parts)[: _count(duration_ms)], level_db)


def babble(voices: Sequence[Pcm], duration_ms: int, level_db: float, seed: int) -> Pcm:
    """A room of people: the voices over each other, each from a random place in it on."""
    random = np.random.default_rng(seed)
    mixed = np.zeros(_count(duration_ms))
    for pcm in voices:
        start = int(random.integers(0, pcm.size))
        mixed += np.resize(np.roll(pcm, -start), mixed.size).astype(np.float64)
    return _at_level(_edged(mixed, 20), level_db)


def _count(duration_ms: int) -> int:
    return RATE_HZ * duration_ms // 1000


def _band(noise: Wave, low_hz: float, high_hz: float) -> Wave:
    spectrum = np.fft.rfft(noise)
    tones_hz = np.fft.rfftfreq(noise.size, 1 / RATE_HZ)
    spectrum[(tones_hz < low_hz) | (tones_hz > high_hz)] = 0.0
    return np.fft.irfft(spectrum, noise.size)


def _edged(wave: Wave, edge_ms: int) -> Wave:
    """Ramps at both ends, so that it does not click."""
    ramp = min(_count(edge_ms), wave.size // 2)
    edged = wave.copy()
    edged[:ramp] *= np.linspace(0, 1, ramp)
    edged[wave.size - ramp :] *= np.linspace(1, 0, ramp)
    return edged


def _at_level(wave: Wave, level_db: float) -> Pcm:
    """The wave with an RMS level of `level_db` dBFS over its whole length."""
    scaled = saturate(wave / max(float(np.max(np.abs(wave))), 1e-9) * 8000.0)
    return saturate(scaled * 10.0 ** ((level_db - level_dbfs(scaled)) / 20.0))
