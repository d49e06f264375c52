"""Whether what was said so far is all, at the shipped flows' questions."""

import pytest

from ivr_flows.flow import AskingNode, CollectNode, Flow, ListenNode
from ivr_flows.interpreter import Interpreter, Phase
from ivr_flows.meanings import means_at
from ivr_flows.readiness import Expected, Readiness
from tests.ivr_flows.shipped_flows import FLOWS

VENDOR = FLOWS["vendor_confirmation"]
SUPPORT = FLOWS["customer_support"]


def expected(flow: Flow, name: str, language: str = "en", *, checking: bool = False) -> Expected:
    node = flow.nodes[name]
    assert isinstance(node, AskingNode)
    return Expected(node, language, means_at(flow, node, language), checking)


def of_length(least: int, most: int) -> Expected:
    node = SUPPORT.nodes["ask_order_id"]
    assert isinstance(node, CollectNode)
    node = node.model_copy(update={"min_digits": least, "max_digits": most})
    return Expected(node, "en", means_at(SUPPORT, node, "en"))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Yes.", "complete"),
        ("yes, confirm", "complete"),
        ("reject", "complete"),
        ("no, cancel the order", "complete"),
        ("two", "complete"),  # its key
        ("operator", "complete"),  # counts anywhere
        ("no", "likely"),
        ("no, no", "likely"),
        ("yes no", "enough"),
        ("no wait", "open"),
        ("please hold", "open"),
        ("yes but", "open"),
        ("confirm and", "open"),
        ("um", "open"),
        ("talk to", "open"),  # "... a person"
        ("the weather is nice", "other"),
        ("", "other"),
        ("?!", "other"),
    ],
)
def test_at_a_menu(text: str, verdict: Readiness) -> None:
    assert expected(VENDOR, "order").judge(text, 0.9) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("twenty", "open"),
        ("20", "open"),
        ("Twenty five.", "complete"),
        ("twenty-five", "complete"),
        ("twenty minutes", "complete"),
        ("five", "complete"),
        ("half an hour", "complete"),
        ("an hour and", "open"),
        ("one", "enough"),  # "... hour"
        ("hundred", "open"),
        ("around", "open"),
        ("fifteen to", "open"),
        ("nine hundred minutes", "other"),  # more than is taken
        ("repeat", "complete"),
    ],
)
def test_where_minutes_are_asked_for(text: str, verdict: Readiness) -> None:
    assert expected(VENDOR, "ask_minutes").judge(text, 0.9) == verdict


@pytest.mark.parametrize(
    ("least", "most", "text", "verdict"),
    [
        (6, 6, "four five one two", "open"),
        (6, 6, "four five one two nine zero", "complete"),
        (6, 6, "four five one two nine zero one", "other"),
        (4, 10, "four five", "open"),
        (4, 10, "four five one two", "enough"),
        (4, 10, "four five one two double", "open"),
        (4, 10, "my number is", "open"),
        (4, 4, "4512", "complete"),
    ],
)
def test_where_a_number_of_some_length_is_asked_for(
    least: int, most: int, text: str, verdict: Readiness
) -> None:
    assert of_length(least, most).judge(text, 0.9) == verdict


def test_a_doubted_number_that_may_go_on_is_waited_for_as_long_as_a_sure_one() -> None:
    assert of_length(4, 10).judge("four five one two", 0.5) == "enough"


@pytest.mark.parametrize(
    ("language", "text", "verdict"),
    [
        ("hi", "haan", "complete"),
        ("hi", "हाँ", "complete"),
        ("hi", "haan to", "complete"),  # in English it would go on
        ("hi", "matlab", "open"),
        ("hi", "haan lekin", "open"),
        ("hi", "मतलब", "open"),
        ("hi", "ek minute", "open"),
        ("hi", "nahi", "likely"),
        ("hi", "nahi nahi", "likely"),
        ("mr", "ho", "complete"),
        ("mr", "ho pan", "open"),
        ("mr", "mhanje", "open"),
        ("mr", "thamba", "open"),
    ],
)
def test_in_hindi_and_marathi(language: str, text: str, verdict: Readiness) -> None:
    assert expected(VENDOR, "order", language).judge(text, 0.9) == verdict


