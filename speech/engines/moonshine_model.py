"""Moonshine's two networks and its tokens, run directly: audio in, words out.

The encoder turns 16 kHz samples into one vector for every 384 of them; the merged decoder is
asked for one token after another, greedily, with its attention cache kept in onnxruntime's
memory. The wheel's own library spends seven times the CPU (benchmarks/hearing.py compares).

The decoder's `encoder_attention_mask` has one entry a *sample*, not one a vector: it strides over
it itself. A mask as long as the vectors works up to 384 vectors (9.2 s) and fails beyond.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speech.errors import EngineFailed, EngineUnavailable
from speech.onnx import ORT_FAILURES, OrtValue, Session, load, ort_value
from speech.silence import Samples

SAMPLE_RATE_HZ = 16_000

_START, _END = 1, 2
_SPECIAL = 3  # tokens below this are <unk> <s> </s>
_VOCABULARY = 32_768
_HEADS, _HEAD_SIZE = 8, 36

# English speech has 3 to 4 tokens a second here; past 6.5 the model is repeating itself, which
# the authors' own code cuts off at the same rate. The margin is for the shortest words.
_TOKENS_A_SECOND = 6.5
_TOKENS_MARGIN = 6
_LONGEST_LOOP = 8  # tokens
_REPEATS = 4  # of a loop, before the clip is cut off there ("no no no" is speech)


@dataclass(frozen=True, slots=True)
class Piece:
    """One token that was decoded, and the probability that the model gave it."""

    text: bytes  # UTF-8, or a part of it; U+2581 stands for a space
    probability: float


class MoonshineModel:
    """The networks, loaded. `decode` may run in several threads at once."""

    def __init__(self, folder: Path, *, how_to_get_it: str) -> None:
        """Load encoder_model.ort, decoder_model_merged.ort and tokenizer.bin (0.1 s, 60 MB).

        Raises:
            EngineUnavailable: one is missing or broken.
        """
        self._encoder: Session = load(folder / "encoder_model.ort", how_to_get_it=how_to_get_it)
        self._decoder: Session = load(
            folder / "decoder_model_merged.ort", how_to_get_it=how_to_get_it
        )
        self._tokens = read_tokens(folder / "tokenizer.bin", how_to_get_it=how_to_get_it)
        self._past = [
            node.name for node in self._decoder.get_inputs() if node.name.startswith("past_")
        ]
        self._outputs = ["logits", *(n.replace("past_key_values", "present") for n in self._past)]

    def decode(self, samples: Samples) -> list[Piece]:
        """The tokens of `samples`, float32 at 16 kHz, at most some 30 s.

        Raises:
            EngineFailed: the networks refused it.
        """
        try:
            return self._decode(samples)
        except ORT_FAILURES as error:
            raise EngineFailed(f"moonshine failed on {len(samples)} samples: {error}") from error

    def _decode(self, samples: Samples) -> list[Piece]:
        mask = np.ones((1, len(samples)), np.int64)
        (encoded,) = self._encoder.run(
            None, {"input_values": samples[np.newaxis], "attention_mask": mask}
        )
        inputs: dict[str, OrtValue] = {
            "encoder_hidden_states": ort_value(encoded),
            "encoder_attention_mask": ort_value(mask),
            "use_cache_branch": ort_value(np.array([False])),
        }
        for name in self._past:
            vectors = encoded.shape[1] if ".encoder." in name else 0
            inputs[name] = ort_value(np.zeros((1, _HEADS, vectors, _HEAD_SIZE), np.float32))

        token, tokens, pieces = _START, list[int](), list[Piece]()
        limit = int(len(samples) / SAMPLE_RATE_HZ * _TOKENS_A_SECOND) + _TOKENS_MARGIN
        for step in range(limit):
            inputs["input_ids"] = ort_value(np.array([[token]], np.int64))
            logits, *present = self._decoder.run_with_ort_values(self._outputs, inputs)
            token, probability = _greedy(logits.numpy()[0, -1])
            if token == _END:
                break
            tokens.append(token)
            pieces.append(Piece(self._tokens[token], probability))
            if loop := looping(tokens):
                del pieces[-loop:]
                break
            inputs.update(
                (name, value)
                for name, value in zip(self._past, present, strict=True)
                if step == 0 or ".decoder." in name  # the encoder's part never changes
            )
            if step == 0:
                inputs["use_cache_branch"] = ort_value(np.array([True]))
        return pieces


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


def _greedy(logits: npt.NDArray[np.float32]) -> tuple[int, float]:
    """The most probable token and its probability."""
    token = int(logits.argmax())
    return token, 1 / float(np.exp(logits - logits[token]).sum())


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
