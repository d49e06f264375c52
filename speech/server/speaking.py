"""From a request for speech to audio: which engine, which voice, and its sound as it is made."""

import asyncio
import time
import unicodedata
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from speech import expression, speakable
from speech.errors import DeadlineExceeded, LanguageUnsupported
from speech.learned_voice import AGENT, CUSTOM
from speech.resampling import StreamResampler
from speech.server.errors import invalid
from speech.server.host import EngineHost, is_any
from speech.server.languages import language_of_text
from speech.server.metrics import Metrics
from speech.server.settings import ServerSettings
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer
from speech.voices import VoiceShelf

OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx"}
    | {"sage", "shimmer", "verse"}
)
"""Names that OpenAI's clients (Pipecat's knows no others) send: here the voice of the language,
unless the engine has one of that very name."""

# What turns lines around or is invisible: no engine speaks it, and some stumble over it. The
# joiners that Devanagari is written with are not among them.
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0xFEFF}


@dataclass(frozen=True, slots=True)
class SpeechAsk:
    """What a client asks for, in the units of `SpeechRequest`."""

    text: str
    model: str
    voice: str | None
    language: str | None
    rate: float | None = None
    emotion: str | None = None
    pitch_semitones: float | None = None
    sample_rate_hz: int = 24_000


@dataclass(frozen=True, slots=True)
class ChosenVoice:
    """Where a voice is, and what it brings besides."""

    model: str
    name: str | None  # in that engine; None: its own choice
    language: str | None  # None: the text tells
    rate: float = 1.0
    pitch_semitones: float = 0.0
    emotion: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that can be carried out."""

    model: str
    request: SpeechRequest
    sample_rate_hz: int  # of what is sent


class Speaking:
    """Everything that makes speech of text."""

    def __init__(
        self,
        host: EngineHost,
        settings: ServerSettings,
        metrics: Metrics,
        shelf: VoiceShelf,
    ) -> None:
        self._host = host
        self._settings = settings
        self._metrics = metrics
        self._shelf = shelf

    async def plan(self, ask: SpeechAsk, *, text_param: str = "input") -> Planned:
        """Find engine, voice and language for it.

        Raises:
            ApiError: the text or the model is wrong.
            LanguageUnsupported, VoiceUnknown: no engine here, or not the one asked for, has it.
        """
        if len(ask.text) > self._settings.max_text_chars:
            raise invalid(
                f"{text_param}: {len(ask.text)} characters, and {self._settings.max_text_chars} "
                "are taken: send it in parts",
                text_param,
                "text_too_long",
            )
        marked = expression.read(_plain(ask.text))
        if not marked.text:
            raise invalid(f"{text_param}: there are no words in it", text_param, "empty")
        emotion = ask.emotion or marked.emotion
        chosen = await self._voice(ask, emotion, marked.text)
        engine = self._host.synthesizers[chosen.model]
        language = (
            ask.language or chosen.language or language_of_text(marked.text, engine.languages)
        )
        text = marked.text
        if language in speakable.LANGUAGES:
            text = speakable.speakable(text, language)
        rate = _first(ask.rate, marked.rate, 1.0) * chosen.rate
        pitch = _first(ask.pitch_semitones, marked.pitch_semitones, 0.0) + chosen.pitch_semitones
        request = SpeechRequest(
            text=text,
            language=language,
            voice=chosen.name,
            rate=rate,
            emotion=emotion or chosen.emotion,
            pitch_semitones=pitch,
        )
        suited = expression.suited(request, engine.expression)
        if not any(char.isalnum() for char in suited.text):  # nor a sound that the engine knows
            raise invalid(f"{text_param}: there are no words in it", text_param, "empty")
        return Planned(chosen.model, suited, ask.sample_rate_hz)

    async def pcm(self, planned: Planned) -> AsyncGenerator[Pcm, None]:
        """The speech, int16 mono at the plan's rate; closing it stops the engine.

        Raises:
            SpeechError: the engine's, or DeadlineExceeded where it makes nothing for too long.
        """
        began_s, samples = time.monotonic(), 0
        with self._host.mouth(planned.model) as engine:
            resampler = StreamResampler(engine.sample_rate_hz, planned.sample_rate_hz)
            async with aclosing(engine.synthesize(planned.request)) as spoken:
                limit_s = self._settings.first_chunk_s
                while (chunk := await _next(spoken, limit_s)) is not None:
                    if not samples:
                        waited_s = time.monotonic() - began_s
                        self._metrics.first_chunk_s.labels(planned.model).observe(waited_s)
                        limit_s = self._settings.chunk_s
                    samples += len(chunk)
                    if len(ready := resampler.push(chunk)):
                        yield ready
            if samples and len(rest := resampler.finish()):
                yield rest
            self._metrics.spoken_s.labels(planned.model).inc(samples / engine.sample_rate_hz)

    async def _voice(self, ask: SpeechAsk, emotion: str | None, text: str) -> ChosenVoice:
        """Which engine speaks, and as whom.

        Raises:
            ApiError: no such model.
            LanguageUnsupported, VoiceUnknown, ConsentInvalid: says what there is instead.
        """
        engines = self._host.synthesizers
        if not is_any(ask.model):
            model = self._host.speaking_model(ask.model, None)
            engines = {model: engines[model]}
        own = {voice.name: voice.language for e in engines.values() for voice in e.voices}
        name = ask.voice
        if name and name.lower() in OPENAI_VOICES | {"default"} and name not in own:
            name = None
        language = ask.language or own.get(name or "")
        if language is None and engines:
            spoken = {one for engine in engines.values() for one in engine.languages}
            language = language_of_text(text, spoken)
        # Also where the voice decides: it refuses a language that no engine here speaks.
        model = self._host.speaking_model(ask.model, language, emotion)
        known = engines if name else {model: engines[model]}
        if language and language not in {one for e in known.values() for one in e.languages}:
            raise LanguageUnsupported(
                f"{model} does not speak {language!r}, only "
                f"{', '.join(sorted(engines[model].languages))}"
            )
        if name is None or language is None:
            return ChosenVoice(model, None, language)
        choice = (await self._shelf.resolve(name, language, engines))[0]
        if name.startswith((CUSTOM, AGENT)):
            await self._shelf.ready(name, {choice.member: engines[choice.member]})
        return ChosenVoice(
            choice.member,
            choice.voice,
            language,
            choice.rate,
            choice.pitch_semitones,
            choice.emotion,
        )


def emotion_is_known(engine: Synthesizer, emotion: str | None) -> bool:
    """Whether the engine can speak so; "neutral" is how every engine speaks."""
    return emotion in (None, "neutral") or emotion in engine.expression.emotions


async def _next(spoken: AsyncGenerator[Pcm, None], limit_s: float) -> Pcm | None:
    """The next chunk, None at the end."""
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            return await anext(spoken, None)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise DeadlineExceeded(f"the engine made no sound for {limit_s:g} s") from error


def _plain(text: str) -> str:
    """Without control characters, halves of characters, and what turns the line around."""
    return "".join(
        " " if char.isspace() or category == "Cc" else char
        for char in text
        if (category := unicodedata.category(char)) not in ("Cs", "Co", "Cn")
        and ord(char) not in _BIDI
    ).strip()


def _first(asked: float | None, marked: float | None, else_: float) -> float:
    """The client's own value, else that of a mark in the text, else the voice's."""
    return next(value for value in (asked, marked, else_) if value is not None)
