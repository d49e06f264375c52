"""What a conversation takes from the caller and from the business, and what it does with it."""

from collections.abc import Iterable
from typing import Any

import pytest

from ivr_flows.actions import (
    Action,
    HangUp,
    Listen,
    Report,
    Request,
    Say,
    Transfer,
)
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    NothingHeard,
    Played,
    Pressed,
    Responded,
)
from ivr_flows.interpreter import Phase


def said(actions: Iterable[Action]) -> list[str]:
    return [action.text for action in actions if isinstance(action, Say)]


def kinds(actions: Iterable[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


PLAYED = Played()


def keys(digits: str) -> list[Pressed]:
    return [Pressed(digit) for digit in digits]


# Numbers


def test_digits_are_gathered_key_by_key(lunch: Any):
    _, steps = lunch.talk(*keys("2"), PLAYED, *keys("4522"), NothingHeard())
    waits = [step[-1] for step in steps[3:7]]
    assert [(w.timeout_ms, w.max_digits) for w in waits if isinstance(w, Listen)] == [
        (3000, 5),
        (3000, 4),
        (3000, 3),
        (3000, 2),
    ]
    assert steps[-1][0] == Report(
        {"dish": "bread", "pin": "4522", "wish": "Asha likes bread"},
    )


@pytest.mark.parametrize(
    ("pressed", "pin"), [("0452#", "0452"), ("123456", "123456"), ("12#3456", "3456")]
)
def test_a_code_ends_with_the_finish_key_or_its_length(lunch: Any, pressed: str, pin: str):
    state, _ = lunch.talk(*keys("2"), *keys(pressed), NothingHeard())
    assert state.variables["pin"] == pin


@pytest.mark.parametrize(
    ("pressed", "wait_ms"), [("1", 3000), ("2", 3000), ("3", 1200), ("15", 1200), ("02", 3000)]
)
def test_a_number_that_no_key_can_follow_waits_only_shortly(lunch: Any, pressed: str, wait_ms: int):
    listen = lunch.last(*keys("1"), *keys(pressed))[-1]
    assert isinstance(listen, Listen)
    assert listen.timeout_ms == wait_ms


@pytest.mark.parametrize(("pressed", "count"), [("5", 5), ("15", 15), ("3", 3), ("020", 20)])
def test_a_number_ends_with_the_finish_key_or_silence(lunch: Any, pressed: str, count: int):
    for end in (NothingHeard(), Pressed("#")):
        assert lunch.talk(*keys("1"), *keys(pressed), end)[0].variables["count"] == count


def test_a_number_too_large_is_not_cut_to_one_that_fits(lunch: Any):
    for pressed in ("200#", "0200"):
        assert said(lunch.last(*keys("1"), PLAYED, *keys(pressed))) == ["One to twenty."]


@pytest.mark.parametrize("answer", [[Pressed("#")], keys("0#"), [Heard("ninety")]])
def test_a_number_out_of_range_is_asked_again(lunch: Any, answer: list[Event]):
    assert said(lunch.last(*keys("1"), PLAYED, *answer)) == ["One to twenty."]


def test_a_spoken_number_is_read_back_and_can_be_corrected(lunch: Any):
    first = [*keys("1"), PLAYED, Heard("twelve")]
    assert said(lunch.last(*first)) == ["12, right?"]
    assert lunch.talk(*first)[0].variables["count"] is None
    for yes in (Heard("yes"), Pressed("1"), Heard("yes twelve"), Heard("One."), Heard("yes, one")):
        assert lunch.last(*first, PLAYED, yes)[-1] == Transfer("kitchen")
    for no in (Heard("no"), Pressed("2"), Heard("two"), Heard("no, option two")):
        assert said(lunch.last(*first, PLAYED, no)) == ["One to twenty."]
    assert said(lunch.last(*first, PLAYED, Heard("no, fifteen"))) == ["15, right?"]
    assert said(lunch.last(*first, PLAYED, Heard("no, one"))) == ["1, right?"]
    assert said(lunch.last(*first, PLAYED, Heard("say that again"))) == ["12, right?"]
    assert said(lunch.last(*first, PLAYED, Pressed("*"))) == ["12, सही?"]


def test_noise_beside_the_keys_does_not_disturb_them(lunch: Any):
    state, steps = lunch.talk(*keys("2"), *keys("45"), Heard("hmm"), *keys("22"), Pressed("#"))
    assert state.variables["pin"] == "4522"
    assert kinds(steps[4]) == ["Listen"]


# Free speech


def test_free_speech_goes_into_the_variable_cleaned_and_cut(lunch: Any):
    state, steps = lunch.talk(
        *keys("3"), PLAYED, Heard("more  salt\nand {{ guest }} less \u202epepper")
    )
    assert state.variables["wish"] == "more salt and {{ guest }} less"[:30]
    assert steps[-1][-1] == HangUp("completed")


def test_a_key_at_an_open_question_is_ignored(lunch: Any):
    assert kinds(lunch.last(*keys("3"), PLAYED, Pressed("7"))) == ["Listen"]


def test_silence_at_an_open_question_runs_out(lunch: Any):
    _, steps = lunch.talk(*keys("3"), PLAYED, NothingHeard(), NothingHeard())
    assert said(steps[-2]) == ["Tell me."]
    assert steps[-1][-1] == HangUp("completed")


# Values from outside are never templates


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "{% for x in y %}", "{{ dish }}", "}}{{"])
def test_a_value_is_never_a_template(lunch: Any, value: str):
    assert said(lunch.last(guest=value))[0] == f"Hello {value}."
    state, _ = lunch.talk(*keys("3"), PLAYED, Heard(f"I want {value}"))
    assert state.variables["wish"] == f"I want {value}"
    body = {"data": {"prices": [5], "dish": value}}
    assert said(lunch.last(*keys("5"), Responded(200, body)))[0] == f"{value} costs ₹5."


