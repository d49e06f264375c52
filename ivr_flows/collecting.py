"""A number from the caller: key by key or spoken, checked, read back."""

from ivr_flows.answers import (
    HIGH_CONFIDENCE,
    Choice,
    Meaning,
    asks_for_time,
    choose,
    digits_in,
    holds_denial,
    minutes_in,
    number_in,
    yes_or_no,
)
from ivr_flows.events import Heard
from ivr_flows.flow import CollectNode, Value
from ivr_flows.state import Phase
from ivr_flows.turn import Turn
from ivr_flows.understanding import UNSURE_CONFIDENCE, meant, not_understood

SURE_CONFIDENCE = 0.6
"""Below this confidence of the recogniser a spoken number counts as unsure and is read back. So
does a number beside a "no" or "not"."""

FEW_MINUTES = 2
"""Who says "one minute please" mostly asks to wait: so few are read back."""

SPARE_DIGITS = 2
"""So many keys more than the largest number has are waited for: some key "020" for twenty."""


def collect_pressed(turn: Turn, node: CollectNode, digit: str) -> None:
    """One key at a `collect`."""
    if turn.state.phase is Phase.CHECKING and node.read_back:
        if digit == node.read_back.yes_key:
            _accept(turn, node, turn.state.pending)
            return
        if digit == node.read_back.no_key:
            turn.no_match()
            return
    elif digit.isdigit():
        turn.stop_saying()
        turn.change(digits=turn.state.digits + digit)
        if _is_complete(node, turn.state.digits):
            _submit(turn, node)
        else:
            turn.listen()
        return
    elif digit == node.finish_key:
        _submit(turn, node)
        return
    means = next((means for means in turn.means() if digit in means.keys), None)
    if means is not None:
        turn.take(means)
    else:  # a key without meaning: what was keyed before it stands
        turn.listen()


def collect_silence(turn: Turn, node: CollectNode) -> None:
    """No key and no word in time: what was keyed is the number."""
    if turn.state.phase is Phase.ASKING and turn.state.digits:
        _submit(turn, node)
    else:
        turn.no_input()


def collect_heard(turn: Turn, node: CollectNode, event: Heard) -> None:
    """Words at a `collect`: the number, or its correction, or an answer that counts anywhere."""
    value = _spoken(node, event.text, turn.heard_in)
    if turn.state.phase is Phase.CHECKING:
        _read_back_answered(turn, node, event, value)
        return
    means, confidence = meant(turn, event)
    if means is not None and confidence >= HIGH_CONFIDENCE and value is None:
        turn.take(means)
    elif asks_for_time(event.text, turn.heard_in) and node.kind == "minutes":
        turn.stop_saying()
        turn.listen()  # "wait two minutes", "ek minute ruko": no answer, and no reason to complain
    elif value is not None:
        is_few = node.kind == "minutes" and isinstance(value, int) and value <= FEW_MINUTES
        is_doubtful = event.confidence < SURE_CONFIDENCE or holds_denial(event.text)
        _propose(turn, node, value, is_unsure=is_few or is_doubtful)
    elif turn.state.digits:
        turn.listen()  # talk beside the keys
    else:
        not_understood(turn)


def _read_back_answered(turn: Turn, node: CollectNode, event: Heard, value: Value) -> None:
    answer = yes_or_no(event.text, turn.heard_in)
    key = _key_said(node, event.text, turn.heard_in)
    if key.choice is not None and answer.choice in (None, key.choice):
        answer, value = key, None
    if value is not None and value != turn.state.pending:
        _propose(turn, node, value, is_unsure=True)
    elif answer.choice == "no" and answer.confidence >= UNSURE_CONFIDENCE:
        turn.no_match()
    elif value is not None or (answer.choice == "yes" and answer.confidence >= UNSURE_CONFIDENCE):
        _accept(turn, node, turn.state.pending)
    else:
        means, confidence = meant(turn, event)
        if means is not None and confidence >= HIGH_CONFIDENCE:
            turn.take(means)
        else:
            not_understood(turn)


def _key_said(node: CollectNode, text: str, language: str) -> Meaning:
    """Yes or no by the name of its key: after "press 1" some people say "one"."""
    if node.read_back is None:
        return Meaning(None, 0.0)
    keys = {"yes": node.read_back.yes_key, "no": node.read_back.no_key}
    return choose(text, [Choice(name, (key,)) for name, key in keys.items()], language)


def _spoken(node: CollectNode, text: str, language: str) -> Value:
    match node.kind:
        case "digits":
            return digits_in(text, language) or None
        case "number":
            return number_in(text, language)
        case "minutes":
            return minutes_in(text, language)


def _fits(node: CollectNode, value: Value) -> bool:
    if isinstance(value, str):
        return node.min_digits <= len(value) <= node.max_digits
    return isinstance(value, int) and node.min <= value <= node.max


def _is_complete(node: CollectNode, digits: str) -> bool:
    """Whether the keys are as many as are taken. A number is not complete before: "200" where
    180 is the most must be asked again, not taken for 20."""
    if node.kind == "digits":
        return len(digits) >= node.max_digits
    return len(digits) >= node.most_digits + SPARE_DIGITS


def _submit(turn: Turn, node: CollectNode) -> None:
    """The keys pressed so far are the number."""
    digits = turn.state.digits
    value: Value = digits if node.kind == "digits" or not digits else int(digits)
    turn.stop_saying()
    if not _fits(node, value):
        turn.no_match()
    elif node.read_back and node.read_back.when == "always":
        turn.check(value)
    else:
        _accept(turn, node, value)


def _propose(turn: Turn, node: CollectNode, value: Value, *, is_unsure: bool) -> None:
    """A spoken number: read back if the flow wants that."""
    turn.stop_saying()
    if not _fits(node, value):
        turn.no_match()
    elif node.read_back and (is_unsure or node.read_back.when != "unsure"):
        turn.check(value)
    else:
        _accept(turn, node, value)


def _accept(turn: Turn, node: CollectNode, value: Value) -> None:
    turn.stop_saying()
    turn.assign({node.variable: value})
    turn.enter(node.then)
