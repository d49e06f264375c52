"""From the audio of an utterance to its words: where to cut it, what to try, what to believe.

A piece of sound is tried once in passing, and for good until the words can be believed or the time
is over: in a short window, in the full one, then at higher temperatures. Each try is a job of its
own, so that other calls' words go between.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from speech.engines.whisper_attempts import (
    FRAMES_A_SECOND,
    FULL_WINDOW_S,
    SAMPLE_RATE_HZ,
    Attempt,
    Choice,
    Encoded,
    Features,
    Guess,
)
from speech.engines.whisper_batching import Road
from speech.engines.whisper_guards import (
    Claim,
    Limits,
    Sound,
    Verdict,
    believable,
    judge,
    ratio,
    sound_of,
)
from speech.engines.whisper_model import WhisperNetwork
from speech.engines.whisper_options import WhisperOptions
from speech.engines.whisper_prompt import Prompt, prompt_for, text_before
from speech.pool import EnginePool, Priority
from speech.resampling import resample
from speech.silence import Samples, speech_span, split_at_pauses
from speech.stt import Pcm, Word

T = TypeVar("T")

_SHORTEST_S = 0.1
"""Of sound. Less is a click or a breath."""

_PART_S = (12.0, 24.0)
_PART_OF_LONG_SCRIPTS_S = (6.0, 10.0)
"""An utterance is cut at its quietest point between these two. Whisper writes at most 224 tokens,
which are 10 s of fast Hindi: longer parts would lose their ends."""

_DETECTED_FROM_S = 0.8
"""Of sound. A "yes" or "haan" is too short to tell a language from: it is the call's."""

_FULL_WINDOW = int(FULL_WINDOW_S * FRAMES_A_SECOND)


