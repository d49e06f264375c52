"""What follows what in a conversation: (state, event) -> (state, actions)."""

from collections.abc import Iterable

import pytest

from ivr_flows.actions import (
    Action,
    HangUp,
    Listen,
    Report,
    Request,
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
from ivr_flows.interpreter import Interpreter, Phase, State
from ivr_flows.loader import load_bytes

FLOW = """\
name: lunch
title: Lunch
languages: [en, hi]
start: hello
give_up: sorry
max_turns: 12
variables:
  guest: {required: true, example: Asha, max_length: 20}
  dish: {outcome: true}
  count: {type: integer, outcome: true}
  pin: {outcome: true}
  wish: {outcome: true, max_length: 30}
  price: {type: number, outcome: true}
  base: {type: url, default: "https://shop.example/api"}
unsure: {en: "Did you mean {{ choice }}?", hi: "क्या {{ choice }}?"}
anywhere:
  repeat: {phrases: {en: [say that again], hi: [फिर से बोलिए]}}
  operator: {keys: ["9"], phrases: {en: [a person], hi: [किसी से बात]}, then: person}
  languages:
    hi: {keys: ["*"], phrases: [hindi]}
    en: {phrases: [english]}
nodes:
  hello:
    type: say
    prompt: {barge_in: false, en: "Hello {{ guest }}.", hi: "नमस्ते {{ guest }}।"}
    then: again
  again:
    type: say
    prompt: {en: "Lunch time.", hi: "खाने का समय।"}
    then: ask_dish
  ask_dish:
    type: menu
    prompt:
      en: {text: "Rice or bread?", keypad: "Rice, 1. Bread, 2. A wish, 3."}
      hi: {text: "चावल या रोटी?", keypad: "चावल, 1। रोटी, 2।"}
    choices:
      rice: {keys: ["1"], phrases: {en: [rice], hi: [चावल]}, set: {dish: rice}, then: ask_count}
      bread:
        keys: ["2"]
        phrases: {en: [bread], hi: [रोटी]}
        set: {dish: bread, wish: "{{ guest }} likes {{ dish }}"}
        then: ask_pin
      wish: {keys: ["3"], phrases: {en: [a wish], hi: [इच्छा]}, then: ask_wish}
      listen_again: {keys: ["4"], phrases: {en: [what], hi: [क्या]}, repeat: true}
      price: {keys: ["5"], phrases: {en: [the price], hi: [दाम]}, then: ask_price}
    no_input: {prompt: {en: "Nothing heard.", hi: "कुछ सुना नहीं।"}, then: bye}
    no_match: {prompt: {en: "Not understood.", hi: "समझा नहीं।"}, then: bye}
  ask_count:
    type: collect
    kind: number
    variable: count
    min: 1
    max: 20
    prompt: {en: "How many {{ dish }}?", hi: "कितने {{ dish }}?"}
    read_back: {when: spoken, prompt: {en: "{{ count }}, right?", hi: "{{ count }}, सही?"}}
    no_input: {then: bye}
    no_match: {prompt: {en: "One to twenty.", hi: "एक से बीस।"}, then: bye}
    then: many
  ask_pin:
    type: collect
    variable: pin
    min_digits: 4
    max_digits: 6
    prompt: {en: "Your code?", hi: "कोड?"}
    no_input: {then: bye}
    no_match: {then: bye}
    then: bye
  ask_wish:
    type: listen
    variable: wish
    tries: 2
    prompt: {en: "Tell me.", hi: "बताइए।"}
    no_input: {then: bye}
    without_ear: no_ear
    then: bye
  no_ear: {type: set, values: {wish: none given}, then: bye}
  ask_price:
    type: request
    method: POST
    url: "{{ base }}/price?for={{ guest }}"
    headers: {X-Guest: "{{ guest }}"}
    json: {guest: "{{ guest }}", n: 1, urgent: true, tags: ["{{ guest }}", b]}
    prompt: {en: "One moment.", hi: "एक क्षण।"}
    save: {price: data.prices.0, dish: data.dish}
    on_status: {"404": bye, 5xx: sorry}
    failure: no_price
    then: tell_price
  tell_price:
    type: say
    prompt: {en: "{{ dish }} costs {{ price | money }}.", hi: "{{ dish }} {{ price | money }}।"}
    then: bye
  no_price:
    type: say
    prompt: {en: "No price.", hi: "दाम नहीं।"}
    then: bye
  many:
    type: decide
    branches:
      - {when: count > 10, then: person}
    otherwise: bye
  person:
    type: transfer
    to: kitchen
    prompt: {en: "Connecting.", hi: "जोड़ रहे हैं।"}
    failed: sorry
  bye:
    type: hangup
    disposition: completed
    prompt: {en: "Goodbye.", hi: "नमस्ते।"}
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry.", hi: "माफ़ कीजिए।"}
"""
LUNCH = load_bytes(FLOW.encode(), "lunch.yaml")
BOTH = frozenset({"en", "hi"})


def talk(
    *events: Event, language: str = "en", hearing: frozenset[str] = BOTH, guest: str = "Asha"
) -> tuple[State, list[tuple[Action, ...]]]:
    """The last state, and the actions after each event (the first being Started)."""
    interpreter = Interpreter(LUNCH, hearing=hearing)
    state = interpreter.start_state({"guest": guest}, language)
    steps: list[tuple[Action, ...]] = []
    for event in (Started(), *events):
        state, actions = interpreter.step(state, event)
        steps.append(actions)
    return state, steps


def last(*events: Event, **options: object) -> list[Action]:
    return list(talk(*events, **options)[1][-1])  # type: ignore[arg-type]


def said(actions: Iterable[Action]) -> list[str]:
    return [action.text for action in actions if isinstance(action, Say)]


def kinds(actions: Iterable[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


PLAYED = Played()


def keys(digits: str) -> list[Pressed]:
    return [Pressed(digit) for digit in digits]


# The start


def test_says_chain_to_the_first_question_in_one_step():
    actions = last()
    assert said(actions) == ["Hello Asha.", "Lunch time.", "Rice or bread?"]
    assert [a.interruptible for a in actions if isinstance(a, Say)] == [False, True, True]
    assert [a.is_static for a in actions if isinstance(a, Say)] == [False, True, True]
    listen = actions[-1]
    assert isinstance(listen, Listen)
    assert (listen.node, listen.timeout_ms, listen.speech) == ("ask_dish", 6000, True)
    assert listen.keys == frozenset("12345*9")
    assert {"rice", "bread", "hindi"} <= set(listen.hints)


@pytest.mark.parametrize("event", [PLAYED, Pressed("1"), Heard("rice"), NothingHeard()])
def test_nothing_happens_before_the_call_was_answered(event: Event):
    interpreter = Interpreter(LUNCH, hearing=BOTH)
    state = interpreter.start_state({"guest": "Asha"}, "en")
    assert interpreter.step(state, event) == (state, ())


def test_a_second_start_changes_nothing():
    assert last(Started()) == []


def test_an_unknown_language_becomes_the_fallback():
    assert talk(language="ta")[0].language == "en"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, "guest: missing; give a text, e.g. 'Asha'"),
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
def test_values_that_do_not_fit_are_named(values: dict[str, object], fault: str):
    with pytest.raises(VariablesInvalid) as caught:
        Interpreter(LUNCH, hearing=BOTH).start_state(values, "en")
    assert fault in str(caught.value)


# Menus


@pytest.mark.parametrize(
    "answer", [Pressed("1"), Heard("rice"), Heard("one"), Heard("Rice, please.")]
)
def test_an_answer_by_key_or_voice_goes_on(answer: Event):
    actions = last(PLAYED, answer)
    assert actions[0] == Report({"dish": "rice"})
    assert said(actions) == ["How many rice?"]


@pytest.mark.parametrize("answer", [Pressed("1"), Heard("rice")])
def test_an_answer_over_the_prompt_stops_it_first(answer: Event):
    assert kinds(last(answer)) == ["StopSaying", "Report", "Say", "Listen"]


def test_talk_over_the_prompt_that_is_no_answer_is_let_pass():
    actions = last(Heard("put it on the table over there"))
    assert kinds(actions) == ["Listen"]


def test_what_is_not_understood_after_the_prompt_is_asked_again():
    actions = last(PLAYED, Heard("put it on the table over there"))
    assert said(actions) == ["Not understood."]
    assert kinds(actions) == ["Say", "Listen"]


def test_tries_run_out_by_silence_noise_and_wrong_keys_together():
    state, steps = talk(PLAYED, NothingHeard(), PLAYED, Pressed("8"), PLAYED, Heard(""))
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


def test_tries_start_anew_at_the_next_node():
    state, _ = talk(PLAYED, NothingHeard(), NothingHeard(), Pressed("1"))
    assert (state.node, state.tries) == ("ask_count", 0)


@pytest.mark.parametrize("answer", [Pressed("4"), Heard("say that again"), Heard("repeat please")])
def test_a_repeat_says_the_question_again_and_costs_no_try(answer: Event):
    state, steps = talk(PLAYED, answer)
    assert said(steps[-1]) == ["Rice or bread?"]
    assert state.tries == 0


def test_a_set_uses_what_was_set_before_it():
    state, _ = talk(PLAYED, Pressed("2"))
    assert state.variables["wish"] == "Asha likes bread"


def test_a_mumbled_answer_is_asked_about():
    mumbled = Heard("rice", confidence=0.1)
    assert said(last(PLAYED, mumbled)) == ["Did you mean rice?"]
    assert said(last(PLAYED, mumbled, PLAYED, Heard("yes"))) == ["How many rice?"]
    assert said(last(PLAYED, mumbled, PLAYED, Heard("no"))) == ["Not understood."]
    assert said(last(PLAYED, mumbled, PLAYED, Heard("bread"))) == ["Your code?"]
    assert said(last(PLAYED, mumbled, PLAYED, Pressed("2"))) == ["Your code?"]
    assert said(last(PLAYED, mumbled, PLAYED, Heard("say that again"))) == ["Did you mean rice?"]


def test_an_endless_talker_is_given_up_in_words():
    state, steps = talk(*[Pressed("4")] * 13)
    assert said(steps[-1]) == ["Sorry."]
    assert steps[-1][-1] == HangUp("failed")
    assert state.is_ended


# Anywhere


@pytest.mark.parametrize("answer", [Pressed("*"), Heard("hindi")])
def test_the_language_is_switched_by_key_or_word(answer: Event):
    state, steps = talk(PLAYED, answer)
    assert steps[-1][0] == SwitchLanguage("hi")
    assert said(steps[-1]) == ["चावल या रोटी?"]
    assert state.language == "hi"
    assert said(last(PLAYED, answer, PLAYED, Heard("रोटी"))) == ["कोड?"]


def test_the_language_already_spoken_is_a_repeat():
    actions = last(PLAYED, Heard("english"))
    assert kinds(actions) == ["Say", "Listen"]


@pytest.mark.parametrize("before", [[], keys("1"), keys("2"), keys("3")])
def test_a_person_can_be_asked_for_at_every_question(before: list[Event]):
    actions = last(*before, PLAYED, Heard("a person"))
    assert actions == [
        Say("Connecting.", "en", "person", interruptible=False, is_static=True),
        Transfer("kitchen"),
    ]


def test_a_digit_is_a_digit_where_a_number_is_collected():
    state, _ = talk(*keys("29"))
    assert (state.node, state.digits) == ("ask_pin", "9")


# Numbers


def test_digits_are_gathered_key_by_key():
    _, steps = talk(*keys("2"), PLAYED, *keys("4522"), NothingHeard())
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
def test_a_code_ends_with_the_finish_key_or_its_length(pressed: str, pin: str):
    state, _ = talk(*keys("2"), *keys(pressed), NothingHeard())
    assert state.variables["pin"] == pin


@pytest.mark.parametrize(
    ("pressed", "wait_ms"), [("1", 3000), ("2", 3000), ("3", 1200), ("15", 1200), ("02", 3000)]
)
def test_a_number_that_no_key_can_follow_waits_only_shortly(pressed: str, wait_ms: int):
    listen = last(*keys("1"), *keys(pressed))[-1]
    assert isinstance(listen, Listen)
    assert listen.timeout_ms == wait_ms


@pytest.mark.parametrize(("pressed", "count"), [("5", 5), ("15", 15), ("3", 3), ("020", 20)])
def test_a_number_ends_with_the_finish_key_or_silence(pressed: str, count: int):
    for end in (NothingHeard(), Pressed("#")):
        assert talk(*keys("1"), *keys(pressed), end)[0].variables["count"] == count


def test_a_number_too_large_is_not_cut_to_one_that_fits():
    for pressed in ("200#", "0200"):
        assert said(last(*keys("1"), PLAYED, *keys(pressed))) == ["One to twenty."]


@pytest.mark.parametrize("answer", [[Pressed("#")], keys("0#"), [Heard("ninety")]])
def test_a_number_out_of_range_is_asked_again(answer: list[Event]):
    assert said(last(*keys("1"), PLAYED, *answer)) == ["One to twenty."]


def test_a_spoken_number_is_read_back_and_can_be_corrected():
    first = [*keys("1"), PLAYED, Heard("twelve")]
    assert said(last(*first)) == ["12, right?"]
    assert talk(*first)[0].variables["count"] is None
    for yes in (Heard("yes"), Pressed("1"), Heard("yes twelve")):
        assert last(*first, PLAYED, yes)[-1] == Transfer("kitchen")
    for no in (Heard("no"), Pressed("2")):
        assert said(last(*first, PLAYED, no)) == ["One to twenty."]
    assert said(last(*first, PLAYED, Heard("no, fifteen"))) == ["15, right?"]
    assert said(last(*first, PLAYED, Heard("say that again"))) == ["12, right?"]
    assert said(last(*first, PLAYED, Pressed("*"))) == ["12, सही?"]


def test_noise_beside_the_keys_does_not_disturb_them():
    state, steps = talk(*keys("2"), *keys("45"), Heard("hmm"), *keys("22"), Pressed("#"))
    assert state.variables["pin"] == "4522"
    assert kinds(steps[4]) == ["Listen"]


# Free speech


def test_free_speech_goes_into_the_variable_cleaned_and_cut():
    state, steps = talk(*keys("3"), PLAYED, Heard("more  salt\nand {{ guest }} less \u202epepper"))
    assert state.variables["wish"] == "more salt and {{ guest }} less"[:30]
    assert steps[-1][-1] == HangUp("completed")


def test_a_key_at_an_open_question_is_ignored():
    assert kinds(last(*keys("3"), PLAYED, Pressed("7"))) == ["Listen"]


def test_silence_at_an_open_question_runs_out():
    _, steps = talk(*keys("3"), PLAYED, NothingHeard(), NothingHeard())
    assert said(steps[-2]) == ["Tell me."]
    assert steps[-1][-1] == HangUp("completed")


# Values from outside are never templates


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "{% for x in y %}", "{{ dish }}", "}}{{"])
def test_a_value_is_never_a_template(value: str):
    assert said(last(guest=value))[0] == f"Hello {value}."
    state, _ = talk(*keys("3"), PLAYED, Heard(f"I want {value}"))
    assert state.variables["wish"] == f"I want {value}"
    body = {"data": {"prices": [5], "dish": value}}
    assert said(last(*keys("5"), Responded(200, body)))[0] == f"{value} costs ₹5."


