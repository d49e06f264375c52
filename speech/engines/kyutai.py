"""Kyutai TTS 1.6B: English and French, streamed frame by frame, through the package moshi (MIT).

It speaks in voices whose embeddings Kyutai hands out (https://huggingface.co/kyutai/tts-voices): it
learns none itself, for the part that makes embeddings is not released. No rate, emotion or sounds.
Needs an NVIDIA GPU to keep up. Weights: kyutai/tts-1.6b-en_fr, CC-BY-4.0; each voice has terms of
its own.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from pydantic import Field

from speech.engines.hub_weights import Weights
from speech.engines.kyutai_model import KyutaiModel, load, voice_files, with_voices
from speech.engines.option_lists import Names
from speech.engines.piece_speaking import pieces_of, speak_pieces, voice_of
from speech.engines.torch_worker import BROKEN, ModelThreads, Outlet
from speech.errors import EngineFailed, EngineUnavailable
from speech.options import EngineOptions
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

_RELEASED_RATE_HZ = 24_000
_LANGUAGES = ("en", "fr")
_WARM_TEXT = {"en": "Ready to talk.", "fr": "Tout est prêt."}

_OFFERED = (
    *("vctk/p225_023.wav", "vctk/p226_023.wav", "vctk/p228_023.wav", "alba-mackenna/casual.wav"),
    *("cml-tts/fr/10087_11650_000028-0002.wav", "cml-tts/fr/12080_11650_000047-0001.wav"),
    "cml-tts/fr/2465_1943_000152-0002.wav",
)
"""Voices under CC-BY-4.0, as the page of the voices says. Those of Expresso are for non-commercial
use."""


class KyutaiOptions(EngineOptions):
    """What can be set for kyutai."""

    model: str = Field(
        default="kyutai/tts-1.6b-en_fr",
        description="a folder with config.json and the files that it names, or its name on the hub",
    )
    voices: str = Field(
        default="kyutai/tts-voices",
        description="a folder with voice embeddings, all of which are offered, or one on the hub",
    )
    offered: Names = Field(
        default=_OFFERED,
        description="of voices on the hub, those that are fetched and offered, with commas; the "
        "first of each language is its default; French ones are in a folder fr",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
        description="auto, cpu, cuda or cuda:1",
    )
    codebooks: int = Field(
        default=16, ge=8, le=32, description="of the codec that are made: 32 is best and slowest"
    )
    guidance: float = Field(
        default=2.0, ge=1, le=4, description="how strictly it keeps to the voice, in steps of 0.5"
    )
    max_streams: int = Field(
        default=2,
        ge=1,
        le=64,
        description="texts under way; one is spoken at a time, clause by clause, the others wait",
    )
    cpu_threads: int = Field(
        default=0, ge=0, le=256, description="of one operation on a processor; 0 is torch's choice"
    )


class KyutaiSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: KyutaiOptions | None = None) -> None:
        """Load nothing yet."""
        self._options = options or KyutaiOptions()
        self._threads = ModelThreads(self.name, threads=1, at_once=self._options.max_streams)
        self._model: KyutaiModel | None = None
        self._voices = _listed(self._options.offered)

    @property
    def name(self) -> str:
        return "kyutai"

    @property
    def version(self) -> str:
        """The release of the package, the model, and what shapes its sound."""
        options = self._options
        return f"0.2.13-{options.model}-{options.codebooks}-{options.guidance:g}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(_LANGUAGES)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those that are offered; once started, those that are there."""
        return self._voices

    @property
    def expression(self) -> Expression:
        return Expression()

    @property
    def sample_rate_hz(self) -> int:
        """24000 as released; once started, its codec's own."""
        return _RELEASED_RATE_HZ if self._model is None else self._model.sample_rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, 80 ms a chunk; nothing for a text without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: it speaks as many texts as it may.
            EngineFailed: it was not started, or broke.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        voice = voice_of(request, engine=self.name, languages=self.languages, voices=self._voices)
        model = self._model
        if model is None:
            raise EngineFailed("kyutai is not started")

        def speak(text: str, outlet: Outlet) -> None:
            model.speak(text, voice=voice.name, outlet=outlet)

        pieces = pieces_of(request.text, request.language)
        audio = speak_pieces(self._threads, pieces, speak, sample_rate_hz=model.sample_rate_hz)
        async with aclosing(audio):
            async for pcm in audio:
                yield pcm

    async def start(self) -> None:
        """Load the model, and speak a word to nobody in each language that it has a voice for.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        if self._model is None:
            self._model = await self._threads.run(self._load)
            self._voices = _listed(self._model.voices)
        try:
            for language, text in _WARM_TEXT.items():
                if any(voice.language == language for voice in self._voices):
                    async for _ in self.synthesize(SpeechRequest(text=text, language=language)):
                        pass
        except EngineFailed as error:
            raise EngineUnavailable(f"kyutai does not speak: {error}") from error

    async def close(self) -> None:
        """Stop what is spoken, and free the weights."""
        await self._threads.close()
        self._model = None

    def _load(self) -> KyutaiModel:
        options = self._options
        folder = Weights(
            engine=self.name,
            model=options.model,
            needed=("config.json",),
            wanted=("*.safetensors", "*.model"),
            licence="CC-BY-4.0, 4.1 GB",
        ).folder()
        try:
            model, suffix = load(
                folder,
                device=options.device,
                codebooks=options.codebooks,
                guidance=options.guidance,
                cpu_threads=options.cpu_threads,
            )
            return with_voices(model, self._found(suffix), guidance=options.guidance)
        except BROKEN as error:
            raise EngineUnavailable(f"kyutai does not load: {error!r}") from error

    def _found(self, suffix: str) -> dict[str, Path]:
        """The voices' files, by name."""
        options = self._options
        given = Path(options.voices).expanduser()
        if given.is_dir():
            found = voice_files(given, suffix, None)
            if not found:
                raise EngineUnavailable(
                    f"kyutai: option 'voices': {given} has no file that ends in {suffix}, as this "
                    "model's voices do: get them from https://huggingface.co/kyutai/tts-voices"
                )
            return found
        if not options.offered:
            raise EngineUnavailable("kyutai: option 'offered' names no voice")
        folder = Weights(
            engine=self.name,
            model=options.voices,
            needed=tuple(f"{name}{suffix}" for name in options.offered),
            licence="each voice has its own terms",
        ).folder()
        return voice_files(folder, suffix, options.offered)


def _listed(names: Sequence[str]) -> tuple[Voice, ...]:
    """The voices of those names; the folder of a French one says so."""
    return tuple(
        Voice(name, language, f"{'French' if language == 'fr' else 'English'}, {name}")
        for name in names
        for language in ("fr" if "fr" in name.split("/")[:-1] else "en",)
    )
