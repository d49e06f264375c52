"""The shipped flows, whole: every ending in every language, by keys and by words."""

from itertools import product
from typing import get_args

import pytest

from ivr_flows import flow as flow_schema
from ivr_flows.actions import Action, HangUp, Report, Request, Say, Transfer
from ivr_flows.answers import HIGH_CONFIDENCE
from ivr_flows.errors import VariablesInvalid
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    NothingHeard,
    Played,
    Pressed,
    Responded,
    Started,
)
from ivr_flows.flow import MenuNode, Prompt, prompts_of
from ivr_flows.interpreter import Interpreter, Phase, State
from ivr_flows.rehearsal import foreseeable_prompts, static_prompts
from telephony.call import Disposition
from tests.ivr_flows.shipped_flows import FLOWS

LANGUAGES = ("en", "hi", "mr")
HEARING = frozenset(LANGUAGES)

YES = {"en": "yes", "hi": "haan ji", "mr": "ho"}
NO = {"en": "no", "hi": "nahi", "mr": "nahi"}
TWENTY = {"en": "twenty minutes", "hi": "बीस मिनट", "mr": "वीस मिनिटे"}
ORDER_ID = {"en": "four five two two", "hi": "चार पाँच दो दो", "mr": "चार पाच दोन दोन"}
GIBBERISH = "zzkrt vlopp"
STATUS = Responded(200, {"status": "on_the_way"})


def values_of(name: str) -> dict[str, object]:
    return {n: v.example for n, v in FLOWS[name].variables.items() if v.required}


def words(flow: str, node: str, choice: str, language: str, index: int = 0) -> Heard:
    menu = FLOWS[flow].nodes[node]
    assert isinstance(menu, MenuNode)
    return Heard(menu.choices[choice].phrases[language][index], language=language)


def conducted(
    flow: str, language: str, events: list[Event], hearing: frozenset[str] = HEARING
) -> tuple[State, list[Action]]:
    """Answer the call and put in `events`, each after everything was played."""
    interpreter = Interpreter(FLOWS[flow], hearing=hearing)
    state = interpreter.start_state(values_of(flow), language)
    actions: list[Action] = []
    for event in (Started(), *events):
        state, more = interpreter.step(state, event)
        actions += more
        state, more = interpreter.step(state, Played())
        assert more == ()
    return state, actions


def outcome(actions: list[Action]) -> dict[str, object]:
    reports = [dict(action.variables) for action in actions if isinstance(action, Report)]
    return reports[-1] if reports else {}


def keys(digits: str) -> list[Event]:
    return [Pressed(digit) for digit in digits]


SILENCE: list[Event] = [NothingHeard()] * 3
NOISE: list[Event] = [Heard(GIBBERISH)] * 3

# flow, keys pressed (a Responded or Failed among them), disposition, outcome
BY_KEYS: list[tuple[str, list[Event], str, dict[str, object]]] = [
    (
        "vendor_confirmation",
        [*keys("120"), NothingHeard()],
        "confirmed",
        {"decision": "confirmed", "minutes": 20},
    ),
    (
        "vendor_confirmation",
        keys("315#"),
        "confirmed",
        {"decision": "confirmed", "minutes": 5},
    ),
    ("vendor_confirmation", [*keys("1"), *SILENCE], "confirmed", {"decision": "confirmed"}),
    (
        "vendor_confirmation",
        keys("1200#180#"),
        "confirmed",
        {"decision": "confirmed", "minutes": 180},
    ),
    *(
        (
            "vendor_confirmation",
            keys(f"2{key}"),
            "rejected",
            {"decision": "rejected", "reason": reason},
        )
        for key, reason in (("1", "out_of_stock"), ("2", "closing"), ("3", "too_busy"))
    ),
    (
        "vendor_confirmation",
        [*keys("24"), *SILENCE[:2]],
        "rejected",
        {"decision": "rejected", "reason": "other"},
    ),
    ("vendor_confirmation", [*keys("2"), *SILENCE], "rejected", {"decision": "rejected"}),
    ("vendor_confirmation", SILENCE, "no_input", {}),
    ("vendor_confirmation", keys("777"), "no_input", {}),
    ("vendor_confirmation", keys("9"), "transferred", {}),
    ("rider_assignment", keys("1"), "confirmed", {"decision": "accepted"}),
    ("rider_assignment", keys("31"), "confirmed", {"decision": "accepted"}),
    *(
        ("rider_assignment", keys(f"2{key}"), "rejected", {"decision": "rejected", "reason": why})
        for key, why in (("1", "too_far"), ("2", "busy"), ("3", "vehicle"), ("4", "off_duty"))
    ),
    ("rider_assignment", [*keys("2"), *SILENCE], "rejected", {"decision": "rejected"}),
    ("rider_assignment", SILENCE, "no_input", {}),
    ("rider_assignment", keys("29"), "transferred", {"decision": "rejected"}),
    *(
        (
            "customer_support",
            [*keys("14522#"), Responded(200, {"status": status}), *keys("2")],
            "completed",
            {"order_id": "4522", "order_status": status},
        )
        for status in ("preparing", "on_the_way", "delivered", "cancelled", "at the gate")
    ),
    (
        "customer_support",
        [*keys("10000000000"), Responded(404, {}), *keys("14522#"), STATUS, *SILENCE[:2]],
        "completed",
        {"order_id": "4522", "order_status": "on_the_way"},
    ),
    (
        "customer_support",
        [*keys("14522#"), Failed("request", "timeout")],
        "transferred",
        {"order_id": "4522"},
    ),
    ("customer_support", [*keys("1"), *SILENCE], "transferred", {}),
    ("customer_support", SILENCE, "no_input", {}),
    ("customer_support", keys("9"), "transferred", {}),
    ("customer_support", [*keys("9"), Failed("transfer", "nobody")], "failed", {}),
]


