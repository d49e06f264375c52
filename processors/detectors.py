"""What hearing asks of the models that know no words: is there speech, and does it sound over."""

from dataclasses import dataclass
from typing import Protocol

from speech.stt import Pcm


@dataclass(frozen=True, slots=True)
class Listened:
    """One window of the caller's audio, listened to."""

    probability: float  # 0..1, that it is speech
    level_db: float  # of `pcm`, below full scale
    pcm: Pcm  # for the recogniser: without the bot's echo, where that helps


class VoiceActivity(Protocol):
    """The call's voice activity detector, with the call's own state."""

    async def __call__(self, window: Pcm) -> Listened:
        """Listen to a window of int16 mono PCM at the line's rate. Raises `SpeechError`."""
        ...

    async def pass_over(self, window: Pcm) -> None:
        """A window that nobody wants: only time goes on. Raises `SpeechError`."""
        ...


class EndOfTurn(Protocol):
    """Judges by the melody."""

    async def finished(self, pcm: Pcm, *, sample_rate_hz: int) -> float:
        """The probability (0..1) that the speaker has finished at the end of `pcm`, int16 mono.

        Raises `speech.errors.SpeechError` where it can't be told, or not in time.
        """
        ...
