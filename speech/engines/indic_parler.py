"""Indic Parler: sixteen languages of India spoken as a sentence in English describes.

AI4Bharat's model through Hugging Face's parler-tts, streamed by its own streamer. Voice, emotion,
rate and pitch are words of a description, so they are followed as a person follows them: about.
The weights are Apache-2.0, behind a form on the hub that must be accepted first.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Literal, cast

from pydantic import Field

from speech.engines.hub_weights import Weights
from speech.engines.indic_parler_model import IndicParlerModel, load
from speech.engines.indic_parler_voices import (
    EMOTIONS,
    LANGUAGES,
    RATES,
    all_voices,
    description_of,
)
from speech.engines.piece_speaking import pieces_of, speak_pieces, voice_of
from speech.engines.torch_worker import BROKEN, ModelThreads, Outlet
from speech.errors import EngineFailed, EngineUnavailable
from speech.options import EngineOptions
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

_RELEASED_RATE_HZ = 44_100
_TOKENIZER = ("tokenizer_config.json",)
_TOKENIZER_BESIDES = ("tokenizer.json", "special_tokens_map.json", "*.model")


class IndicParlerOptions(EngineOptions):
    """What can be set for indic_parler."""

    model: str = Field(
        default="ai4bharat/indic-parler-tts",
        description="a folder with the model and its tokenizer, or its name on the hub",
    )
    descriptions: str = Field(
        default="",
        description="a folder with the tokenizer of descriptions, or its name on the hub; "
        "empty: description_tokenizer/ in the model's folder, or the one that its config names",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
        description="auto, cpu, cuda or cuda:1",
    )
    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field(
        default="auto", description="of the weights; auto is bf16 on a GPU, fp32 on a processor"
    )
    chunk_ms: int = Field(
        default=500, ge=200, le=5000, description="of audio a chunk; the first comes after as much"
    )
    max_streams: int = Field(
        default=2, ge=1, le=64, description="texts spoken at once; more are refused as busy"
    )
    cpu_threads: int = Field(
        default=0, ge=0, le=256, description="of one operation on a processor; 0 is torch's choice"
    )


class IndicParlerSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, options: IndicParlerOptions | None = None) -> None:
        """Load nothing yet."""
        self._options = options or IndicParlerOptions()
        streams = self._options.max_streams
        self._threads = ModelThreads(self.name, threads=streams, at_once=streams)
        self._model: IndicParlerModel | None = None
        self._voices = all_voices()

    @property
    def name(self) -> str:
        return "indic_parler"

    @property
    def version(self) -> str:
        """The release of the package, the model, and the words of our descriptions."""
        return f"0.2.3-{self._options.model}-1"

    @property
    def languages(self) -> frozenset[str]:
        return LANGUAGES

    @property
    def voices(self) -> tuple[Voice, ...]:
        return self._voices

    @property
    def expression(self) -> Expression:
        return Expression(emotions=EMOTIONS, rates=RATES, has_pitch=True)

    @property
    def sample_rate_hz(self) -> int:
        """44100 as released; once started, the model's own."""
        return _RELEASED_RATE_HZ if self._model is None else self._model.sample_rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, `chunk_ms` a chunk; nothing for a text without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: it speaks as many texts as it may.
            EngineFailed: it was not started, or broke.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        voice = voice_of(request, engine=self.name, languages=self.languages, voices=self._voices)
        model = self._model
        if model is None:
            raise EngineFailed("indic_parler is not started")
        description = description_of(voice, request)

        def speak(text: str, outlet: Outlet) -> None:
            model.speak(text, description, outlet)

        pieces = pieces_of(request.text, request.language)
        rate_hz = model.sample_rate_hz
        async with aclosing(
            speak_pieces(self._threads, pieces, speak, sample_rate_hz=rate_hz)
        ) as audio:
            async for pcm in audio:
                yield pcm

    async def start(self) -> None:
        """Load the model, and speak a word to nobody.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        if self._model is None:
            self._model = await self._threads.run(self._load)
        try:
            async for _ in self.synthesize(SpeechRequest(text="नमस्ते।", language="hi")):
                pass
        except EngineFailed as error:
            raise EngineUnavailable(f"indic_parler does not speak: {error}") from error

    async def close(self) -> None:
        """Stop what is spoken, and free the weights."""
        await self._threads.close()
        self._model = None

    def _load(self) -> IndicParlerModel:
        options = self._options
        folder = Weights(
            engine=self.name,
            model=options.model,
            needed=("config.json", "model.safetensors", *_TOKENIZER),
            wanted=("generation_config.json", *_TOKENIZER_BESIDES),
            licence="Apache-2.0, gated, 3.8 GB",
            gated=True,
        ).folder()
        try:
            return load(
                folder,
                self._descriptions(folder),
                device=options.device,
                precision=options.precision,
                chunk_ms=options.chunk_ms,
                cpu_threads=options.cpu_threads,
            )
        except BROKEN as error:
            raise EngineUnavailable(f"indic_parler does not load: {error!r}") from error

    def _descriptions(self, folder: Path) -> Path:
        """Where the tokenizer of descriptions is: it is another one than the text's."""
        named = self._options.descriptions
        if not named and (beside := folder / "description_tokenizer").is_dir():
            return beside
        named = named or _encoder_of(folder / "config.json")
        return Weights(
            engine=self.name, model=named, needed=_TOKENIZER, wanted=_TOKENIZER_BESIDES
        ).folder()


def _encoder_of(config: Path) -> str:
    """The name of the text encoder that a model was made with, e.g. "google/flan-t5-large".

    Raises:
        EngineUnavailable: its configuration names none.
    """
    try:
        read = cast("object", json.loads(config.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"indic_parler: {config} is no JSON: {error}") from error
    for key in ("text_encoder", "_name_or_path"):
        read = cast("dict[str, object]", read).get(key) if isinstance(read, dict) else None
    if not isinstance(read, str) or not read:
        raise EngineUnavailable(
            f"indic_parler: {config} names no tokenizer of descriptions "
            "(text_encoder._name_or_path): set the option 'descriptions' to its folder"
        )
    return read
