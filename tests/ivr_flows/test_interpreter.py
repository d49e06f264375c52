"""What follows what in a conversation: (state, event) -> (state, actions)."""

from collections.abc import Iterable
from typing import Any

import pytest

from ivr_flows.actions import (
    Action,
    HangUp,
    Listen,
    Report,
    Say,
    SwitchLanguage,
    Transfer,
)
from ivr_flows.errors import VariablesInvalid
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    HungUp,
    NothingHeard,
    Played,
    Pressed,
    Responded,
    Started,
)
from ivr_flows.interpreter import Phase


def said(actions: Iterable[Action]) -> list[str]:
    return [action.text for action in actions if isinstance(action, Say)]


def kinds(actions: Iterable[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


PLAYED = Played()


def keys(digits: str) -> list[Pressed]:
    return [Pressed(digit) for digit in digits]


# The start


def test_says_chain_to_the_first_question_in_one_step(lunch: Any):
    actions = lunch.last()
    assert said(actions) == ["Hello Asha.", "Lunch time.", "Rice or bread?"]
    assert [a.interruptible for a in actions if isinstance(a, Say)] == [False, True, True]
    assert [a.is_static for a in actions if isinstance(a, Say)] == [False, True, True]
    listen = actions[-1]
    assert isinstance(listen, Listen)
    assert (listen.node, listen.timeout_ms, listen.speech) == ("ask_dish", 6000, True)
    assert listen.keys == frozenset("12345*9")
    assert {"rice", "bread", "hindi"} <= set(listen.hints)


@pytest.mark.parametrize("event", [PLAYED, Pressed("1"), Heard("rice"), NothingHeard()])
def test_nothing_happens_before_the_call_was_answered(lunch: Any, event: Event):
    interpreter = lunch.interpreter()
    state = interpreter.start_state({"guest": "Asha"}, "en")
    assert interpreter.step(state, event) == (state, ())


def test_a_second_start_changes_nothing(lunch: Any):
    assert lunch.last(Started()) == []


def test_an_unknown_language_becomes_the_fallback(lunch: Any):
    assert lunch.talk(language="ta")[0].language == "en"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, 'guest: missing; give a text, e.g. "Asha"'),
        ({"guest": None}, "guest: missing"),
        ({"guest": "x" * 21}, "guest: 21 characters; keep it within 20"),
        ({"guest": ["a"]}, "guest: \"['a']\" is not a text"),
        ({"guest": "a", "gust": 1}, "gust: unknown; the flow knows guest"),
        ({"guest": "a", "count": "many"}, "count: 'many' is not an integer"),
        ({"guest": "a", "base": "ftp://x/y"}, "base: 'ftp://x/y' is not a url"),
        ({"guest": "a", "base": "javascript:alert(1)"}, "is not a url"),
        ({"guest": "a", "price": float("nan")}, "price: 'nan' is not a number"),
    ],
)
def test_values_that_do_not_fit_are_named(lunch: Any, values: dict[str, object], fault: str):
    with pytest.raises(VariablesInvalid) as caught:
        lunch.interpreter().start_state(values, "en")
    assert fault in str(caught.value)


# Menus


@pytest.mark.parametrize(
    "answer", [Pressed("1"), Heard("rice"), Heard("one"), Heard("Rice, please.")]
)
def test_an_answer_by_key_or_voice_goes_on(lunch: Any, answer: Event):
    actions = lunch.last(PLAYED, answer)
    assert actions[0] == Report({"dish": "rice"})
    assert said(actions) == ["How many rice?"]


@pytest.mark.parametrize("answer", [Pressed("1"), Heard("rice")])
def test_an_answer_over_the_prompt_stops_it_first(lunch: Any, answer: Event):
    assert kinds(lunch.last(answer)) == ["StopSaying", "Report", "Say", "Listen"]


def test_talk_over_the_prompt_that_is_no_answer_is_let_pass(lunch: Any):
    actions = lunch.last(Heard("put it on the table over there"))
    assert kinds(actions) == ["Listen"]


def test_what_is_not_understood_after_the_prompt_is_asked_again(lunch: Any):
    actions = lunch.last(PLAYED, Heard("put it on the table over there"))
    assert said(actions) == ["Not understood."]
    assert kinds(actions) == ["Say", "Listen"]


def test_tries_run_out_by_silence_noise_and_wrong_keys_together(lunch: Any):
    state, steps = lunch.talk(PLAYED, NothingHeard(), PLAYED, Pressed("8"), PLAYED, Heard(""))
    assert [said(step) for step in steps[1:]] == [
        [],
        ["Nothing heard."],
        [],
        ["Not understood."],
        [],
        ["Goodbye."],
    ]
    assert steps[-1][-1] == HangUp("completed")
    assert state.is_ended


def test_tries_start_anew_at_the_next_node(lunch: Any):
    state, _ = lunch.talk(PLAYED, NothingHeard(), NothingHeard(), Pressed("1"))
    assert (state.node, state.tries) == ("ask_count", 0)


