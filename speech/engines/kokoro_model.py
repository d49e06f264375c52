"""The Kokoro model itself: text to phonemes, phonemes to audio. Imported in the engine's thread.

English goes through misaki, which knows words by their grammar and needs spaCy's small English
model (a wheel that isn't on the package registry); without it, through espeak-ng, as the other
languages do. All calls of espeak-ng take turns: its library keeps state.
"""

import importlib
import importlib.util
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loguru import logger

from speech.engines.hub_weights import unreadable
from speech.engines.piece_speaking import pcm_of
from speech.engines.torch_worker import BROKEN, Outlet
from speech.errors import EngineFailed, EngineUnavailable
from speech.stt import Pcm
from speech.torch_setup import choose_device, import_torch

SPACY_MODEL = "en_core_web_sm"
HOW_TO_GET_SPACY_MODEL = (
    "pip install https://github.com/explosion/spacy-models/releases/download/"
    "en_core_web_sm-3.8.0/en_core_web_sm-3.8.0-py3-none-any.whl"
)

MOST_PHONEMES = 510
"""Of one run: the model's context of 512 without its two ends. A voice has a style for each."""

ACCENTS = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt"}
"""Kokoro's letter of a voice, and the language. Its Japanese and Chinese need dictionaries that
misaki fetches at the first word; they are left out."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What English stands in for a token where espeak-ng reads a whole sentence."""

    text: str


class KokoroModel:
    """Weights and phonemes. `speak` may run in several threads at once."""

    def __init__(self, model: Any, pipelines: Mapping[str, Any], voices: Mapping[str, Any]) -> None:
        """Take what `load` made: `pipelines` by accent's letter, styles by voice."""
        self._model = model
        self._pipelines = pipelines
        self._styles = voices
        self._one_reader = threading.Lock()
        self._infer: Any = importlib.import_module("kokoro").KPipeline.infer

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of the voices there are."""
        return tuple(self._styles)

    def speak(self, text: str, *, voice: str, rate: float, outlet: Outlet) -> None:
        """Put the audio of `text`, at 24 kHz: one chunk, or one for every 510 phonemes.

        Raises:
            Stopped: nobody listens any more.
            EngineFailed: the text could not be read.
        """
        style = self._styles[voice]
        for phonemes in self._phonemes(text, voice[0]):
            outlet.check()
            outlet.put(self._spoken(phonemes, style, rate))

    def _spoken(self, phonemes: str, style: Any, rate: float) -> Pcm:
        made = self._infer(self._model, phonemes, style, rate)
        return pcm_of(made.audio.numpy())

    def _phonemes(self, text: str, accent: str) -> Iterator[str]:
        pipeline = self._pipelines[accent]
        try:
            with self._one_reader:
                read = list(pipeline(text))
        except BROKEN as error:
            raise EngineFailed(f"kokoro could not read this text: {error!r}") from error
        known = self._model.vocab
        for phonemes in read:
            # What the model doesn't know it would leave out, and choose a style of another length.
            sounds = "".join(sign for sign in phonemes if sign in known)
            yield from _parts(sounds.strip())


def load(folder: Path, *, device: str, english: str, cpu_threads: int) -> KokoroModel:
    """The model of `folder` (config.json, one .pth, voices/*.pt). Takes seconds.

    Args:
        folder: as `hexgrad/Kokoro-82M` on the hub.
        device: "auto", "cpu", "cuda" or "cuda:1".
        english: "misaki", "espeak", or "auto": misaki where spaCy's model is here.
        cpu_threads: of one operation; 0 leaves it to torch.

    Raises:
        EngineUnavailable: a package or a file is missing or broken.
    """
    torch = import_torch(cpu_threads=cpu_threads)
    chosen = choose_device(torch, device)
    logger.disable("kokoro")  # it logs the words that are spoken
    try:
        kokoro: Any = importlib.import_module("kokoro")
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"kokoro does not load ({error}): `make engine-kokoro`") from error
    weights = sorted(folder.glob("*.pth"))
    if not weights:
        raise EngineUnavailable(f"kokoro: {folder} lacks its weights, kokoro-v1_0.pth")
    try:
        model = kokoro.KModel(
            repo_id="hexgrad/Kokoro-82M",  # names it; nothing is fetched, for both files are given
            config=str(folder / "config.json"),
            model=str(weights[0]),
        )
        styles = {
            file.stem: _style(torch, file).to(chosen)
            for file in sorted((folder / "voices").glob("*.pt"))
            if file.stem[0] in ACCENTS
        }
    except unreadable() as error:
        raise EngineUnavailable(f"kokoro: the files in {folder} do not load: {error!r}") from error
    if not styles:
        raise EngineUnavailable(f"kokoro: {folder} has no voice of a language it speaks in voices/")
    pipelines = {
        accent: _pipeline(kokoro, accent, english) for accent in {name[0] for name in styles}
    }
    return KokoroModel(model.to(chosen).eval(), pipelines, styles)


def _style(torch: Any, file: Path) -> Any:
    """The styles of a voice, float32, one of 256 numbers for each number of phonemes."""
    style = torch.load(file, weights_only=True, map_location="cpu")
    if tuple(style.shape) != (MOST_PHONEMES, 1, 256):
        raise ValueError(f"{file.name} holds {tuple(style.shape)}, not (510, 1, 256)")
    return style


def _pipeline(kokoro: Any, accent: str, english: str) -> Any:
    """From a text to its phonemes, in parts of at most 510."""
    if ACCENTS[accent] == "en":
        has_model = importlib.util.find_spec(SPACY_MODEL) is not None
        if english == "misaki" and not has_model:
            raise EngineUnavailable(
                f"kokoro: option 'english' is misaki, which needs spaCy's model: run "
                f"`{HOW_TO_GET_SPACY_MODEL}`, or set the option to espeak"
            )
        if english == "espeak" or not has_model:
            return _EspeakEnglish(is_british=accent == "b")
    return _Quiet(kokoro.KPipeline(accent, repo_id="hexgrad/Kokoro-82M", model=False))


class _Quiet:
    """Kokoro's own pipeline without a model: it reads."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def __call__(self, text: str) -> Iterator[str]:
        for read in self._pipeline(text):
            yield read.phonemes


class _EspeakEnglish:
    """espeak-ng's English in the phonemes that Kokoro learned, by misaki's own table."""

    def __init__(self, *, is_british: bool) -> None:
        espeak: Any = importlib.import_module("misaki.espeak")
        self._fallback = espeak.EspeakFallback(british=is_british)

    def __call__(self, text: str) -> Iterator[str]:
        phonemes, _ = self._fallback(_Text(text))
        if phonemes:
            yield phonemes


def _parts(phonemes: str) -> Iterator[str]:
    """In parts that the model takes, cut between words where there is a gap."""
    while len(phonemes) > MOST_PHONEMES:
        cut = phonemes.rfind(" ", 1, MOST_PHONEMES)
        cut = cut if cut > 0 else MOST_PHONEMES
        yield phonemes[:cut]
        phonemes = phonemes[cut:].lstrip()
    if phonemes:
        yield phonemes