@dataclass(frozen=True, slots=True)
class Ear:
    """What all streams of a recogniser share, and what one of them was opened with."""

    network: WhisperNetwork
    road: Road
    pool: EnginePool
    options: WhisperOptions
    languages: tuple[str, ...]  # the call's own first, then those that may be spoken as well
    hints: tuple[str, ...]
    sample_rate_hz: int  # of the audio that is fed

    @property
    def limits(self) -> Limits:
        given = self.options
        return Limits(given.no_speech_probability, given.log_probability, given.compression_ratio)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of sound between two pauses."""

    start: int  # sample at 16 kHz in the utterance
    samples: Samples
    sound: Sound
    features: Features
    frames: int

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An utterance, cut and ready to be decoded."""

    parts: tuple[Part, ...]
    prompts: dict[str, Prompt]  # by language


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of a part, or of all."""

    text: str
    language: str
    confidence: float  # 0..1
    sounding_s: float
    words: tuple[Word, ...] = ()


@dataclass(slots=True, eq=False)
class Work:
    """The jobs of one decode, and whether its result is still wanted."""

    jobs: set["asyncio.Future[object]"] = field(default_factory=set["asyncio.Future[object]"])
    is_over: bool = False

    async def wait(self, submit: Callable[[], "asyncio.Future[T]"]) -> T:
        """Submit a job and await it; raises CancelledError once `cancel` was called."""
        if self.is_over:
            raise asyncio.CancelledError
        job = submit()
        self.jobs.add(job)  # pyright: ignore[reportArgumentType]
        try:
            return await job
        finally:
            self.jobs.discard(job)  # pyright: ignore[reportArgumentType]

    def cancel(self) -> None:
        """Drop what is queued; whoever waits is cancelled."""
        self.is_over = True
        for job in tuple(self.jobs):
            job.cancel()


def prepared(ear: Ear, pcm: Pcm) -> Prepared:
    """Cut an utterance, int16 mono at the ear's rate. Runs in a pool's thread."""
    samples = resample(pcm, ear.sample_rate_hz, SAMPLE_RATE_HZ)
    start, end = speech_span(samples, SAMPLE_RATE_HZ)
    is_english = set(ear.languages) == {"en"}
    shortest_s, longest_s = _PART_S if is_english else _PART_OF_LONG_SCRIPTS_S
    parts: list[Part] = []
    at = start
    for piece in split_at_pauses(
        samples[start:end], SAMPLE_RATE_HZ, longest_s=longest_s, shortest_s=shortest_s
    ):
        first, last = speech_span(piece, SAMPLE_RATE_HZ)
        if last - first >= _SHORTEST_S * SAMPLE_RATE_HZ:
            parts.append(
                _part(ear, at + first, piece[first:last], sound_around(samples, at, piece))
            )
        at += len(piece)
    return Prepared(tuple(parts), _prompts(ear) if parts else {})


def sound_around(samples: Samples, at: int, piece: Samples) -> Sound:
    """Of a piece with half a second of the line on both sides, against which it stands out."""
    margin = SAMPLE_RATE_HZ // 2
    return sound_of(samples[max(0, at - margin) : at + len(piece) + margin], SAMPLE_RATE_HZ)


def _part(ear: Ear, start: int, samples: Samples, sound: Sound) -> Part:
    is_short = ear.network.placement.has_short_window
    features, frames = ear.network.features(samples, is_short=is_short)
    return Part(start, samples, sound, features, frames)


def _prompts(ear: Ear) -> dict[str, Prompt]:
    return {
        language: prompt_for(
            ear.hints,
            text_before(
                language,
                ear.languages,
                prompt=ear.options.prompt,
                is_mixed_wanted=ear.options.mixed_prompt,
            ),
            ear.network.encode_text,
            hint_tokens=ear.options.hint_tokens,
        )
        for language in ear.languages
    }


class Tries:
    """The tries at one part, for good or in passing."""

    def __init__(
        self, ear: Ear, part: Part, prompts: dict[str, Prompt], *, is_for_good: bool, began_s: float
    ) -> None:
        """`began_s`: when the words were asked for, on the loop's clock."""
        self._ear = ear
        self._part = part
        self._prompts = prompts
        self._is_for_good = is_for_good
        self._began_s = began_s
        self._guesses: list[Guess] = []

    async def run(self, work: Work) -> Heard:
        """Try until it can be believed. Raises `SpeechError`."""
        attempt = self._first()
        guess, took_s = await self._try(attempt, work)
        verdict = self._judge(guess)
        for make in self._more() if self._is_for_good else ():
            if verdict is not Verdict.DOUBTFUL:
                break
            window = make.window or attempt.features.shape[1]
            expected_s = took_s * window / attempt.features.shape[1]
            if not self._has_time(expected_s):
                continue
            attempt = await self._next(attempt, guess.encoded, make, work)
            guess, took_s = await self._try(attempt, work)
            verdict = self._judge(guess)
        return self._heard(verdict)

    def _first(self) -> Attempt:
        options, part = self._ear.options, self._part
        languages = self._ear.languages
        if part.sound.sounding_s < _DETECTED_FROM_S:
            languages = languages[:1]
        wanted = ("finals", "all") if self._is_for_good else ("all",)
        return Attempt(
            features=part.features,
            frames=part.frames,
            choices=tuple(Choice(one, self._prompts[one].tokens) for one in languages),
            beam_size=self._ear.network.placement.beam_size if self._is_for_good else 1,
            wants_words=options.word_times in wanted,
            margin=options.detection_margin,
        )

    def _more(self) -> "list[_Again]":
        """What is tried when the first was doubtful."""
        again = [_Again(temperature=one) for one in self._ear.options.temperatures]
        if self._part.features.shape[1] < _FULL_WINDOW and again:
            again.insert(0, _Again(window=_FULL_WINDOW))
        return again

    def _has_time(self, expected_s: float) -> bool:
        spent_s = asyncio.get_running_loop().time() - self._began_s
        return (spent_s + expected_s) * 1000 <= self._ear.options.fallback_ms

    async def _next(self, last: Attempt, encoded: Encoded, again: "_Again", work: Work) -> Attempt:
        features = last.features
        if again.window and again.window != features.shape[1]:
            network, samples = self._ear.network, self._part.samples
            features, _ = await work.wait(
                lambda: self._ear.pool.submit(lambda: network.features(samples, is_short=False))
            )
        is_same = features is last.features
        return Attempt(
            features=features,
            frames=last.frames,
            choices=last.choices,
            beam_size=last.beam_size,
            temperature=again.temperature,
            wants_words=last.wants_words,
            margin=last.margin,
            encoded=encoded if is_same else None,
        )

    async def _try(self, attempt: Attempt, work: Work) -> tuple[Guess, float]:
        clock = asyncio.get_running_loop().time
        began_s = clock()
        priority = Priority.FINAL if self._is_for_good else Priority.PARTIAL
        guess = await work.wait(lambda: self._ear.road.submit(attempt, priority))
        self._guesses.append(guess)
        return guess, clock() - began_s

    def _judge(self, guess: Guess) -> Verdict:
        return judge(
            Claim(guess.text, guess.log_probability, guess.no_speech_probability),
            self._part.sound,
            self._ear.limits,
            prompt=self._prompts[guess.language].text,
        )

    def _heard(self, verdict: Verdict) -> Heard:
        """The last guess if it was said, nothing if it was silence, else the least doubtful."""
        last, sound = self._guesses[-1], self._part.sound
        if verdict is Verdict.SILENCE:
            return Heard("", last.language, 0.0, sound.sounding_s)
        if verdict is Verdict.SAID:
            return heard_of(last, self._part)
        limit = self._ear.options.compression_ratio
        plain = [guess for guess in self._guesses if ratio(guess.text) <= limit]
        best = max(plain or self._guesses, key=lambda guess: guess.log_probability)
        return heard_of(best, self._part)