@pytest.mark.parametrize("hearing", [HEARING, frozenset[str]()], ids=["ear", "no ear"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("flow", "events", "disposition", "found"), BY_KEYS)
def test_every_ending_is_reached_by_keys(
    flow: str,
    events: list[Event],
    disposition: str,
    found: dict[str, object],
    language: str,
    hearing: frozenset[str],
):
    state, actions = conducted(flow, language, events, hearing)
    ending = actions[-1]
    assert isinstance(ending, HangUp | Transfer)
    assert ending.disposition == disposition
    assert outcome(actions) == found
    assert state.is_ended
    assert state.faults == ()
    assert {say.language for say in actions if isinstance(say, Say)} == {language}


@pytest.mark.parametrize("index", range(10))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_vendor_confirms_and_rejects_in_many_words(language: str, index: int):
    flow = "vendor_confirmation"
    confirm = words(flow, "order", "confirm", language, index)
    again = words(flow, "order", "repeat", language, index)
    _, actions = conducted(flow, language, [again, confirm, Heard(TWENTY[language])])
    assert outcome(actions) == {"decision": "confirmed", "minutes": 20}
    assert actions[-1] == HangUp("confirmed")

    reject = words(flow, "order", "reject", language, index)
    closing = words(flow, "ask_reason", "closing", language, index)
    _, actions = conducted(flow, language, [reject, closing])
    assert outcome(actions) == {"decision": "rejected", "reason": "closing"}
    assert actions[-1] == HangUp("rejected")


BY_WORDS = [
    ("vendor_confirmation", ["order:reject", "ask_reason:out_of_stock"], "rejected"),
    ("vendor_confirmation", ["order:reject", "ask_reason:too_busy"], "rejected"),
    ("vendor_confirmation", ["order:reject", "ask_reason:other", "the gas ran out"], "rejected"),
    ("vendor_confirmation", ["order:confirm", GIBBERISH, GIBBERISH, GIBBERISH], "confirmed"),
    ("vendor_confirmation", [GIBBERISH, GIBBERISH, GIBBERISH], "no_input"),
    ("rider_assignment", ["offer:accept"], "confirmed"),
    ("rider_assignment", ["offer:repeat", "offer:accept"], "confirmed"),
    *(
        ("rider_assignment", ["offer:reject", f"ask_reason:{why}"], "rejected")
        for why in ("too_far", "busy", "vehicle", "off_duty")
    ),
    ("customer_support", ["main:operator"], "transferred"),
    ("customer_support", [GIBBERISH, GIBBERISH, GIBBERISH], "no_input"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("flow", "answers", "disposition"), BY_WORDS)
def test_every_ending_is_reached_by_words(
    flow: str, answers: list[str], disposition: str, language: str
):
    events: list[Event] = []
    for answer in answers:
        node, _, choice = answer.partition(":")
        events.append(words(flow, node, choice, language) if choice else Heard(answer))
    _, actions = conducted(flow, language, events)
    ending = actions[-1]
    assert isinstance(ending, HangUp | Transfer)
    assert ending.disposition == disposition


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_is_looked_up_by_voice(language: str):
    events: list[Event] = [
        words("customer_support", "main", "order_status", language),
        Heard(ORDER_ID[language]),
        Heard(NO[language]),
        Heard(ORDER_ID[language]),
        Heard(YES[language]),
        STATUS,
        words("customer_support", "anything_else", "another_order", language),
        Heard(ORDER_ID[language]),
        Pressed("1"),
        STATUS,
        words("customer_support", "anything_else", "nothing_else", language),
    ]
    _, actions = conducted("customer_support", language, events)
    requests = [action.url for action in actions if isinstance(action, Request)]
    assert requests == ["https://orders.invalid/4522"] * 2
    assert actions[-1] == HangUp("completed")


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(("before", "after"), list(product(LANGUAGES, LANGUAGES)))
def test_the_language_can_be_asked_for_in_any_language(flow: str, before: str, after: str):
    name = {"en": "english", "hi": "hindi", "mr": "marathi"}[after]
    state, actions = conducted(flow, before, [Heard(name)])
    assert state.language == after
    assert [a.language for a in actions if isinstance(a, Say)][-1] == after


@pytest.mark.parametrize("flow", FLOWS)
def test_star_goes_round_all_languages(flow: str):
    state, actions = conducted(flow, "en", keys("***"))
    assert state.language == "en"
    spoken = [action.language for action in actions if isinstance(action, Say)]
    assert list(dict.fromkeys(spoken)) == ["en", "hi", "mr"]


@pytest.mark.parametrize("flow", FLOWS)
def test_the_first_words_say_who_calls_and_that_it_is_automated(flow: str):
    for language, word in (("en", "automated"), ("hi", "ऑटोमेटेड"), ("mr", "ऑटोमेटेड")):
        _, actions = conducted(flow, language, [])
        first = actions[0]
        assert isinstance(first, Say)
        assert "Callwright" in first.text
        assert word in first.text
        assert not first.interruptible


@pytest.mark.parametrize("flow", FLOWS)
def test_every_choice_has_ten_phrases_in_every_language(flow: str):
    for name, node in FLOWS[flow].nodes.items():
        if isinstance(node, MenuNode):
            for choice, means in node.choices.items():
                for language in LANGUAGES:
                    assert len(set(means.phrases[language])) >= 10, (name, choice, language)


def test_a_hesitant_answer_is_asked_about_and_never_acted_on():
    state, actions = conducted("vendor_confirmation", "en", [Heard("confirm", confidence=0.1)])
    assert state.phase is Phase.CHECKING
    assert outcome(actions) == {}
    assert HIGH_CONFIDENCE > 0.5


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        ("twenty minutes", Phase.ENDED),
        ("twenty no thirty", Phase.CHECKING),  # read back
        ("can't do twenty", Phase.ASKING),
        ("one twenty", Phase.ASKING),
    ],
)
def test_a_promise_beside_a_denial_is_never_just_taken(said: str, phase: Phase):
    state, _ = conducted("vendor_confirmation", "en", [Heard("yes"), Heard(said)])
    assert state.phase is phase


