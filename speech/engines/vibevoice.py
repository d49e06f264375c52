"""`vibevoice` speaks: a client of VibeVoice's realtime demo server (microsoft/VibeVoice, MIT).

The registry's package vibevoice 0.0.1 is older than the realtime model and has none of its code:
one clones the repository and runs demo/vibevoice_realtime_demo.py there. That answers
(https://github.com/microsoft/VibeVoice/blob/main/demo/web/app.py):

    GET /config                              {"voices": [...], "default_voice": "..."}
    WS  /stream?text=&voice=&cfg=&steps=     int16 LE mono PCM at 24 kHz, and JSON of what happens

It speaks one text at a time and turns others away, so this is for one call, or a server a call.
Its makers mean it for research; English is what it was trained for, the rest is experimental.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

import httpx
from pydantic import Field
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, WebSocketException

from speech.engines.arriving_audio import ArrivingAudio
from speech.engines.option_lists import Languages
from speech.engines.piece_speaking import pieces_of, voice_of
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    SpeechError,
)
from speech.options import EngineOptions
from speech.piecewise import spoken
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

_RATE_HZ = 24_000

_PREFIXES = {"sp": "es", "jp": "ja", "kr": "ko", "in": "en"}
"""Where the first part of a voice's name ("en-Emma_woman") is no ISO 639-1 code; in-Samuel speaks
English as in India."""

_BUSY_CODE = 1013
_ASKS_AGAIN_AFTER_S = 0.1
_CLOSE_S = 0.5
_MESSAGE_BYTES = 1 << 22
_SHOWN_CHARS = 200


class VibeVoiceOptions(EngineOptions):
    """What can be set for vibevoice."""

    base_url: str = Field(
        default="http://127.0.0.1:3000",
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="where VibeVoice's realtime demo answers",
    )
    languages: Languages = Field(
        default=("en",),
        description="which of its voices' languages are offered, with commas; all but en are "
        "experimental: de fr it ja ko nl pl pt es",
    )
    guidance: float = Field(
        default=1.5, gt=0, le=10, description="how strictly it keeps to the voice (its cfg)"
    )
    steps: int = Field(
        default=5, ge=1, le=50, description="of diffusion a sound: more is better and slower"
    )
    connect_s: float = Field(default=2.0, gt=0, le=60, description="for a connection")
    busy_wait_s: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="how long it is asked again while it speaks another text",
    )
    first_chunk_s: float = Field(default=4.0, gt=0, le=120, description="for the first sound")
    timeout_s: float = Field(
        default=4.0, gt=0, le=120, description="how long the sound may pause before it is given up"
    )


class VibeVoiceSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: VibeVoiceOptions | None = None) -> None:
        """Set up; nothing is opened."""
        self._options = options or VibeVoiceOptions()
        self._url = self._options.base_url.rstrip("/")
        self._voices: tuple[Voice, ...] = ()

    @property
    def name(self) -> str:
        return "vibevoice"

    @property
    def version(self) -> str:
        """The server's address and what it is told: it names no version itself."""
        return f"{self._url}-{self._options.guidance:g}-{self._options.steps}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._options.languages)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those of the server that speak the languages of the options, once started."""
        return self._voices

    @property
    def expression(self) -> Expression:
        return Expression()

    @property
    def sample_rate_hz(self) -> int:
        return _RATE_HZ

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the audio as it arrives; nothing for a text without words, and nothing is sent.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: it speaks another text.
            EngineFailed, DeadlineExceeded: at any time.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        if not self._voices:
            raise EngineFailed("vibevoice is not started")
        voice = voice_of(request, engine=self.name, languages=self.languages, voices=self._voices)
        pieces = pieces_of(request.text, request.language)
        if not pieces:
            return
        make = partial(self._spoken, voice.name)
        async with aclosing(spoken(pieces, make, sample_rate_hz=_RATE_HZ)) as audio:
            async for pcm in audio:
                yield pcm

    async def start(self) -> None:
        """Ask the server for its voices. It has spoken to nobody when it was started itself.

        Raises:
            EngineUnavailable: it doesn't answer, or has no voice for a language of the options.
        """
        try:
            config = await self._config()
            names = [str(name) for name in config["voices"]]
            first = str(config["default_voice"])
        except (ValueError, TypeError, LookupError) as error:
            raise EngineUnavailable(
                f"{self._url} is no realtime server of VibeVoice's: its /config says no voices "
                "(option base_url)"
            ) from error
        names.sort(key=lambda name: (name != first, name))
        voices = tuple(
            Voice(name, language, f"{name}, by VibeVoice")
            for name in names
            if (language := _language_of(name)) in self.languages
        )
        if missing := self.languages - {voice.language for voice in voices}:
            raise EngineUnavailable(
                f"{self._url} has no voice for {', '.join(sorted(missing))} (option languages); it "
                f"has {', '.join(names) or 'none'}"
            )
        self._voices = voices

    async def close(self) -> None:
        """Forget the voices. A connection lasts as long as its text."""
        self._voices = ()

    async def _spoken(self, voice: str, text: str) -> AsyncGenerator[Pcm, None]:
        """The audio of one piece, as it arrives."""
        arriving = ArrivingAudio(sample_rate_hz=_RATE_HZ, raw_rate_hz=_RATE_HZ, peer=self._url)
        made = False
        async with aclosing(self._bytes(voice, text)) as chunks:
            async for data in chunks:
                if len(pcm := arriving.push(data)):
                    made = True
                    yield pcm
        if len(pcm := arriving.finish()):
            made = True
            yield pcm
        if not made:
            raise EngineFailed(f"{self._url} sent no audio for a text with words")

    async def _bytes(self, voice: str, text: str) -> AsyncGenerator[bytes, None]:
        """What the server sends, asked again while it is busy."""
        options = self._options
        asked = {"text": text, "voice": voice, "cfg": options.guidance, "steps": options.steps}
        url = f"ws{self._url.removeprefix('http')}/stream?{urlencode(asked)}"
        ends_s = asyncio.get_running_loop().time() + options.busy_wait_s
        while True:
            socket = await self._connected(url)
            try:
                limit_s = options.first_chunk_s
                while (data := await self._next(socket, limit_s)) is not None:
                    if data:
                        limit_s = options.timeout_s
                        yield data
                return
            except EngineBusy:
                if asyncio.get_running_loop().time() >= ends_s:
                    raise
            finally:
                await socket.close()
            await asyncio.sleep(_ASKS_AGAIN_AFTER_S)

    async def _connected(self, url: str) -> ClientConnection:
        with self._failures():
            async with asyncio.timeout(self._options.connect_s):
                return await connect(
                    url,
                    compression=None,  # of speech it saves nothing
                    open_timeout=None,
                    close_timeout=_CLOSE_S,
                    max_size=_MESSAGE_BYTES,
                    proxy=None,
                )

    async def _next(self, socket: ClientConnection, limit_s: float) -> bytes | None:
        """The next audio; b"" of news, None at the end."""
        with self._failures():
            try:
                async with asyncio.timeout(limit_s):
                    message = await socket.recv()
            except ConnectionClosedOK:
                return None
        if isinstance(message, str):
            _look_at(message)
            return b""
        return message

    async def _config(self) -> dict[str, Any]:
        options = self._options
        try:
            with self._failures():
                async with asyncio.timeout(options.timeout_s):
                    async with httpx.AsyncClient(trust_env=False, timeout=None) as client:
                        answer = await client.get(f"{self._url}/config")
        except SpeechError as error:
            raise EngineUnavailable(
                f"{error}; run demo/vibevoice_realtime_demo.py of VibeVoice's repository, and set "
                "the option base_url to where it answers"
            ) from error
        if answer.status_code != 200:
            raise ValueError(f"/config answered {answer.status_code}")
        return cast(dict[str, Any], answer.json())

    @contextmanager
    def _failures(self) -> Generator[None]:
        try:
            yield
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self._url} did not answer in time (options connect_s, first_chunk_s, timeout_s)"
            ) from error
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code == _BUSY_CODE:
                raise EngineBusy(f"{self._url} speaks another text") from error
            raise EngineFailed(f"{self._url} hung up: {error}") from error
        except (WebSocketException, httpx.HTTPError, httpx.InvalidURL, OSError, EOFError) as error:
            raise EngineFailed(
                f"{self._url} can't be reached: {str(error) or type(error).__name__}"
            ) from error


def _look_at(message: str) -> None:
    """The server's news; raises what stands in it.

    Raises:
        EngineBusy: it speaks another text.
        EngineFailed: it broke.
    """
    try:
        news = cast(dict[str, Any], json.loads(message))
        event, data = str(news.get("event")), news.get("data")
    except (ValueError, AttributeError):
        return
    if event == "backend_busy":
        raise EngineBusy("vibevoice speaks another text: it takes one at a time")
    if event in ("backend_error", "generation_error"):
        said = " ".join(str(data).split())[:_SHOWN_CHARS]
        raise EngineFailed(f"vibevoice broke on this text: {said}")


def _language_of(voice: str) -> str:
    """ISO 639-1, from a name such as "en-Emma_woman"."""
    first = voice.partition("-")[0]
    return _PREFIXES.get(first, first)
