"""`POST /v1/audio/transcriptions` and `/v1/audio/detect-language`: a file in, its text out."""

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from speech.errors import SpeechError
from speech.server.clients import StreamedAudio, while_connected
from speech.server.errors import ApiError, invalid, of_speech
from speech.server.host import EngineHost
from speech.server.languages import first_and_others, language_code
from speech.server.metrics import Metrics
from speech.server.primed import primed
from speech.server.segments import Segment, split, srt, vtt
from speech.server.uploads import AudioReader, Upload, upload
from speech.stt import Pcm, Recognizer

FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
_GRANULARITIES = frozenset({"word", "segment"})
_MOST_HINTS = 200
_DETECT_S = 20.0  # of the recording's beginning


@dataclass(frozen=True, slots=True)
class Ask:
    """What a form asks for."""

    model: str
    language: str | None
    hints: tuple[str, ...]
    response_format: str
    granularities: frozenset[str]
    is_streamed: bool


def router(host: EngineHost, reader: AudioReader, metrics: Metrics) -> APIRouter:
    """The routes that hear."""
    routes = APIRouter(tags=["hears"])

    @routes.post("/v1/audio/transcriptions", openapi_extra=_form(_TRANSCRIPTION_FIELDS))
    async def transcribe(request: Request) -> Response:
        """Transcribe a file (multipart, as OpenAI's)."""
        began_s = time.monotonic()
        async with upload(request) as form:
            ask = _ask(form, host)
            source = _segments(host, reader, form, ask)
            if ask.is_streamed:
                events = await while_connected(request, primed(_events(source)))
                # The form's file is decoded by now, so it may be deleted.
                return StreamedAudio(
                    events,
                    media_type="text/event-stream",
                    headers={"Cache-Control": "no-store"},
                    metrics=metrics,
                )
            segments = await while_connected(request, _all(source))
        metrics.transcript_s.labels(ask.model, "file").observe(time.monotonic() - began_s)
        metrics.heard_s.labels(ask.model).inc(segments[-1].end_ms / 1000)
        return _response(segments, ask)

    @routes.post("/v1/audio/translations", openapi_extra=_form(_TRANSCRIPTION_FIELDS))
    async def translate(request: Request) -> Response:
        """Give the English text of English speech; engines here transcribe, none translates."""
        async with upload(request) as form:
            ask = _ask(form, host)
            source = _segments(host, reader, form, replace(ask, is_streamed=False))
            segments = await while_connected(request, _all(source))
        for segment in segments:
            if segment.transcript.text.strip() and segment.transcript.language != "en":
                raise invalid(
                    f"file: {segment.transcript.language} is spoken in it, and no engine here "
                    "translates: transcribe it and translate the text",
                    "file",
                    "translation_unsupported",
                )
        return _response(segments, ask)

    @routes.post("/v1/audio/detect-language", openapi_extra=_form(_DETECT_FIELDS))
    async def detect(request: Request) -> Response:
        """Say which language is spoken in a file's first 20 s."""
        async with upload(request) as form:
            model = _telling_model(host, form.text("model") or "")
            found = await while_connected(request, _detect(host, reader, form, model))
        return JSONResponse(found)

    return routes


def _ask(form: Upload, host: EngineHost) -> Ask:
    language = language_code(form.text("language"))
    response_format = form.text("response_format") or "json"
    if response_format not in FORMATS:
        raise invalid(
            f"response_format: one of {', '.join(FORMATS)}, not {response_format[:40]!r}",
            "response_format",
        )
    granularities = frozenset(form.texts("timestamp_granularities"))
    if not granularities <= _GRANULARITIES:
        raise invalid("timestamp_granularities: word and segment", "timestamp_granularities")
    if granularities and response_format != "verbose_json":
        raise invalid(
            "timestamp_granularities: needs response_format=verbose_json",
            "timestamp_granularities",
        )
    _check_temperature(form.text("temperature"))
    streamed = (form.text("stream") or "false").lower()
    if streamed not in ("true", "false", "1", "0"):
        raise invalid("stream: true or false", "stream")
    is_streamed = streamed in ("true", "1")
    if is_streamed and response_format not in ("json", "text"):
        raise invalid("response_format: a stream is json", "response_format")
    model = host.hearing_model(form.text("model") or "", language)
    if language is not None and language not in (known := host.recognizers[model].languages):
        raise invalid(
            f"language: {model} does not know {language!r}, only {', '.join(sorted(known))}",
            "language",
            "language_unsupported",
        )
    hints = [*_phrases(form.text("prompt") or ""), *form.texts("keywords")]
    return Ask(
        model, language, tuple(hints[:_MOST_HINTS]), response_format, granularities, is_streamed
    )


def _check_temperature(written: str | None) -> None:
    try:
        temperature = float(written) if written is not None else 0.0
    except ValueError:
        temperature = math.nan
    if not 0.0 <= temperature <= 1.0:
        raise invalid("temperature: a number from 0 to 1", "temperature")


def _phrases(prompt: str) -> list[str]:
    """The prompt's phrases: engines take those that are likely to be said, not prose."""
    phrases = (phrase.strip() for phrase in prompt.replace("\n", ",").split(","))
    return [phrase for phrase in phrases if phrase and len(phrase) <= 200]


async def _segments(
    host: EngineHost, reader: AudioReader, form: Upload, ask: Ask
) -> AsyncGenerator[Segment, None]:
    """The recording's parts as they are understood; at least one."""
    with host.ear(ask.model) as ear:
        rate_hz = ear.sample_rate_hz
        async with reader.pcm(form.file, sample_rate_hz=rate_hz) as pcm:
            is_fine = ask.is_streamed or ask.response_format in ("srt", "vtt")
            parts = await asyncio.to_thread(split, pcm, rate_hz, is_fine=is_fine)
            start = 0
            for part in parts:
                yield await _heard(ear, part, start, ask)
                start += len(part)


