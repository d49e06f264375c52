"""A call's own view of the shared voice activity detector, for lines of any rate."""

import numpy as np

from speech.pool import EnginePool, Priority
from speech.stt import Pcm
from speech.vad import WINDOW_SAMPLES, SileroSession

_FALLBACK_HZ = 8000


class CallVoiceActivity:
    """Gives each window of 32 ms its probability of speech; the model runs in the pool.

    The model knows 8000 and 16000 Hz. Other multiples of 8000 Hz (Exotel's 24000) are averaged
    down: the rough low-pass costs the detector nothing that a telephone line has.
    """

    def __init__(self, session: SileroSession, pool: EnginePool, line_rate_hz: int) -> None:
        rate_hz = line_rate_hz if line_rate_hz in WINDOW_SAMPLES else _FALLBACK_HZ
        self._voice = session.open(sample_rate_hz=rate_hz)
        self._pool = pool
        self._step = line_rate_hz // rate_hz

    async def __call__(self, window: Pcm) -> float:
        """The probability (0..1) that a window of int16 mono PCM at the line's rate is speech."""
        if self._step > 1:
            window = window.reshape(-1, self._step).mean(axis=1).astype(np.int16)
        return await self._pool.run(self._voice.probability, window, priority=Priority.VAD)
