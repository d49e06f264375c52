"""What the caller's keys and words do at a menu and at a `listen`."""

from ivr_flows.answers import HIGH_CONFIDENCE, choose, yes_or_no
from ivr_flows.events import Heard
from ivr_flows.flow import ListenNode
from ivr_flows.meanings import Means
from ivr_flows.state import Phase
from ivr_flows.turn import Turn

UNSURE_CONFIDENCE = 0.5
"""Below this a likeness to a phrase is chance; between it and HIGH_CONFIDENCE the caller is asked
"did you mean ...?". Lower, and callers are asked about things they never said."""

MUMBLED_CONFIDENCE = 0.3
"""A recogniser this unsure of its own text is not trusted with a decision; the caller is asked."""

YES_OR_NO_CONFIDENCE = 0.6
"""The same where yes stands against no: "Cancel" for "confirm" is the dearest mistake of all. In
benchmarks/hints.py 0.3 acted wrongly on 1.2 % of 486 answers and asked about 6 %, 0.6 on 0.6 % and
about 11 %; in voices that it was not chosen on, 2.2 and 5 % against 0.5 and 9 % of 405."""

MODEL_ALONE = 0.6
"""What a language model's answer is worth where it alone is not enough: it is asked about."""

SHORT_WORDS = 3
"""In free speech only something this short can be a command such as "repeat please"."""


def node_pressed(turn: Turn, digit: str) -> None:
    """A key at a menu or a `listen`; while asked "did you mean", the menu's keys count."""
    means = next((means for means in turn.means() if digit in means.keys), None)
    if means is not None:
        turn.take(means)
    elif isinstance(turn.node, ListenNode):
        turn.listen()  # a key is no answer to a question for words, and no reason to complain
    else:
        turn.no_match()


def menu_heard(turn: Turn, event: Heard) -> None:
    """Words at a menu."""
    if turn.state.phase is Phase.CHECKING and isinstance(turn.state.pending, str):
        _checked(turn, turn.state.pending, event)
        return
    means, confidence = _with_model(turn, event, *meant(turn, event))
    if means is None or confidence < UNSURE_CONFIDENCE:
        not_understood(turn)
        return
    _take_details(turn, event)
    if confidence >= HIGH_CONFIDENCE and event.confidence >= trusted_from(means):
        turn.take(means)
    elif turn.flow.unsure is not None:
        turn.stop_saying()
        turn.check(means.name)
    else:
        turn.no_match()


def _with_model(
    turn: Turn, event: Heard, means: Means | None, confidence: float
) -> tuple[Means | None, float]:
    """The flow's own words decide where they are sure, and a model where they aren't.

    A yes or no of the model's alone is asked about, and so is an answer that is not the one which
    the flow's words came close to.
    """
    if event.understood is None or confidence >= HIGH_CONFIDENCE:
        return means, confidence
    name, sure = event.understood.choice, event.understood.confidence
    found = next((one for one in turn.means() if one.name == name), None)
    if found is None or sure < UNSURE_CONFIDENCE:
        return means, confidence
    is_other = means is not None and confidence >= UNSURE_CONFIDENCE and means.name != name
    if is_other or found.builtin in ("yes", "no"):
        sure = min(sure, MODEL_ALONE)
    return found, sure


def _take_details(turn: Turn, event: Heard) -> None:
    if event.understood is not None and event.understood.details:
        turn.assign(dict(event.understood.details))


def trusted_from(means: Means) -> float:
    """The recogniser's confidence from which on an answer is acted on unasked."""
    return YES_OR_NO_CONFIDENCE if means.builtin in ("yes", "no") else MUMBLED_CONFIDENCE


def meant(turn: Turn, event: Heard) -> tuple[Means | None, float]:
    """The answer that the words come closest to, and how sure that is (0..1)."""
    possible = turn.means()
    meaning = choose(event.text, [means.choice for means in possible], turn.heard_in)
    if meaning.choice is None or meaning.is_ambiguous:
        return None, 0.0
    return next(m for m in possible if m.name == meaning.choice), meaning.confidence


def not_understood(turn: Turn) -> None:
    """Words that are no answer; while the bot speaks they weren't meant for it."""
    if turn.state.is_saying:
        turn.listen()
    else:
        turn.no_match()


def _checked(turn: Turn, pending: str, event: Heard) -> None:
    """Yes, no or another answer, after "did you mean ...?"."""
    answer = yes_or_no(event.text, turn.heard_in)
    asked = next((means for means in turn.means() if means.name == pending), None)
    if answer.choice == "yes" and answer.confidence >= UNSURE_CONFIDENCE and asked is not None:
        turn.take(asked)
        return
    means, confidence = meant(turn, event)
    is_other = means is not None and means.name != pending and means.builtin not in ("yes", "no")
    if means is not None and is_other and confidence >= HIGH_CONFIDENCE:
        turn.take(means)
    elif answer.choice == "no":
        _offer_refusal(turn, asked)
    elif means is not None and means.name == pending and confidence >= UNSURE_CONFIDENCE:
        turn.take(means)
    else:
        not_understood(turn)


def _offer_refusal(turn: Turn, asked: Means | None) -> None:
    """ "Did you mean: accept?" "No." Who is misheard so would only be misheard again: "I can't do
    it" sounds like "I can do it". So the menu's no is offered before the question is put again."""
    refusal = next((means for means in turn.means() if means.builtin == "no"), None)
    if asked is not None and asked.builtin == "yes" and refusal is not None:
        turn.stop_saying()
        turn.check(refusal.name)
    else:
        turn.no_match()


def listen_heard(turn: Turn, node: ListenNode, event: Heard) -> None:
    """Words in answer to an open question."""
    if not event.text.strip():
        not_understood(turn)
        return
    if len(event.text.split()) <= SHORT_WORDS:
        means, confidence = meant(turn, event)
        if means is not None and confidence >= HIGH_CONFIDENCE:
            turn.take(means)
            return
    if event.understood is not None:
        means, confidence = _with_model(turn, event, None, 0.0)
        if means is not None and confidence >= HIGH_CONFIDENCE:
            turn.take(means)
            return
        _take_details(turn, event)
    turn.stop_saying()
    turn.assign({node.variable: event.text})
    turn.enter(node.then)
