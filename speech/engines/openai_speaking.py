"""`openai` speaks: any endpoint with OpenAI's `POST /audio/speech` (OpenAI, Kokoro's and Orpheus's
servers, vLLM, Callwright's own speech server).

The audio is asked for raw, because that can be played from its first byte. Closing the generator
closes the connection, which is how such a server learns that nobody listens any more.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from speech.engines.arriving_audio import ArrivingAudio
from speech.engines.openai_client import EndpointOptions, OpenAIEndpoint
from speech.engines.option_lists import Languages, Names
from speech.errors import EngineFailed, LanguageUnsupported, VoiceUnknown
from speech.expression import EMOTIONS
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

if TYPE_CHECKING:
    from openai import AsyncAPIResponse

_PIECE_CHARS = 4000  # OpenAI takes 4096

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_COMPRESSED = ("mpeg", "mp3", "ogg", "opus", "aac", "flac", "webm", "json", "html", "event-stream")
"""In the type of an answer that holds no samples."""


class OpenAISpeakingOptions(EndpointOptions):
    """What can be set for `openai` as a mouth."""

    model: str = Field(
        default="gpt-4o-mini-tts", min_length=1, description="Its name at the endpoint"
    )
    languages: Languages = ("en", "hi", "mr")
    voices: Names = Field(
        default=("alloy", "ash", "coral", "nova", "onyx", "sage"),
        min_length=1,
        description="Its voices, with commas, the default first; name:hi for one of one language",
    )
    response_format: Literal["pcm", "wav"] = Field(
        default="pcm", description="wav for an endpoint that can't send raw samples"
    )
    sample_rate_hz: int = Field(
        default=24_000, ge=8_000, le=48_000, description="Of its raw samples; OpenAI's are 24000"
    )
    first_chunk_s: float = Field(
        default=4.0, gt=0, le=60, description="How long the first sound may take"
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long the sound may pause before it is given up"
    )
    instructions: str = Field(
        default="", description="How to speak, for models that are told (gpt-4o-mini-tts)"
    )
    emotions: Literal["auto", "yes", "no"] = Field(
        default="auto", description="Whether the model is told an emotion; auto: gpt-4o-mini-tts is"
    )
    slowest: float = Field(default=0.5, ge=0.25, le=1.0, description="The least speed")
    fastest: float = Field(default=2.0, ge=1.0, le=4.0, description="The greatest speed")

    @field_validator("voices")
    @classmethod
    def _every_language_has_one(cls, given: tuple[str, ...], info: ValidationInfo) -> object:
        ofs = [voice.partition(":")[2] for voice in given]
        for language in info.data.get("languages", ()):
            if "" not in ofs and language not in ofs:
                raise ValueError(f"there is none for {language!r}, which is in option languages")
        return given


class OpenAISynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: OpenAISpeakingOptions) -> None:
        """Set up; nothing is opened."""
        self._options = options
        self._voices = voices_of(options)
        self._endpoint = OpenAIEndpoint(options, timeout_s=options.timeout_s, model=options.model)

    @property
    def name(self) -> str:
        return "openai"

    @property
    def version(self) -> str:
        """The endpoint, the model and how it is told to speak."""
        options = self._options
        told = f"{options.base_url} {options.instructions}"
        return f"{options.model}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._options.languages)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """A voice of several languages stands here once for each."""
        return self._voices

    @property
    def expression(self) -> Expression:
        options = self._options
        told = options.emotions == "yes" or (
            options.emotions == "auto" and options.model.startswith("gpt-4o")
        )
        return Expression(
            emotions=EMOTIONS if told else frozenset(),
            rates=(max(options.slowest, 0.5), min(options.fastest, 2.0)),
        )

    @property
    def sample_rate_hz(self) -> int:
        return self._options.sample_rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the audio as it arrives; nothing for a text without words, and nothing is sent.

        Raises:
            LanguageUnsupported, VoiceUnknown, EngineUnavailable: before the first chunk.
            EngineFailed, EngineBusy, DeadlineExceeded: at any time.
        """
        asked = self._asked(request)
        text = " ".join(_CONTROLS.sub(" ", request.text).split())
        for piece in wrap(text, _PIECE_CHARS):
            if not any(char.isalnum() for char in piece):
                continue
            options = self._options
            arriving = ArrivingAudio(
                sample_rate_hz=options.sample_rate_hz,
                raw_rate_hz=options.sample_rate_hz,
                peer=options.base_url,
            )
            spoken = False
            async with AsyncExitStack() as stack:
                chunks = await self._begun(piece, asked, stack)
                limit = "first_chunk_s"
                while (data := await self._next(chunks, limit)) is not None:
                    limit = "timeout_s"
                    if len(pcm := arriving.push(data)):
                        spoken = True
                        yield pcm
            if len(pcm := arriving.finish()):
                spoken = True
                yield pcm
            if not spoken:
                raise EngineFailed(f"{options.base_url} sent no audio for a text with words")

    async def start(self) -> None:
        """See that the endpoint answers, takes the key and has the model.

        Nothing is spoken to nobody: that costs money, and the first call's text is as good.

        Raises:
            EngineUnavailable: it doesn't; names the option to set.
        """
        await self._endpoint.start()

    async def close(self) -> None:
        """Close its connections; what is being spoken ends."""
        await self._endpoint.close()

    def _asked(self, request: SpeechRequest) -> dict[str, Any]:
        """The request's JSON but for the text."""
        options = self._options
        if request.language not in self.languages:
            known = ", ".join(options.languages)
            raise LanguageUnsupported(
                f"openai does not speak {request.language!r}, only {known} (option languages)"
            )
        names = [voice.name for voice in self._voices if voice.language == request.language]
        voice = request.voice or names[0]
        if voice not in names:
            raise VoiceUnknown(
                f"openai has no voice {voice!r} for {request.language}, only {', '.join(names)} "
                "(option voices)"
            )
        asked: dict[str, Any] = {
            "model": options.model,
            "voice": voice,
            "response_format": options.response_format,
        }
        slowest, fastest = self.expression.rates
        if request.rate != 1.0:
            asked["speed"] = min(max(request.rate, slowest), fastest)
        told = [options.instructions] if options.instructions else []
        if request.emotion in self.expression.emotions:
            told.append(f"Sound {request.emotion}.")
        if told:
            asked["instructions"] = " ".join(told)
        return asked

    async def _begun(
        self, text: str, asked: dict[str, Any], stack: AsyncExitStack
    ) -> AsyncIterator[bytes]:
        """The answer's bytes, once its status has come. The stack closes the connection."""
        speech = self._endpoint.client.audio.speech.with_streaming_response
        with self._endpoint.failures(limit="first_chunk_s"):
            async with asyncio.timeout(self._options.first_chunk_s):
                answer = await stack.enter_async_context(speech.create(input=text, **asked))
        self._check_type(answer)
        return answer.iter_bytes()

    def _check_type(self, answer: "AsyncAPIResponse[Any]") -> None:
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if any(word in kind for word in _COMPRESSED):
            raise EngineFailed(
                f"{self._options.base_url} answered with {kind!r} instead of samples: set option "
                "response_format to " + ("wav" if self._options.response_format == "pcm" else "pcm")
            )

    async def _next(
        self, chunks: AsyncIterator[bytes], limit: Literal["first_chunk_s", "timeout_s"]
    ) -> bytes | None:
        """The next bytes; None at the end."""
        first = limit == "first_chunk_s"
        limit_s = self._options.first_chunk_s if first else self._options.timeout_s
        with self._endpoint.failures(limit=limit):
            async with asyncio.timeout(limit_s):
                return await anext(chunks, None)


def voices_of(options: OpenAISpeakingOptions) -> tuple[Voice, ...]:
    """Each voice for each language that it speaks, in the order of the option."""
    voices: list[Voice] = []
    for written in options.voices:
        name, _, language = written.partition(":")
        spoken = (language,) if language else options.languages
        voices += [Voice(name, one, f"{name} of {options.model}") for one in spoken]
    return tuple(voices)
