"""Kokoro: 82 million weights, English, Hindi and five more, faster than speech on a processor.

It makes a sentence in one go, so a text is spoken piece by piece and stopped between two pieces.
It knows rate; no pitch, emotion or sounds. Model: hexgrad/Kokoro-82M (Apache-2.0); what turns
words into phonemes, phonemizer and espeak-ng, is under the GPL: give it an environment of its own.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Literal

from pydantic import Field

from speech.engines.hub_weights import Weights
from speech.engines.kokoro_model import ACCENTS, KokoroModel, load
from speech.engines.piece_speaking import pieces_of, speak_pieces, voice_of
from speech.engines.torch_worker import BROKEN, ModelThreads, Outlet
from speech.errors import EngineFailed, EngineUnavailable
from speech.options import EngineOptions
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

SAMPLE_RATE_HZ = 24_000

_DOCUMENTED = (
    "af_heart af_bella af_nicole af_aoede af_kore af_sarah af_alloy af_nova af_sky af_jessica "
    "af_river am_fenrir am_michael am_puck am_echo am_eric am_liam am_onyx am_adam am_santa "
    "bf_emma bf_isabella bf_alice bf_lily bm_george bm_fable bm_lewis bm_daniel "
    "ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola "
    "pf_dora pm_alex pm_santa"
)
"""The voices of the release v1.0, the best of each accent first, as its makers grade them."""

_PLACES = {
    "a": "English (America)",
    "b": "English (Great Britain)",
    "e": "Spanish",
    "f": "French",
    "h": "Hindi",
    "i": "Italian",
    "p": "Portuguese (Brazil)",
}
_SEXES = {"f": "female", "m": "male"}
_WARM_TEXT = {"en": "Ready to talk.", "hi": "नमस्ते।"}


class KokoroOptions(EngineOptions):
    """What can be set for kokoro."""

    model: str = Field(
        default="hexgrad/Kokoro-82M",
        description="a folder with config.json, the .pth file and voices/, or its name on the hub",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
        description="auto, cpu, cuda or cuda:1",
    )
    english: Literal["auto", "misaki", "espeak"] = Field(
        default="auto",
        description="who reads English: misaki needs spaCy's model; auto is misaki where it can",
    )
    max_streams: int = Field(
        default=4, ge=1, le=64, description="texts spoken at once; more are refused as busy"
    )
    cpu_threads: int = Field(
        default=0, ge=0, le=256, description="of one operation on a processor; 0 is torch's choice"
    )


class KokoroSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: KokoroOptions | None = None) -> None:
        """Load nothing yet."""
        self._options = options or KokoroOptions()
        streams = self._options.max_streams
        self._threads = ModelThreads(self.name, threads=streams, at_once=streams)
        self._model: KokoroModel | None = None
        self._voices = _listed(_DOCUMENTED.split())

    @property
    def name(self) -> str:
        return "kokoro"

    @property
    def version(self) -> str:
        """The release of the package, the model and who reads English."""
        return f"0.9.4-{self._options.model}-{self._options.english}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(ACCENTS.values())

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those of the release; once started, those that are there."""
        return self._voices

    @property
    def expression(self) -> Expression:
        return Expression(rates=(0.5, 2.0))

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, a sentence or clause a chunk; nothing for one without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: it speaks as many texts as it may.
            EngineFailed: it was not started, or broke.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        voice = voice_of(request, engine=self.name, languages=self.languages, voices=self._voices)
        model = self._model
        if model is None:
            raise EngineFailed("kokoro is not started")

        def speak(text: str, outlet: Outlet) -> None:
            model.speak(text, voice=voice.name, rate=request.rate, outlet=outlet)

        pieces = pieces_of(request.text, request.language)
        audio = speak_pieces(self._threads, pieces, speak, sample_rate_hz=SAMPLE_RATE_HZ)
        async with aclosing(audio):
            async for pcm in audio:
                yield pcm

    async def start(self) -> None:
        """Load the model, and speak a word to nobody in English and Hindi where it has a voice.

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
            raise EngineUnavailable(f"kokoro does not speak: {error}") from error

    async def close(self) -> None:
        """Stop what is spoken, and free the weights."""
        await self._threads.close()
        self._model = None

    def _load(self) -> KokoroModel:
        options = self._options
        folder = Weights(
            engine=self.name,
            model=options.model,
            needed=("config.json",),
            wanted=("*.pth", "voices/*.pt"),
            licence="Apache-2.0, 360 MB",
        ).folder()
        try:
            return load(
                folder,
                device=options.device,
                english=options.english,
                cpu_threads=options.cpu_threads,
            )
        except BROKEN as error:
            raise EngineUnavailable(f"kokoro does not load: {error!r}") from error


def _listed(names: Sequence[str]) -> tuple[Voice, ...]:
    """The voices of those names, in the release's order: the best of each accent first."""
    order = {name: place for place, name in enumerate(_DOCUMENTED.split())}
    known = [name for name in names if name[0] in ACCENTS]
    return tuple(
        Voice(name, ACCENTS[name[0]], f"{_PLACES[name[0]]}, {_SEXES.get(name[1:2], 'other')}")
        for name in sorted(known, key=lambda name: (order.get(name, len(order)), name))
    )
