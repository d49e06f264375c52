"""What is given to Whisper's network and what comes out of it: sound, languages, prompts, words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.stt import Word

SAMPLE_RATE_HZ = 16_000
FRAMES_A_SECOND = 100
FULL_WINDOW_S = 30.0

_MARGIN_S = 2.5
"""Of silence behind the sound in a short window. Whisper was trained on 30 s always; without any it
repeats the last words. 2.5 s is what whisper.cpp's users settled on (128 positions of 20 ms)."""

_STEP_S = 2.5  # windows come in these lengths, so that those of several calls fit into a batch
_SHORTEST_WINDOW_S = 5.0

MOST_TOKENS = 224  # the network's own limit
_TOKENS_A_SECOND = {"en": 10.0}
_TOKENS_A_SECOND_ELSEWHERE = 22.0
"""English has 3 to 5 tokens a second, digits 6; Devanagari has one or two tokens a *letter* in
Whisper's vocabulary, so fast Hindi has 20. What goes beyond is a loop."""
_TOKENS_MARGIN = 16

Features = npt.NDArray[np.float32]
"""log mel, shape (mels, frames); a frame is 10 ms."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A language that may have been spoken, and what is put before its words."""

    language: str
    prompt: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One row of what the encoder made of a batch."""

    rows: Any  # ctranslate2.StorageView
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One try at one piece of sound."""

    features: Features  # padded to its window
    frames: int  # of sound in it
    choices: tuple[Choice, ...]  # the call's language first; with several, it is detected
    beam_size: int = 1
    temperature: float = 0.0
    wants_words: bool = False
    margin: float = 0.6  # how probable another language than the first must be
    encoded: Encoded | None = None  # of an earlier try on the same features

    @property
    def key(self) -> tuple[int, int, float]:
        """Those with the same may be one batch."""
        return self.features.shape[1], self.beam_size, self.temperature

    @property
    def most_tokens(self) -> int:
        """How many tokens can have been said in it."""
        rate = max(
            _TOKENS_A_SECOND.get(choice.language, _TOKENS_A_SECOND_ELSEWHERE)
            for choice in self.choices
        )
        return min(MOST_TOKENS, int(self.frames / FRAMES_A_SECOND * rate) + _TOKENS_MARGIN)


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """What came out of an attempt."""

    language: str
    language_probability: float  # among the choices; 1 where there was one
    text: str
    log_probability: float  # mean of the tokens and the end
    no_speech_probability: float
    encoded: Encoded
    words: tuple[Word, ...] = ()  # times from the start of the features


def window_frames(frames: int) -> int:
    """How many frames are encoded for a sound of so many."""
    wanted_s = frames / FRAMES_A_SECOND + _MARGIN_S
    steps = math.ceil(wanted_s / _STEP_S)
    window_s = min(FULL_WINDOW_S, max(_SHORTEST_WINDOW_S, steps * _STEP_S))
    return int(window_s * FRAMES_A_SECOND)


def choose_language(
    names: Sequence[str], odds: dict[str, float], *, margin: float
) -> tuple[str, float]:
    """Which of the call's languages it was, and how probable that is among them.

    The first is the call's own; another must be clearly likelier. Hinglish is between the two, and
    stays in the call's language.
    """
    total = sum(odds.get(name, 0.0) for name in names)
    if total <= 0:
        return names[0], 1.0
    best = max(names, key=lambda name: odds.get(name, 0.0))
    share = odds.get(best, 0.0) / total
    if best != names[0] and share < margin:
        return names[0], odds.get(names[0], 0.0) / total
    return best, share
