"""One turn's audio on its way through the recogniser, decoded while the caller still speaks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from loguru import logger

from processors.detectors import EndOfTurn
from speech.errors import SpeechError
from speech.stt import Pcm, RecognitionStream, Recognizer, Transcript

ENGINE_FAILURES = (SpeechError, ValueError, RuntimeError, MemoryError)
"""Recognisers promise SpeechError; the others are what engines break their word with, and the
caller's next turn must find an ear."""


@dataclass(frozen=True, slots=True)
class Ear:
    """How a turn is recognised."""

    recognizer: Recognizer
    language: str  # ISO 639-1
    sample_rate_hz: int
    hints: tuple[str, ...] = ()


class Utterance:
    """Takes a turn's audio, and gives its words: so far, and in the end.

    Nothing is decoded twice: when the turn ends behind the audio that was decoded last, those
    words are the final ones. `words` and `finish` raise
    `ENGINE_FAILURES`.
    """

    def __init__(self, ear: Ear, *, first_ms: int, start_ms: int) -> None:
        """`first_ms`: of the first sample; `start_ms`: of the voice. On the policy's clock."""
        self._ear = ear
        self.start_ms = start_ms
        self._first_ms = first_ms
        self._audio: list[Pcm] = []
        self._fed = 0  # of these
        self._stream: RecognitionStream | None = None
        self._last_words: list[str] = []
        self.stable_text = ""
        self.is_over = False

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self._ear.language

    def listen_with(self, ear: Ear) -> None:
        """Something else is expected from now on: what was heard is heard again, with that."""
        if ear == self._ear:
            return
        self._ear = ear
        self._stream, self._fed = None, 0

    def take(self, windows: Sequence[Pcm]) -> None:
        """More audio, int16 mono."""
        self._audio += windows

    async def sounds_finished(self, end_of_turn: EndOfTurn) -> float | None:
        """The probability (0..1) that its melody is that of an end; None where it isn't known."""
        if not self._audio:
            return None
        pcm, rate_hz = np.concatenate(self._audio), self._ear.sample_rate_hz
        try:
            return await end_of_turn.finished(pcm, sample_rate_hz=rate_hz)
        except SpeechError as error:
            logger.debug("silence decides: {}", error)
            return None

    async def words(self, *, is_urgent: bool) -> Transcript:
        """The words so far, as `RecognitionStream.partial`. Raises `SpeechError`."""
        transcript = await self._opened().partial(is_urgent=is_urgent)
        words = transcript.text.split()
        agreed = 0
        for one, other in zip(words, self._last_words, strict=False):
            if _plain(one) != _plain(other):
                break
            agreed += 1
        self.stable_text = " ".join(words[:agreed])
        self._last_words = words
        return transcript

    async def finish(self) -> Transcript:
        """All of its words. Raises `SpeechError`."""
        stream = self._opened()
        self._stream = None
        return await stream.finish()

    def through_ms(self, transcript: Transcript) -> int:
        """Up to where the audio of a transcript goes, on the policy's clock."""
        return self._first_ms + transcript.audio_ms

    def _opened(self) -> RecognitionStream:
        if self._stream is None:
            ear = self._ear
            self._stream = ear.recognizer.open(
                language=ear.language, sample_rate_hz=ear.sample_rate_hz, hints=ear.hints
            )
        for pcm in self._audio[self._fed :]:
            self._stream.feed(pcm)
        self._fed = len(self._audio)
        return self._stream


def _plain(word: str) -> str:
    return word.casefold().strip(".,!?;:…।\"'")
