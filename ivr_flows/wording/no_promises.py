"""What makes a yes in a sentence no yes: a question, a "later", a "stopped", a mere hello."""

from collections.abc import Sequence, Set
from itertools import pairwise

from ivr_flows.wording.utterance import Word, folds_of

_QUESTIONS = folds_of(
    "who whom whose what when where which why how kya kaun kon kis kisne kise kisko kiska kab kahan"
    " kidhar kaise kaisa kyun kyon kitna kitne kitni kiti kay kuni konala kadhi kuthe kasa kashi"
    " kase"
)
_ASKING_ENDS = frozenset({"ka", "kaa"})  # "confirm zali ka"; in Hindi "ka" is "of"
# Before a subject at the head of a sentence they ask: "did you confirm", "is it confirmed".
_AUXILIARIES = folds_of(
    "is are am was were do does did have has had can could will would shall should may might must"
)
_SUBJECTS = folds_of("i you he she it we they this that the my your our there anyone anybody")
# "do it", "have it" are no questions.
_IMPERATIVES = folds_of("do have")
_PERSONS = folds_of("i you we they")
_LATER = folds_of(
    "later afterwards tomorrow baad baadme nantar udya kal stop stopped stopping stops paused"
)
# "Haan boliye", "ho bola": how a telephone is answered.
_HELLO_YES = folds_of("haan han ji haanji ho ha yes yeah")
_GO_ON = folds_of("bolo boliye bolie bol bataiye batao kahiye bola sanga speaking")

KNOWING = folds_of(
    "speak speaking know understand talk follow like prefer use read bolta bolti bolna bolte jaanta"
    " janta jaanti janti samajh samajhta samajhti samajhte samajta samajte samjat kalat kalate yet"
    " yete yeta aati aata aate"
)
"""Folded words that join a denial and a language: "I don't speak Hindi", "hindi bolta nahi"."""

_EXCEPT = folds_of("except excepts")
_BESIDE_EXCEPT = folds_of("it i we")


def is_no_promise(
    words: Sequence[Word],
    taken: Set[int],
    explained: Set[int],
    hesitations: Set[str],
    language: str,
) -> bool:
    """Whether a sentence that holds a yes promises nothing.

    `taken`: the words of the yes itself ("why not" is no question); `explained`: those of every
    phrase; `hesitations`: folded words that may stand before the head of the sentence;
    `language`: ISO 639-1 of the call.
    """
    outside = [word.folded for at, word in enumerate(words) if at not in taken]
    if any(fold in _QUESTIONS or fold in _LATER or fold in _EXCEPT for fold in outside):
        return True
    if language == "mr" and words[-1].latin in _ASKING_ENDS and len(words) - 1 not in taken:
        return True
    return _is_inverted(words, taken, explained, hesitations) or _is_hello(words)


def holds_exception(words: Sequence[Word], taken: Set[int]) -> bool:
    """Whether one of the words at `taken` is "except"."""
    return any(words[at].folded in _EXCEPT for at in taken)


def stands_alone(words: Sequence[Word], hesitations: Set[str]) -> bool:
    """Whether an "except" has nothing beside it that it could except."""
    beside = _EXCEPT | _BESIDE_EXCEPT | hesitations
    return all(word.folded in beside for word in words)


def _is_inverted(
    words: Sequence[Word], taken: Set[int], explained: Set[int], hesitations: Set[str]
) -> bool:
    for at, word in enumerate(words[:-1]):
        if word.folded in _AUXILIARIES and at not in taken:
            asked = _PERSONS if word.folded in _IMPERATIVES else _SUBJECTS
            return words[at + 1].folded in asked
        if at not in explained and word.folded not in hesitations:
            return False
    return False


def _is_hello(words: Sequence[Word]) -> bool:
    return any(a.folded in _HELLO_YES and b.folded in _GO_ON for a, b in pairwise(words))
