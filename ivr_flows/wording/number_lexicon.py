"""From one word to what it means in a number, in each language of a call."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from ivr_flows.wording import number_words as names
from ivr_flows.wording.utterance import Word, folds_of, words_of

# Longer digit strings are no amount (a card number, a page of noise); `digits_in` keeps them.
LONGEST_NUMBER = 15
# From this many letters on, two number names of one language differ in more than one letter
# often enough that a spelling one letter off has one nearest name (asked for below).
_SPELLING_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Term:
    """What one word contributes to a number."""

    small: float | None = None
    scale: int = 0
    added: float | None = None  # "sava", "saadhe": to the number that follows
    is_tens: bool = False  # twenty: a unit may follow
    is_unit: bool = False  # English one to nine
    is_slip: bool = False  # an English word that sounds like a digit
    is_doubtful: bool = False  # counts only where a number must stand


def unit_minutes(word: Word) -> float | None:
    """How many minutes a unit of time lasts; None for any other word."""
    return _units().get(word.folded)


def multiple_of(word: Word) -> int:
    """How often "double" and "triple" say the digit behind them; 1 for any other word."""
    return _multiples().get(word.folded, 1)


def term_of(word: Word, language: str) -> Term | None:
    """What a word means in a number; None when it is no number word."""
    if word.written[0] in "0123456789":
        return _written_number(word.written)
    exact, folded, near = _lexicon(language if language in names.LOOKALIKES else "en")
    term = exact.get(word.written) or exact.get(word.latin) or folded.get(word.folded)
    if term is not None or len(word.folded) < _SPELLING_LETTERS:
        return term
    if language == "en" and word.written.isascii():
        return None
    return _nearest(word.folded, near)


def _nearest(folded: str, near: dict[str, Term]) -> Term | None:
    """The number name one letter away, where there is only one."""
    found = process.extract(
        folded, near.keys(), scorer=Levenshtein.distance, score_cutoff=1, limit=8
    )
    terms = {near[name] for name, _, _ in found}
    return terms.pop() if len(terms) == 1 else None


def _written_number(written: str) -> Term | None:
    plain = written
    head, _, tail = written.partition(",")
    if tail and len(head) <= 3 and all(len(g) in (2, 3) for g in tail.split(".")[0].split(",")):
        plain = written.replace(",", "")
    if len(plain) > LONGEST_NUMBER:
        return Term(small=float(10**LONGEST_NUMBER)) if plain.isdigit() else None
    if plain.isdigit():
        return Term(small=float(plain))
    whole, _, decimals = plain.partition(".")
    if whole.isdigit() and decimals.isdigit():
        return Term(small=float(plain))
    return None


@lru_cache(maxsize=8)
def _lexicon(language: str) -> tuple[dict[str, Term], dict[str, Term], dict[str, Term]]:
    """(by spelling, by folded spelling, the folded spellings worth a near match)."""
    order = {"en": (0, 1, 2), "hi": (1, 0, 2), "mr": (2, 1, 0)}[language]
    tables = (_english(), _indian(names.HINDI, names.HINDI_LATIN), _marathi())
    entries = [entry for at in order for entry in tables[at]] + list(_shared())
    exact: dict[str, Term] = {}
    folded: dict[str, Term] = {}
    near: dict[str, Term] = {}
    doubtful = frozenset(names.LOOKALIKES[language].split())
    for spelling, term in entries:
        for word in words_of(spelling):
            if word.latin in doubtful and not term.is_slip:
                kept = replace(term, is_doubtful=True)
            else:
                kept = term
            for key in (word.written, word.latin):
                exact.setdefault(key, kept)
            folded.setdefault(word.folded, kept)
            if len(word.folded) >= _SPELLING_LETTERS and term.small is not None:
                near.setdefault(word.folded, kept)
    for spelling, term in _joined():
        # Not among the near ones: they stand one letter from each other.
        for word in words_of(spelling):
            for key in (word.written, word.latin):
                exact.setdefault(key, term)
            folded.setdefault(word.folded, term)
    return exact, folded, near


def _english() -> list[tuple[str, Term]]:
    units = names.ENGLISH_UNITS.split()
    entries = [
        (spelling, Term(small=value, is_unit=0 < value < 10))
        for value, spellings in enumerate(units)
        for spelling in spellings.split("/")
    ]
    for value, spellings in enumerate(names.ENGLISH_TENS.split(), start=2):
        for spelling in spellings.split("/"):
            entries.append((spelling, Term(small=10 * value, is_tens=True)))
            entries += [
                (spelling + units[unit].split("/")[0], Term(small=10 * value + unit))
                for unit in range(1, 10)
            ]
    entries += [
        (slip, Term(small=value, is_unit=value < 10, is_slip=True, is_doubtful=True))
        for slip, value in names.ENGLISH_SLIPS.items()
    ]
    return entries


def _indian(table: str, latin: dict[int, str]) -> list[tuple[str, Term]]:
    entries = [
        (spelling, Term(small=value))
        for value, spellings in enumerate(table.split())
        for spelling in spellings.split("/")
    ]
    return entries + [
        (spelling, Term(small=value))
        for value, spellings in latin.items()
        for spelling in spellings.split()
    ]


def _marathi() -> list[tuple[str, Term]]:
    hundreds = [
        (spelling, Term(small=100 * value))
        for value, spellings in names.MARATHI_HUNDREDS.items()
        for spelling in spellings.split()
    ]
    return _indian(names.MARATHI, names.MARATHI_LATIN) + hundreds


def _joined() -> Iterator[tuple[str, Term]]:
    """ "साडेतीन", "पावणेदोन": quarters and halves written as one word with their number."""
    for table, latin in (
        (names.MARATHI, names.MARATHI_LATIN),
        (names.HINDI, names.HINDI_LATIN),
    ):
        numbers = [spellings.split("/") for spellings in table.split()]
        for added, least, prefixes in names.JOINED_BEFORE:
            for value in range(least, names.MOST_JOINED + 1):
                spellings = (*numbers[value], *latin.get(value, "").split())
                for prefix, spelling in product(prefixes.split(), spellings):
                    if prefix.isascii() == spelling.isascii():
                        yield prefix + spelling, Term(small=value + added)


def _shared() -> list[tuple[str, Term]]:
    added = {s: value for value, all_ in names.ADDED_BEFORE.items() for s in all_.split()}
    fractions = {s: value for value, all_ in names.FRACTIONS.items() for s in all_.split()}
    entries = [
        (spelling, Term(small=fractions.get(spelling), added=added.get(spelling)))
        for spelling in fractions | added
    ]
    entries += [
        (s, Term(scale=scale)) for scale, all_ in names.SCALES.items() for s in all_.split()
    ]
    return entries + [
        (s, Term(small=value)) for value, all_ in names.OTHER_NUMBERS.items() for s in all_.split()
    ]


@lru_cache(maxsize=1)
def _units() -> dict[str, float]:
    return {
        folded: minutes
        for minutes, spellings in names.MINUTES_PER_UNIT.items()
        for folded in folds_of(spellings)
    }


@lru_cache(maxsize=1)
def _multiples() -> dict[str, int]:
    return {
        folded: times
        for times, spellings in names.MULTIPLES.items()
        for folded in folds_of(spellings)
    }
