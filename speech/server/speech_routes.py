"""The routes that speak: OpenAI's, and ours for calls."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from speech.errors import SpeechError, VoiceUnknown
from speech.expression import EMOTIONS
from speech.learned_voice import AGENT
from speech.server.clients import StreamedAudio, while_connected
from speech.server.encoding import DEFAULT_RATE_HZ, FORMATS, RATES_HZ, encoded
from speech.server.errors import invalid, of_speech
from speech.server.host import EngineHost
from speech.server.languages import language_code
from speech.server.metrics import Metrics
from speech.server.primed import primed
from speech.server.speaking import Planned, Speaking, SpeechAsk, emotion_is_known

PIECE_MS = 40
"""Of PCM for calls: two packets of a telephone line, 20-40 ms being what is asked for."""


def _known_emotion(value: str) -> str:
    if value not in EMOTIONS:
        raise ValueError(f"one of {', '.join(sorted(EMOTIONS))}")
    return value


def _known_rate(value: int) -> int:
    if value not in RATES_HZ:
        raise ValueError(f"one of {', '.join(map(str, RATES_HZ))}")
    return value


Number = Annotated[float, Field(allow_inf_nan=False)]
Emotion = Annotated[str, AfterValidator(_known_emotion)]
RateHz = Annotated[int, AfterValidator(_known_rate)]


class Body(BaseModel):
    """Unknown fields are ignored, as OpenAI's clients may send new ones."""

    model_config = ConfigDict(extra="ignore", str_max_length=2 << 20)


class VoiceId(BaseModel):
    """A voice as OpenAI's newer clients write it."""

    id: Annotated[str, Field(max_length=200)]


class SpeechBody(Body):
    """`POST /v1/audio/speech`. The last six fields are ours."""

    input: Annotated[str, Field(description="what is said; [laugh] and [rate=0.9] may stand in it")]
    model: Annotated[str, Field(max_length=100)] = ""
    voice: Annotated[str, Field(max_length=200)] | VoiceId | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[Number, Field(ge=0.25, le=4.0)] | None = None
    stream_format: Literal["audio", "sse"] = "audio"
    instructions: str | None = None  # of OpenAI's models; engines here have `emotion`
    language: Annotated[str, Field(max_length=35)] | None = None
    emotion: Emotion | None = None
    pitch_semitones: Annotated[Number, Field(ge=-12.0, le=12.0)] | None = None
    sample_rate_hz: RateHz = DEFAULT_RATE_HZ

    def ask(self) -> SpeechAsk:
        voice = self.voice.id if isinstance(self.voice, VoiceId) else self.voice
        return SpeechAsk(
            text=self.input,
            model=self.model,
            voice=voice or None,
            language=language_code(self.language),
            rate=None if self.speed is None else min(max(self.speed, 0.5), 2.0),
            emotion=self.emotion,
            pitch_semitones=self.pitch_semitones,
            sample_rate_hz=self.sample_rate_hz,
        )


class StreamBody(SpeechBody):
    """`POST /v1/audio/speech/stream`: PCM unless another format is asked for."""

    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "pcm"


class EmotionBody(SpeechBody):
    """`POST /v1/audio/speech/with-emotion`."""

    emotion: Emotion | None = Field(...)


class SynthesizeBody(Body):
    """`POST /synthesize/stream`."""

    text: str
    agent_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    voice: Annotated[str, Field(max_length=200)] | None = None  # instead of an agent's
    language: Annotated[str, Field(max_length=35)] | None = None
    emotion: Emotion | None = None
    rate: Annotated[Number, Field(ge=0.5, le=2.0)] | None = None
    pitch_shift: Annotated[Number, Field(ge=-12.0, le=12.0, description="semitones")] | None = None
    model: Annotated[str, Field(max_length=100)] = ""
    sample_rate_hz: RateHz = DEFAULT_RATE_HZ

    def ask(self) -> SpeechAsk:
        voice = f"{AGENT}{self.agent_id}" if self.agent_id else self.voice
        return SpeechAsk(
            text=self.text,
            model=self.model,
            voice=voice or None,
            language=language_code(self.language),
            rate=self.rate,
            emotion=self.emotion,
            pitch_semitones=self.pitch_shift,
            sample_rate_hz=self.sample_rate_hz,
        )


