"""The routes about voices: which there are, and custom ones made of somebody's recording."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from speech.consent import read_consent
from speech.custom_voices import CustomVoices, cloner_of
from speech.errors import VoiceUnknown
from speech.learned_voice import CUSTOM, LearnedVoice
from speech.server.clients import while_connected
from speech.server.errors import ApiError, invalid
from speech.server.host import EngineHost
from speech.server.languages import language_code
from speech.server.uploads import AudioReader, Upload, upload
from speech.tts import Synthesizer
from speech.voice_presets import OTHER_LANGUAGES, Presets

_REFERENCE_RATE_HZ = 24_000  # what the cloning engines learn from; each resamples to its own


def router(
    host: EngineHost, reader: AudioReader, customs: CustomVoices, presets: Presets
) -> APIRouter:
    """The routes about voices."""
    routes = APIRouter(tags=["voices"])

    @routes.get("/v1/voices")
    async def voices(model: str = "", language: str = "") -> dict[str, Any]:
        """List the voices, of one model or language if asked."""
        code = language_code(language)
        found = [
            voice
            for voice in _listed(host, customs, presets)
            if model in ("", voice["model"]) and code in (None, voice["language"])
        ]
        return {"object": "list", "data": found}

    @routes.post("/v1/audio/clone", openapi_extra=_CLONE_FORM)
    async def clone(request: Request) -> Response:
        """Make a custom voice of at least 10 s of one person's speech, with their consent."""
        async with upload(request) as form:
            learned, model = await while_connected(request, _clone(host, reader, customs, form))
        return JSONResponse(_made(learned, model), 201)

    @routes.delete("/v1/voices/{name}")
    async def forget(name: str) -> dict[str, Any]:
        """End a custom voice: its speaker has withdrawn."""
        if not name.startswith(CUSTOM):
            raise invalid(f"only voices named {CUSTOM}ID can be deleted", "name")
        try:
            await customs.engine_of(name)
        except VoiceUnknown as error:
            raise ApiError(404, str(error), param="name", code="voice_unknown") from error
        await customs.revoke(name)
        return {"id": name, "object": "voice", "deleted": True}

    return routes


async def _clone(
    host: EngineHost, reader: AudioReader, customs: CustomVoices, form: Upload
) -> tuple[LearnedVoice, str]:
    record = form.text("consent")
    if record is None:
        raise ApiError(
            400,
            "consent: the record of what the speaker agreed to is missing; it is JSON: speaker, "
            "agreed_text, agreed_at, evidence_sha256, uses, expires_at",
            param="consent",
            code="missing",
        )
    consent = read_consent(record)
    language = language_code(form.text("language"))
    if language is None:
        raise invalid("language: say what is spoken in the recording (en, hi)", "language")
    model = _cloning_model(host, form.text("model") or "", language)
    with host.mouth(model) as engine:
        async with reader.pcm(form.file, sample_rate_hz=_REFERENCE_RATE_HZ) as pcm:
            learned = await customs.add(engine, pcm, _REFERENCE_RATE_HZ, consent, language=language)
    return learned, model


def _cloning_model(host: EngineHost, asked: str, language: str) -> str:
    """The model asked for, else the first that imitates voices in that language."""
    model = host.speaking_model(asked, None)
    if asked == model:
        try:
            cloner_of(host.synthesizers[model])
        except VoiceUnknown as error:
            raise invalid(str(error), "model", "no_cloning_engine") from error
        return model
    for name, engine in host.synthesizers.items():
        if language in engine.languages and _imitates(engine):
            return name
    raise ApiError(
        400,
        f"no model here imitates voices in {language!r}: load an engine that does (xtts)",
        param="model",
        code="no_cloning_engine",
    )


def _imitates(engine: Synthesizer) -> bool:
    try:
        cloner_of(engine)
    except VoiceUnknown:
        return False
    return True


def _listed(host: EngineHost, customs: CustomVoices, presets: Presets) -> Iterator[dict[str, Any]]:
    """Each model's own voices, the default of each language first, then presets and custom ones."""
    by_engine: dict[str, str] = {}
    for model, engine in host.synthesizers.items():
        by_engine.setdefault(engine.name, model)
        for voice in engine.voices:
            if not voice.name.startswith(CUSTOM):
                yield _voice(voice.name, voice.language, voice.description, model, "own")
    for owner, language, name, preset in presets.all():
        model = owner if owner in host.synthesizers else by_engine.get(owner)
        if model is not None:
            spoken = host.synthesizers[model].languages
            for code in sorted(spoken) if language == OTHER_LANGUAGES else {language} & spoken:
                yield _voice(name, code, preset.description, model, "preset")
    for learned in customs.voices:
        if learned.engine in by_engine:
            what = learned.voice.description
            yield _voice(learned.name, learned.language, what, by_engine[learned.engine], "custom")


def _voice(name: str, language: str, what: str, model: str, kind: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "voice",
        "name": name,
        "language": language,
        "description": what,
        "model": model,
        "kind": kind,
    }


def _made(learned: LearnedVoice, model: str) -> dict[str, Any]:
    until = learned.until_s
    return {
        "id": learned.name,
        "object": "voice",
        "model": model,
        "language": learned.language,
        "expires_at": None if until is None else datetime.fromtimestamp(until, UTC).isoformat(),
    }


_CLONE_FORM: dict[str, Any] = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "consent", "language"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "consent": {"type": "string", "description": "JSON: the speaker's consent"},
                        "language": {"type": "string"},
                        "model": {"type": "string"},
                    },
                }
            }
        }
    }
}