@pytest.mark.parametrize("number", ["bees", "बीस", "pachees minute"])
def test_hindi_tens_have_no_second_part(number: str) -> None:
    assert expected(VENDOR, "ask_minutes", "hi").judge(number, 0.9) == "complete"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("yes", "complete"), ("correct", "complete"), ("no", "likely"), ("no forty", "open")],
)
def test_when_it_is_asked_whether_that_is_right(text: str, verdict: Readiness) -> None:
    assert expected(VENDOR, "ask_minutes", checking=True).judge(text, 0.9) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"), [("yes", "likely"), ("twenty", "open"), ("party", "other")]
)
def test_what_the_ear_doubts_is_never_complete(text: str, verdict: Readiness) -> None:
    node = "ask_minutes" if text != "yes" else "order"
    assert expected(VENDOR, node).judge(text, 0.4) == verdict


def test_in_free_speech_only_a_hesitation_tells() -> None:
    remark = expected(VENDOR, "ask_remark")
    assert remark.judge("the oven is broken", 0.9) == "free"
    assert remark.judge("the oven is broken and", 0.9) == "open"
    assert remark.judge("the oven is broken", 0.3) == "enough"  # it was guessed at


def test_only_while_an_answer_is_waited_for_anything_is_expected() -> None:
    interpreter = Interpreter(VENDOR, hearing=frozenset({"en"}))
    examples = {name: variable.example for name, variable in VENDOR.variables.items()}
    start = interpreter.start_state(
        {name: value for name, value in examples.items() if value is not None}, "en"
    )
    assert start.phase is Phase.READY
    assert interpreter.expected(start) is None


@pytest.mark.parametrize(
    ("language", "text", "verdict"),
    [
        ("en", "I want to tell you about my order.", "free"),
        ("en", "They are at the extension", "open"),
        ("en", "There are currently", "open"),
        ("en", "please call me directly", "free"),
        ("en", "my name is", "open"),
        ("en", "I would like to know where my order is.", "free"),
        ("en", "I know that what is", "open"),
        ("en", "because of their", "open"),
        ("en", "I need to change", "open"),
        ("en", "There are currently six", "enough"),
        ("en", "I want another one", "free"),
        ("en", "To leave the conference.", "enough"),
        ("en", "To leave the conference, press the star key.", "free"),
        ("en", "When do you close?", "free"),
        ("en", "Which desk do I bring it to?", "free"),
        ("en", "Which desk do I bring it to", "open"),
        ("en", "Please let me call you.", "enough"),
        ("en", "Where are you?", "free"),
        ("en", "What should I do?", "free"),
        ("en", "Please turn it off.", "free"),
        ("en", "I forgot my order ID.", "free"),
        ("hi", "agar rider nahi aaya", "enough"),
        ("hi", "agar rider nahi aaya to paise wapas karo", "free"),
        ("hi", "mujhe refund chahiye", "free"),
        ("hi", "वह दुकान के", "open"),
        ("mr", "मला परत पाठवा", "free"),
        ("mr", "mala jevha", "open"),
        ("mr", "जर रायडर आला नाही", "enough"),
        ("mr", "जर रायडर आला नाही तर पैसे परत करा", "free"),
    ],
)
def test_in_free_speech_words_that_want_others_behind_them_are_not_the_end(
    language: str, text: str, verdict: Readiness
) -> None:
    node = ListenNode.model_validate(
        {
            "type": "listen",
            "variable": "said",
            "prompt": {language: "?"},
            "no_input": {"then": "order"},
            "then": "order",
        }
    )
    assert Expected(node, language, ()).judge(text, 0.9) == verdict
