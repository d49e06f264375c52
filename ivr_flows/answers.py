"""From what was said to what was meant: one of a menu's choices, yes or no, a number.

Words are compared by spelling and by sound, in Latin letters and Devanagari, in three languages
at once; see `vocabulary` for the phrases and `phrase_matching` for how they are found. Nothing
here raises for any text: what isn't understood is no choice, at confidence 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ivr_flows.phrase_matching import Entry, Lexicon
from ivr_flows.spoken_durations import minutes_in
from ivr_flows.spoken_numbers import digits_in, number_in, quantities_in
from ivr_flows.utterance import Word, folds_of, words_of
from ivr_flows.vocabulary import DOES, SAYS, Phrase, Role, Vocabulary, vocabulary
from ivr_flows.weighing import Rules, weigh

__all__ = [
    "HIGH_CONFIDENCE",
    "Choice",
    "Meaning",
    "choose",
    "digits_in",
    "minutes_in",
    "number_in",
    "shared_phrases",
    "yes_or_no",
]

HIGH_CONFIDENCE = 0.75
"""From here on an answer is acted on; below, it is asked again. Set with the tables of
tests/ivr_flows: lower, and unrelated sentences confirm orders; higher, and a plain "I confirm"
in a bad line's spelling is asked again."""

# "two" and nothing else, where a menu counts its choices.
_BY_NUMBER = 0.9
_AROUND_A_NUMBER = folds_of("number press option key button choice dabaya dabao daba dabata namber")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that the caller may mean at a menu."""

    name: str
    phrases: tuple[str, ...] = ()  # a phrase of digits ("2") is met by "two", "option do", ...
    builtin: str | None = None  # "yes", "no", "repeat", "operator": adds that meaning's phrases


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was meant, as far as can be told."""

    choice: str | None  # the choice's name; None when no choice or more than one was said
    confidence: float  # 0..1; act from HIGH_CONFIDENCE on, else ask again
    is_ambiguous: bool = False  # two choices were said: "yes no"


_NOTHING = Meaning(None, 0.0)
_CONTRADICTION = Meaning(None, 0.0, is_ambiguous=True)
_YES_OR_NO = (Choice("yes", (), "yes"), Choice("no", (), "no"))


@dataclass(frozen=True, slots=True)
class _Menu:
    rules: Rules
    numbers: dict[int, int]  # what the caller may say as a number -> index of the choice
    passed: frozenset[str]  # folded words that may stand beside that number


def choose(text: str, choices: Sequence[Choice], language: str) -> Meaning:
    """Which of a menu's choices a text means. `language`: ISO 639-1, decides collisions."""
    words = words_of(text)
    if not words or not choices:
        return _NOTHING
    return _choose(words, tuple(choices), language)


def yes_or_no(text: str, language: str) -> Meaning:
    """Whether a text is a yes or a no: choice "yes", "no" or None."""
    return choose(text, _YES_OR_NO, language)


def shared_phrases(choices: Sequence[Choice], language: str) -> list[tuple[str, str, str]]:
    """(phrase, a choice, another choice) for each phrase of a flow that two choices would claim.

    Found by what would be understood, so that two spellings of one word are found too.
    """
    clashes: list[tuple[str, str, str]] = []
    for choice in choices:
        for phrase in choice.phrases:
            meaning = choose(phrase, choices, language)
            if meaning.choice == choice.name:
                continue
            others = [other for other in choices if other is not choice]
            rival = choose(phrase, others, language).choice
            if rival is not None:
                clashes.append((phrase, choice.name, rival))
    return clashes


@lru_cache(maxsize=4096)
def _choose(words: tuple[Word, ...], choices: tuple[Choice, ...], language: str) -> Meaning:
    menu = _menu(choices, language)
    by_number = _by_number(words, menu, language)
    if by_number is not None:
        return Meaning(choices[by_number].name, _BY_NUMBER)
    weighed = weigh(words, menu.rules)
    if weighed.is_contradiction:
        return _CONTRADICTION
    if weighed.choice is None:
        return _NOTHING
    return Meaning(choices[weighed.choice].name, round(weighed.confidence, 3))


@lru_cache(maxsize=256)
def _menu(choices: tuple[Choice, ...], language: str) -> _Menu:
    """Everything that can be prepared for the choices of one menu."""
    known = vocabulary(language)
    builtins = {c.builtin: index for index, c in reversed(list(enumerate(choices))) if c.builtin}
    entries: list[Entry] = []
    numbers: dict[int, int] = {}
    own: set[str] = set()
    for index, choice in enumerate(choices):
        polarity = choice.builtin if choice.builtin in ("yes", "no") else ""
        for text in choice.phrases:
            words = words_of(text)
            phrase = Phrase(words, "", Role.MEANS, DOES)
            if len(words) == 1 and text.strip().isdecimal():
                numbers.setdefault(int(words[0].written), index)
            elif words:
                phrase = _as_known(phrase, choice, known)
                own.add(phrase.folded)
                entries.append(Entry(phrase, index, polarity or ""))
    for phrase in known.phrases:
        if phrase.folded in own:
            continue
        index = builtins.get(phrase.meaning)
        if index is not None:
            polarity = phrase.meaning if phrase.meaning in ("yes", "no") else ""
            entries.append(Entry(phrase, index, polarity))
        elif phrase.role is not Role.MEANS:
            entries.append(Entry(phrase, None))
        elif phrase.meaning in ("yes", "no") and (phrase.manner is SAYS or phrase.manner.yields):
            # Where yes is no choice, "yes, order status" is about the order's status.
            entries.append(Entry(replace(phrase, role=Role.NEUTRAL), None))
    rules = Rules(
        lexicon=Lexicon(entries, known.fillers),
        hesitations=known.hesitations,
        fillers=known.fillers,
        yes=builtins.get("yes"),
        no=builtins.get("no"),
    )
    return _Menu(rules, numbers, known.fillers | _AROUND_A_NUMBER)


def _as_known(phrase: Phrase, choice: Choice, known: Vocabulary) -> Phrase:
    """A flow may list a plain "yes" or "ok": they keep the manner of the vocabulary's."""
    same = known.by_fold.get(phrase.folded)
    if same is None or same.meaning != choice.builtin:
        return phrase
    if same.manner.alone and same.meaning not in ("yes", "no"):
        return phrase
    return replace(phrase, role=same.role, manner=same.manner)


def _by_number(words: Sequence[Word], menu: _Menu, language: str) -> int | None:
    """The choice whose number was said, when nothing else was: "two", "option do"."""
    if not menu.numbers:
        return None
    said = quantities_in(words, language)
    if len(said) != 1 or said[0].value not in menu.numbers:
        return None
    around = (*words[: said[0].start], *words[said[0].stop :])
    if all(word.folded in menu.passed for word in around):
        return menu.numbers[int(said[0].value)]
    return None