# Requests


def test_a_request_is_filled_quoted_and_waits():
    state, steps = talk(*keys("5"), guest="A&B/ü")
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
def test_every_answer_of_the_business_has_its_branch(event: Event, texts: list[str]):
    assert said(last(*keys("5"), event)) == texts


@pytest.mark.parametrize("event", [Pressed("1"), Heard("rice"), NothingHeard(), PLAYED])
def test_nothing_the_caller_does_disturbs_a_request(event: Event):
    state, steps = talk(*keys("5"), event)
    assert steps[-1] == ()
    assert state.phase is Phase.REQUESTING


def test_a_late_answer_of_the_business_changes_nothing():
    assert last(Responded(200, GOOD_BODY)) == []
    assert last(Failed("request", "late")) == []


# No ear


def test_without_an_ear_only_keypad_prompts_are_played():
    deaf = frozenset({"hi"})
    actions = last(hearing=deaf)
    assert said(actions)[-1] == "Rice, 1. Bread, 2. A wish, 3."
    listen = actions[-1]
    assert isinstance(listen, Listen)
    assert (listen.speech, listen.hints) == (False, ())
    interpreter = Interpreter(LUNCH, hearing=deaf)
    state = talk(hearing=deaf)[0]
    assert interpreter.keypad_only(state)
    state, _ = interpreter.step(state, Pressed("*"))
    assert not interpreter.keypad_only(state)


