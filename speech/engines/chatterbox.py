"""Chatterbox: speaks in a voice that it heard for ten seconds. Turbo and Multilingual.

Turbo speaks English with laughs and sighs; Multilingual 21 languages, Hindi among them, with more
or less passion. Both make a piece of text in one go, one piece at a time for all texts, which take
turns; a step of 40 ms of speech is the longest that either works for nobody. Code and weights are
under the MIT licence, and all audio carries Resemble's watermark.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from pydantic import Field

from speech.engines.chatterbox_model import (
    LANGUAGES,
    ChatterboxModel,
    LearnedVoice,
    Variant,
    load,
)
from speech.engines.hub_weights import Weights
from speech.engines.piece_speaking import pieces_of, speak_pieces, voice_of
from speech.engines.torch_worker import BROKEN, ModelThreads, Outlet
from speech.errors import EngineFailed, EngineUnavailable, LanguageUnsupported
from speech.options import EngineOptions
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

SAMPLE_RATE_HZ = 24_000

LEAST_REFERENCE_S = 10.0
"""Of a voice to be learned. Turbo refuses five; what Multilingual makes of less is no likeness."""

_HUB_NAMES = {"turbo": "ResembleAI/chatterbox-turbo", "multilingual": "ResembleAI/chatterbox"}
_FILES = {
    "turbo": (
        "ve.safetensors",
        "t3_turbo_v1.safetensors",
        "s3gen_meanflow.safetensors",
        "tokenizer_config.json",
    ),
    "multilingual": (
        "ve.pt",
        "t3_mtl23ls_v2.safetensors",
        "s3gen.pt",
        "grapheme_mtl_merged_expanded_v1.json",
    ),
}
_BESIDES = {
    "turbo": ("conds.pt", "*.json", "*.txt"),
    "multilingual": ("conds.pt", "Cangjie5_TC.json"),
}
_SIZES = {"turbo": "MIT, 3 GB", "multilingual": "MIT, 3.2 GB"}

_TURBO_SOUNDS = frozenset({"laugh", "chuckle", "sigh", "cough"})
"""Of `speech.expression.SOUNDS`; its tokenizer has no breath."""

_PASSION = {"calm": 0.3, "neutral": 0.5, "happy": 0.65, "excited": 0.8}
"""Multilingual's exaggeration, 0.25 to 2, 0.5 by its makers' default. It is strength alone: to be
sad or angry it can't be told. Over 1 it slurs."""


class ChatterboxOptions(EngineOptions):
    """What can be set for chatterbox."""

    variant: Variant = Field(
        default="multilingual",
        description="multilingual (21 languages) or turbo (English alone, with sounds, faster)",
    )
    model: str = Field(
        default="",
        description="a folder with the variant's files, or a name on the hub; empty: as released",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
        description="auto, cpu, cuda or cuda:1",
    )
    temperature: float = Field(
        default=0.8, ge=0.05, le=2.0, description="how freely it speaks; lower is more even"
    )
    cfg_weight: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="multilingual: how closely it keeps to text and pace; 0 where a voice's own "
        "accent should not colour another language",
    )
    max_streams: int = Field(
        default=4, ge=1, le=64, description="texts spoken in turns; more are refused as busy"
    )
    cpu_threads: int = Field(
        default=0, ge=0, le=256, description="of one operation on a processor; 0 is torch's choice"
    )


