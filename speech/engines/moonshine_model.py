"""Moonshine's two networks and its tokens, run directly: audio in, words out.

The encoder turns 16 kHz samples into one vector for every 384 of them; the merged decoder is
asked for one token after another, greedily, with its attention cache kept in onnxruntime's
memory. The wheel's own library spends seven times the CPU (benchmarks/hearing.py compares).

The decoder's `encoder_attention_mask` has one entry a *sample*, not one a vector: it strides over
it itself. A mask as long as the vectors works up to 384 vectors (9.2 s) and fails beyond.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.engines.moonshine_hints import (
    LIKELIER,
    LIKELIER_A_WORD,
    SURE,
    Hints,
    Tokenizer,
    Tokens,
    WordRow,
    belief,
    clearness_of,
    lead_of,
    nearest,
)
from speech.errors import EngineFailed, EngineUnavailable
from speech.onnx import ORT_FAILURES, OrtValue, Session, load, ort_value
from speech.silence import Samples

SAMPLE_RATE_HZ = 16_000

_START, _END = 1, 2
_SPECIAL = 3  # tokens below this are <unk> <s> </s>
_VOCABULARY = 32_768

# English speech has 3 to 4 tokens a second here; past 6.5 the model is repeating itself, which
# the authors' own code cuts off at the same rate. The margin is for the shortest words.
_TOKENS_A_SECOND = 6.5
_TOKENS_MARGIN = 6
_LONGEST_LOOP = 8  # tokens
_MOST_HINTS = 256  # sets of them whose tokens are kept: one for each menu of the flows
_REPEATS = 4  # of a loop, before the clip is cut off there ("no no no" is speech)


@dataclass(frozen=True, slots=True)
class Piece:
    """One token that was decoded, and the probability that the model gave it."""

    text: bytes  # UTF-8, or a part of it; U+2581 stands for a space
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class _Encoded:
    """What the encoder made of a clip."""

    vectors: npt.NDArray[np.float32]  # (1, n, width); tiny's width is 288, base's 416
    mask: npt.NDArray[np.int64]  # (1, samples)


def _no_logs() -> npt.NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(slots=True, eq=False)
class _Path:
    """Tokens that the decoder gave one after another."""

    tokens: list[int] = field(default_factory=list[int])
    probabilities: list[float] = field(default_factory=list[float])
    log_probability: float = 0.0  # of all, and of the end behind them
    first: npt.NDArray[np.float32] = field(default_factory=_no_logs)  # of every first token


class MoonshineModel:
    """The networks, loaded. `decode` may run in several threads at once."""

    def __init__(self, folder: Path, *, how_to_get_it: str) -> None:
        """Load encoder_model.ort, decoder_model_merged.ort and tokenizer.bin (tiny: 0.1 s, 60 MB).

        Raises:
            EngineUnavailable: one is missing or broken.
        """
        self._encoder: Session = load(folder / "encoder_model.ort", how_to_get_it=how_to_get_it)
        self._decoder: Session = load(
            folder / "decoder_model_merged.ort", how_to_get_it=how_to_get_it
        )
        self._tokens = read_tokens(folder / "tokenizer.bin", how_to_get_it=how_to_get_it)
        past = [node for node in self._decoder.get_inputs() if node.name.startswith("past_")]
        self._past = [node.name for node in past]
        self._heads, self._head_size = _cache_shape(past, folder, how_to_get_it)
        self._tokenizer = Tokenizer(self._tokens)
        self._hints: dict[tuple[str, ...], Hints] = {}
        self._hints_lock = threading.Lock()  # decodes run in several threads
        self._outputs = ["logits", *(n.replace("past_key_values", "present") for n in self._past)]

    def decode(self, samples: Samples, hints: Sequence[str] = ()) -> list[Piece]:
        """The tokens of `samples`, float32 at 16 kHz, at most some 30 s.

        Where they are doubtful, and one of the `hints` is nearly as likely, the hint's tokens.

        Raises:
            EngineFailed: the networks refused it.
        """
        try:
            encoded = self._encode(samples)
            heard = self._follow(encoded)
            if hints and heard.tokens and confidence_of(self._pieces(heard)) < SURE:
                return self._hinted(encoded, heard, self._hints_of(tuple(hints)))
        except ORT_FAILURES as error:
            raise EngineFailed(f"moonshine failed on {len(samples)} samples: {error}") from error
        return self._pieces(heard)

    def _hinted(self, encoded: _Encoded, heard: _Path, hints: Hints) -> list[Piece]:
        """What was heard, or what is likely instead, with how far that is believed."""
        tokens, log_probability, likelier, lead = (), -math.inf, LIKELIER, 1.0
        if hints.phrases:
            phrases = nearest(hints.phrases, heard.first)
            values = self._ask_for(encoded, phrases)
            at = int(np.argmax(values))
            tokens, log_probability = phrases[at], float(values[at])
            lead = lead_of(phrases, values, at) * clearness_of(log_probability, len(tokens) + 1)
        elif hints.row is not None:
            path = self._follow(encoded, hints.row)
            tokens, log_probability = tuple(path.tokens), path.log_probability
            likelier = LIKELIER_A_WORD * hints.row.count(tokens)
        believed = belief(log_probability, heard.log_probability, likelier)
        if not tokens or believed < 0.5:
            return self._pieces(heard)
        believed *= lead
        if list(tokens) == heard.tokens:  # the same words without being asked: the better for it
            believed = max(believed, confidence_of(self._pieces(heard)))
        return [Piece(self._tokens[token], believed) for token in tokens]

    def _encode(self, samples: Samples) -> _Encoded:
        mask = np.ones((1, len(samples)), np.int64)
        (encoded,) = self._encoder.run(
            None, {"input_values": samples[np.newaxis], "attention_mask": mask}
        )
        return _Encoded(encoded, mask)

    def _inputs(self, encoded: _Encoded, copies: int) -> dict[str, OrtValue]:
        inputs: dict[str, OrtValue] = {
            "encoder_hidden_states": ort_value(np.repeat(encoded.vectors, copies, axis=0)),
            "encoder_attention_mask": ort_value(np.repeat(encoded.mask, copies, axis=0)),
            "use_cache_branch": ort_value(np.array([False])),
        }
        for name in self._past:
            vectors = encoded.vectors.shape[1] if ".encoder." in name else 0
            shape = (copies, self._heads, vectors, self._head_size)
            inputs[name] = ort_value(np.zeros(shape, np.float32))
        return inputs

    def _follow(self, encoded: _Encoded, row: WordRow | None = None) -> _Path:
        """The likeliest token after the likeliest token, of all or of those that `row` allows."""
        inputs = self._inputs(encoded, 1)
        path, token = _Path(), _START
        limit = int(encoded.mask.shape[1] / SAMPLE_RATE_HZ * _TOKENS_A_SECOND) + _TOKENS_MARGIN
        for step in range(limit):
            inputs["input_ids"] = ort_value(np.array([[token]], np.int64))
            logits, *present = self._decoder.run_with_ort_values(self._outputs, inputs)
            logs = _log_probabilities(logits.numpy()[0, -1])
            if step == 0:
                path.first = logs
            allowed = row.after(path.tokens) if row is not None else None
            token = int(logs.argmax()) if allowed is None else max(allowed, key=logs.__getitem__)
            path.log_probability += float(logs[token])
            if token == _END:
                break
            path.tokens.append(token)
            path.probabilities.append(float(np.exp(logs[token])))
            if loop := looping(path.tokens):
                del path.tokens[-loop:], path.probabilities[-loop:]
                break
            inputs.update(
                (name, value)
                for name, value in zip(self._past, present, strict=True)
                if step == 0 or ".decoder." in name  # the encoder's part never changes
            )
            if step == 0:
                inputs["use_cache_branch"] = ort_value(np.array([True]))
        return path

    def _ask_for(self, encoded: _Encoded, phrases: Sequence[Tokens]) -> npt.NDArray[np.float32]:
        """The log probability of each phrase, in one run of the decoder."""
        width = max(map(len, phrases)) + 1
        given = np.full((len(phrases), width), _END, np.int64)
        given[:, 0] = _START
        wanted = np.full((len(phrases), width), _END, np.int64)
        counts = np.zeros((len(phrases), width), np.float32)
        for at, phrase in enumerate(phrases):
            given[at, 1 : len(phrase) + 1] = wanted[at, : len(phrase)] = phrase
            counts[at, : len(phrase) + 1] = 1  # with the end behind it, without the filling
        inputs = self._inputs(encoded, len(phrases))
        inputs["input_ids"] = ort_value(given)
        (logits,) = self._decoder.run_with_ort_values(["logits"], inputs)
        logs = _log_probabilities(logits.numpy())
        of_wanted = np.take_along_axis(logs, wanted[:, :, np.newaxis], axis=2)[:, :, 0]
        return (of_wanted * counts).sum(axis=1)

    def _pieces(self, path: _Path) -> list[Piece]:
        return [
            Piece(self._tokens[token], probability)
            for token, probability in zip(path.tokens, path.probabilities, strict=True)
        ]

    def _hints_of(self, texts: tuple[str, ...]) -> Hints:
        with self._hints_lock:
            if texts not in self._hints:
                if len(self._hints) >= _MOST_HINTS:
                    self._hints.clear()
                self._hints[texts] = self._tokenizer.hints(texts, end=_END)
            return self._hints[texts]


def _cache_shape(past: Sequence[Any], folder: Path, how_to_get_it: str) -> tuple[int, int]:
    """The heads of the attention cache and their size: 8 and 36 in tiny, 8 and 52 in base."""
    shapes: set[tuple[Any, ...]] = {tuple(node.shape) for node in past}
    sizes = {(shape[1], shape[3]) for shape in shapes if len(shape) == 4}
    if len(sizes) == 1:
        heads, head_size = next(iter(sizes))
        if isinstance(heads, int) and isinstance(head_size, int):
            return heads, head_size
    raise EngineUnavailable(
        f"{folder / 'decoder_model_merged.ort'} is no merged decoder of Moonshine: {how_to_get_it}"
    )


def read_tokens(path: Path, *, how_to_get_it: str) -> list[bytes]:
    """The 32,768 tokens of a tokenizer.bin: each a length and its bytes.

    A length below 128 is one byte; else it is two, `first - 128 + 128 * second`. The first three
    tokens, and those in double angle brackets, are no text and come out empty.

    Raises:
        EngineUnavailable: the file is missing or not of this kind.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineUnavailable(f"{path} can't be read ({error}): {how_to_get_it}") from error
    tokens: list[bytes] = []
    at = 0
    while at < len(content):
        length = content[at]
        at += 1
        if length >= 128 and at < len(content):
            length = length - 128 + 128 * content[at]
            at += 1
        tokens.append(content[at : at + length])
        at += length
    if len(tokens) != _VOCABULARY or at != len(content):
        raise EngineUnavailable(
            f"{path} holds {len(tokens)} tokens instead of {_VOCABULARY}: {how_to_get_it}"
        )
    return [
        b"" if index < _SPECIAL or (token[:2] == b"<<" and token[-2:] == b">>") else token
        for index, token in enumerate(tokens)
    ]


def looping(tokens: list[int]) -> int:
    """How many tokens at the end repeat what is before them, too often to be speech; else 0."""
    for period in range(1, _LONGEST_LOOP + 1):
        total = period * _REPEATS
        if len(tokens) < total:
            return 0
        last = tokens[-total:]
        if last == last[:period] * _REPEATS:
            return total - period
    return 0


def _log_probabilities(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of each token, over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def text_of(pieces: list[Piece]) -> str:
    """The words, with single spaces."""
    text = b"".join(piece.text for piece in pieces).decode("utf-8", "ignore")
    return " ".join(text.replace("\u2581", " ").split())


def confidence_of(pieces: list[Piece]) -> float:
    """0..1: the geometric mean of the probabilities of the tokens that have a letter or a digit.

    Commas, full stops and the end itself are improbable after words that are right: with them
    the area under the curve between right and wrong clips is 0.72, without 0.80.
    """
    probabilities = [
        piece.probability
        for piece in pieces
        if any(char.isalnum() for char in piece.text.decode("utf-8", "ignore"))
    ]
    if not probabilities:
        return 0.0
    return math.exp(sum(map(math.log, probabilities)) / len(probabilities))
