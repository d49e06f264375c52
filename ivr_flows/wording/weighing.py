"""What a sentence says in sum: matches of phrases, negations, contradictions, words left over."""

from collections.abc import Sequence
from dataclasses import dataclass

from ivr_flows.wording.no_promises import (
    KNOWING,
    holds_exception,
    is_no_promise,
    stands_alone,
)
from ivr_flows.wording.number_lexicon import unit_minutes
from ivr_flows.wording.phrase_matching import Lexicon, Match, chosen
from ivr_flows.wording.spoken_numbers import quantities_in
from ivr_flows.wording.utterance import Word
from ivr_flows.wording.vocabulary import HOLD, Role

# A word that no phrase explains costs this much of what is explained: one word beside a phrase
# of one word leaves 0.8, three leave 0.57. Lower, and a sentence about something else that
# happens to hold "confirm" is taken for an answer.
_UNEXPLAINED = 0.25
# An interjection inside a sentence ("there is no milk in it") is mostly no answer.
_INSIDE = 0.7
# "don't confirm" is a no. "don't cancel" is no refusal, but not yet a yes: asked again.
_NOT_YES = 0.92
_NOT_NO = 0.6
_NEVER = frozenset({"never", "nothing"})
_REFUSING_TO = _NEVER | {"refuse", "refused", "refusing", "decline", "declined"}
# Below this share of the best choice's evidence, evidence for another is noise.
_RIVAL = 0.5
DOUBTED = 0.4
"""The confidence of a yes beside "later" or a question, and of all beside "I don't know": below
what is acted on or asked about, as no "yes" to "did you mean: confirm?" must come of it either."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What sentences at one menu are weighed by. Choices go by their index."""

    lexicon: Lexicon
    language: str  # ISO 639-1
    hesitations: frozenset[str]
    fillers: frozenset[str]
    yes: int | None  # the choice that is the menu's yes, if it has one
    no: int | None


@dataclass(frozen=True, slots=True)
class Weighed:
    choice: int | None
    confidence: float = 0.0  # 0..1
    is_contradiction: bool = False
    is_doubted: bool = False  # a yes that promises nothing: "did you confirm"
    explained: frozenset[int] = frozenset()  # the words that phrases account for


@dataclass(frozen=True, slots=True)
class _Evidence:
    choice: int
    strength: float
    match: Match
    yields: bool  # to any firmer phrase for another choice
    is_interjection: bool
    is_edge: bool = False  # an interjection at an edge of the sentence


def weigh(words: Sequence[Word], rules: Rules) -> Weighed:
    """Which choice a sentence speaks for, and how clearly."""
    found = [m for m in rules.lexicon.matches(words) if _is_allowed(m, words, rules)]
    matches = chosen(found, words, rules.fillers)
    said = _evidence(matches, words, rules)
    if _is_yes_without(words, said, rules):
        return Weighed(None, is_contradiction=True)
    evidence = _firm(said, rules)
    explained = frozenset(at for match in matches for at in match.taken)
    best: dict[int, float] = {}
    for item in evidence:
        best[item.choice] = max(best.get(item.choice, 0.0), item.strength)
    if not best:
        return Weighed(None, explained=explained)
    winner, *rivals = sorted(best, key=lambda choice: -best[choice])
    if rivals and best[rivals[0]] >= _RIVAL * best[winner]:
        return Weighed(None, is_contradiction=True)
    own = [item for item in evidence if item.choice == winner]
    confidence = best[winner] * _coverage(words, matches, own, rules)
    taken = frozenset(at for item in own for at in item.match.taken)
    is_doubted = winner == rules.yes and (
        any(match.entry.phrase.meaning == HOLD for match in matches)  # "yes, no wait"
        or any(_nothing_to(item.match, words) for item in own)
        or is_no_promise(words, taken, explained, rules.hesitations, rules.language)
    )
    if is_doubted or any(match.entry.role is Role.UNSURE for match in matches):
        confidence = min(confidence, DOUBTED)
    return Weighed(winner, confidence, explained=explained, is_doubted=is_doubted)


def _is_yes_without(words: Sequence[Word], said: Sequence[_Evidence], rules: Rules) -> bool:
    """ "ok, no onions": a no to something else, behind a yes that would yield to it."""
    ends = [item.match.stop for item in said if item.choice == rules.yes and item.yields]
    if not ends:
        return False
    known = {at for item in said for at in item.match.taken}
    return any(
        item.choice == rules.no
        and item.is_interjection
        and item.match.start >= min(ends)
        and item.match.stop < len(words)
        and item.match.stop not in known
        and words[item.match.stop].folded not in rules.fillers
        for item in said
    )


def _nothing_to(match: Match, words: Sequence[Word]) -> bool:
    """ "nothing to confirm"."""
    before = [word.latin for word in words[max(0, match.start - 2) : match.start]]
    return before == ["nothing", "to"]


def _is_allowed(match: Match, words: Sequence[Word], rules: Rules) -> bool:
    """Phrases that count only alone have nothing beside them but hesitation.

    "Except" is how "accept" is often written, but "all except naan" takes nothing.
    """
    if holds_exception(words, match.taken) and not stands_alone(words, rules.hesitations):
        return False
    if not match.entry.manner.alone:
        return True
    around = (*words[: match.start], *words[match.stop :])
    return all(word.folded in rules.hesitations for word in around)


