"""What the callers of the simulated calls say or press, and what must come of it.

Two sets: `tuned_scripts` was at hand while the recogniser's hints and thresholds were chosen;
`unseen_scripts` was written after that, for voices that had not been heard, and nothing was
chosen on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.simulation.caller import Answer
from telephony.call import JsonValue


@dataclass(frozen=True, slots=True)
class Script:
    """One caller's answers, question by question, and the outcome that they mean."""

    answers: tuple[Answer, ...]
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


_VENDOR: Mapping[str, JsonValue] = {
    "restaurant_name": "Spice Garden",
    "platform_name": "Mealwala",
    "order_id": "4512",
    "items": ["2 paneer tikka", "1 dal makhani"],
    "amount": 1250.5,
}
_RIDER: Mapping[str, JsonValue] = {
    "rider_name": "Suresh",
    "platform_name": "Mealwala",
    "pickup": "Spice Garden, FC Road",
    "drop": "Model Colony",
    "pay": 65,
}


def tuned_scripts(status_url: str) -> Mapping[str, FlowScripts]:
    """By flow. `status_url` must answer that every order is being prepared."""
    return {
        "vendor_confirmation": FlowScripts(
            _VENDOR,
            keyed=(
                Script(_keys("1", "20#"), "confirmed", {"decision": "confirmed", "minutes": 20}),
                Script(
                    *(_keys("2", "1"), "rejected"),
                    {"decision": "rejected", "reason": "out_of_stock"},
                ),
            ),
            spoken=(
                _confirmed("yes, confirm the order", 20, "twenty minutes"),
                _rejected("no, reject it", "out_of_stock", "out of stock"),
                _confirmed("confirm", 30, "half an hour"),
                _rejected("cancel the order", "too_busy", "we are too busy"),
                _confirmed("we will take it", 15, "about fifteen minutes"),
                _rejected("reject", "closing", "we are closing"),
            ),
            recorded=(_confirmed("one", 20, "twenty minutes"), _rejected("two", "closing", "two")),
        ),
        "rider_assignment": FlowScripts(
            _RIDER,
            keyed=(
                Script(_keys("1"), "confirmed", {"decision": "accepted"}),
                Script(_keys("2", "1"), "rejected", {"decision": "rejected", "reason": "too_far"}),
            ),
            spoken=(
                _accepted("accept"),
                _rejected("I can't do it", "too_far", "it is too far"),
                _accepted("yes, I will take it"),
                _rejected("no", "off_duty", "I am off duty"),
                _accepted("okay, I am coming"),
                _rejected("reject it", "vehicle", "my bike has a puncture"),
            ),
            recorded=(_accepted("one"), _rejected("no", "vehicle", "three")),
        ),
        "customer_support": FlowScripts(
            {"platform_name": "Mealwala", "status_url": status_url},
            keyed=(
                Script(
                    _keys("1", "4512#", "2"),
                    *("completed", {"order_id": "4512", "order_status": "preparing"}),
                ),
                Script(_keys("9"), "transferred", {}),
            ),
            spoken=(
                _looked_up("order status", "4512", "four five one two", "no, thank you"),
                _transferred("I want to talk to a person"),
                _looked_up("where is my order", "2078", "two zero seven eight", "no"),
                _transferred("agent"),
                _looked_up("track my order", "9316", "nine three one six", "that is all"),
            ),
            recorded=(
                _looked_up("one", "4512", "four five one two", "goodbye"),
                _transferred("agent"),
            ),
        ),
    }


def unseen_scripts(status_url: str) -> Mapping[str, FlowScripts]:
    """As `tuned_scripts`, in other words; by speech only."""
    return {
        "vendor_confirmation": FlowScripts(
            _VENDOR,
            keyed=(),
            spoken=(
                _confirmed("yes", 25, "twenty five minutes"),
                _rejected("no, we can't", "out_of_stock", "the item is not available"),
                _confirmed("okay, confirm it", 10, "ten minutes"),
                _rejected("reject the order", "too_busy", "there are too many orders"),
                _confirmed("sure, go ahead", 40, "it will take forty minutes"),
                _rejected("cancel it please", "closing", "the kitchen is closed"),
                _confirmed("yes, we accept", 60, "one hour"),
                _rejected("no", "out_of_stock", "it is sold out"),
            ),
            recorded=(
                _confirmed("one", 30, "thirty minutes"),
                _rejected("two", "too_busy", "three"),
            ),
        ),
        "rider_assignment": FlowScripts(
            _RIDER,
            keyed=(),
            spoken=(
                _accepted("yes"),
                _rejected("no, I can't", "busy", "I am on another delivery"),
                _accepted("I accept"),
                _rejected("decline", "too_far", "that is far away"),
                _accepted("sure, I will go"),
                _rejected("not possible", "off_duty", "my shift is over"),
                _accepted("okay, I'll do it"),
                _rejected("reject", "vehicle", "I have a flat tyre"),
            ),
            recorded=(_rejected("two", "too_far", "one"), _accepted("one")),
        ),
        "customer_support": FlowScripts(
            {"platform_name": "Mealwala", "status_url": status_url},
            keyed=(),
            spoken=(
                _looked_up("I want to know about my order", "8305", "eight three zero five", "no"),
                _transferred("customer care"),
                _looked_up("check my order", "6714", "six seven one four", "nothing else"),
                _transferred("talk to a person please"),
                _looked_up("my food has not come", "2590", "two five nine zero", "no, that's all"),
                _transferred("connect me to a human"),
            ),
            recorded=(
                _looked_up("one", "5423", "five four two three", "goodbye"),
                _transferred("agent"),
            ),
        ),
    }


# What the bot calls each answer when it asks back: the first phrase of the flow's choice.
_NAMED = {
    **{"out_of_stock": "out of stock", "closing": "closing", "too_busy": "too busy"},
    **{"too_far": "too far", "busy": "busy", "vehicle": "vehicle problem"},
    **{"off_duty": "off duty"},
}


def _keys(*keys: str) -> tuple[Answer, ...]:
    return tuple(Answer(keys=pressed) for pressed in keys)


def _confirmed(words: str, minutes: int, how_long: str) -> Script:
    answers = (Answer(words, named="confirm"), Answer(how_long, named=str(minutes)))
    return Script(answers, "confirmed", {"decision": "confirmed", "minutes": minutes})


def _rejected(words: str, reason: str, why: str) -> Script:
    answers = (Answer(words, named="reject"), Answer(why, named=_NAMED[reason]))
    return Script(answers, "rejected", {"decision": "rejected", "reason": reason})


def _accepted(words: str) -> Script:
    return Script((Answer(words, named="accept"),), "confirmed", {"decision": "accepted"})


def _looked_up(words: str, order_id: str, digits: str, end: str) -> Script:
    answers = (
        Answer(words, named="order status"),
        Answer(digits, named=order_id),
        Answer(end, named="that is all"),
    )
    return Script(answers, "completed", {"order_id": order_id, "order_status": "preparing"})


def _transferred(words: str) -> Script:
    return Script((Answer(words, named="agent"),), "transferred", {})