async def _heard(ear: Recognizer, part: Pcm, start: int, ask: Ask) -> Segment:
    language, others = first_and_others(ear.languages, ask.language)
    stream = ear.open(
        language=language,
        sample_rate_hz=ear.sample_rate_hz,
        hints=ask.hints,
        other_languages=others,
    )
    try:
        stream.feed(part)
        transcript = await stream.finish()
    finally:
        stream.cancel()
    rate_hz = ear.sample_rate_hz
    return Segment(start * 1000 // rate_hz, (start + len(part)) * 1000 // rate_hz, transcript)


async def _all(source: AsyncGenerator[Segment, None]) -> list[Segment]:
    async with aclosing(source):
        return [segment async for segment in source]


async def _events(source: AsyncGenerator[Segment, None]) -> AsyncGenerator[bytes, None]:
    """Server-sent events as OpenAI's; what fails after the first is said in one of them."""
    texts: list[str] = []
    async with aclosing(source):
        try:
            async for segment in source:
                if text := segment.transcript.text.strip():
                    delta = f" {text}" if texts else text
                    texts.append(text)
                    yield _event({"type": "transcript.text.delta", "delta": delta})
        except SpeechError as error:
            if not texts:
                raise
            yield _event(of_speech(error).body)
            return
    yield _event({"type": "transcript.text.done", "text": " ".join(texts)})


def _event(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def _response(segments: Sequence[Segment], ask: Ask) -> Response:
    text = " ".join(filter(None, (segment.transcript.text.strip() for segment in segments)))
    match ask.response_format:
        case "text":
            return PlainTextResponse(f"{text}\n")
        case "srt":
            return PlainTextResponse(srt(segments))
        case "vtt":
            return PlainTextResponse(vtt(segments), media_type="text/vtt")
        case "verbose_json":
            return JSONResponse(_verbose(segments, text, ask))
        case _:
            seconds = segments[-1].end_ms / 1000
            return JSONResponse({"text": text, "usage": {"type": "duration", "seconds": seconds}})


def _verbose(segments: Sequence[Segment], text: str, ask: Ask) -> dict[str, Any]:
    seconds = segments[-1].end_ms / 1000
    spoken = [segment for segment in segments if segment.transcript.text.strip()]
    content: dict[str, Any] = {
        "task": "transcribe",
        "language": (spoken or segments)[0].transcript.language,
        "duration": seconds,
        "text": text,
        "usage": {"type": "duration", "seconds": seconds},
    }
    if "word" in ask.granularities:
        content["words"] = [
            {"word": word.text.strip(), "start": word.start_ms / 1000, "end": word.end_ms / 1000}
            for segment in spoken
            for word in segment.words
        ]
    if "segment" in ask.granularities or not ask.granularities:
        content["segments"] = [_segment(n, segment) for n, segment in enumerate(spoken)]
    return content


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    """OpenAI's fields. What our engines don't tell is left at what means nothing."""
    confidence = segment.transcript.confidence
    return {
        "id": number,
        "seek": segment.start_ms // 10,
        "start": segment.start_ms / 1000,
        "end": segment.end_ms / 1000,
        "text": segment.transcript.text.strip(),
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": math.log(min(max(confidence, 1e-6), 1.0)),
        "compression_ratio": 1.0,
        "no_speech_prob": 0.0,
    }


def _telling_model(host: EngineHost, asked: str) -> str:
    """The model that tells languages apart.

    Raises:
        ApiError: 400, the one asked for, or every one, knows a single language.
    """
    model = host.hearing_model(asked, None)
    several = [name for name, ear in host.recognizers.items() if len(ear.languages) > 1]
    if asked != model and several:
        return several[0]
    if model not in several:
        raise ApiError(
            400,
            f"{model} knows one language only: load an engine that tells languages apart "
            "(whisper) and name it as the model",
            param="model",
            code="one_language_only",
        )
    return model


async def _detect(
    host: EngineHost, reader: AudioReader, form: Upload, model: str
) -> dict[str, Any]:
    ask = Ask(model, None, (), "json", frozenset(), False)
    with host.ear(model) as ear:
        async with reader.pcm(form.file, sample_rate_hz=ear.sample_rate_hz) as pcm:
            beginning = pcm[: int(_DETECT_S * ear.sample_rate_hz)]
            segment = await _heard(ear, beginning, 0, ask)
    heard = segment.transcript
    return {
        "language": heard.language,
        "confidence": heard.confidence,
        "text": heard.text.strip(),
        "model": model,
    }


def _form(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What /docs shows of a form that is read by hand."""
    schema = {"type": "object", "required": ["file"], "properties": fields}
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}}


_FILE = {"type": "string", "format": "binary", "description": "the audio"}
_TEXT = {"type": "string"}
_DETECT_FIELDS: dict[str, dict[str, Any]] = {"file": _FILE, "model": _TEXT}
_TRANSCRIPTION_FIELDS: dict[str, dict[str, Any]] = {
    **_DETECT_FIELDS,
    "language": {**_TEXT, "description": "ISO 639-1; without it the engine finds out if it can"},
    "prompt": {**_TEXT, "description": "phrases likely to be said, separated by commas"},
    "keywords[]": {"type": "array", "items": _TEXT},
    "response_format": {"type": "string", "enum": list(FORMATS), "default": "json"},
    "timestamp_granularities[]": {"type": "array", "items": {"enum": ["word", "segment"]}},
    "temperature": {"type": "number", "description": "0..1; accepted, and without effect here"},
    "stream": {"type": "boolean", "default": False},
}
