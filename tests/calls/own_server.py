"""The media sockets of a server in this process, on engines that a test chooses."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bot.engines import Ears, Mouths
from bot.http import media
from bot.live_calls import LiveCalls
from bot.services import Services, open_services
from bot.settings import load_settings
from bot.urls import Urls
from ivr_flows.loader import load_bytes
from speech.cache import SpeechCache
from speech.stt import Pcm, RecognitionStream, Recognizer, Transcript
from speech.tts import Synthesizer
from telephony.records import CallRecord
from telephony.simulator.exchange import serve_app
from tests.calls.raw_telephone import RawTelephone


@dataclass(frozen=True, slots=True)
class OwnServer:
    """Takes calls to any number, with one flow."""

    base_url: str
    services: Services

    async def take(self, phone: RawTelephone) -> CallRecord:
        """The call to its end, and its record."""
        await phone.call(self.base_url)
        store = self.services.store
        async with asyncio.timeout(20):
            while True:  # the record is closed after the line
                call = await store.find_by_carrier_call_id(phone.carrier, phone.call_sid)
                if call is not None and call.disposition:
                    return await store.get_record(call.id)
                await asyncio.sleep(0.1)


@asynccontextmanager
async def own_server(
    folder: Path,
    flow: str,
    *,
    ear: Recognizer | None = None,
    mouth: Synthesizer | None = None,
    **given: Any,
) -> AsyncGenerator[OwnServer]:
    """`flow`: YAML; `ear`, `mouth`: of English, instead of Moonshine and espeak; `given`: more
    settings."""
    loaded = load_bytes(flow.encode(), "own.yaml")
    settings = load_settings(
        env_file=None, data_dir=folder, record_calls=False, default_flow=loaded.name, **given
    )
    (folder / "flows").mkdir()
    (folder / "flows" / "own.yaml").write_text(flow, encoding="utf-8")
    settings = settings.model_copy(update={"flows_dir": folder / "flows"})
    async with open_services(settings, Urls("http://localhost")) as opened:
        shelf = opened.mouths.shelf
        services = replace(
            opened,
            flows={loaded.name: loaded},
            ears=Ears({"en": ear}, ()) if ear else opened.ears,
            mouths=Mouths({"en": SpeechCache(mouth)}, (), (), shelf) if mouth else opened.mouths,
        )
        await services.render_static_prompts()
        app = FastAPI()
        app.include_router(media.router(services, LiveCalls(4)))
        async with serve_app(app) as base_url:
            yield OwnServer(base_url, services)


class ScriptedStream:
    """One utterance of `ScriptedEar`."""

    def __init__(self, ear: "ScriptedEar", rate_hz: int) -> None:
        self._ear = ear
        self._rate_hz = rate_hz
        self._samples = 0

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        return await self._said(is_final=is_urgent)

    async def finish(self) -> Transcript:
        return await self._said(is_final=True)

    def cancel(self) -> None: ...

    async def _said(self, *, is_final: bool) -> Transcript:
        text = await self._ear.hear(is_final=is_final)
        audio_ms = self._samples * 1000 // self._rate_hz
        return Transcript(text, "en", 0.9 if text else 0.0, is_final=is_final, audio_ms=audio_ms)


class ScriptedEar:
    """Hears what its `hear` says, whatever was said."""

    name = "scripted"
    languages = frozenset({"en"})
    sample_rate_hz = 8000

    async def hear(self, *, is_final: bool) -> str:
        """The words so far, or all of them."""
        raise NotImplementedError

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        return ScriptedStream(self, sample_rate_hz)

    async def start(self) -> None: ...

    async def close(self) -> None: ...