def _evidence(matches: Sequence[Match], words: Sequence[Word], rules: Rules) -> list[_Evidence]:
    """What each match says once negations have turned around what they deny."""
    denied: set[int] = set()  # where denied matches start
    spent: set[int] = set()  # the negations that found something to deny
    for place in range(len(matches)):
        target = _denied_by(place, matches, words, rules)
        if target is not None:
            denied.add(matches[target].start)
            spent.add(place)
        denier = _denier_of(matches[place], words, rules)
        if denier is not None:
            denied.add(matches[place].start)
            spent |= {at for at in range(place) if denier in matches[at].taken}
    evidence: list[_Evidence] = []
    for place, match in enumerate(matches):
        if place in spent:
            continue
        if match.start in denied and match.entry.role is Role.MEANS:
            evidence += _turned(match, rules)
        elif match.entry.choice is not None:
            evidence.append(_plain(match, match.entry.choice, words, matches, rules))
    return evidence


def _denied_by(
    place: int, matches: Sequence[Match], words: Sequence[Word], rules: Rules
) -> int | None:
    """Which match the negation at `place` turns around; None if it is none or finds none."""
    ways = {
        Role.NEGATES_NEXT: (1,),
        Role.NEGATES_LAST: (-1,),
        Role.NEGATES_EITHER: (-1, 1),
    }.get(matches[place].entry.role, ())
    for way in ways:
        polite: int | None = None
        at = place + way
        while 0 <= at < len(matches) and _are_joined(matches, at - way, at, words, rules):
            entry = matches[at].entry
            if entry.role is not Role.MEANS or not entry.manner.is_negatable:
                break
            if not entry.manner.yields:
                return at
            # "confirm kar do mat": "kar do" is passed over for what is to be done.
            polite = at if polite is None else polite
            at += way
        if polite is not None:
            return polite
    return None


def _denier_of(match: Match, words: Sequence[Word], rules: Rules) -> int | None:
    """The word of refusal that turns a refusal around: "never cancel", "I refuse to cancel"."""
    if match.entry.polarity != "no" or not match.entry.manner.is_negatable:
        return None
    at = match.start - 1
    while at >= 0 and words[at].folded in rules.fillers:
        at -= 1
    if at < 0 or match.entry.role is not Role.MEANS:
        return None
    is_to = words[match.start - 1].latin == "to"
    return at if words[at].latin in (_REFUSING_TO if is_to else _NEVER) else None


def _are_joined(
    matches: Sequence[Match], one: int, other: int, words: Sequence[Word], rules: Rules
) -> bool:
    """Whether nothing of weight stands between two neighbouring matches."""
    low, high = sorted((matches[one], matches[other]), key=lambda match: match.start)
    # "I don't speak Hindi" asks for no Hindi; "don't speak, cancel" is still a cancellation.
    is_polar = matches[other].entry.polarity != ""
    return all(
        word.folded in rules.fillers or (not is_polar and word.folded in KNOWING)
        for word in words[low.stop : high.start]
    )


def _turned(match: Match, rules: Rules) -> list[_Evidence]:
    """ "not confirmed" speaks for no; "don't cancel" a little for yes; else for nothing."""
    strength = match.quality * match.entry.manner.confidence
    if match.entry.polarity == "yes" and rules.no is not None:
        return [_Evidence(rules.no, strength * _NOT_YES, match, False, False)]
    if match.entry.polarity == "no" and rules.yes is not None:
        return [_Evidence(rules.yes, strength * _NOT_NO, match, False, False)]
    return []


def _plain(
    match: Match, choice: int, words: Sequence[Word], matches: Sequence[Match], rules: Rules
) -> _Evidence:
    manner = match.entry.manner
    strength = match.quality * manner.confidence
    is_negation = match.entry.role is not Role.MEANS
    is_edge = manner.is_interjection and _is_at_edge(match, words, matches, rules)
    if manner.is_interjection and not is_edge:
        strength *= _INSIDE
    is_interjection = manner.is_interjection or is_negation
    return _Evidence(choice, strength, match, manner.yields, is_interjection, is_edge)


def _is_at_edge(
    match: Match, words: Sequence[Word], matches: Sequence[Match], rules: Rules
) -> bool:
    known = {at for other in matches for at in range(other.start, other.stop)}
    return any(
        all(at in known or words[at].folded in rules.hesitations for at in side)
        for side in (range(match.start), range(match.stop, len(words)))
    )


def _firm(evidence: list[_Evidence], rules: Rules) -> list[_Evidence]:
    """Without what gives way: "ok, cancel it" is no yes, "no, the operator" no refusal."""
    firm = {item.choice for item in evidence if not item.yields}
    others = {item.choice for item in evidence if not item.yields and not item.is_interjection} - {
        rules.yes,
        rules.no,
    }
    kept = [item for item in evidence if not (item.yields and firm - {item.choice})]
    return [item for item in kept if not (item.is_interjection and others - {item.choice})]


def _coverage(
    words: Sequence[Word], matches: Sequence[Match], own: Sequence[_Evidence], rules: Rules
) -> float:
    """How much of the sentence is explained, 0..1: answers come with little else."""
    known = {at for match in matches for at in match.taken}
    # "Confirmed, twenty minutes": a time is an answer to the next question already.
    for quantity in quantities_in(words, rules.language):
        known.update(range(quantity.start, quantity.stop))
    known.update(at for at, word in enumerate(words) if unit_minutes(word) is not None)
    left_over = sum(
        1 for at, word in enumerate(words) if at not in known and word.folded not in rules.fillers
    )
    explained = {at for item in own for at in item.match.taken}
    weight = sum(1 for at in explained if words[at].folded not in rules.fillers)
    # "Yes, we will bring it in the evening": what follows a yes explains itself.
    weight += any(item.is_edge for item in own)
    return 1 / (1 + _UNEXPLAINED * left_over / max(1, weight))
