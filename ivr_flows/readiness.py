"""Whether what a caller has said so far is all: for ending their turn on their words. Pure.

The same tables and functions decide here that decide what an answer means, so a turn is ended
early only on what would be acted on.
"""

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Literal

from ivr_flows.answers import (
    DOUBTED,
    HIGH_CONFIDENCE,
    choose,
    digits_in,
    minutes_in,
    number_in,
    yes_or_no,
)
from ivr_flows.collecting import FEW_MINUTES, SURE_CONFIDENCE
from ivr_flows.flow import AskingNode, CollectNode, ConverseNode, ListenNode
from ivr_flows.meanings import Means
from ivr_flows.wording import words_en, words_hi, words_mr
from ivr_flows.wording.number_lexicon import Term, multiple_of, term_of, unit_minutes
from ivr_flows.wording.spoken_numbers import quantities_in
from ivr_flows.wording.utterance import Word, words_of

Readiness = Literal["complete", "likely", "enough", "open", "other", "free"]
"""What the words so far are worth:

- `complete`: an answer with nothing missing, and the recogniser is sure of it.
- `likely`: an answer that may be all: a bare "no", or one that the recogniser doubts.
- `enough`: an answer, but people often go on.
- `open`: they can't be all, or say so.
- `other`: they mean nothing here.
- `free`: nothing in particular is expected.
"""

GUESSED_CONFIDENCE = 0.4
"""Below it free speech was guessed at, and how its end sounds tells nothing either: a reading in
noise, heard at 0.28, was cut in its pause. Of the tuning set's 18 sentences none is heard so."""

_LANGUAGES = {"en": words_en, "hi": words_hi, "mr": words_mr}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the conversation expects, at one node and in one phase."""

    node: AskingNode
    language: str  # ISO 639-1
    means: tuple[Means, ...]
    is_checking: bool = False  # "is that right?", "did you mean ...?"

    def judge(self, text: str, confidence: float) -> Readiness:
        """What `text`, all words of the turn so far, is worth; `confidence` (0..1): the ear's."""
        words = words_of(text)
        if not words:
            return "other"
        node = self.node
        is_free = isinstance(node, ListenNode | ConverseNode)
        if is_free and _is_whole_question(text, words, self.language):
            return "free"
        if _goes_on(words, self.language, is_free=is_free):
            return "open"
        if is_free:
            is_guessed = confidence < GUESSED_CONFIDENCE
            return "enough" if is_guessed or _may_go_on(text, words, self.language) else "free"
        number = self._number(node, text, words) if isinstance(node, CollectNode) else None
        verdict = number or self._answer(text, words)
        if confidence >= SURE_CONFIDENCE or verdict in ("open", "enough"):
            return verdict
        # Nothing is taken early that the ear doubts. Words that should have been a number and are
        # none, or no answer at all, may be half of one heard as something else: "forty" as "party".
        is_answer = verdict == "complete" and (number or not isinstance(node, CollectNode))
        return "likely" if is_answer else "other"

    def concerns(self, text: str) -> bool:
        """Whether the words are about what was asked: an answer, none at all, or a doubtful one."""
        words = words_of(text)
        while words and _goes_on(words, self.language, is_free=False):
            words = words[:-1]  # "yes but" is about it, "but" is about anything
        if self.judge(" ".join(word.written for word in words), 1.0) != "other":
            return True
        meaning = choose(text, [means.choice for means in self.means], self.language)
        return meaning.choice is not None and meaning.confidence <= DOUBTED

    def _answer(self, text: str, words: tuple[Word, ...]) -> Readiness:
        choices = [means.choice for means in self.means]
        meaning = choose(text, choices, self.language)
        if self.is_checking and meaning.confidence < HIGH_CONFIDENCE:
            meaning = yes_or_no(text, self.language)
        if meaning.choice is not None and meaning.confidence >= HIGH_CONFIDENCE:
            return "likely" if _is_bare_no(words) else "complete"
        if self._begins_an_answer(words):
            return "open"
        return "enough" if meaning.is_ambiguous else "other"

    def _begins_an_answer(self, words: tuple[Word, ...]) -> bool:
        """ "talk to", of "talk to a person"."""
        said = tuple(word.folded for word in words)
        return any(
            len(phrase) > len(said) and phrase[: len(said)] == said
            for means in self.means
            for phrase in _folded(means.phrases)
        )

    def _number(self, node: CollectNode, text: str, words: tuple[Word, ...]) -> Readiness | None:
        """What a number is worth here; None where none was said."""
        if node.kind == "digits":
            return self._digits(node, text)
        in_minutes = node.kind == "minutes"
        value = (minutes_in if in_minutes else number_in)(text, self.language)
        if value is None:
            return None
        if value > node.max:
            return "other"
        if value < node.min or _ends_in_tens(words, self.language, value, node.max):
            return "open"
        has_unit = in_minutes and any(unit_minutes(word) is not None for word in words)
        if in_minutes and value <= FEW_MINUTES:
            return "enough"  # "one hour", "one minute please"
        if has_unit or not 0 < value * 100 <= node.max or in_minutes:
            return "complete"
        return "enough"  # "two hundred", "two thousand"

    def _digits(self, node: CollectNode, text: str) -> Readiness | None:
        count = len(digits_in(text, self.language))
        if not count:
            return None
        if count < node.min_digits:
            return "open"
        if count < node.max_digits:
            return "enough"
        return "complete" if count == node.max_digits else "other"


