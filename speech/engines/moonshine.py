"""Moonshine hears English: tiny-en, whose weights come in the wheel, or base-en (both MIT).

The wheel moonshine-voice 0.0.62 is used for its files only; it is never imported. One set of
networks (tiny 60 MB) serves all calls; a decode is one job of the pool, with one thread.
"""

import importlib.util
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from speech.engines.moonshine_model import (
    SAMPLE_RATE_HZ,
    MoonshineModel,
    Piece,
    confidence_of,
    text_of,
)
from speech.engines.moonshine_options import MoonshineOptions
from speech.errors import EngineUnavailable, LanguageUnsupported
from speech.pool import EnginePool, Priority
from speech.resampling import resample
from speech.segmented import Decoded, SegmentedStream
from speech.silence import Samples, speech_span, split_at_pauses
from speech.stt import Pcm, RecognitionStream

HOW_TO_GET_IT = (
    "run `pip install --force-reinstall moonshine-voice==0.0.62`; later wheels lack the weights"
)

HOW_TO_GET_BASE = (
    "run `python -m moonshine_voice.download --stt --language en --model-arch 1`, or set the "
    "option folder to where its three files are"
)

_DOWNLOADED = "download.moonshine.ai/model/{name}/quantized/{name}"
"""Where the wheel's downloader puts a model, in its cache: the address without its scheme."""

_SHORTEST_S = 0.1
"""Of sound. Less is a click or a breath, of which the model makes a word."""

# Beyond 30 s the model drops whole sentences (of a clip of 73 s, half the words); a part is cut
# at its quietest point between these two.
_PART_S = (12.0, 24.0)

_HINTED_S = 6.0

_SILENCE_AFTER_MS = 400
"""Put behind the last word. Measured on 420 recorded prompts of under 3 s through mu-law at 8 kHz,
trimmed: word error rate 0.175 without it, 0.163 with it, 0.181 with 200 ms on both sides. On 152
sentences of flite's voices it makes no sure difference (0.298 to 0.279 out of line noise, 0.335 to
0.354 out of digital silence); silence *before* the words makes it worse there."""


class MoonshineRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(
        self,
        pool: EnginePool,
        *,
        folder: Path | None = None,
        options: MoonshineOptions | None = None,
    ) -> None:
        """Set up; nothing is loaded.

        Args:
            pool: where it decodes.
            folder: of the three files; None means that of the options.
            options: which model, and where it is.
        """
        self._pool = pool
        self._options = options or MoonshineOptions()
        self._folder = folder
        self._model: MoonshineModel | None = None

    @property
    def name(self) -> str:
        return "moonshine"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

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
        """Start an utterance; `hints` are preferred to other words of almost the same sound.

        Raises:
            LanguageUnsupported: `language` is not "en".
            EngineUnavailable: `start` was not called, or failed.
        """
        if language not in self.languages:
            raise LanguageUnsupported(f"moonshine does not understand {language!r}, only en")
        if self._model is None:
            raise EngineUnavailable("moonshine is not loaded: await its start() first")
        return SegmentedStream(
            pool=self._pool,
            decode=partial(decode, self._model, hints=tuple(hints)),
            language=language,
            sample_rate_hz=sample_rate_hz,
        )

    async def start(self) -> None:
        """Load the networks and run them once. A second call does nothing.

        Raises:
            EngineUnavailable: the model or one of its files is missing or broken.
        """
        if self._model is None:
            self._model = await self._pool.run(self._load, priority=Priority.FINAL)

    async def close(self) -> None:
        """Let go of the networks; streams that are open keep them until they end."""
        self._model = None

    def _load(self) -> MoonshineModel:
        is_tiny = self._options.model == "tiny-en"
        model = MoonshineModel(
            self._folder or model_folder(self._options),
            how_to_get_it=HOW_TO_GET_IT if is_tiny else HOW_TO_GET_BASE,
        )
        model.decode(np.zeros(SAMPLE_RATE_HZ, np.float32))
        return model


def model_folder(options: MoonshineOptions) -> Path:
    """Where the files of the chosen model are.

    Raises:
        EngineUnavailable: they are not there; says how to get them.
    """
    if options.folder:
        folder = Path(options.folder).expanduser()
        if not folder.is_dir():
            raise EngineUnavailable(f"moonshine's option folder, {folder}, is no folder")
        return folder
    if options.model == "tiny-en":
        return weights_folder()
    cache = user_cache_path("moonshine_voice")
    folder = cache / _DOWNLOADED.format(name=options.model)
    if not folder.is_dir():
        raise EngineUnavailable(
            f"moonshine's {options.model} is not in {folder}: {HOW_TO_GET_BASE}"
        )
    return folder


def weights_folder() -> Path:
    """Where the wheel keeps tiny-en, found without importing it.

    Raises:
        EngineUnavailable: the wheel is not installed, or is one without weights.
    """
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(f"moonshine-voice is not installed: {HOW_TO_GET_IT}")
    folder = Path(spec.submodule_search_locations[0], "assets", "tiny-en")
    if not folder.is_dir():
        raise EngineUnavailable(f"moonshine-voice has no weights in {folder}: {HOW_TO_GET_IT}")
    return folder


def decode(
    model: MoonshineModel, pcm: Pcm, sample_rate_hz: int, hints: Sequence[str] = ()
) -> Decoded:
    """What is said in `pcm`, int16 mono; "" for silence and for less than 0.1 s of sound.

    `hints` as in `MoonshineModel.decode`; they are for answers, so not for what is longer than
    6 s.

    Raises:
        EngineFailed: the networks refused it.
    """
    samples = resample(pcm, sample_rate_hz, SAMPLE_RATE_HZ)
    start, end = speech_span(samples, SAMPLE_RATE_HZ)
    shortest_s, longest_s = _PART_S
    if end - start > _HINTED_S * SAMPLE_RATE_HZ:
        hints = ()
    pieces: list[Piece] = []
    for part in split_at_pauses(
        samples[start:end], SAMPLE_RATE_HZ, longest_s=longest_s, shortest_s=shortest_s
    ):
        first, last = speech_span(part, SAMPLE_RATE_HZ)
        if last - first >= _SHORTEST_S * SAMPLE_RATE_HZ:
            pieces.extend(model.decode(_padded(part[first:last]), hints))
    return Decoded(text=text_of(pieces), confidence=confidence_of(pieces))


def _padded(samples: Samples) -> Samples:
    return np.pad(samples, (0, SAMPLE_RATE_HZ * _SILENCE_AFTER_MS // 1000))