@pytest.mark.parametrize("answer", [Pressed("4"), Heard("say that again"), Heard("repeat please")])
def test_a_repeat_says_the_question_again_and_costs_no_try(lunch: Any, answer: Event):
    state, steps = lunch.talk(PLAYED, answer)
    assert said(steps[-1]) == ["Rice or bread?"]
    assert state.tries == 0


def test_a_set_uses_what_was_set_before_it(lunch: Any):
    state, _ = lunch.talk(PLAYED, Pressed("2"))
    assert state.variables["wish"] == "Asha likes bread"


def test_a_mumbled_answer_is_asked_about(lunch: Any):
    mumbled = Heard("rice", confidence=0.1)
    assert said(lunch.last(PLAYED, mumbled)) == ["Did you mean rice?"]
    assert said(lunch.last(PLAYED, mumbled, PLAYED, Heard("yes"))) == ["How many rice?"]
    assert said(lunch.last(PLAYED, mumbled, PLAYED, Heard("no"))) == ["Not understood."]
    assert said(lunch.last(PLAYED, mumbled, PLAYED, Heard("bread"))) == ["Your code?"]
    assert said(lunch.last(PLAYED, mumbled, PLAYED, Pressed("2"))) == ["Your code?"]
    assert said(lunch.last(PLAYED, mumbled, PLAYED, Heard("say that again"))) == [
        "Did you mean rice?"
    ]


def test_an_endless_talker_is_given_up_in_words(lunch: Any):
    state, steps = lunch.talk(*[Pressed("4")] * 13)
    assert said(steps[-1]) == ["Sorry."]
    assert steps[-1][-1] == HangUp("failed")
    assert state.is_ended


# Anywhere


@pytest.mark.parametrize("answer", [Pressed("*"), Heard("hindi")])
def test_the_language_is_switched_by_key_or_word(lunch: Any, answer: Event):
    state, steps = lunch.talk(PLAYED, answer)
    assert steps[-1][0] == SwitchLanguage("hi")
    assert said(steps[-1]) == ["चावल या रोटी?"]
    assert state.language == "hi"
    assert said(lunch.last(PLAYED, answer, PLAYED, Heard("रोटी"))) == ["कोड?"]


def test_the_language_already_spoken_is_a_repeat(lunch: Any):
    actions = lunch.last(PLAYED, Heard("english"))
    assert kinds(actions) == ["Say", "Listen"]


@pytest.mark.parametrize("before", [[], keys("1"), keys("2"), keys("3")])
def test_a_person_can_be_asked_for_at_every_question(lunch: Any, before: list[Event]):
    actions = lunch.last(*before, PLAYED, Heard("a person"))
    assert actions == [
        Say("Connecting.", "en", "person", interruptible=False, is_static=True),
        Transfer("kitchen"),
    ]


def test_a_digit_is_a_digit_where_a_number_is_collected(lunch: Any):
    state, _ = lunch.talk(*keys("29"))
    assert (state.node, state.digits) == ("ask_pin", "9")


# Endings and failures


ENDED = [Pressed("2"), *keys("4522#")]


@pytest.mark.parametrize(
    "event",
    [
        Started(),
        Pressed("1"),
        Heard("rice"),
        NothingHeard(),
        PLAYED,
        Responded(200, {}),
        Failed("request", ""),
        Failed("speech", ""),
        Failed("hearing", ""),
        Failed("transfer", ""),
        HungUp(),
    ],
)
def test_after_the_end_nothing_follows(lunch: Any, event: Event):
    assert lunch.last(*ENDED, event) == []
    assert lunch.last(HungUp(), event) == []


def test_a_transfer_that_fails_goes_on_in_words(lunch: Any):
    state, steps = lunch.talk(Pressed("9"), Failed("transfer", "no answer"))
    assert said(steps[-1]) == ["Sorry."]
    assert state.phase is Phase.ENDED


def test_a_sentence_that_could_not_be_spoken_is_said_again_once(lunch: Any):
    _, steps = lunch.talk(Failed("speech", "x"), Failed("speech", "x"))
    assert said(steps[1]) == ["Rice or bread?"]
    assert steps[2][-1] == HangUp("failed")
    assert said(lunch.last(Failed("speech", "x"), PLAYED, Failed("speech", "x"))) == [
        "Rice or bread?"
    ]


@pytest.mark.parametrize("digit", ["", "11", "x", "१", "E", " "])
def test_what_is_no_key_is_not_an_answer(lunch: Any, digit: str):
    assert kinds(lunch.last(PLAYED, Pressed(digit))) == ["Listen"]


def test_a_state_is_never_changed_in_place(lunch: Any):
    interpreter = lunch.interpreter()
    start = interpreter.start_state({"guest": "Asha"}, "en")
    asked, _ = interpreter.step(start, Started())
    before = repr(asked)
    interpreter.step(asked, Pressed("2"))
    interpreter.step(asked, Heard("hindi"))
    assert repr(asked) == before
    assert interpreter.step(asked, Pressed("1")) == interpreter.step(asked, Pressed("1"))
