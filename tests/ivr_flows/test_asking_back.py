"""What the bot asks back about before it acts, and how a caller gets out of it."""

from collections.abc import Iterable

import pytest

from ivr_flows.actions import Action, Report, Say
from ivr_flows.events import Event, Heard, Played, Started
from ivr_flows.interpreter import Interpreter
from tests.ivr_flows.shipped_flows import FLOWS

ORDER = {"restaurant_name": "Dilli", "order_id": "45", "items": ["1 thali"], "amount": 120}
PLAYED = Played()


def talk(*events: Event) -> list[tuple[Action, ...]]:
    """What follows each event in a call to a restaurant."""
    interpreter = Interpreter(FLOWS["vendor_confirmation"], hearing=frozenset({"en"}))
    state = interpreter.start_state(ORDER, "en")
    steps: list[tuple[Action, ...]] = []
    for event in (Started(), *events):
        state, actions = interpreter.step(state, event)
        steps.append(actions)
    return steps


def said(actions: Iterable[Action]) -> str:
    return " ".join(action.text for action in actions if isinstance(action, Say))


def outcome(steps: Iterable[tuple[Action, ...]]) -> dict[str, object]:
    reports = [a for actions in steps for a in actions if isinstance(a, Report)]
    return dict(reports[-1].variables) if reports else {}


@pytest.mark.parametrize(
    ("text", "confidence", "reply"),
    [
        ("confirm", 0.95, "In how many minutes"),
        ("confirm", 0.6, "In how many minutes"),
        ("confirm", 0.59, "Did you mean: confirm?"),
        ("cancel", 0.48, "Did you mean: reject?"),  # "confirm", on a bad line
        ("repeat the order", 0.4, "Order 4 5"),  # a mistake here costs nothing
        ("repeat the order", 0.2, "Did you mean: repeat?"),
    ],
)
def test_yes_against_no_is_acted_on_only_where_it_was_heard_well(
    text: str, confidence: float, reply: str
) -> None:
    assert reply in said(talk(PLAYED, Heard(text, confidence, "en"))[-1])


def test_who_denies_the_yes_is_asked_about_the_no() -> None:
    """ "I can't take it" may be heard as "I can take it", over and over."""
    steps = talk(PLAYED, Heard("confirm", 0.5, "en"), PLAYED, Heard("no", 0.98, "en"))
    assert "Did you mean: reject?" in said(steps[-1])
    assert outcome(steps) == {}
    steps = talk(
        *(PLAYED, Heard("confirm", 0.5, "en")),
        *(PLAYED, Heard("no", 0.98, "en")),
        *(PLAYED, Heard("yes", 0.98, "en")),
    )
    assert outcome(steps) == {"decision": "rejected"}


def test_who_denies_both_hears_the_question_again() -> None:
    steps = talk(
        *(PLAYED, Heard("confirm", 0.5, "en")),
        *(PLAYED, Heard("no", 0.98, "en")),
        *(PLAYED, Heard("no", 0.98, "en")),
    )
    assert "Please say confirm or reject" in said(steps[-1])
    assert outcome(steps) == {}


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("wait two minutes", ""),
        ("ek minute ruko", ""),
        ("one minute please", "1 minutes, is that right?"),
        ("twenty minutes", "Noted: 20 minutes."),
    ],
)
def test_who_asks_for_a_minute_promises_none(text: str, reply: str) -> None:
    last = said(talk(PLAYED, Heard("confirm", 0.95, "en"), PLAYED, Heard(text, 0.95, "en"))[-1])
    assert last.startswith(reply) if reply else last == ""