# Requests


def test_a_request_is_filled_quoted_and_waits(lunch: Any):
    state, steps = lunch.talk(*keys("5"), guest="A&B/ü")
    request = steps[-1][-1]
    assert request == Request(
        node="ask_price",
        method="POST",
        url="https://shop.example/api/price?for=A%26B%2F%C3%BC",
        timeout_ms=8000,
        headers={"X-Guest": "A&B/ü"},
        json={"guest": "A&B/ü", "n": 1, "urgent": True, "tags": ["A&B/ü", "b"]},
    )
    assert said(steps[-1]) == ["One moment."]
    assert state.phase is Phase.REQUESTING


GOOD_BODY = {"data": {"prices": [1250.5, 3], "dish": "Rice"}}


@pytest.mark.parametrize(
    ("event", "texts"),
    [
        (Responded(200, GOOD_BODY), ["Rice costs ₹1,250.50.", "Goodbye."]),
        (Responded(299, GOOD_BODY), ["Rice costs ₹1,250.50.", "Goodbye."]),
        (Responded(404, "gone"), ["Goodbye."]),
        (Responded(503, None), ["Sorry."]),
        (Responded(302, GOOD_BODY), ["No price.", "Goodbye."]),
        (Responded(200, {}), ["No price.", "Goodbye."]),
        (Responded(200, {"data": {"prices": [], "dish": "x"}}), ["No price.", "Goodbye."]),
        (Responded(200, {"data": {"prices": [1], "dish": None}}), ["No price.", "Goodbye."]),
        (Responded(200, {"data": {"prices": ["abc"], "dish": "x"}}), ["No price.", "Goodbye."]),
        (Responded(200, {"data": {"prices": [1], "dish": {"a": 1}}}), ["No price.", "Goodbye."]),
        (Responded(200, ["data"]), ["No price.", "Goodbye."]),
        (Responded(200, "data"), ["No price.", "Goodbye."]),
        (Failed("request", "timeout"), ["No price.", "Goodbye."]),
    ],
)
def test_every_answer_of_the_business_has_its_branch(lunch: Any, event: Event, texts: list[str]):
    assert said(lunch.last(*keys("5"), event)) == texts


@pytest.mark.parametrize("event", [Pressed("1"), Heard("rice"), NothingHeard(), PLAYED])
def test_nothing_the_caller_does_disturbs_a_request(lunch: Any, event: Event):
    state, steps = lunch.talk(*keys("5"), event)
    assert steps[-1] == ()
    assert state.phase is Phase.REQUESTING


def test_a_late_answer_of_the_business_changes_nothing(lunch: Any):
    assert lunch.last(Responded(200, GOOD_BODY)) == []
    assert lunch.last(Failed("request", "late")) == []


# No ear


def test_without_an_ear_only_keypad_prompts_are_played(lunch: Any):
    deaf = frozenset({"hi"})
    actions = lunch.last(hearing=deaf)
    assert said(actions)[-1] == "Rice, 1. Bread, 2. A wish, 3."
    listen = actions[-1]
    assert isinstance(listen, Listen)
    assert (listen.speech, listen.hints) == (False, ())
    interpreter = lunch.interpreter(deaf)
    state = lunch.talk(hearing=deaf)[0]
    assert interpreter.keypad_only(state)
    state, _ = interpreter.step(state, Pressed("*"))
    assert not interpreter.keypad_only(state)


def test_without_an_ear_words_are_not_taken_for_answers(lunch: Any):
    assert kinds(lunch.last(PLAYED, Heard("rice"), hearing=frozenset())) == ["Listen"]


def test_without_an_ear_an_open_question_is_passed_over(lunch: Any):
    state, steps = lunch.talk(*keys("3"), hearing=frozenset())
    assert said(steps[-1]) == ["Goodbye."]
    assert state.variables["wish"] == "none given"


def test_hearing_that_breaks_leaves_the_keys(lunch: Any):
    state, steps = lunch.talk(PLAYED, Failed("hearing", "engine died"))
    assert said(steps[-1]) == ["Rice, 1. Bread, 2. A wish, 3."]
    assert lunch.interpreter().keypad_only(state)
    assert lunch.last(PLAYED, Failed("hearing", "x"), Failed("hearing", "x")) == []


def test_hearing_that_breaks_at_an_open_question_passes_it_over(lunch: Any):
    assert said(lunch.last(*keys("3"), Failed("hearing", "x")))[-1] == "Goodbye."
