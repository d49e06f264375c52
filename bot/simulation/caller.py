"""A simulated person who answers what was asked, as people do.

Understood, he goes on; asked the same again, he says the same again; asked "did you mean ...?",
he says yes or no. What the bot said he knows from the call's record, word by word: his own ear
is better than any recogniser of ours would be.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from telephony.simulator.phone_audio import Pcm
from telephony.simulator.script import BargeIn, Converse, Press, Speak, StayOnLine, Step

PROMPT_TIMEOUT_MS = 60_000
"""The longest prompts of the shipped flows take 25 s."""

YES, NO = "yes", "no"
_ASKED_BACK = re.compile(
    r"Did you mean:? (?P<choice>.+?)\? "  # the flows' `unsure`
    r"|I heard (?P<digits>.+?)\. If that is right"  # `read_back` of digits
    r"|(?P<minutes>\d+) minutes, is that right"  # and of minutes
)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A phrase as it sounds: int16 mono PCM."""

    text: str
    pcm: Pcm
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says or presses, and what the bot calls that when it asks back."""

    words: str = ""
    keys: str = ""
    named: str = ""  # "confirm", "20", "4512"; for answers by keys nothing is asked back


class Caller:
    """One person in one call."""

    def __init__(
        self,
        answers: Sequence[Answer],
        clips: Mapping[str, Clip],
        *,
        over_prompt_ms: int | None = None,
    ) -> None:
        """`clips`: everything that the person can say, "yes" and "no" where he can.

        `over_prompt_ms`: the first answer comes so long after the bot began to speak.
        """
        self._answers = answers
        self._clips = clips
        self._over_prompt_ms = over_prompt_ms
        self._at = -1 if over_prompt_ms is None else 0  # the answer that was given last
        self._node: str | None = None  # of the question that it was given to
        self._turns: Sequence[Mapping[str, Any]] = ()  # the bot's, as the record has them
        self._answered = 0  # of these
        self._heard = 0  # of what he said
        self._heard_before = 0  # he spoke last

    @property
    def steps(self) -> tuple[Step, ...]:
        """The script of the person's telephone."""
        if not self._answers:
            return (StayOnLine(timeout_ms=90_000),)
        first = self._over_prompt() if self._over_prompt_ms is not None else ()
        return (*first, Converse(self._answer, timeout_ms=PROMPT_TIMEOUT_MS))

    def overhear(self, turns: Sequence[Mapping[str, Any]]) -> None:
        """The call's turns so far, as `GET /api/calls/{id}` gives them."""
        self._turns = [turn for turn in turns if turn["who"] == "bot"]
        self._heard = len(turns) - len(self._turns)

    def _answer(self) -> Sequence[Step] | None:
        asked = self._turns[self._answered :]
        if not asked:
            return None
        self._answered = len(self._turns)
        text, node = " ".join(turn["text"] for turn in asked), asked[-1]["node"]
        cut_short = [turn["node"] for turn in asked if turn["is_interrupted"]]
        if self._at >= 0 and self._node is None and cut_short:
            self._node = cut_short[0]  # a later one is the reply, cut by the rest of his answer
        if self._at >= 0 and (meant := meant_by(text)) is not None:
            return self._agree(text) if meant == _plain(self._given.named) else self._give(NO)
        if node != self._node:
            # Said to a prompt that nobody answers, it was not heard: now he is asked.
            was_heard = self._at < 0 or not self._given.words or self._heard > self._heard_before
            self._at += was_heard
            self._node = node
        if self._at >= len(self._answers):
            return (StayOnLine(timeout_ms=90_000),)
        return self._repeat()

    @property
    def _given(self) -> Answer:
        return self._answers[min(self._at, len(self._answers) - 1)]

    def _agree(self, text: str) -> Sequence[Step]:
        if YES in self._clips:
            return self._give(YES)
        if "press 1" in text and "one" in self._clips:
            return self._give("one")
        return self._repeat()

    def _repeat(self) -> Sequence[Step]:
        given = self._given
        return self._give(given.words) if given.words else (Press(given.keys),)

    def _give(self, words: str) -> Sequence[Step]:
        self._heard_before = self._heard
        clip = self._clips[words]
        return (Speak(clip.pcm, clip.sample_rate_hz, clip.text),)

    def _over_prompt(self) -> tuple[Step, ...]:
        given, after_ms = self._answers[0], self._over_prompt_ms or 0
        if not given.words:
            no_sound = np.zeros(0, np.int16)
            return (BargeIn(after_ms, no_sound, 8000), Press(given.keys))
        clip = self._clips[given.words]
        return (
            BargeIn(
                after_ms, clip.pcm, clip.sample_rate_hz, clip.text, timeout_ms=PROMPT_TIMEOUT_MS
            ),
        )


def meant_by(question: str) -> str | None:
    """What the bot asks back about, without spaces and signs; None where it doesn't ask back."""
    found = _ASKED_BACK.search(question)
    return _plain(next(filter(None, found.groups()))) if found else None


def _plain(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())
