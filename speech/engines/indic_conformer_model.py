"""IndicConformer's networks, run directly: audio in, words with their times out.

The release (https://huggingface.co/ai4bharat/indic-conformer-600m-multilingual) holds the parts as
ONNX, and model code that the hub would run here; that code is not used. It says what the parts are:

    encoder.onnx      audio_signal (1, 80, n), length (1,)
                      -> outputs (1, d, m), encoded_lengths (1,)
    ctc_decoder.onnx  encoder_output (1, d, m) -> logprobs (1, m, v)

The v columns belong to all languages together: `language_masks.json` says which 257 are of one,
`vocab.json` what the first 256 of those stand for; the last is CTC's blank. Its second decoder, a
transducer, asks for one network run a token; CTC is one run, and gives a probability a token.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from speech.engines.indic_conformer_features import HOP_SAMPLES, SAMPLE_RATE_HZ, features
from speech.errors import EngineFailed, EngineUnavailable
from speech.onnx import ORT_FAILURES, Session
from speech.silence import Samples
from speech.stt import Word

FILES = ("encoder.onnx", "ctc_decoder.onnx", "vocab.json", "language_masks.json")

_WORD_BEGINS = "\u2581"
_FRAME_MS = 8 * HOP_SAMPLES * 1000 // SAMPLE_RATE_HZ  # the encoder keeps one of eight columns
_INPUTS = {"encoder.onnx": {"audio_signal", "length"}, "ctc_decoder.onnx": {"encoder_output"}}


@dataclass(frozen=True, slots=True)
class Token:
    """One token that was decoded."""

    text: str  # U+2581 stands for a space before it
    start_ms: int
    end_ms: int
    probability: float  # 0..1, the greatest of its frames


@dataclass(frozen=True, slots=True, eq=False)
class _Language:
    """What the decoder's columns mean in one language."""

    columns: npt.NDArray[np.intp]  # of the decoder's output, the blank last
    tokens: tuple[str, ...]  # of all columns but the last


class IndicConformerModel:
    """The networks, loaded. `decode` may run in several threads at once."""

    def __init__(self, encoder: Session, decoder: Session, languages: Mapping[str, Any]) -> None:
        """Take what `load` made."""
        self._encoder = encoder
        self._decoder = decoder
        self._languages = cast(Mapping[str, _Language], languages)

    @property
    def languages(self) -> frozenset[str]:
        """The ISO 639 codes of the languages whose tokens it has."""
        return frozenset(self._languages)

    def decode(self, samples: Samples, language: str) -> list[Token]:
        """The tokens of `samples`, float32 at 16 kHz, up to some 15 s.

        Raises:
            EngineFailed: the networks refused it.
        """
        if len(samples) * 1000 < _FRAME_MS * SAMPLE_RATE_HZ:
            return []
        known = self._languages[language]
        mel = features(samples)[None]
        try:
            encoded, lengths = self._encoder.run(
                ["outputs", "encoded_lengths"],
                {"audio_signal": mel, "length": np.array([mel.shape[2]], np.int64)},
            )
            (scores,) = self._decoder.run(["logprobs"], {"encoder_output": encoded})
        except ORT_FAILURES as error:
            raise EngineFailed(f"indic_conformer could not decode: {error}") from error
        if scores.ndim != 3 or scores.shape[2] <= known.columns.max():
            raise EngineFailed(
                f"indic_conformer's decoder gave {scores.shape}, without the columns of {language}"
            )
        return tokens_of(scores[0, : int(lengths[0])][:, known.columns], known.tokens)


