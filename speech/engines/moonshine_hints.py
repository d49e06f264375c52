"""What a caller is likely to say, as tokens: so that Moonshine's doubts fall on the likely side.

A small recogniser that writes "Can't um" for a telephone's "confirm" gave "Confirm" almost the
same probability. Where it is not sure of what it wrote, the likely phrases are asked for, and
the likeliest is taken where it comes near enough. Pure: the networks are run by `moonshine_model`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SURE = 0.8
"""From this confidence of its own on the model is believed, and likely phrases are not asked for.
Lower, and "Cancer" stays for "confirm"; higher, and every clear sentence costs twice the CPU."""

MOST_PHRASES = 8
"""Phrases that are asked for, by how likely the model found their first token: 25 ms of CPU."""

LIKELIER = 6.5
"""By how much (natural logarithm) one of the phrases that are waited for is likelier than other
words, before any sound was heard. benchmarks/hints.py measures both sides: higher, and talk that
is no answer becomes one; lower, and answers are not understood. From 5 to 6.5 little moves:
85.0 to 86.2 % understood; 27 to 28 of 492 other prompts acted on, 26 without hints."""

CLEAR = 0.6
"""From this mean probability of a phrase's own tokens on it sounds clear. Half of the answers
that were told rightly are above, one in twenty is below 0.18; of those that were told wrongly
half are. Higher, and more right answers are asked about; lower, and fewer wrong ones are."""

LIKELIER_A_WORD = 2.5
"""The same for each word in a row of them, such as digits."""

_LONGEST_TOKENS = 10
_PHRASE = re.compile(r"[a-z](?:[a-z' ]*[a-z])?", re.IGNORECASE)
_SPACE = "\u2581".encode()

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WordRow:
    """Likely words of which several come in a row: "Four, five one, two."."""

    capital: frozenset[Tokens]  # as they begin a sentence
    lower: frozenset[Tokens]
    comma: int
    stop: int
    end: int

    def after(self, tokens: Sequence[int]) -> list[int]:
        """The tokens that may follow."""
        if not tokens:
            return sorted({word[0] for word in self.capital})
        starts = {word[0] for word in self.lower}
        if tokens[-1] == self.comma:
            return sorted(starts)
        if tokens[-1] == self.stop:
            return [self.end]
        word = self._last_word(tokens)
        words = self.capital | self.lower
        following = {w[len(word)] for w in words if len(w) > len(word) and w[: len(word)] == word}
        if word in words:
            following |= starts | {self.comma, self.stop, self.end}
        return sorted(following)

    def count(self, tokens: Sequence[int]) -> int:
        """How many words there are."""
        return sum(token in self._starts for token in tokens)

    @property
    def _starts(self) -> set[int]:
        return {word[0] for word in self.capital | self.lower}

    def _last_word(self, tokens: Sequence[int]) -> Tokens:
        first = max(at for at, token in enumerate(tokens) if token in self._starts)
        return tuple(tokens[first:])


@dataclass(frozen=True, slots=True)
class Hints:
    """What is likely, in tokens."""

    phrases: tuple[Tokens, ...] = ()  # each a sentence with its full stop
    row: WordRow | None = None


class Tokenizer:
    """Text to tokens as the model was taught: pairs are joined in the order of their numbers."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        """`tokens`: the text of each; of two with the same text the later is the one in use."""
        self._ids: Mapping[bytes, int] = {text: i for i, text in enumerate(tokens) if text}

    def encode(self, text: str) -> Tokens:
        """The tokens of a text with single spaces; () where it has letters that no token has."""
        parts = [char.encode() for char in "\u2581" + text.replace(" ", "\u2581")]
        while True:
            pairs = [
                (joined, at)
                for at in range(len(parts) - 1)
                if (joined := self._ids.get(parts[at] + parts[at + 1])) is not None
            ]
            if not pairs:
                break
            at = min(pairs)[1]
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        found = [self._ids.get(part) for part in parts]
        return tuple(token for token in found if token is not None) if None not in found else ()

    def hints(self, texts: Iterable[str], *, end: int) -> Hints:
        """Of texts in Latin letters; others are left out. Single words only: also rows of them."""
        plain = [text.strip().lower() for text in texts if _PHRASE.fullmatch(text.strip())]
        if not plain:
            return Hints()
        if all(" " not in text for text in plain):
            row = WordRow(
                capital=frozenset(self.encode(text.capitalize()) for text in plain),
                lower=frozenset(self.encode(text) for text in plain),
                comma=self._ids[b","],
                stop=self._ids[b"."],
                end=end,
            )
            return Hints(row=row)
        sentences = (self.encode(f"{text[0].upper()}{text[1:]}.") for text in plain)
        short = (sentence for sentence in sentences if 0 < len(sentence) <= _LONGEST_TOKENS)
        return Hints(phrases=tuple(dict.fromkeys(short)))


def nearest(
    phrases: Sequence[Tokens], first_log_probabilities: npt.NDArray[np.float32]
) -> list[Tokens]:
    """The phrases to ask for, given how likely the model found each token as the first."""
    likely = sorted(phrases, key=lambda phrase: -float(first_log_probabilities[phrase[0]]))
    return likely[:MOST_PHRASES]


def belief(likely: float, heard: float, likelier: float) -> float:
    """How probable (0..1) it is that the likely words were said, and not those that were heard.

    `likely` and `heard` are the model's log probabilities of the two.
    """
    return 1 / (1 + math.exp(min(heard - likely - likelier, 700)))


def lead_of(
    phrases: Sequence[Tokens], log_probabilities: npt.NDArray[np.float32], at: int
) -> float:
    """How far the phrase at `at` is ahead of those that begin otherwise: 1 alone, 0 for a tie.

    "Cancel" and "Confirm" may come near each other on a bad line, and a caller whose order is
    cancelled by mistake is not asked again. Those that begin alike mostly mean the same.
    """
    rivals = [
        float(log_probabilities[other])
        for other, phrase in enumerate(phrases)
        if phrase[0] != phrases[at][0]
    ]
    if not rivals:
        return 1.0
    ahead = float(log_probabilities[at]) - max(rivals)
    return max(0.0, math.tanh(ahead / 2))  # the one's share of both, less the other's


def clearness_of(log_probability: float, tokens: int) -> float:
    """How far (0..1) the sound itself speaks for a phrase of so many tokens, its end among them."""
    return min(1.0, math.exp(log_probability / tokens) / CLEAR)