def test_without_an_ear_words_are_not_taken_for_answers():
    assert kinds(last(PLAYED, Heard("rice"), hearing=frozenset())) == ["Listen"]


def test_without_an_ear_an_open_question_is_passed_over():
    state, steps = talk(*keys("3"), hearing=frozenset())
    assert said(steps[-1]) == ["Goodbye."]
    assert state.variables["wish"] == "none given"


def test_hearing_that_breaks_leaves_the_keys():
    state, steps = talk(PLAYED, Failed("hearing", "engine died"))
    assert said(steps[-1]) == ["Rice, 1. Bread, 2. A wish, 3."]
    assert Interpreter(LUNCH, hearing=BOTH).keypad_only(state)
    assert last(PLAYED, Failed("hearing", "x"), Failed("hearing", "x")) == []


def test_hearing_that_breaks_at_an_open_question_passes_it_over():
    assert said(last(*keys("3"), Failed("hearing", "x")))[-1] == "Goodbye."


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
def test_after_the_end_nothing_follows(event: Event):
    assert last(*ENDED, event) == []
    assert last(HungUp(), event) == []


def test_a_transfer_that_fails_goes_on_in_words():
    state, steps = talk(Pressed("9"), Failed("transfer", "no answer"))
    assert said(steps[-1]) == ["Sorry."]
    assert state.phase is Phase.ENDED


def test_a_sentence_that_could_not_be_spoken_is_said_again_once():
    _, steps = talk(Failed("speech", "x"), Failed("speech", "x"))
    assert said(steps[1]) == ["Rice or bread?"]
    assert steps[2][-1] == HangUp("failed")
    assert said(last(Failed("speech", "x"), PLAYED, Failed("speech", "x"))) == ["Rice or bread?"]


@pytest.mark.parametrize("digit", ["", "11", "x", "१", "E", " "])
def test_what_is_no_key_is_not_an_answer(digit: str):
    assert kinds(last(PLAYED, Pressed(digit))) == ["Listen"]


def test_a_state_is_never_changed_in_place():
    interpreter = Interpreter(LUNCH, hearing=BOTH)
    start = interpreter.start_state({"guest": "Asha"}, "en")
    asked, _ = interpreter.step(start, Started())
    before = repr(asked)
    interpreter.step(asked, Pressed("2"))
    interpreter.step(asked, Heard("hindi"))
    assert repr(asked) == before
    assert interpreter.step(asked, Pressed("1")) == interpreter.step(asked, Pressed("1"))