def tokens_of(scores: npt.NDArray[np.floating], tokens: Sequence[str]) -> list[Token]:
    """The best path of CTC: repeats are one token, blanks none.

    Args:
        scores: logarithms up to a constant a frame, shape (frames, len(tokens) + 1), blank last.
        tokens: what each column but the last stands for.
    """
    if not len(scores):
        return []
    wide = scores.astype(np.float64)
    probabilities = np.exp(wide - wide.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    best = probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(starts[1:], len(best))
    return [
        Token(
            text=tokens[int(best[start])],
            start_ms=int(start) * _FRAME_MS,
            end_ms=int(end) * _FRAME_MS,
            probability=float(probabilities[start:end, best[start]].max()),
        )
        for start, end in zip(starts, ends, strict=True)
        if best[start] < len(tokens)
    ]


def words_of(tokens: Sequence[Token], *, after_ms: int = 0) -> list[Word]:
    """The words that the tokens spell, each as sure as its tokens are in the mean.

    `after_ms` is the place of the tokens' clip in the utterance.
    """
    groups: list[list[Token]] = []
    for token in tokens:
        if token.text.startswith(_WORD_BEGINS) or not groups:
            groups.append([])
        groups[-1].append(token)
    words: list[Word] = []
    for group in groups:
        text = "".join(token.text for token in group).replace(_WORD_BEGINS, " ").strip()
        if text:
            words.append(
                Word(
                    text=text,
                    start_ms=after_ms + group[0].start_ms,
                    end_ms=after_ms + group[-1].end_ms,
                    confidence=sum(token.probability for token in group) / len(group),
                )
            )
    return words


def load(folder: Path, *, device: str, cpu_threads: int, how_to_get_it: str) -> IndicConformerModel:
    """The model of `folder`, or of `assets/` in it, where the release keeps its parts.

    Args:
        folder: with the four `FILES`, and what encoder.onnx keeps beside itself.
        device: "auto", "cpu", "cuda" or "cuda:1".
        cpu_threads: of one decode on a processor.
        how_to_get_it: what an error says besides.

    Raises:
        EngineUnavailable: a file is missing or broken, or the device is not there.
    """
    folder = folder / "assets" if (folder / "assets").is_dir() else folder
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise EngineUnavailable(
            f"indic_conformer: {folder} lacks {', '.join(missing)}: {how_to_get_it}"
        )
    provider = _provider(device)
    return IndicConformerModel(
        _session(folder / FILES[0], provider, cpu_threads, how_to_get_it),
        _session(folder / FILES[1], provider, cpu_threads, how_to_get_it),
        _languages(folder, how_to_get_it),
    )


def _languages(folder: Path, how_to_get_it: str) -> dict[str, _Language]:
    try:
        vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
        masks = json.loads((folder / "language_masks.json").read_text("utf-8"))
        return {code: _language(code, mask, vocabulary[code]) for code, mask in dict(masks).items()}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EngineUnavailable(
            f"indic_conformer: vocab.json or language_masks.json in {folder} is not what the "
            f"release has ({error!r}): {how_to_get_it}"
        ) from error


def _language(code: str, mask: Sequence[bool], tokens: Sequence[object]) -> _Language:
    columns = np.flatnonzero(np.asarray(mask, dtype=bool))
    count = len(columns) - 1
    texts = tuple(token for token in tokens[:count] if isinstance(token, str))
    if count < 1 or len(texts) < count:
        raise ValueError(f"{code}: {len(columns)} columns for {len(texts)} tokens")
    return _Language(columns, texts)


def _provider(device: str) -> tuple[str, dict[str, str]]:
    """onnxruntime's name of the device, and its options."""
    has_cuda = "CUDAExecutionProvider" in cast(Any, onnxruntime).get_available_providers()
    if device == "cpu" or (device == "auto" and not has_cuda):
        return "CPUExecutionProvider", {}
    if not has_cuda:
        raise EngineUnavailable(
            f"indic_conformer: option 'device' is {device}, and this onnxruntime has no CUDA: set "
            "it to cpu, or put `pip install onnxruntime-gpu` in place of onnxruntime"
        )
    return "CUDAExecutionProvider", {"device_id": device.partition(":")[2] or "0"}


def _session(
    path: Path, provider: tuple[str, dict[str, str]], cpu_threads: int, how_to_get_it: str
) -> Session:
    options = cast(Any, onnxruntime.SessionOptions())
    options.intra_op_num_threads = cpu_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal: what fails is raised
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    make = cast(Any, onnxruntime.InferenceSession)
    try:
        made = make(str(path), options, providers=[provider])
    except ORT_FAILURES as error:
        raise EngineUnavailable(f"{path} can't be loaded ({error}): {how_to_get_it}") from error
    if made.get_providers()[0] != provider[0]:  # it falls back to the CPU without a word
        raise EngineUnavailable(
            f"indic_conformer: onnxruntime can't use the GPU for {path.name}: see that CUDA and "
            "cuDNN of its version are here, or set the option device to cpu"
        )
    if not _INPUTS[path.name] <= (names := {node.name for node in made.get_inputs()}):
        raise EngineUnavailable(
            f"{path} wants {', '.join(sorted(names))}, not "
            f"{', '.join(sorted(_INPUTS[path.name]))}: {how_to_get_it}"
        )
    return cast(Session, made)
