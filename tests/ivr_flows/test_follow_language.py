"""Who answers in another of the flow's languages is understood, and soon answered in it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr_flows.actions import Action, Listen, Say, SwitchLanguage
from ivr_flows.events import Event, Heard, Played, Started
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.loader import load_bytes

LUNCH = Path(__file__).with_name("lunch.yaml").read_text(encoding="utf-8")
BOTH = frozenset({"en", "hi"})


@dataclass(frozen=True, slots=True)
class Talk:
    state: State
    actions: tuple[Action, ...]  # after the last event


def talk(*events: Event, follows: bool = True, hearing: frozenset[str] = BOTH) -> Talk:
    yaml = LUNCH.replace("anywhere:\n", f"anywhere:\n  follow_language: {str(follows).lower()}\n")
    interpreter = Interpreter(load_bytes(yaml.encode(), "lunch.yaml"), hearing=hearing)
    state = interpreter.start_state({"guest": "Asha"}, "en")
    actions: tuple[Action, ...] = ()
    for event in (Started(), Played(), *events):
        state, actions = interpreter.step(state, event)
    return Talk(state, actions)


def listens(actions: tuple[Action, ...]) -> list[Listen]:
    return [action for action in actions if isinstance(action, Listen)]


def test_ears_are_told_what_else_may_be_spoken() -> None:
    said = talk(Heard("mumble", language="en"))
    assert [listen.other_languages for listen in listens(said.actions)] == [("hi",)]
    alone = talk(Heard("mumble", language="en"), hearing=frozenset({"en"}))
    assert [listen.other_languages for listen in listens(alone.actions)] == [()]
    fixed = talk(Heard("mumble", language="en"), follows=False)
    assert [listen.other_languages for listen in listens(fixed.actions)] == [()]


def test_one_answer_in_another_language_is_understood_and_answered_in_the_calls() -> None:
    said = talk(Heard("चावल", language="hi"))
    assert said.state.variables["dish"] == "rice"
    assert said.state.language == "en"
    assert {say.language for say in said.actions if isinstance(say, Say)} == {"en"}


def test_two_answers_in_another_language_change_the_calls() -> None:
    said = talk(Heard("पता नहीं", language="hi"), Played(), Heard("चावल", language="hi"))
    assert said.state.language == "hi"
    assert said.state.variables["dish"] == "rice"
    assert SwitchLanguage("hi") in said.actions
    assert {say.language for say in said.actions if isinstance(say, Say)} == {"hi"}


@pytest.mark.parametrize(
    "between",
    [Heard("mumble", language="en"), Heard("hmm", language="ta")],
)
def test_answers_that_do_not_agree_change_nothing(between: Heard) -> None:
    hindi = Heard("पता नहीं", language="hi")
    said = talk(hindi, Played(), between, Played(), Heard("mumble", language="en"))
    assert said.state.language == "en"
    assert not any(isinstance(action, SwitchLanguage) for action in said.actions)


def test_a_noise_without_words_has_no_language() -> None:
    noise = Heard("", language="hi")
    assert talk(noise, Played(), noise).state.language == "en"


def test_what_was_hardly_heard_has_no_language() -> None:
    mumbled, clear = (Heard("पता नहीं", confidence=c, language="hi") for c in (0.29, 0.3))
    assert talk(mumbled, Played(), clear).state.language == "en"
    assert talk(clear, Played(), clear).state.language == "hi"


def test_where_the_flow_does_not_follow_nothing_changes() -> None:
    hindi = Heard("चावल", language="hi")
    said = talk(hindi, Played(), hindi, follows=False)
    assert said.state.language == "en"
    assert said.state.variables.get("dish") is None