@dataclass(frozen=True, slots=True)
class _Again:
    """How a part is tried again."""

    temperature: float = 0.0
    window: int = 0  # frames; 0: the same


def heard_of(guess: Guess, part: Part) -> Heard:
    """A guess without what nobody says, its words on the utterance's clock."""
    spoken = guess.text.split()
    stay = believable(guess.text)
    offset_ms = part.start * 1000 // SAMPLE_RATE_HZ
    words: tuple[Word, ...] = ()
    if len(guess.words) == len(spoken):
        words = tuple(
            Word(one.text, one.start_ms + offset_ms, one.end_ms + offset_ms, one.confidence)
            for one in (guess.words[at] for at in stay)
        )
    elif len(stay) == len(spoken):  # the aligner parts words otherwise than at spaces
        words = tuple(
            Word(one.text, one.start_ms + offset_ms, one.end_ms + offset_ms, one.confidence)
            for one in guess.words
        )
    text = " ".join(spoken[at] for at in stay)
    confidence = min(1.0, math.exp(guess.log_probability)) if text else 0.0
    return Heard(text, guess.language, confidence, part.sound.sounding_s, words)


def joined(heard: Sequence[Heard], language: str) -> Heard:
    """All parts as one: its language is that of most of the sound in which words were found."""
    spoken = [one for one in heard if one.text]
    if not spoken:
        return Heard("", language, 0.0, 0.0)
    seconds: dict[str, float] = {}
    for one in spoken:
        seconds[one.language] = seconds.get(one.language, 0.0) + one.sounding_s
    letters = sum(len(one.text) for one in spoken)
    return Heard(
        text=" ".join(one.text for one in spoken),
        language=max(seconds, key=lambda code: seconds[code]),
        confidence=sum(one.confidence * len(one.text) for one in spoken) / letters,
        sounding_s=sum(one.sounding_s for one in spoken),
        words=tuple(word for one in spoken for word in one.words),
    )
