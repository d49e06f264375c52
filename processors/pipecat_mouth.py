"""A Pipecat service that speaks, as an engine: `speech.tts.Synthesizer` over a TTS service."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pipecat.frames.frames import Frame, TTSAudioRawFrame, TTSSpeakFrame, TTSStoppedFrame

from processors.service_line import ServiceLine, ServiceLines
from speech.errors import (
    DeadlineExceeded,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    SpeechError,
    VoiceUnknown,
)
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice


@dataclass(frozen=True, slots=True)
class Kind:
    """What a connection is for: services fix it when they connect."""

    voice: str
    language: str  # ISO 639-1
    rate: float  # 1.0 is the voice's natural speed


MakeLine = Callable[[Kind], ServiceLine]
"""A line with such a service, not started."""


class PipecatSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(
        self,
        *,
        name: str,
        version: str,
        languages: Sequence[str],
        voices: Sequence[Voice],
        expression: Expression,
        sample_rate_hz: int,
        make: MakeLine,
        connect_s: float,
        first_chunk_s: float,
        timeout_s: float,
        unreached: str,
    ) -> None:
        """Set up; nothing is connected.

        Args:
            name: in the settings.
            version: changes when the same text would sound different.
            languages: ISO 639-1.
            voices: for each language at least one, its default first.
            expression: what it can do besides speaking the words.
            sample_rate_hz: of its audio.
            make: makes a line.
            connect_s: how long a connection may take.
            first_chunk_s: how long the first sound may take then.
            timeout_s: how long the sound may pause.
            unreached: what to look at when it can't be connected.
        """
        self._name = name
        self._version = version
        self._languages = tuple(languages)
        self._voices = tuple(voices)
        self._expression = expression
        self._rate_hz = sample_rate_hz
        self._make = make
        self._first_chunk_s = first_chunk_s
        self._timeout_s = timeout_s
        self._unreached = unreached
        self._lines = ServiceLines(connect_s=connect_s)

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return self._version

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._languages)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """A voice of several languages stands here once for each."""
        return self._voices

    @property
    def expression(self) -> Expression:
        return self._expression

    @property
    def sample_rate_hz(self) -> int:
        return self._rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the audio as it arrives; nothing for a text without words, and nothing is sent.

        Raises:
            LanguageUnsupported, VoiceUnknown, EngineUnavailable: before the first chunk.
            EngineFailed, EngineBusy, DeadlineExceeded: at any time.
        """
        kind = self._kind(request)
        text = " ".join(request.text.encode("utf-8", "ignore").decode().split())
        if not any(char.isalnum() for char in text):
            return
        line = await self._lines.take(kind, lambda: self._make(kind))
        spoken, is_over = False, False
        try:
            await line.send(TTSSpeakFrame(text, append_to_context=False))
            while not is_over:
                frame = await self._next(line, first=not spoken)
                if isinstance(frame, TTSAudioRawFrame):
                    spoken = True
                    yield np.frombuffer(frame.audio, "<i2").astype(np.int16)
                is_over = isinstance(frame, TTSStoppedFrame)
        finally:
            # A line that is left in the middle of a text would go on with it; one that said nothing
            # has an error on its way.
            if is_over and spoken:
                self._lines.give_back(kind, line)
            else:
                self._lines.drop(line)
        if not spoken:
            raise EngineFailed(f"{self._name} sent no audio for a text with words")

    async def start(self) -> None:
        """Connect once with the first voice. Raises EngineUnavailable."""
        first = self._voices[0]
        kind = Kind(first.name, first.language, 1.0)
        try:
            line = await self._lines.take(kind, lambda: self._make(kind))
        except EngineUnavailable:
            raise
        except SpeechError as error:
            raise EngineUnavailable(f"{error}; {self._unreached}") from error
        self._lines.give_back(kind, line)

    async def close(self) -> None:
        """Disconnect."""
        await self._lines.close()

    def _kind(self, request: SpeechRequest) -> Kind:
        if request.language not in self._languages:
            known = ", ".join(self._languages)
            raise LanguageUnsupported(
                f"{self._name} does not speak {request.language!r}, only {known} (option languages)"
            )
        names = [voice.name for voice in self._voices if voice.language == request.language]
        voice = request.voice or names[0]
        if voice not in names:
            raise VoiceUnknown(
                f"{self._name} has no voice {voice!r} for {request.language}, "
                f"only {', '.join(names)} (option voices)"
            )
        slowest, fastest = self._expression.rates
        # In steps, for each rate has a connection of its own.
        return Kind(voice, request.language, round(min(max(request.rate, slowest), fastest), 1))

    async def _next(self, line: ServiceLine, *, first: bool) -> Frame:
        limit_s = self._first_chunk_s if first else self._timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await line.next()
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self._name} sent no sound for {limit_s:g} s (options first_chunk_s, timeout_s)"
            ) from error