class ChatterboxSynthesizer:
    """Implements `speech.tts.Synthesizer` and `speech.tts.VoiceCloner`."""

    def __init__(self, *, options: ChatterboxOptions | None = None) -> None:
        """Load nothing yet."""
        self._options = options or ChatterboxOptions()
        # One thread: the model keeps its voice, and hooks on its attention, between steps.
        self._threads = ModelThreads(self.name, threads=1, at_once=self._options.max_streams)
        self._model: ChatterboxModel | None = None
        self._held: dict[str, tuple[Voice, LearnedVoice]] = {}

    @property
    def name(self) -> str:
        return "chatterbox"

    @property
    def version(self) -> str:
        """The release of the package, the model, and what decides how it sounds."""
        options = self._options
        return (
            f"0.1.7-{options.variant}-{options.model}-{options.temperature:g}-"
            f"{options.cfg_weight:g}"
        )

    @property
    def languages(self) -> frozenset[str]:
        return LANGUAGES[self._options.variant]

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The model's own voice in each language, where it has one, and those held."""
        own: list[Voice] = []
        if self._model is None or self._model.has_own_voice:
            own = [
                Voice(f"{language}-default", language, "Chatterbox's own voice")
                for language in sorted(self.languages)
            ]
        return (*own, *(voice for voice, _ in self._held.values()))

    @property
    def expression(self) -> Expression:
        if self._options.variant == "turbo":
            return Expression(sounds=_TURBO_SOUNDS)
        return Expression(emotions=frozenset(_PASSION))

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, a clause or sentence a chunk; nothing for one without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: it speaks as many texts as it may.
            EngineFailed: it was not started, or broke.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        voice = self._voice_of(request)
        model = self._model
        if model is None:
            raise EngineFailed("chatterbox is not started")
        settings = self._settings(request)

        def speak(text: str, outlet: Outlet) -> None:
            model.speak(text, outlet, language=request.language, voice=voice, settings=settings)

        pieces = pieces_of(request.text, request.language)
        async with aclosing(
            speak_pieces(self._threads, pieces, speak, sample_rate_hz=SAMPLE_RATE_HZ)
        ) as audio:
            async for pcm in audio:
                yield pcm

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        """What it needs to speak in the voice of `reference` (int16 mono, >= 10 s of speech).

        Raises:
            EngineFailed: it is too short, or no voice could be made of it.
        """
        model = self._started()
        seconds = len(reference) / sample_rate_hz
        if seconds < LEAST_REFERENCE_S:
            raise EngineFailed(
                f"chatterbox learns a voice from {LEAST_REFERENCE_S:g} s or more, not {seconds:.1f}"
            )
        return await self._threads.run(model.learn, reference, sample_rate_hz)

    def hold(self, voice: Voice, learned: bytes) -> None:
        """Speak from now on as `voice` too, in each language that the model knows.

        Raises:
            EngineFailed: the bytes are not such, or of another version.
            LanguageUnsupported: the voice's language is not known.
        """
        if voice.language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise LanguageUnsupported(
                f"chatterbox ({self._options.variant}) does not speak {voice.language!r}, "
                f"only {known}"
            )
        held = self._started().read_voice(learned)
        self.release(voice.name)
        self._held[voice.name] = (voice, held)

    def release(self, voice_name: str) -> None:
        """Forget a voice; what is being said in it ends. One that isn't held is no error."""
        _, held = self._held.pop(voice_name, (None, None))
        if held is not None:
            held.is_released = True

    async def start(self) -> None:
        """Load the model, and speak a word to nobody where it has a voice of its own.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        if self._model is None:
            self._model = await self._threads.run(self._load)
        if not self._model.has_own_voice:
            return
        try:
            async for _ in self.synthesize(SpeechRequest(text="Ready.", language="en")):
                pass
        except EngineFailed as error:
            raise EngineUnavailable(f"chatterbox does not speak: {error}") from error

    async def close(self) -> None:
        """Stop what is spoken, and free the weights and the voices."""
        await self._threads.close()
        self._model = None
        self._held.clear()

    def _voice_of(self, request: SpeechRequest) -> LearnedVoice | None:
        """The voice held under the name that is asked for, or None: the model's own."""
        listed = list(self.voices)
        if request.voice in self._held and request.language in self.languages:
            voice, held = self._held[request.voice]
            listed = [Voice(voice.name, request.language, voice.description)]
        else:
            held = None
        chosen = voice_of(request, engine=self.name, languages=self.languages, voices=listed)
        return held or self._held.get(chosen.name, (None, None))[1]

    def _settings(self, request: SpeechRequest) -> Mapping[str, float]:
        options = self._options
        if options.variant == "turbo":
            return {"temperature": options.temperature}
        return {
            "temperature": options.temperature,
            "cfg_weight": options.cfg_weight,
            "exaggeration": _PASSION.get(request.emotion or "neutral", _PASSION["neutral"]),
        }

    def _started(self) -> ChatterboxModel:
        if self._model is None:
            raise EngineFailed("chatterbox is not started")
        return self._model

    def _load(self) -> ChatterboxModel:
        options = self._options
        folder = Weights(
            engine=self.name,
            model=options.model or _HUB_NAMES[options.variant],
            needed=_FILES[options.variant],
            wanted=_BESIDES[options.variant],
            licence=_SIZES[options.variant],
        ).folder()
        try:
            return load(
                folder, options.variant, device=options.device, cpu_threads=options.cpu_threads
            )
        except BROKEN as error:
            raise EngineUnavailable(f"chatterbox does not load: {error!r}") from error
