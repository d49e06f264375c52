"""`openai` hears: any endpoint with OpenAI's `POST /audio/transcriptions` (OpenAI, Groq, Speaches,
vLLM, Callwright's own speech server).

An utterance is sent whole, as WAV at the line's rate, when its words are wanted. Where the
endpoint gives `verbose_json`, its segments tell how sure it was, and which of them are silence.
"""

import io
import math
import wave
from collections.abc import Sequence
from typing import Any, Literal, cast

from pydantic import BaseModel, Field, ValidationError

from speech.engines.openai_client import EndpointOptions, OpenAIEndpoint
from speech.engines.option_lists import Languages
from speech.engines.whole_utterances import Heard, WholeUtteranceStream
from speech.errors import EngineFailed, LanguageUnsupported
from speech.pool import EnginePool
from speech.stt import Pcm, RecognitionStream, Word

UNKNOWN_CONFIDENCE = 0.7
"""Of words for which the endpoint gives no probability: enough to act on, so not read back."""

_PROMPT_CHARS = 800
"""Whisper reads the last 224 tokens of a prompt; Groq refuses more than 896 characters."""

_NO_SPEECH = 0.6
_DOUBTFUL_LOGPROB = -1.0
"""A segment with more of the one and less of the other is silence: Whisper's own rule."""

# Whisper names a language in English, or by its code.
_CODES = {
    "english": "en",
    "hindi": "hi",
    "marathi": "mr",
    "bengali": "bn",
    "gujarati": "gu",
    "kannada": "kn",
    "malayalam": "ml",
    "nepali": "ne",
    "punjabi": "pa",
    "tamil": "ta",
    "telugu": "te",
    "urdu": "ur",
}


class OpenAIHearingOptions(EndpointOptions):
    """What can be set for `openai` as an ear."""

    model: str = Field(default="whisper-1", min_length=1, description="Its name at the endpoint")
    languages: Languages = ("en", "hi", "mr")
    timeout_s: float = Field(
        default=4.0, gt=0, le=60, description="After which an utterance is given up"
    )
    prompt: str = Field(default="", description="Names and words to be expected in every utterance")
    partial_every_ms: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="New audio for which words are asked for while the caller still speaks, each "
        "time with all audio so far (costs as much); 0: only when the caller may have finished",
    )
    answer: Literal["verbose_json", "json"] = Field(
        default="verbose_json",
        description="json for models that know no other: gpt-4o-transcribe, gpt-transcribe",
    )
    word_times: bool = Field(
        default=False, description="Ask for the time of each word, where the endpoint can"
    )


class _Segment(BaseModel):
    text: str = ""
    start: float = 0.0
    end: float = 0.0
    avg_logprob: float | None = None
    no_speech_prob: float = 0.0


class _Word(BaseModel):
    word: str
    start: float
    end: float
    probability: float | None = None  # of Speaches


class _Token(BaseModel):
    logprob: float | None = None


class _Language(BaseModel):
    code: str = ""


class _Answer(BaseModel):
    """Of `json` and `verbose_json`; what an endpoint leaves out or adds is no fault."""

    text: str
    language: str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None
    logprobs: list[_Token] | None = None
    languages: list[_Language] | None = None


class OpenAIRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(self, pool: EnginePool, *, options: OpenAIHearingOptions) -> None:
        """Set up; nothing is opened. `pool` is not used: nothing is decoded here."""
        del pool
        self._options = options
        self._endpoint = OpenAIEndpoint(options, timeout_s=options.timeout_s, model=options.model)

    @property
    def name(self) -> str:
        return "openai"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._options.languages)

    @property
    def sample_rate_hz(self) -> int:
        return 16_000

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance; `hints` go into the prompt.

        Raises:
            LanguageUnsupported: `language` is not one of option languages.
            EngineUnavailable: `start` was not called, or failed.
        """
        if language not in self.languages:
            known = ", ".join(self._options.languages)
            raise LanguageUnsupported(
                f"openai does not understand {language!r}, only {known} (option languages)"
            )
        _ = self._endpoint.client
        possible = (language, *(other for other in other_languages if other != language))

        async def ask(pcm: Pcm, rate_hz: int) -> Heard:
            return await self._ask(wav(pcm, rate_hz), possible, tuple(hints))

        return WholeUtteranceStream(
            ask=ask,
            language=language,
            sample_rate_hz=sample_rate_hz,
            deadline_s=self._options.timeout_s,
            partial_every_ms=self._options.partial_every_ms,
        )

    async def start(self) -> None:
        """See that the endpoint answers, takes the key and has the model.

        Raises:
            EngineUnavailable: it doesn't; names the option to set.
        """
        await self._endpoint.start()

    async def close(self) -> None:
        """Close its connections; utterances under way fail."""
        await self._endpoint.close()

    async def _ask(self, audio: bytes, possible: Sequence[str], hints: Sequence[str]) -> Heard:
        """Which of several languages it is, is left to the endpoint; should it find another, it is
        told the first."""
        chosen = possible if len(possible) > 1 else possible[0]
        answer = await self._request(audio, chosen, hints)
        found = language_of(answer)
        if len(possible) > 1 and found is not None and found not in possible:
            answer = await self._request(audio, possible[0], hints)
            found = possible[0]
        spoken = found if len(possible) > 1 and found is not None else possible[0]
        return heard(answer, spoken)

    async def _request(
        self, audio: bytes, language: str | Sequence[str], hints: Sequence[str]
    ) -> _Answer:
        options = self._options
        asked: dict[str, Any] = {"model": options.model, "response_format": options.answer}
        takes_keywords = options.model.startswith("gpt-transcribe")
        if isinstance(language, str):
            asked["language"] = language
        elif takes_keywords:
            asked["languages"] = list(language)
        if takes_keywords and hints:
            asked["keywords"] = list(hints)
        if prompt := prompt_of(options.prompt, () if takes_keywords else hints):
            asked["prompt"] = prompt
        if options.answer == "verbose_json":
            times = ["segment", "word"] if options.word_times else ["segment"]
            asked["timestamp_granularities"] = times
        elif options.model.startswith("gpt-4o"):
            asked["include"] = ["logprobs"]
        transcriptions: Any = self._endpoint.client.audio.transcriptions.with_raw_response
        with self._endpoint.failures():
            answered = await transcriptions.create(
                file=("utterance.wav", audio, "audio/wav"), **asked
            )
        try:
            return _Answer.model_validate_json(cast(bytes, answered.content))
        except ValidationError as error:
            raise EngineFailed(
                f"{options.base_url} answered with no transcript ({error.error_count()} faults): "
                "is option base_url right, and does the model know option answer?"
            ) from error


def wav(pcm: Pcm, sample_rate_hz: int) -> bytes:
    """A WAV file of `pcm`, int16 mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(sample_rate_hz)
        audio.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()


def prompt_of(always: str, hints: Sequence[str]) -> str:
    """What the model is told to expect. The end counts most, so what is likely now stands there."""
    told = f"{always} {', '.join(hints)}".strip()
    return told[-_PROMPT_CHARS:]


def language_of(answer: _Answer) -> str | None:
    """ISO 639 code of the language that the endpoint found; None where it doesn't tell."""
    found = [language.code for language in answer.languages or () if language.code]
    named = (found[0] if found else answer.language or "").strip().lower()
    if not named:
        return None
    return _CODES.get(named) or named.split("-")[0]


def heard(answer: _Answer, language: str) -> Heard:
    """The words of an answer without the segments that are silence, and how sure they are."""
    segments = answer.segments or []
    spoken = [segment for segment in segments if not _is_silence(segment)]
    if len(spoken) < len(segments):
        text = "".join(segment.text for segment in spoken).strip()
    else:
        text = answer.text.strip()
    if not text:
        return Heard("", language, 0.0)
    confidence = _confidence(answer, spoken)
    words = tuple(
        Word(
            text=word.word.strip(),
            start_ms=round(word.start * 1000),
            end_ms=round(word.end * 1000),
            confidence=_probability(word.probability, confidence),
        )
        for word in answer.words or ()
        if len(spoken) == len(segments) or any(s.start <= word.start < s.end for s in spoken)
    )
    return Heard(text, language, confidence, words)


def _is_silence(segment: _Segment) -> bool:
    doubtful = segment.avg_logprob is not None and segment.avg_logprob < _DOUBTFUL_LOGPROB
    return doubtful and segment.no_speech_prob > _NO_SPEECH


def _confidence(answer: _Answer, spoken: Sequence[_Segment]) -> float:
    """exp of the mean log probability, segments weighed by how long they are."""
    weighed = [
        (max(segment.end - segment.start, 0.01), segment.avg_logprob)
        for segment in spoken
        if segment.avg_logprob is not None
    ] or [(1.0, token.logprob) for token in answer.logprobs or () if token.logprob is not None]
    if not weighed:
        return UNKNOWN_CONFIDENCE
    mean = sum(weight * logprob for weight, logprob in weighed) / sum(w for w, _ in weighed)
    return _probability(math.exp(min(mean, 0.0)), UNKNOWN_CONFIDENCE)


def _probability(given: float | None, otherwise: float) -> float:
    """Within 0..1; `otherwise` where none was given, or no number."""
    if given is None or math.isnan(given):
        return otherwise
    return min(max(given, 0.0), 1.0)
