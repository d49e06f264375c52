"""IndicConformer hears the 22 scheduled languages of India: AI4Bharat's 600M model (MIT), gated.

Nothing but the core is needed: its ONNX parts run with onnxruntime, whole utterances at a time in
the pool. It knows no English, is told the language (it can't tell one from another), and has no
hot words: hints and other languages are ignored.
"""

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import Field, SecretStr

from speech.engines.hub_weights import Weights
from speech.engines.indic_conformer_features import SAMPLE_RATE_HZ
from speech.engines.indic_conformer_model import (
    FILES,
    IndicConformerModel,
    load,
    words_of,
)
from speech.engines.option_lists import Languages
from speech.errors import EngineUnavailable, LanguageUnsupported
from speech.options import EngineOptions
from speech.pool import EnginePool, Priority
from speech.resampling import resample
from speech.segmented import Decoded, SegmentedStream
from speech.silence import speech_span, split_at_pauses
from speech.stt import Pcm, RecognitionStream, Word

ALL_LANGUAGES = (
    *("hi", "mr", "as", "bn", "brx", "doi", "gu", "kn", "kok", "ks", "mai"),
    *("ml", "mni", "ne", "or", "pa", "sa", "sat", "sd", "ta", "te", "ur"),
)

HOW_TO_GET_IT = (
    "accept the terms at https://huggingface.co/ai4bharat/indic-conformer-600m-multilingual and "
    "run `hf download ai4bharat/indic-conformer-600m-multilingual`, or set the option model to a "
    f"folder with {', '.join(FILES)} and encoder.onnx's weights"
)

_SHORTEST_S = 0.1
"""Of sound. Less is a click or a breath."""

# Those who serve this model found that it drops words on speech of over some 18 s without a pause
# (https://huggingface.co/DictionLabs/indic-conformer-600m-multilingual), and cut at 15 s.
_PART_S = (8.0, 15.0)

_SILENCE_AROUND_MS = 100
"""Left on both sides of the speech, so that the first sound is not at the edge of a window, and the
bands' means have some of the line in them. Not measured: it needs the released weights."""


class IndicConformerOptions(EngineOptions):
    """What can be set for indic_conformer."""

    model: str = Field(
        default="ai4bharat/indic-conformer-600m-multilingual",
        description="a folder with encoder.onnx, ctc_decoder.onnx, vocab.json, "
        "language_masks.json (or assets/ with them), or its name on the hub",
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="of the Hugging Face hub, for the first download; empty: that of `hf auth "
        "login`",
    )
    languages: Languages = Field(
        default=ALL_LANGUAGES, description="which of its languages are offered, with commas: hi,mr"
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d{1,2})?)$",
        description="auto, cpu, cuda or cuda:1; a GPU needs onnxruntime-gpu",
    )
    cpu_threads: int = Field(
        default=1, ge=1, le=64, description="of one decode on a processor; the pool runs several"
    )
    deadline_s: float = Field(
        default=30.0, gt=0, le=600, description="for one transcript, waiting included"
    )


class IndicConformerRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(self, pool: EnginePool, *, options: IndicConformerOptions | None = None) -> None:
        """Set up; nothing is loaded.

        Args:
            pool: where it decodes.
            options: where the model is, and what it runs on.
        """
        self._pool = pool
        self._options = options or IndicConformerOptions()
        self._model: IndicConformerModel | None = None

    @property
    def name(self) -> str:
        return "indic_conformer"

    @property
    def languages(self) -> frozenset[str]:
        """Those of the options; once started, those of them that the model has."""
        wanted = frozenset(self._options.languages)
        return wanted if self._model is None else wanted & self._model.languages

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance.

        Raises:
            LanguageUnsupported: `language` is none of those that it knows and may use.
            EngineUnavailable: `start` was not called, or failed.
        """
        if language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise LanguageUnsupported(f"indic_conformer hears {known}, not {language!r}")
        if self._model is None:
            raise EngineUnavailable("indic_conformer is not loaded: await its start() first")
        return SegmentedStream(
            pool=self._pool,
            decode=partial(decode, self._model, language),
            language=language,
            sample_rate_hz=sample_rate_hz,
            deadline_s=self._options.deadline_s,
        )

    async def start(self) -> None:
        """Load the networks and run them once. A second call does nothing.

        Raises:
            EngineUnavailable: the model, one of its files or the device is missing or broken.
        """
        if self._model is None:
            folder = await asyncio.to_thread(self._folder)  # would rob the pool of a worker
            self._model = await self._pool.run(self._load, folder, priority=Priority.FINAL)

    async def close(self) -> None:
        """Let go of the networks; streams that are open keep them until they end."""
        self._model = None

    def _folder(self) -> Path:
        """Where the files are; fetches them where they are not on this machine."""
        options = self._options
        given = Path(options.model).expanduser()
        if given.is_dir():
            return given
        return Weights(
            engine=self.name,
            model=options.model,
            needed=tuple(f"assets/{name}" for name in FILES),
            wanted=("assets/*",),  # encoder.onnx keeps its weights in some 360 files
            licence="MIT, 2.5 GB",
            gated=True,
            token=options.token.get_secret_value(),
        ).folder()

    def _load(self, folder: Path) -> IndicConformerModel:
        options = self._options
        model = load(
            folder,
            device=options.device,
            cpu_threads=options.cpu_threads,
            how_to_get_it=HOW_TO_GET_IT,
        )
        offered = sorted(set(options.languages) & model.languages)
        if not offered:
            raise EngineUnavailable(
                f"indic_conformer: option 'languages' names none that the model has: it has "
                f"{', '.join(sorted(model.languages))}"
            )
        model.decode(np.zeros(SAMPLE_RATE_HZ, np.float32), offered[0])
        return model


def decode(model: IndicConformerModel, language: str, pcm: Pcm, sample_rate_hz: int) -> Decoded:
    """What is said in `pcm`, int16 mono; "" for silence and for less than 0.1 s of sound.

    Raises:
        EngineFailed: the networks refused it.
    """
    samples = resample(pcm, sample_rate_hz, SAMPLE_RATE_HZ)
    start, end = speech_span(samples, SAMPLE_RATE_HZ)
    if end - start < _SHORTEST_S * SAMPLE_RATE_HZ:
        return Decoded(text="", confidence=0.0)
    around = SAMPLE_RATE_HZ * _SILENCE_AROUND_MS // 1000
    start, end = max(0, start - around), min(len(samples), end + around)
    shortest_s, longest_s = _PART_S
    words: list[Word] = []
    probabilities: list[float] = []
    at = start
    for part in split_at_pauses(
        samples[start:end], SAMPLE_RATE_HZ, longest_s=longest_s, shortest_s=shortest_s
    ):
        tokens = model.decode(part, language)
        words += words_of(tokens, after_ms=at * 1000 // SAMPLE_RATE_HZ)
        probabilities += [token.probability for token in tokens]
        at += len(part)
    if not words:
        return Decoded(text="", confidence=0.0)
    return Decoded(
        text=" ".join(word.text for word in words),
        confidence=math.fsum(probabilities) / len(probabilities),
        words=tuple(words),
    )
