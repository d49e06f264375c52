"""The audio of one utterance, kept until it is decoded whole."""

import numpy as np
from loguru import logger

from speech.stt import Pcm


class UtteranceBuffer:
    """What was fed of an utterance, up to a length: it bounds the memory (16 kB a second at 8 kHz)
    and the time that one decode takes."""

    def __init__(self, *, sample_rate_hz: int, max_audio_s: float) -> None:
        """Nothing is kept yet; audio beyond `max_audio_s` is dropped, with one warning.

        Raises ValueError for a rate outside of 4000..192000 Hz.
        """
        if not 4_000 <= sample_rate_hz <= 192_000:
            raise ValueError(f"sample_rate_hz must be 4000..192000, not {sample_rate_hz}")
        self.rate_hz = sample_rate_hz
        self.samples = 0  # kept so far
        self._max_samples = int(max_audio_s * sample_rate_hz)
        self._chunks: list[Pcm] = []
        self._overflowed = False

    def feed(self, pcm: Pcm) -> None:
        """Keep a copy of `pcm`, int16 mono of any length: the caller may reuse its buffer.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
        """
        check_pcm(pcm)
        room = self._max_samples - self.samples
        if len(pcm) > room:
            if not self._overflowed:
                limit_s = self._max_samples // self.rate_hz
                logger.warning("An utterance longer than {} s: the rest is not heard", limit_s)
            self._overflowed = True
            pcm = pcm[:room]
        if len(pcm):
            self._chunks.append(pcm.copy())
            self.samples += len(pcm)

    def whole(self) -> Pcm:
        """All that is kept, int16 mono, in one piece; it is never written to again."""
        if len(self._chunks) != 1:
            whole = np.concatenate(self._chunks) if self._chunks else np.empty(0, np.int16)
            self._chunks = [whole]  # so that the next copy is cheap
        return self._chunks[0]

    def clear(self) -> None:
        """Let go of the audio; how much it was stays known."""
        self._chunks.clear()


def check_pcm(pcm: Pcm) -> None:
    """Raises TypeError for what is not a one-dimensional int16 array."""
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise TypeError(f"feed int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
