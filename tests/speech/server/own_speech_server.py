"""A speech server of a test's own, on engines that the test scripts, and audio to send it."""

import asyncio
import functools
import io
import socket
import wave
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from speech.custom_voices import CustomVoices
from speech.errors import EngineBusy, EngineFailed, LanguageUnsupported, SpeechError
from speech.pool import EnginePool
from speech.server.app import create_app
from speech.server.host import EngineHost, anything_fits
from speech.server.serve import DrainingServer
from speech.server.settings import EngineSpec, ServerSettings
from speech.stt import Pcm, RecognitionStream, Transcript, Word
from speech.tts import Expression, SpeechRequest, Voice
from speech.voice_presets import Presets, load_presets

RATE_HZ = 16_000
TOKEN = "a-token-of-more-than-16-characters"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


def tone(seconds: float, rate_hz: int = RATE_HZ) -> Pcm:
    """A tone of half the full scale."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * 440 * time_s) * 16_000).astype(np.int16)


def wav(pcm: Pcm, rate_hz: int = RATE_HZ, channels: int = 1) -> bytes:
    """A WAV file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())
    return target.getvalue()


@dataclass
class ScriptedMouth:
    """Speaks 20 ms chunks of a tone, as many as it is told, and counts."""

    name: str = "scripted-mouth"
    version: str = "1"
    languages: frozenset[str] = frozenset({"en", "hi"})
    voices: tuple[Voice, ...] = (Voice("low", "en", "low"), Voice("nima", "hi", "clear"))
    expression: Expression = field(default_factory=lambda: Expression(rates=(0.9, 1.1)))
    sample_rate_hz: int = 24_000
    chunks: int = 5
    failure: SpeechError | None = None
    fails_after: int = 0  # chunks
    gate: asyncio.Event | None = None  # waited for before the first chunk
    requests: list[SpeechRequest] = field(default_factory=list)
    given: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    was_closed: bool = False

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        self.requests.append(request)
        try:
            if self.gate is not None:
                await self.gate.wait()
            for number in range(self.chunks):
                if self.failure is not None and number >= self.fails_after:
                    raise self.failure
                self.given += 1
                yield tone(0.02, self.sample_rate_hz)
                await asyncio.sleep(0)
        finally:
            self.ended.set()

    async def start(self) -> None: ...

    async def close(self) -> None:
        self.was_closed = True


@dataclass
class ScriptedEar:
    """Hears how long the audio was; each transcript can be held up by a gate."""

    name: str = "scripted-ear"
    languages: frozenset[str] = frozenset({"en", "hi", "mr"})
    sample_rate_hz: int = RATE_HZ
    failure: SpeechError | None = None
    is_busy: bool = False
    heard_language: str | None = None  # None: the one asked for
    words: tuple[Word, ...] = ()
    gate: asyncio.Event | None = None
    opened: list[dict[str, Any]] = field(default_factory=list)
    decoding: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    was_closed: bool = False

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        if language not in self.languages:
            raise LanguageUnsupported(f"the scripted ear does not know {language!r}")
        self.opened.append(
            {
                "language": language,
                "rate_hz": sample_rate_hz,
                "hints": list(hints),
                "others": list(other_languages),
            }
        )
        return _ScriptedStream(self, language, sample_rate_hz)

    async def start(self) -> None: ...

    async def close(self) -> None:
        self.was_closed = True


class _ScriptedStream:
    def __init__(self, ear: ScriptedEar, language: str, rate_hz: int) -> None:
        self._ear = ear
        self._language = language
        self._rate_hz = rate_hz
        self._samples = 0
        self._is_closed = False

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        if self._ear.is_busy and not is_urgent:
            raise EngineBusy("others wait")
        return self._transcript(is_final=False)

    async def finish(self) -> Transcript:
        try:
            self._ear.decoding.set()
            if self._ear.gate is not None:
                await self._ear.gate.wait()
            if self._ear.failure is not None:
                raise self._ear.failure
            return self._transcript(is_final=True)
        except asyncio.CancelledError:
            self._ear.cancelled.set()
            raise
        finally:
            self._is_closed = True

    def cancel(self) -> None:
        if not self._is_closed:
            self._ear.cancelled.set()
        self._is_closed = True

    def _transcript(self, *, is_final: bool) -> Transcript:
        audio_ms = self._samples * 1000 // self._rate_hz
        language = self._ear.heard_language or self._language
        return Transcript(f"{audio_ms} ms", language, 0.9, is_final, audio_ms, self._ear.words)


@dataclass(frozen=True, slots=True)
class OwnSpeechServer:
    """A server that runs in the test's own loop."""

    base_url: str
    host: EngineHost
    http: httpx.AsyncClient

    @property
    def ws_url(self) -> str:
        return f"ws{self.base_url.removeprefix('http')}/ws/stream"


@asynccontextmanager
async def own_speech_server(
    *,
    ear: ScriptedEar | None = None,
    mouth: ScriptedMouth | None = None,
    headers: Mapping[str, str] | None = None,
    max_streams: int = 8,
    customs: CustomVoices | None = None,
    **limits: Any,
) -> AsyncGenerator[OwnSpeechServer]:
    """Serve `ear` as the model "ear" and `mouth` as "mouth"; `limits` are of the settings."""
    settings = ServerSettings(port=0, **limits)
    async with EnginePool(2) as pool:
        host = EngineHost(pool, fits=anything_fits, max_streams=max_streams)
        if ear is not None:
            host.adopt(EngineSpec("ear", "scripted", "hears"), ear)
        if mouth is not None:
            host.adopt(EngineSpec("mouth", "scripted", "speaks"), mouth)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            app = create_app(host, settings, presets=_presets(), customs=customs or CustomVoices())
            server = DrainingServer(app, host, settings)
            # Not a task group: what goes wrong inside must come out as it is, not in a group.
            serving = asyncio.create_task(server.run_on(listener))
            try:
                async with httpx.AsyncClient(
                    base_url=base_url, headers=headers, timeout=20
                ) as http:
                    yield OwnSpeechServer(base_url, host, http)
            finally:
                server.should_exit = True
                await serving
        await host.close()


@functools.cache
def _presets() -> Presets:
    return load_presets()


def refusal(response: httpx.Response) -> tuple[int, str | None, str | None]:
    """Status, field and code of an error; fails if it isn't in OpenAI's shape."""
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return response.status_code, error["param"], error["code"]


def broken() -> EngineFailed:
    return EngineFailed("the scripted engine broke")
