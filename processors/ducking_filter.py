"""The ducking envelope where audio leaves for the line: Pipecat's filter of the output.

The output transport calls `filter` with each packet as it takes it from its queue, so what is
told here acts on the next packet, however much audio waits behind it. It is told by method calls:
a frame would wait in the same queue.
"""

import numpy as np
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import FilterControlFrame

from processors.ducking import DuckingEnvelope


class DuckingFilter(BaseAudioFilter):
    """One line's gain. Commands before the transport has started change nothing."""

    def __init__(self) -> None:
        self._envelope: DuckingEnvelope | None = None
        self._sample_rate_hz = 0

    @property
    def gain(self) -> float:
        """Of the last sample that left, or that `advance` told of."""
        return self._envelope.gain if self._envelope else 1.0

    def duck(self) -> None:
        """The caller speaks over the bot."""
        if self._envelope:
            self._envelope.duck()

    def release(self, *, silent_for_ms: float = 0.0) -> None:
        """The caller is silent, and has been for so long on the line."""
        if self._envelope:
            silent_samples = round(silent_for_ms * self._sample_rate_hz / 1000)
            self._envelope.release_at(self._envelope.position_samples - silent_samples)

    def advance(self, silence_ms: float) -> None:
        """The line lasted so long without a packet of ours. Raises ValueError if negative."""
        if self._envelope:
            self._envelope.advance(round(silence_ms * self._sample_rate_hz / 1000))

    def reset(self) -> None:
        """The far end's buffer was emptied: what is said next is said in full voice."""
        if self._envelope:
            self._envelope.reset()

    async def start(self, sample_rate: int) -> None:
        """The transport's rate in Hz is known."""
        self._sample_rate_hz = sample_rate
        self._envelope = DuckingEnvelope(sample_rate)

    async def stop(self) -> None:
        """Nothing is held."""

    async def process_frame(self, frame: FilterControlFrame) -> None:
        """Frames change nothing here (see above)."""

    async def filter(self, audio: bytes) -> bytes:
        """One packet, int16 mono; the same object while the gain is 1.0."""
        if self._envelope is None:
            return audio
        pcm = np.frombuffer(audio, np.int16)
        ducked = self._envelope.apply(pcm)
        return audio if ducked is pcm else ducked.tobytes()
