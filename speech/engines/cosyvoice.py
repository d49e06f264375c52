"""`cosyvoice` speaks: a client of CosyVoice's own server, for Fun-CosyVoice 3 (Apache-2.0).

CosyVoice is not on the package registry (the package of that name is somebody else's old copy): one
clones its repository and runs runtime/python/fastapi/server.py there. That answers
(https://github.com/FunAudioLLM/CosyVoice/blob/main/runtime/python/fastapi/server.py):

    POST /inference_zero_shot     tts_text, prompt_text, prompt_wav (a file)
    POST /inference_cross_lingual tts_text, prompt_wav
    POST /inference_instruct2     tts_text, instruct_text, prompt_wav

with int16 little-endian mono PCM, a sentence at a time as it is made. The server keeps no voices:
each request carries the recording of one, from a folder of ours. Closing the generator closes the
connection.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AsyncExitStack, aclosing, contextmanager
from functools import partial
from typing import Any, Literal, cast

import httpx
from pydantic import Field

from speech.engines.arriving_audio import ArrivingAudio
from speech.engines.cosyvoice_voices import Recording, recordings_of
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

_PATHS = ("/inference_zero_shot", "/inference_cross_lingual", "/inference_instruct2")

_ROLE = "You are a helpful assistant."
_END_OF_PROMPT = "<|endofprompt|>"
"""CosyVoice 3 wants both before what it is to say (its example.py); CosyVoice 2 would say them."""

_SOUNDS = {"laugh": "[laughter]", "sigh": "[sigh]", "cough": "[cough]", "breath": "[breath]"}
"""As CosyVoice 3's tokenizer has them (cosyvoice/tokenizer/tokenizer.py)."""

_EMOTIONS = {
    "happy": "请非常开心地说一句话。",
    "sad": "请非常伤心地说一句话。",
    "angry": "请非常生气地说一句话。",
}
"""What the model was taught to be told, in these words (cosyvoice/utils/common.py)."""

_SOUND = re.compile(r"\[(" + "|".join(_SOUNDS) + r")\]")
_SIGNS = re.compile(r"[<>|\[\]]+")
"""Of the model's own marks: `<|endofprompt|>` in a caller's name must not end the prompt."""

_SHOWN_CHARS = 200


class CosyVoiceOptions(EngineOptions):
    """What can be set for cosyvoice."""

    base_url: str = Field(
        default="http://127.0.0.1:50000",
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="where CosyVoice's server.py answers",
    )
    voices: str = Field(
        default="",
        description="a folder with a recording NAME.wav of 3 to 30 s for each voice, and its "
        "words in NAME.txt: with them it keeps closer to the voice",
    )
    languages: Languages = Field(
        default=("en", "zh", "ja", "ko", "de", "es", "fr", "it", "ru"),
        description="those of CosyVoice 3, with commas",
    )
    generation: Literal["2", "3"] = Field(
        default="3", description="of the model that the server runs"
    )
    sample_rate_hz: int = Field(
        default=24_000, ge=8_000, le=48_000, description="of its model: 24000 for 2 and 3"
    )
    max_streams: int = Field(
        default=4, ge=1, le=64, description="texts spoken at once; more are refused as busy"
    )
    connect_s: float = Field(default=2.0, gt=0, le=60, description="for a connection")
    first_chunk_s: float = Field(
        default=10.0, gt=0, le=120, description="for the first sound, which is a whole sentence"
    )
    timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="how long the sound may pause before it is given up"
    )


class CosyVoiceSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: CosyVoiceOptions | None = None) -> None:
        """Set up; nothing is opened."""
        self._options = options or CosyVoiceOptions()
        self._recordings: dict[str, Recording] = {}
        self._client: httpx.AsyncClient | None = None
        self._speaking = 0

    @property
    def name(self) -> str:
        return "cosyvoice"

    @property
    def version(self) -> str:
        """The server's address and the generation of its model: it names no version itself."""
        return f"{self._options.generation}-{self._options.base_url}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._options.languages)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those of the folder, once started, each in every language."""
        return tuple(
            Voice(name, language, f"{name}, by CosyVoice")
            for language in self._options.languages
            for name in self._recordings
        )

    @property
    def expression(self) -> Expression:
        if self._options.generation == "2":
            return Expression()
        return Expression(sounds=frozenset(_SOUNDS), emotions=frozenset(_EMOTIONS))

    @property
    def sample_rate_hz(self) -> int:
        return self._options.sample_rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the audio as it arrives; nothing for a text without words, and nothing is sent.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineUnavailable: the server is none of CosyVoice's.
            EngineBusy: it speaks as many texts as it may.
            EngineFailed, DeadlineExceeded: at any time.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        voice = voice_of(request, engine=self.name, languages=self.languages, voices=self.voices)
        if self._client is None:
            raise EngineFailed("cosyvoice is not started")
        pieces = pieces_of(request.text, request.language)
        if not pieces:
            return
        if self._speaking >= self._options.max_streams:
            raise EngineBusy(
                f"cosyvoice speaks {self._speaking} texts at once already (option max_streams)"
            )
        make = partial(self._spoken, self._recordings[voice.name], request.emotion)
        self._speaking += 1
        try:
            async with aclosing(spoken(pieces, make, sample_rate_hz=self.sample_rate_hz)) as audio:
                async for pcm in audio:
                    yield pcm
        finally:
            self._speaking -= 1

    async def start(self) -> None:
        """Read the voices, see that the server is CosyVoice's, and speak a word to nobody.

        Raises:
            EngineUnavailable: there are no voices, or the server doesn't answer.
        """
        if self._client is not None:
            return
        recordings = await asyncio.to_thread(recordings_of, self._options.voices)
        timeout = httpx.Timeout(self._options.timeout_s, connect=self._options.connect_s)
        client = httpx.AsyncClient(
            base_url=self._options.base_url,
            timeout=timeout,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )
        try:
            await self._look_for_paths(client)
            self._client, self._recordings = client, recordings
            word = SpeechRequest(text="OK.", language=self._options.languages[0])
            async for _ in self.synthesize(word):
                pass
        except BaseException as error:
            self._client = None
            await client.aclose()
            if isinstance(error, SpeechError) and not isinstance(error, EngineUnavailable):
                raise EngineUnavailable(f"cosyvoice does not speak: {error}") from error
            raise

    async def close(self) -> None:
        """Close its connections; what is being spoken ends."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _spoken(
        self, recording: Recording, emotion: str | None, text: str
    ) -> AsyncGenerator[Pcm, None]:
        """The audio of one piece, as it arrives."""
        options = self._options
        path, fields = self._asked(recording, emotion, text)
        arriving = ArrivingAudio(
            sample_rate_hz=options.sample_rate_hz,
            raw_rate_hz=options.sample_rate_hz,
            peer=options.base_url,
        )
        made = False
        async with AsyncExitStack() as stack:
            chunks = await self._begun(path, fields, recording, stack)
            limit_s = options.first_chunk_s
            while (data := await self._next(chunks, limit_s)) is not None:
                limit_s = options.timeout_s
                if len(pcm := arriving.push(data)):
                    made = True
                    yield pcm
        if len(pcm := arriving.finish()):
            made = True
            yield pcm
        if not made:
            raise EngineFailed(f"{options.base_url} sent no audio for a text with words")

    def _asked(
        self, recording: Recording, emotion: str | None, text: str
    ) -> tuple[str, dict[str, str]]:
        """The path and the fields of a request."""
        is_third = self._options.generation == "3"
        said = _marked(text) if is_third else _SIGNS.sub(" ", text)
        prompt = _ROLE + _END_OF_PROMPT if is_third else ""
        if emotion in _EMOTIONS and is_third:
            told = f"{_ROLE} {_EMOTIONS[emotion]}{_END_OF_PROMPT}"
            return "/inference_instruct2", {"tts_text": said, "instruct_text": told}
        if recording.words:
            words = {"tts_text": said, "prompt_text": prompt + recording.words}
            return "/inference_zero_shot", words
        return "/inference_cross_lingual", {"tts_text": prompt + said}

    async def _begun(
        self, path: str, fields: dict[str, str], recording: Recording, stack: AsyncExitStack
    ) -> AsyncIterator[bytes]:
        """The answer's bytes, once its status has come. The stack closes the connection."""
        if (client := self._client) is None:
            raise EngineFailed("cosyvoice was closed while it spoke")
        with self._failures():
            async with asyncio.timeout(self._options.first_chunk_s):
                answer = await stack.enter_async_context(
                    client.stream(
                        "POST",
                        path,
                        data=fields,
                        files={"prompt_wav": ("voice.wav", recording.wav, "audio/wav")},
                    )
                )
                if answer.status_code != 200:
                    await answer.aread()
                    raise self._refusal(answer, path)
        return answer.aiter_bytes()

    async def _next(self, chunks: AsyncIterator[bytes], limit_s: float) -> bytes | None:
        """The next bytes; None at the end."""
        with self._failures():
            async with asyncio.timeout(limit_s):
                return await anext(chunks, None)

    async def _look_for_paths(self, client: httpx.AsyncClient) -> None:
        """FastAPI says what a server answers."""
        url = self._options.base_url
        try:
            with self._failures():
                async with asyncio.timeout(self._options.timeout_s):
                    answer = await client.get("/openapi.json")
        except SpeechError as error:
            raise EngineUnavailable(
                f"{error}; run runtime/python/fastapi/server.py of CosyVoice's repository, and "
                "set the option base_url to where it answers"
            ) from error
        try:
            paths = cast(dict[str, Any], answer.json())["paths"]
            missing = [path for path in _PATHS if path not in paths]
        except (ValueError, TypeError, LookupError):
            missing = list(_PATHS)
        if answer.status_code != 200 or missing:
            raise EngineUnavailable(
                f"{url} is no server of CosyVoice's, or an old one: it has no "
                f"{', '.join(missing or _PATHS)} (option base_url)"
            )

    @contextmanager
    def _failures(self) -> Generator[None]:
        url = self._options.base_url
        try:
            yield
        except (httpx.TimeoutException, TimeoutError) as error:
            raise DeadlineExceeded(
                f"{url} did not answer in time (options connect_s, first_chunk_s, timeout_s)"
            ) from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise EngineFailed(
                f"{url} can't be reached, or hung up: {str(error) or type(error).__name__}"
            ) from error
        except RuntimeError as error:
            # httpx's own, when its client is closed under a request.
            raise EngineFailed("cosyvoice was closed while it spoke") from error

    def _refusal(self, answer: httpx.Response, path: str) -> SpeechError:
        """What a status other than 200 means."""
        status, url = answer.status_code, self._options.base_url
        said = " ".join(answer.text.split())[:_SHOWN_CHARS]
        if status in (404, 405):
            return EngineUnavailable(f"{url} has no POST {path} ({status}): option base_url")
        if status in (429, 503):
            return EngineBusy(f"{url} has too much to do ({status}): {said}")
        return EngineFailed(f"{url}{path} answered {status}: {said}")


def _marked(text: str) -> str:
    """`text` with CosyVoice's marks for our sounds, and no other mark of its own."""
    parts: list[str] = []
    at = 0
    for sound in _SOUND.finditer(text):
        parts += [_SIGNS.sub(" ", text[at : sound.start()]), _SOUNDS[sound[1]]]
        at = sound.end()
    return "".join([*parts, _SIGNS.sub(" ", text[at:])])
