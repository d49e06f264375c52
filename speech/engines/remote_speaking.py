"""`remote` speaks: an engine of Callwright's own speech server, over HTTP.

`POST /v1/audio/speech` as OpenAI's, with the fields that OpenAI lacks (language, emotion, pitch).
What the server's model can do, and in which voices, is asked at the start, and anew when the server
may be another. Closing the generator closes the connection, and the server stops within a chunk.
"""

import asyncio
import math
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Literal, TypeVar

import httpx
from loguru import logger
from pydantic import BaseModel, Field

from speech.engines.arriving_audio import ArrivingAudio
from speech.engines.remote_server import Model, RemoteOptions, RemoteServer
from speech.errors import (
    DeadlineExceeded,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    SpeechError,
    VoiceUnknown,
)
from speech.expression import EMOTIONS, SOUNDS
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

RATE_HZ = 24_000
"""OpenAI's, and our server's, of raw samples."""

REREAD_S = 10.0
"""Between two questions what a server offers: one that restarts is known again within a turn or
two, and one that is asked for unknown voices all the time has little work with it."""

T = TypeVar("T")

_RATE_HEADER = "X-Sample-Rate-Hz"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_LANGUAGES_BEFORE_START = ("en", "hi", "mr")


class RemoteSpeakingOptions(RemoteOptions):
    """What can be set for `remote` as a mouth."""

    first_chunk_s: float = Field(
        default=4.0, gt=0, le=60, description="How long the first sound may take"
    )
    timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long the sound may pause before it is given up"
    )


class _Voice(BaseModel):
    """One of `GET /v1/voices`."""

    name: str
    language: str
    description: str = ""
    model: str = ""


class _Voices(BaseModel):
    data: list[_Voice]


class RemoteSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: RemoteSpeakingOptions) -> None:
        """Set up; nothing is opened."""
        self._options = options
        self._server = RemoteServer(options, timeout_s=options.timeout_s)
        self._languages = frozenset(options.languages or _LANGUAGES_BEFORE_START)
        self._models: tuple[Model, ...] = ()
        self._voices: tuple[Voice, ...] = ()
        self._expression = Expression()
        self._is_stale = False  # the server may offer something else by now
        self._read_s = -math.inf  # when it was last asked what it offers, but for the start
        self._reading: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return "remote"

    @property
    def version(self) -> str:
        """The server's models with their versions, as they were when they were last read."""
        models = [f"{model.id}-{model.engine}-{model.version}" for model in self._models]
        return "_".join(models) or self._options.model

    @property
    def languages(self) -> frozenset[str]:
        """Those of the server's model, from `start` on."""
        return self._languages

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those of the server's model, from `start` on."""
        return self._voices

    @property
    def expression(self) -> Expression:
        """That of the server's model, from `start` on; of several, what all can do."""
        return self._expression

    @property
    def sample_rate_hz(self) -> int:
        return RATE_HZ

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the audio as it arrives; nothing for a text without words, and nothing is sent.

        Raises:
            LanguageUnsupported, VoiceUnknown, EngineUnavailable: before the first chunk.
            EngineFailed, EngineBusy, DeadlineExceeded: at any time.
        """
        text = " ".join(_CONTROLS.sub(" ", request.text).split())
        asked = self._asked(request, text)
        if not any(char.isalnum() for char in text):
            return
        spoken = False
        async with AsyncExitStack() as stack:
            answer = await self._watched(self._begun(asked, stack))
            arriving = ArrivingAudio(
                sample_rate_hz=RATE_HZ, raw_rate_hz=_rate_of(answer), peer=self._options.base_url
            )
            chunks = answer.aiter_bytes()
            limit = "first_chunk_s"
            while (data := await self._watched(self._next(chunks, limit))) is not None:
                limit = "timeout_s"
                if len(pcm := arriving.push(data)):
                    spoken = True
                    yield pcm
        if len(pcm := arriving.finish()):
            spoken = True
            yield pcm
        if not spoken:
            raise EngineFailed(f"{self._options.base_url} sent no audio for a text with words")

    async def start(self) -> None:
        """See what the server's model can do, and in which voices. It has warmed it itself.

        Raises:
            EngineUnavailable: the server doesn't answer, or lacks the model; names the option.
        """
        await self._read()

    async def _read(self) -> None:
        models = await self._server.models("speaks")
        known = [language for model in models for language in model.languages]
        wanted = self._options.languages or tuple(known)
        if missing := sorted(set(wanted) - set(known)):
            raise EngineUnavailable(
                f"the model {self._options.model!r} of {self._options.base_url} does not speak "
                f"{', '.join(missing)}, only {', '.join(sorted(set(known)))}: "
                "set option languages or model"
            )
        ids = {model.id for model in models}
        offered = await self._server.got("/v1/voices", _Voices)
        self._voices = tuple(
            Voice(voice.name, voice.language, voice.description or voice.name)
            for voice in offered.data
            if voice.language in wanted and (not voice.model or voice.model in ids)
        )
        self._languages = frozenset(wanted)
        self._models = models
        self._expression = common([model for model in models if set(model.languages) & set(wanted)])

    async def close(self) -> None:
        """Close the connections; what is being spoken ends."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
        await self._server.close()

    def _asked(self, request: SpeechRequest, text: str) -> dict[str, Any]:
        """The request's JSON."""
        if request.language not in self._languages:
            known = ", ".join(sorted(self._languages))
            raise LanguageUnsupported(f"remote does not speak {request.language!r}, only {known}")
        if not self._models:
            raise EngineUnavailable("remote is not started: await its start() first")
        names = [voice.name for voice in self._voices if voice.language == request.language]
        if request.voice is not None and request.voice not in names:
            raise VoiceUnknown(
                f"remote has no voice {request.voice!r} for {request.language}, "
                f"only {', '.join(names) or 'none'}"
            )
        asked: dict[str, Any] = {
            "model": self._options.model,
            "input": text,
            "response_format": "pcm",
            "language": request.language,
        }
        if request.voice is not None:
            asked["voice"] = request.voice
        if request.rate != 1.0:
            asked["speed"] = request.rate
        if request.emotion is not None:
            asked["emotion"] = request.emotion
        if request.pitch_semitones:
            asked["pitch_semitones"] = request.pitch_semitones
        return asked

    async def _watched(self, answer: Coroutine[Any, Any, T]) -> T:
        """`answer`; what it tells of the server decides whether to ask anew what that offers.

        One that knows a voice or a language no longer has other engines now; one that was lost
        and answers again may be another one.
        """
        try:
            given = await answer
        except (LanguageUnsupported, VoiceUnknown):
            self._is_stale = True
            self._read_soon()
            raise
        except (EngineFailed, EngineUnavailable, DeadlineExceeded):
            self._is_stale = True
            raise
        self._read_soon()
        return given

    def _read_soon(self) -> None:
        """Ask in the background, unless that was done just now; no request waits for it."""
        now_s = time.monotonic()
        if not self._is_stale or self._reading is not None or now_s - self._read_s < REREAD_S:
            return
        self._is_stale, self._read_s = False, now_s
        self._reading = asyncio.create_task(self._read_again(), name="remote-voices")

    async def _read_again(self) -> None:
        try:
            await self._read()
        except SpeechError as error:
            self._is_stale = True
            logger.warning("remote keeps the voices that it knew: {}", error)
        finally:
            self._reading = None

    async def _begun(self, asked: dict[str, Any], stack: AsyncExitStack) -> httpx.Response:
        """The answer, once its status has come. The stack closes the connection."""
        client = self._server.client
        with self._server.failures(limit="first_chunk_s"):
            async with asyncio.timeout(self._options.first_chunk_s):
                answer = await stack.enter_async_context(
                    client.stream("POST", "/v1/audio/speech", json=asked)
                )
                if answer.status_code == 200:
                    return answer
                body = await answer.aread()
        raise self._server.refusal(answer.status_code, body)

    async def _next(
        self, chunks: AsyncIterator[bytes], limit: Literal["first_chunk_s", "timeout_s"]
    ) -> bytes | None:
        """The next bytes; None at the end."""
        first = limit == "first_chunk_s"
        limit_s = self._options.first_chunk_s if first else self._options.timeout_s
        with self._server.failures(limit=limit):
            async with asyncio.timeout(limit_s):
                return await anext(chunks, None)


def common(models: list[Model]) -> Expression:
    """What each of several models can do."""
    sounds, emotions = SOUNDS, EMOTIONS
    for model in models:
        sounds &= model.expression.sounds
        emotions &= model.expression.emotions
    slowest = max((model.expression.rates[0] for model in models), default=1.0)
    fastest = min((model.expression.rates[1] for model in models), default=1.0)
    return Expression(
        sounds=sounds,
        emotions=emotions,
        rates=(min(slowest, 1.0), max(fastest, 1.0)),
        has_pitch=all(model.expression.has_pitch for model in models),
    )


def _rate_of(answer: httpx.Response) -> int:
    """Of the samples, in Hz."""
    named = answer.headers.get(_RATE_HEADER, str(RATE_HZ))
    if not (named.isascii() and named.isdigit() and 4_000 <= int(named) <= 192_000):
        raise EngineFailed(f"the speech server names no sample rate in {_RATE_HEADER}: {named!r}")
    return int(named)
