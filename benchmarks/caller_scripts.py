"""What the callers of the simulated calls say or press, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from telephony.call import JsonValue


@dataclass(frozen=True, slots=True)
class Script:
    """One caller's answers, prompt by prompt: words, or keys."""

    answers: tuple[str, ...]
    disposition: str
    outcome: Mapping[str, JsonValue]

    @property
    def is_transfer(self) -> bool:
        return self.disposition == "transferred"


@dataclass(frozen=True, slots=True)
class FlowScripts:
    """The callers of one flow."""

    variables: Mapping[str, JsonValue]
    keyed: tuple[Script, ...]
    spoken: tuple[Script, ...]
    recorded: tuple[Script, ...]  # in words that the recordings hold


def _confirmed(minutes: int, *answers: str) -> Script:
    return Script(answers, "confirmed", {"decision": "confirmed", "minutes": minutes})


def _rejected(reason: str, *answers: str) -> Script:
    return Script(answers, "rejected", {"decision": "rejected", "reason": reason})


def _accepted(*answers: str) -> Script:
    return Script(answers, "confirmed", {"decision": "accepted"})


def _looked_up(order_id: str, *answers: str) -> Script:
    return Script(answers, "completed", {"order_id": order_id, "order_status": "preparing"})


def _transferred(*answers: str) -> Script:
    return Script(answers, "transferred", {})


def flow_scripts(status_url: str) -> Mapping[str, FlowScripts]:
    """The callers, by flow. `status_url` must answer that every order is being prepared."""
    return {
        "vendor_confirmation": FlowScripts(
            {
                "restaurant_name": "Spice Garden",
                "platform_name": "Mealwala",
                "order_id": "4512",
                "items": ["2 paneer tikka", "1 dal makhani"],
                "amount": 1250.5,
            },
            keyed=(_confirmed(20, "1", "20#"), _rejected("out_of_stock", "2", "1")),
            spoken=(
                _confirmed(20, "yes, confirm the order", "twenty minutes"),
                _rejected("out_of_stock", "no, reject it", "out of stock"),
                _confirmed(30, "confirm", "half an hour"),
                _rejected("too_busy", "cancel the order", "we are too busy"),
                _confirmed(15, "we will take it", "about fifteen minutes"),
                _rejected("closing", "reject", "we are closing"),
            ),
            recorded=(_confirmed(20, "one", "twenty minutes"), _rejected("closing", "two", "two")),
        ),
        "rider_assignment": FlowScripts(
            {
                "rider_name": "Suresh",
                "platform_name": "Mealwala",
                "pickup": "Spice Garden, FC Road",
                "drop": "Model Colony",
                "pay": 65,
            },
            keyed=(_accepted("1"), _rejected("too_far", "2", "1")),
            spoken=(
                _accepted("accept"),
                _rejected("too_far", "I can't do it", "it is too far"),
                _accepted("yes, I will take it"),
                _rejected("off_duty", "no", "I am off duty"),
                _accepted("okay, I am coming"),
                _rejected("vehicle", "reject it", "my bike has a puncture"),
            ),
            recorded=(_accepted("one"), _rejected("vehicle", "no", "three")),
        ),
        "customer_support": FlowScripts(
            {"platform_name": "Mealwala", "status_url": status_url},
            keyed=(_looked_up("4512", "1", "4512#", "2"), _transferred("9")),
            spoken=(
                _looked_up("4512", "order status", "four five one two", "yes", "no, thank you"),
                _transferred("I want to talk to a person"),
                _looked_up("2078", "where is my order", "two zero seven eight", "yes", "no"),
                _transferred("agent"),
                _looked_up(
                    "9316", "track my order", "nine three one six", "correct", "that is all"
                ),
            ),
            recorded=(
                _looked_up("4512", "one", "four five one two", "one", "goodbye"),
                _transferred("agent"),
            ),
        ),
    }
