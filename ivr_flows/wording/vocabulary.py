"""The phrase tables of the three languages as one, in the order that a call's language asks for.

A caller may answer in any of the three in any call. Where languages collide ("ho" is yes in
Marathi and a mere "is" in Hindi; "ya" is a yes in English and "or" in Hindi) the call's own
language decides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import ModuleType

from ivr_flows.wording import words_en, words_hi, words_mr
from ivr_flows.wording.utterance import Word, words_of


class Role(Enum):
    """What a phrase does in a sentence."""

    MEANS = "means"  # it says what was meant
    NEGATES_NEXT = "negates_next"  # "not", "don't": the phrase behind it
    NEGATES_LAST = "negates_last"  # "nahi", "nako": the phrase before it
    NEGATES_EITHER = "negates_either"  # "mat karo", "karu naka"
    UNSURE = "unsure"  # "I don't know": whatever else was said is no answer
    NEUTRAL = "neutral"  # "hold on", "I see": says nothing


@dataclass(frozen=True, slots=True)
class Manner:
    """How a phrase means what it means."""

    confidence: float  # of the phrase alone, heard exactly
    is_negatable: bool = True  # "not confirmed" turns around; "haan nahi" contradicts itself
    yields: bool = False  # "ok" in "ok, cancel it" is no yes: any firmer phrase overrules it
    is_interjection: bool = False  # an answer at the edge of a sentence, seldom inside one
    alone: bool = False  # only when nothing else was said


# 0.6 is below HIGH_CONFIDENCE: asked again. 0.82 and 0.88 are above, and fall below it with
# one word that is not understood.
SAYS = Manner(1.0, is_negatable=False, is_interjection=True)
DOES = Manner(1.0)
AGREES = Manner(0.88, yields=True)
WAVERS = Manner(0.6, yields=True)
REFUSES = Manner(0.88, is_negatable=False)
DENIES = Manner(0.6, is_negatable=False)
ALONE = Manner(0.82, is_negatable=False, yields=True, is_interjection=True, alone=True)


@dataclass(frozen=True, slots=True)
class Phrase:
    words: tuple[Word, ...]
    meaning: str  # "yes", "no", "repeat", "operator"; "" for a phrase that means none of them
    role: Role
    manner: Manner

    @property
    def folded(self) -> str:
        return "".join(word.folded for word in self.words)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    phrases: tuple[Phrase, ...]
    hesitations: frozenset[str]  # folded words around an answer
    fillers: frozenset[str]  # folded words that change nothing, the hesitations among them
    by_fold: Mapping[str, Phrase]  # the phrases by their folded letters


HOLD = "hold"
"""The meaning of phrases that ask for time; no choice can have it."""

# Earlier tables win within one language.
_TABLES: tuple[tuple[str, str, Role, Manner], ...] = (
    ("YES", "yes", Role.MEANS, SAYS),
    ("NO", "no", Role.MEANS, SAYS),
    ("YES_VERBS", "yes", Role.MEANS, DOES),
    ("NO_VERBS", "no", Role.MEANS, DOES),
    ("YES_POLITE", "yes", Role.MEANS, AGREES),
    ("YES_DOUBTFUL", "yes", Role.MEANS, WAVERS),
    ("NEGATE", "no", Role.NEGATES_NEXT, DENIES),
    ("REFUSE", "no", Role.NEGATES_NEXT, REFUSES),
    ("NEGATE_AFTER", "no", Role.NEGATES_LAST, SAYS),
    ("FORBID", "no", Role.NEGATES_EITHER, SAYS),
    ("REPEAT", "repeat", Role.MEANS, DOES),
    ("OPERATOR", "operator", Role.MEANS, DOES),
    ("UNSURE", "", Role.UNSURE, DOES),
    ("HOLD", HOLD, Role.NEUTRAL, DOES),
    ("ASIDES", "", Role.NEUTRAL, DOES),
    ("YES_ALONE", "yes", Role.MEANS, ALONE),
    ("NO_ALONE", "no", Role.MEANS, ALONE),
    ("REPEAT_ALONE", "repeat", Role.MEANS, ALONE),
    ("OPERATOR_ALONE", "operator", Role.MEANS, ALONE),
)
_ORDERS: dict[str, tuple[ModuleType, ...]] = {
    "en": (words_en, words_hi, words_mr),
    "hi": (words_hi, words_en, words_mr),
    "mr": (words_mr, words_hi, words_en),
}


def vocabulary(language: str) -> Vocabulary:
    """The phrases of all three languages; of a language that is not one of them, English first."""
    return _vocabulary(language if language in _ORDERS else "en")


@lru_cache(maxsize=len(_ORDERS))
def _vocabulary(language: str) -> Vocabulary:
    phrases: dict[str, Phrase] = {}
    hesitations: set[str] = set()
    fillers: set[str] = set()
    for module in _ORDERS[language]:
        own: dict[str, Phrase] = {}
        for table, meaning, role, manner in _TABLES:
            for words in _phrases_of(module, table):
                phrase = Phrase(words, meaning, role, manner)
                own.setdefault(phrase.folded, phrase)
        for folded, phrase in own.items():
            if folded not in fillers and folded not in hesitations:
                phrases.setdefault(folded, phrase)
        for table, target in (("HESITATIONS", hesitations), ("FILLERS", fillers)):
            target.update(word.folded for words in _phrases_of(module, table) for word in words)
    return Vocabulary(
        tuple(phrases.values()), frozenset(hesitations), frozenset(fillers | hesitations), phrases
    )


def _phrases_of(module: ModuleType, table: str) -> Iterator[tuple[Word, ...]]:
    text: str = getattr(module, table, "")
    for phrase in text.split(","):
        words = words_of(phrase)
        if words:
            yield words
