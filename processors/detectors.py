"""What hearing asks of the models that know no words: is there speech, and does it sound over."""

from typing import Protocol

from speech.stt import Pcm


class SpeechProbability(Protocol):
    """The call's voice activity detector, with the call's own state."""

    async def __call__(self, window: Pcm) -> float:
        """The probability (0..1) that a window of int16 mono PCM at the line's rate is speech."""
        ...


class EndOfTurn(Protocol):
    """Judges by the melody."""

    async def finished(self, pcm: Pcm, *, sample_rate_hz: int) -> float:
        """The probability (0..1) that the speaker has finished at the end of `pcm`, int16 mono.

        Raises `speech.errors.SpeechError` where it can't be told, or not in time.
        """
        ...