class _Answers:
    """Makes the answers of all the routes."""

    def __init__(self, host: EngineHost, speaking: Speaking, metrics: Metrics) -> None:
        self._host = host
        self._speaking = speaking
        self._metrics = metrics

    async def of_speech(self, request: Request, body: SpeechBody, piece_ms: int) -> Response:
        planned = await self._speaking.plan(body.ask())
        chunks = self._encoded(planned, body.response_format, piece_ms)
        media_type = FORMATS[body.response_format].media_type
        if body.stream_format == "sse":
            chunks, media_type = _events(chunks), "text/event-stream"
        return await self._streamed(request, chunks, planned, media_type, body.emotion)

    async def of_synthesis(self, request: Request, body: SynthesizeBody) -> Response:
        try:
            planned = await self._speaking.plan(body.ask(), text_param="text")
        except VoiceUnknown as error:
            param = "agent_id" if body.agent_id else "voice"
            raise invalid(str(error), param, "voice_unknown") from error
        chunks = self._encoded(planned, "pcm", PIECE_MS)
        return await self._streamed(
            request, chunks, planned, FORMATS["pcm"].media_type, body.emotion
        )

    def _encoded(self, planned: Planned, name: str, piece_ms: int) -> AsyncGenerator[bytes, None]:
        return encoded(
            self._speaking.pcm(planned),
            sample_rate_hz=planned.sample_rate_hz,
            name=name,
            piece_ms=piece_ms,
        )

    async def _streamed(
        self,
        request: Request,
        chunks: AsyncGenerator[bytes, None],
        planned: Planned,
        media_type: str,
        emotion: str | None,
    ) -> Response:
        return StreamedAudio(
            await while_connected(request, primed(chunks)),
            media_type=media_type,
            headers=_headers(self._host, planned, emotion),
            metrics=self._metrics,
        )


def router(host: EngineHost, speaking: Speaking, metrics: Metrics) -> APIRouter:
    """The routes that speak."""
    routes = APIRouter(tags=["speaks"])
    answers = _Answers(host, speaking, metrics)

    @routes.post("/v1/audio/speech", response_class=Response)
    async def speech(request: Request, body: SpeechBody) -> Response:
        """Speak a text, as OpenAI's does; audio is sent while it is made."""
        return await answers.of_speech(request, body, 0)

    @routes.post("/v1/audio/speech/stream", response_class=Response)
    async def stream(request: Request, body: StreamBody) -> Response:
        """The same for players: PCM in pieces of 40 ms unless another format is asked for."""
        return await answers.of_speech(request, body, PIECE_MS)

    @routes.post("/v1/audio/speech/with-emotion", response_class=Response)
    async def with_emotion(request: Request, body: EmotionBody) -> Response:
        """The same with a feeling; X-Emotion-Applied says whether the engine knows it."""
        if body.emotion is None:
            raise invalid(f"emotion: one of {', '.join(sorted(EMOTIONS))}", "emotion")
        return await answers.of_speech(request, body, 0)

    @routes.post("/synthesize/stream", response_class=Response)
    async def synthesize(request: Request, body: SynthesizeBody) -> Response:
        """Speak in an agent's voice: int16 mono PCM in pieces of 40 ms."""
        return await answers.of_synthesis(request, body)

    return routes


def _headers(host: EngineHost, planned: Planned, emotion: str | None) -> dict[str, str]:
    engine = host.synthesizers[planned.model]
    applied = "yes" if emotion_is_known(engine, emotion) else "no"
    return {
        "X-Sample-Rate-Hz": str(planned.sample_rate_hz),
        "X-Model": planned.model,
        "X-Language": planned.request.language,
        "Cache-Control": "no-store",
        **({"X-Emotion-Applied": applied} if emotion else {}),
    }


async def _events(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Server-sent events as OpenAI's; what fails after the first is said in one of them."""
    begun = False
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                begun = True
                audio = base64.b64encode(chunk).decode()
                yield _event({"type": "speech.audio.delta", "audio": audio})
        except SpeechError as error:
            if not begun:
                raise
            yield _event(of_speech(error).body)
            return
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(content: object) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
