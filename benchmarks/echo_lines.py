"""Lines that send the bot's voice back, for `benchmarks.echo`: a small room, noise, mu-law."""

import numpy as np
import numpy.typing as npt

from benchmarks.hearing import RATE_HZ, mu_law
from speech.stt import Pcm

LEVELS_DB = (-15, -18, -24, -30)
DELAYS_MS = (50, 80, 200, 400)


def echo_of(pcm: Pcm, level_db: float, delay_ms: int, seed: int) -> npt.NDArray[np.float64]:
    """The room's answer, `delay_ms` late, and noise at -76 dB of full scale."""
    rng = np.random.default_rng(seed)
    room = rng.standard_normal(640) * np.exp(-np.arange(640) / 120)
    room[0] = 2.0
    room *= 10 ** (level_db / 20) / np.sqrt(room @ room)
    late = np.concatenate((np.zeros(delay_ms * RATE_HZ // 1000), np.convolve(pcm, room)))
    return late[: len(pcm)] + rng.standard_normal(len(pcm)) * 5


def room_noise(samples: int, seed: int) -> npt.NDArray[np.float64]:
    """A line without an echo: noise at -65 dB of full scale."""
    return np.random.default_rng(seed).standard_normal(samples) * 32768 * 10 ** (-65 / 20)


def line(samples: npt.NDArray[np.float64]) -> Pcm:
    """There and back through mu-law."""
    return mu_law(np.clip(samples, -32768, 32767).astype(np.int16))