@pytest.mark.parametrize(
    ("flow", "variable"),
    [
        ("vendor_confirmation", "amount"),
        ("rider_assignment", "pay"),
        ("rider_assignment", "distance_km"),
    ],
)
@pytest.mark.parametrize("value", [-1, "-0.5", -1e12])
def test_what_is_counted_is_never_less_than_nothing(flow: str, variable: str, value: object):
    interpreter = Interpreter(FLOWS[flow], hearing=HEARING)
    given = values_of(flow) | {variable: value}
    with pytest.raises(VariablesInvalid, match=f"{variable}: .* is not a number of at least 0"):
        interpreter.start_state(given, "en")
    assert interpreter.start_state(given | {variable: 0}, "en").variables[variable] == 0


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_prompts_of_keypad_only_calls_ask_for_no_words(flow: str, language: str):
    asked = {"en": (" say ", "Say "), "hi": ("कहिए", "बोलिए"), "mr": ("म्हणा", "बोलून")}[language]

    def keypad(prompt: Prompt) -> str:
        spoken = prompt.texts[language]
        return spoken.keypad or spoken.text

    for name, node in FLOWS[flow].nodes.items():
        for path, prompt in prompts_of(node).items():
            if node.type in ("menu", "collect") and path[0] != "read_back":
                assert not any(word in keypad(prompt) for word in asked), (name, path)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_can_be_foreseen_is_what_is_said(flow: str, language: str):
    foreseen = foreseeable_prompts(FLOWS[flow], language, values_of(flow))
    _, actions = conducted(flow, language, [])
    spoken = {action.text for action in actions if isinstance(action, Say)}
    assert spoken <= {say.text for say in foreseen}
    static = static_prompts(FLOWS[flow], language)
    assert all(say.is_static for say in static)
    assert {say.text for say in static} <= {say.text for say in foreseen}


def test_the_call_record_knows_every_disposition_of_a_flow():
    assert set(get_args(flow_schema.Disposition)) <= {word.value for word in Disposition}
