"""A call's own view of the shared voice activity detector, for lines of any rate."""

import numpy as np

from processors.detectors import Listened
from speech.line_echo import HeardWindow, LineEcho
from speech.loudness import level_db
from speech.pool import EnginePool, Priority
from speech.stt import Pcm
from speech.vad import WINDOW_SAMPLES, SileroSession

_FALLBACK_HZ = 8000

LISTEN_S = 3.0
"""How long a window of 0.1 ms may take before the call is taken for deaf; keys wait behind it. A
busy machine stands still for a second now and then."""


class CallVoiceActivity:
    """Takes the bot's echo, where the line has one, out of each window of 32 ms and gives it its
    probability of speech; the models run in the pool.

    Where it can't be told yet whether a window is the bot or the caller, it is no speech, but kept
    as it is: if it was the caller, his words begin in it.

    The detector knows 8000 and 16000 Hz. Other multiples of 8000 Hz (Exotel's 24000) are averaged
    down: the rough low-pass costs it nothing that a telephone line has.
    """

    def __init__(
        self,
        session: SileroSession,
        pool: EnginePool,
        line_rate_hz: int,
        echo: LineEcho | None = None,
    ) -> None:
        rate_hz = line_rate_hz if line_rate_hz in WINDOW_SAMPLES else _FALLBACK_HZ
        self._voice = session.open(sample_rate_hz=rate_hz)
        self._pool = pool
        self._step = line_rate_hz // rate_hz
        self._echo = echo

    async def __call__(self, window: Pcm) -> Listened:
        """Listen to a window of int16 mono PCM at the line's rate. Raises `SpeechError`."""
        return await self._pool.run(
            self._listen, window, priority=Priority.VAD, deadline_s=LISTEN_S
        )

    async def pass_over(self, window: Pcm) -> None:
        """A window that nobody wants: the echo's clock goes on. Raises `SpeechError`."""
        if self._echo is not None:
            await self._pool.run(
                self._echo.listen, window, priority=Priority.VAD, deadline_s=LISTEN_S
            )

    def _listen(self, window: Pcm) -> Listened:
        heard = HeardWindow(window, window, is_doubtful=False)
        if self._echo is not None:
            heard = self._echo.listen(window)
        sampled = heard.voice
        if self._step > 1:
            sampled = sampled.reshape(-1, self._step).mean(axis=1).astype(np.int16)
        probability = self._voice.probability(sampled)
        likely = 0.0 if heard.is_doubtful else probability
        return Listened(likely, level_db(heard.words), heard.words)