def _ends_in_tens(words: tuple[Word, ...], language: str, value: int, most: int) -> bool:
    """ "twenty", to which "five" may belong; in Hindi and Marathi each number has its own word."""
    last = words[-1]
    term = term_of(last, language)
    if term is None or value >= most:
        return False
    is_round = value % 10 == 0 and 20 <= value < 100
    is_written = last.written.isdigit() and is_round
    is_hundred = term.scale > 0 and value * 1.01 < most  # "hundred and one" would still fit
    return term.is_tens or is_hundred or (is_written and len(quantities_in(words, language)) == 1)


_BARE_NO = frozenset(
    ("no", "nope", "nahi", "nahin", "naa", "na", "nako", "नहीं", "ना", "नाही", "नको")
)


def _is_bare_no(words: tuple[Word, ...]) -> bool:
    """A "no", or several, and nothing else. Who says yes leaves it at that; a refusal is mostly
    followed by its reason, by what is right instead, or by "wait"."""
    return all(word.written in _BARE_NO for word in words)


@lru_cache(maxsize=512)
def _folded(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.folded for word in words_of(phrase)) for phrase in phrases)


_OFF = "off"
"""Folds to "of", and stands at the end of a sentence."""


def _goes_on(words: tuple[Word, ...], language: str, *, is_free: bool) -> bool:
    """Whether the last words ask for more of them, or for time."""
    said = tuple(word.folded for word in words)
    if words[-1].written == _OFF:
        return False
    if multiple_of(words[-1]) > 1 or (is_free and _ends_in_adverb(words, language)):
        return True
    if is_free and _ends_in_indirect_question(words, language):
        return False
    return any(said[-len(phrase) :] == phrase for phrase in _endings(language, is_free=is_free))


def _may_go_on(text: str, words: tuple[Word, ...], language: str) -> bool:
    """Whether free speech that sounds finished often is not: "There are six", "To leave the
    conference", both said as by somebody who has finished."""
    if len(words) > 1 and _is_several(term_of(words[-1], language)):
        return True
    said = tuple(word.folded for word in words)
    own = _LANGUAGES.get(language, words_en)
    has_main = any((word,) in _phrases(own, "MAIN_CLAUSES") for word in said)
    if _ends_in(words, language, "SENTENCE_MAY_GO_ON"):
        return True
    if has_main or "," in text.rstrip(",") or text.rstrip().endswith("?"):
        return False  # the main clause has begun, or it is a question: "When do you close?"
    return any(said[: len(each)] == each for each in _phrases(own, "SUBORDINATES"))


def _is_several(term: Term | None) -> bool:
    """ "six", but not the "one" of "another one"."""
    return term is not None and not term.is_slip and (term.small or term.scale or 0) > 1


def _ends_in_adverb(words: tuple[Word, ...], language: str) -> bool:
    """ "There are currently": in English an adverb behind such a verb has something behind it."""
    own = _LANGUAGES.get(language, words_en)
    ending: str = getattr(own, "ADVERB_ENDING", "")
    if not ending or len(words) < 2 or not words[-1].written.endswith(ending):
        return False
    return (words[-2].folded,) in _phrases(own, "BEFORE_ADVERBS")


def _ends_in_indirect_question(words: tuple[Word, ...], language: str) -> bool:
    """ "I want to know where my order is"."""
    return _asks_before_the_end(words, language) and _ends_in(words, language, "LAST_VERBS")


def _is_whole_question(text: str, words: tuple[Word, ...], language: str) -> bool:
    """ "Where are you?", "Which folder do I save it to?"."""
    asks = _phrases(_LANGUAGES.get(language, words_en), "INDIRECT_QUESTIONS")
    is_asked = len(words) > 2 and (words[0].folded,) in asks
    return is_asked and text.rstrip().endswith("?")


def _asks_before_the_end(words: tuple[Word, ...], language: str) -> bool:
    asks = _phrases(_LANGUAGES.get(language, words_en), "INDIRECT_QUESTIONS")
    return any((word.folded,) in asks for word in words[:-2])


def _ends_in(words: tuple[Word, ...], language: str, table: str) -> bool:
    return (words[-1].folded,) in _phrases(_LANGUAGES.get(language, words_en), table)


@lru_cache(maxsize=8)
def _endings(language: str, *, is_free: bool) -> frozenset[tuple[str, ...]]:
    """The call's own language decides where they collide: "to" is a mere sound in Hindi."""
    own = _LANGUAGES.get(language, words_en)
    closes = _phrases(own, "HESITATIONS", "FILLERS", "YES", "NO")
    found = _phrases(own, "GOES_ON", "HOLD")
    for module in _LANGUAGES.values():
        if module is not own:
            found |= _phrases(module, "GOES_ON", "HOLD") - closes
    return found | _phrases(own, "SENTENCE_GOES_ON") if is_free else found


@lru_cache(maxsize=64)
def _phrases(module: ModuleType, *tables: str) -> frozenset[tuple[str, ...]]:
    listed = [phrase for table in tables for phrase in getattr(module, table, "").split(",")]
    folded = (tuple(word.folded for word in words_of(text)) for text in listed)
    return frozenset(phrase for phrase in folded if phrase)
