"""The protocol of an engine that speaks: text goes in, audio comes out while it is made.

Engines raise only `speech.errors.SpeechError`. Audio is int16 mono PCM at the engine's own
`sample_rate_hz`; whoever plays it resamples once (`speech/cache.py` does so for the line).
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from speech.stt import Pcm


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that an engine offers."""

    name: str  # unique in its engine, e.g. "hi", "en-gb+f3", "slt"
    language: str  # ISO 639-1
    description: str  # what a person reads in a list of voices


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One piece of text to be spoken, already speakable (see `speech/speakable.py`).

    `speech.expression.suited` fits it to an engine: what comes to one is what it can do.
    """

    text: str  # sounds that the engine knows stand in it as "[laugh]"
    language: str  # ISO 639-1
    voice: str | None = None  # None: the engine's own choice for the language
    rate: float = 1.0  # 1.0 is the voice's natural speed, 0.5..2.0
    emotion: str | None = None  # one of `speech.expression.EMOTIONS`
    pitch_semitones: float = 0.0  # -12..12, from the voice's own


@dataclass(frozen=True, slots=True)
class Expression:
    """What an engine can do besides speaking the words."""

    sounds: frozenset[str] = frozenset()  # of `speech.expression.SOUNDS`
    emotions: frozenset[str] = frozenset()  # of `speech.expression.EMOTIONS`
    rates: tuple[float, float] = (1.0, 1.0)  # the least and the greatest that it can do
    has_pitch: bool = False


class Synthesizer(Protocol):
    """An engine that speaks."""

    @property
    def name(self) -> str:
        """The name in the registry, e.g. "espeak"."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same request would sound different: part of the cache's key."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The ISO 639-1 codes that it speaks."""
        ...

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voices it offers, the default of each language first."""
        ...

    @property
    def expression(self) -> Expression:
        """What it can do besides speaking the words."""
        ...

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the audio that `synthesize` yields."""
        ...

    def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield audio as it is made. Closing the generator (`aclose`) stops the engine.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineFailed: at any time; what was yielded before is good audio.
        """
        ...

    async def start(self) -> None:
        """Load, and speak one word to nobody, so that the first call is not the slow one.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        ...

    async def close(self) -> None:
        """Free what `start` took, and end its processes."""
        ...


class VoiceCloner(Protocol):
    """What a `Synthesizer` offers besides, if it can speak in a voice that it is shown."""

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        """What it needs to speak in the voice of `reference` (one person, >= 10 s of speech).

        Computed once a voice; safetensors, of use to this engine and version alone.

        Raises:
            EngineFailed: no voice could be made of it; says why.
        """
        ...

    def hold(self, voice: Voice, learned: bytes) -> None:
        """Speak from now on as `voice` too, with what `learn` gave.

        Raises:
            EngineFailed: the bytes are not such, or of another version.
        """
        ...

    def release(self, voice_name: str) -> None:
        """Forget a voice; what is being said in it ends. One that isn't held is no error."""
        ...
