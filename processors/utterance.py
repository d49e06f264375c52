"""One turn's audio on its way through the recogniser, decoded while the caller still speaks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from loguru import logger

from processors.detectors import EndOfTurn
from processors.expecting import Expectation, Verdict
from processors.frames import UtterancePartialFrame
from processors.turn_thresholds import GOES_ON_MS
from speech.errors import ENGINE_FAILURES, DeadlineExceeded, EngineBusy, SpeechError
from speech.stt import Pcm, RecognitionStream, Recognizer, Transcript

WORDS_S = 5.0
"""How long words are waited for from when the caller may have finished; a short answer takes
0.06 s. Then the call goes on by keys. Shorter, and a burst of calls makes some of them deaf for
good; longer, and callers hang up before they are asked for a key."""


@dataclass(frozen=True, slots=True)
class Ear:
    """How a turn is recognised, and what is expected of it."""

    recognizer: Recognizer
    language: str  # ISO 639-1
    sample_rate_hz: int
    hints: tuple[str, ...] = ()
    expectation: Expectation | None = None
    other_languages: tuple[str, ...] = ()  # that may be spoken instead

    def hears_like(self, other: "Ear") -> bool:
        """Whether the other's words would be the same."""
        return replace(self, expectation=None) == replace(other, expectation=None)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in a turn."""

    alone: Transcript
    whole: Transcript | None = None  # with the turn before, which it may go on with


class Utterance:
    """Takes a turn's audio, and gives its words: so far, and in the end.

    Nothing is decoded twice: when the turn ends behind the audio that was decoded last, those
    words are the final ones. But a turn that begins so soon behind another that both may be one is
    decoded with the other's audio too, and judged by what was expected then: a recogniser knows a
    word by those around it. `words` and `finish` raise `ENGINE_FAILURES`; once its words did not
    come in time, at once.
    """

    def __init__(
        self,
        ear: Ear,
        *,
        first_ms: int,
        start_ms: int,
        before: "Utterance | None" = None,
        words_s: float = WORDS_S,
    ) -> None:
        """`first_ms`: of the first sample; `start_ms`: of the voice. On the policy's clock.
        `before`: the turn that this one may go on with; `words_s`: how long words may take."""
        self._words_s = words_s
        self._is_lost = False  # its words did not come in time
        self._own_ear = ear
        self._ear = before._own_ear if before else ear
        self.start_ms = start_ms
        self.end_ms = start_ms
        self.whole_from_ms = before.start_ms if before else start_ms
        self._first_ms = first_ms
        self._before: list[Pcm] = list(before._audio) if before else []
        self._words_before = before._last_words if before else []
        self._audio: list[Pcm] = []
        self._fed = 0  # of both
        self._stream: RecognitionStream | None = None
        self._last_words: list[str] = []
        self.stable_text = ""
        self.is_over = False

    def may_go_on_at(self, start_ms: int) -> bool:
        """Whether a voice from then on may belong to this turn, which is over."""
        return bool(self._audio) and start_ms - self.end_ms <= GOES_ON_MS

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self._ear.language

    def listen_with(self, ear: Ear) -> None:
        """Something else is expected from now on: what was heard is heard again, with that."""
        self._own_ear = ear
        if self._before:
            return
        if not ear.hears_like(self._ear):
            self._stream, self._fed = None, 0
        self._ear = ear

    def judge(self, transcript: Transcript) -> Verdict:
        """What its words are worth where they were said."""
        if self._ear.expectation is None:
            return "free" if transcript.text else "other"
        verdict = self._ear.expectation.judge(transcript.text, transcript.confidence)
        # Who went on once goes on again: "yes ... twenty ... five".
        return "enough" if self._before and verdict == "complete" else verdict

    def take(self, windows: Sequence[Pcm]) -> None:
        """More audio, int16 mono."""
        self._audio += windows

    def cancel(self) -> None:
        """Nobody waits for its words any more: what decodes them, perhaps elsewhere, is let go."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()

    async def sounds_finished(self, end_of_turn: EndOfTurn, silence: Sequence[Pcm]) -> float | None:
        """The probability (0..1) that its melody, with the silence behind it, is that of an end;
        None where it isn't known."""
        if not self._audio:
            return None
        pcm, rate_hz = np.concatenate([*self._audio, *silence]), self._ear.sample_rate_hz
        try:
            return await end_of_turn.finished(pcm, sample_rate_hz=rate_hz)
        except SpeechError as error:
            logger.debug("silence decides: {}", error)
            return None

    async def words(self, *, is_urgent: bool) -> Transcript:
        """The words so far, as `RecognitionStream.partial`. Raises `SpeechError`."""
        stream = self._opened()
        if is_urgent:
            transcript = await self._in_time(lambda: stream.partial(is_urgent=True))
        else:
            transcript = await self._in_passing(stream)
        words = transcript.text.split()
        self.stable_text = " ".join(words[: agreed(words, self._last_words)])
        self._last_words = words
        return transcript

    def partial_frame(self, transcript: Transcript) -> UtterancePartialFrame:
        """What was said so far, as `words` gave it last, and what it is worth."""
        return UtterancePartialFrame(
            text=transcript.text,
            stable_text=self.stable_text,
            language=transcript.language,
            confidence=transcript.confidence,
            start_ms=self.start_ms,
            through_ms=self.through_ms(transcript),
            verdict=self.judge(transcript),
            new_text=self._new_text(transcript) if self._before else None,
        )

    def _new_text(self, transcript: Transcript) -> str:
        """What was said behind the words of the turn before."""
        words = transcript.text.split()
        return " ".join(words[agreed(words, self._words_before) :])

    async def finish(self) -> Said:
        """All of its words. Raises `SpeechError`."""
        stream = self._opened()
        self._stream = None
        transcript = await self._in_time(stream.finish)
        self._last_words = transcript.text.split()
        if not self._before:
            return Said(transcript)
        self._ear, self._before, self._fed = self._own_ear, [], 0
        try:
            alone = await self._in_time(self._opened().finish)
            self._last_words = alone.text.split()
            return Said(alone, whole=transcript)
        except ENGINE_FAILURES as error:
            logger.warning("the end of an answer could not be recognised alone: {!r}", error)
            return Said(transcript, whole=transcript)

    def through_ms(self, transcript: Transcript) -> int:
        """Up to where the audio of a transcript goes, on the policy's clock."""
        before = sum(map(len, self._before)) * 1000 // self._ear.sample_rate_hz
        return self._first_ms + transcript.audio_ms - before

    async def _in_time(self, words: Callable[[], Awaitable[Transcript]]) -> Transcript:
        if not self._is_lost:
            try:
                async with asyncio.timeout(self._words_s):
                    return await words()
            except TimeoutError:
                self._is_lost = True
        raise DeadlineExceeded(f"the recogniser gave no words within {self._words_s:g} s")

    async def _in_passing(self, stream: RecognitionStream) -> Transcript:
        """Late words in passing say nothing of the final ones: they wait behind others' work."""
        try:
            async with asyncio.timeout(self._words_s):
                return await stream.partial()
        except TimeoutError:
            raise EngineBusy(f"no words in passing within {self._words_s:g} s") from None

    def _opened(self) -> RecognitionStream:
        if self._stream is None:
            ear = self._ear
            self._stream = ear.recognizer.open(
                language=ear.language,
                sample_rate_hz=ear.sample_rate_hz,
                hints=ear.hints,
                other_languages=ear.other_languages,
            )
        audio = [*self._before, *self._audio]
        for pcm in audio[self._fed :]:
            self._stream.feed(pcm)
        self._fed = len(audio)
        return self._stream


def agreed(words: Sequence[str], others: Sequence[str]) -> int:
    """How many of the first words are the same."""
    pairs = enumerate(zip(words, others, strict=False))
    shorter = min(len(words), len(others))
    return next((at for at, (one, other) in pairs if _plain(one) != _plain(other)), shorter)


def _plain(word: str) -> str:
    return word.casefold().strip(".,!?;:…।\"'")
