"""A simulated person answers what was asked: goes on, says it again, or says yes or no."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from bot.simulation.caller import Answer, Caller, Clip, meant_by
from telephony.simulator.script import BargeIn, Converse, Press, Speak, StayOnLine, Step

WORDS = ("yes", "no", "confirm it", "twenty minutes")
CLIPS = {text: Clip(text, np.zeros(8, np.int16), 8000) for text in WORDS}
ANSWERS = (Answer("confirm it", named="confirm"), Answer("twenty minutes", named="20"))

ORDER = ("order", "Order 4512. Say confirm, or press 1.")
MINUTES = ("minutes", "In how many minutes?")
GOODBYE = ("goodbye", "Goodbye.")


def turn(node: str, text: str, *, is_interrupted: bool = False) -> dict[str, Any]:
    return {"who": "bot", "node": node, "text": text, "is_interrupted": is_interrupted}


class Talk:
    """Tells the caller what the bot says, and collects what it answers."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._turns: list[dict[str, Any]] = []
        self._has_spoken = False
        (self._converse,) = [step for step in caller.steps if isinstance(step, Converse)]

    def ask(
        self, *said: tuple[str, str], cut: tuple[str, str] | None = None, hears: bool = True
    ) -> str | None:
        """The bot's turns, and the answer; `hears`: the bot heard what was answered last."""
        if cut:
            self._turns.append(turn(*cut, is_interrupted=True))
        if hears and (self._has_spoken or cut):
            self._turns.append({"who": "caller"})
        self._turns += [turn(*words) for words in said]
        self._caller.overhear(self._turns)
        answer = spoken(self._converse.answer())
        self._has_spoken = answer is not None
        return answer


def spoken(steps: Sequence[Step] | None) -> str | None:
    """One word for what the steps do."""
    if steps is None:
        return None
    (step,) = steps
    match step:
        case Speak():
            return step.text
        case Press():
            return f"key {step.digits}"
        case StayOnLine():
            return "stays"
        case _:
            raise AssertionError(step)


def test_answers_are_given_question_by_question_and_then_the_person_stays() -> None:
    talk = Talk(Caller(ANSWERS, CLIPS))
    assert talk.ask(("greeting", "Hello."), ORDER) == "confirm it"
    assert talk.ask(MINUTES) == "twenty minutes"
    assert talk.ask(GOODBYE) == "stays"


def test_what_is_asked_again_is_said_again() -> None:
    talk = Talk(Caller(ANSWERS, CLIPS))
    assert talk.ask(ORDER) == "confirm it"
    assert talk.ask(("order", "Sorry, I did not understand.")) == "confirm it"
    assert talk.ask(MINUTES) == "twenty minutes"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Did you mean: confirm? Please say yes or no.", "yes"),
        ("Did you mean: reject? Please say yes or no.", "no"),
    ],
)
def test_asked_back_the_person_says_yes_only_to_what_he_meant(question: str, answer: str) -> None:
    talk = Talk(Caller(ANSWERS, CLIPS))
    talk.ask(ORDER)
    assert talk.ask(("order", question)) == answer
    assert talk.ask(ORDER) == "confirm it"
    assert talk.ask(MINUTES) == "twenty minutes"


def test_a_number_that_is_read_back_wrongly_is_refused() -> None:
    talk = Talk(Caller(ANSWERS, CLIPS))
    talk.ask(ORDER)
    talk.ask(MINUTES)
    assert talk.ask(("minutes", "70 minutes, is that right? Say yes or press 1.")) == "no"
    assert talk.ask(MINUTES) == "twenty minutes"
    assert talk.ask(("minutes", "20 minutes, is that right? Say yes or press 1.")) == "yes"


def test_who_can_not_say_yes_says_one_where_it_counts_and_else_repeats() -> None:
    words = ("no", "one", "confirm it", "twenty minutes")
    clips = {text: Clip(text, np.zeros(8, np.int16), 8000) for text in words}
    talk = Talk(Caller(ANSWERS, clips))
    talk.ask(ORDER)
    assert talk.ask(("order", "Did you mean: confirm? Please say yes or no.")) == "confirm it"
    talk.ask(MINUTES)
    assert talk.ask(("minutes", "20 minutes, is that right? Say yes or press 1.")) == "one"


def test_before_it_is_known_what_was_asked_nothing_is_answered() -> None:
    caller = Caller(ANSWERS, CLIPS)
    talk = Talk(caller)
    assert talk.ask() is None
    assert talk.ask(ORDER) == "confirm it"
    assert talk.ask() is None


def test_who_spoke_over_the_question_goes_on_with_the_next_or_says_it_again() -> None:
    caller = Caller(ANSWERS, CLIPS, over_prompt_ms=2500)
    assert isinstance(caller.steps[0], BargeIn)
    assert Talk(caller).ask(MINUTES, cut=ORDER) == "twenty minutes"
    again = Talk(Caller(ANSWERS, CLIPS, over_prompt_ms=2500))
    assert again.ask(("order", "Sorry, I did not understand."), cut=ORDER) == "confirm it"


def test_what_was_said_over_a_prompt_that_listens_to_nobody_is_said_again_when_asked() -> None:
    talk = Talk(Caller(ANSWERS, CLIPS, over_prompt_ms=2500))
    assert talk.ask(("greeting", "Hello."), ORDER, hears=False) == "confirm it"
    assert talk.ask(MINUTES) == "twenty minutes"


def test_what_was_said_in_a_pause_before_the_question_is_said_again_to_it() -> None:
    talk = Talk(Caller(ANSWERS, CLIPS))
    assert talk.ask(("greeting", "Hello.")) == "confirm it"
    assert talk.ask(ORDER, hears=False) == "confirm it"
    assert talk.ask(MINUTES) == "twenty minutes"


def test_keys_are_pressed_and_pressed_again() -> None:
    talk = Talk(Caller((Answer(keys="1"), Answer(keys="20#")), {}))
    assert talk.ask(ORDER) == "key 1"
    assert talk.ask(("order", "That key has no meaning here.")) == "key 1"
    assert talk.ask(MINUTES) == "key 20#"


def test_a_person_without_answers_only_stays_on_the_line() -> None:
    (step,) = Caller((), {}).steps
    assert isinstance(step, StayOnLine)


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("I heard 4 5 1 2. If that is right, say yes or press 1.", "4512"),
        ("Did you mean: out of stock? Please say yes or no.", "outofstock"),
        ("20 minutes, is that right? Say yes or press 1.", "20"),
        ("Anything else? For another order, say another order.", None),
        ("Sorry, I did not hear you.", None),
    ],
)
def test_what_the_bot_asks_back_about(question: str, meant: str | None) -> None:
    assert meant_by(question) == meant
