"""Numbers in what was said: English, Hindi and Marathi words, in both scripts, and digits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

from ivr_flows.wording import number_words as names
from ivr_flows.wording.negated_numbers import standing
from ivr_flows.wording.number_lexicon import (
    LONGEST_NUMBER,
    Term,
    multiple_of,
    term_of,
    unit_minutes,
)
from ivr_flows.wording.utterance import Word, folds_of, words_of

_HESITATIONS = folds_of(
    "um uh ah oh er erm eh hm m mm you the a so well yes yeah ok okay please ji sir madam sirf"
    " only about around approximately maybe lagbhag karib kareeb sadharan sumare its it is"
)
_WHEN_ALONE = frozenset(names.NUMBERS_WHEN_ALONE.split())
_AND = frozenset({"and", "n", "aur", "ani", "aani"})


@dataclass(frozen=True, slots=True)
class Quantity:
    value: float
    start: int  # index of its first word
    stop: int  # index behind its last word
    digits: str  # as it would be typed; "" when it is no whole number


def number_in(text: str, language: str) -> int | None:
    """The whole number that was said and not denied; the last one where there are several.

    The last, because "twenty, no, thirty" corrects and "ten fifteen minutes" is a range of
    which the later end is the safe one to plan with.
    """
    words = words_of(text)
    said = quantities_in(words, language)
    are_standing = standing(words, [(q.start, q.stop) for q in said])
    whole = [q for q in compress(said, are_standing) if q.value == int(q.value)]
    return int(whole[-1].value) if whole else None


def digits_in(text: str, language: str) -> str:
    """The digits that were said one by one, in pairs or as numbers: "four five double two"."""
    words = words_of(text)
    quantities = {q.start: q for q in quantities_in(words, language, as_digits=True)}
    digits: list[str] = []
    index, times = 0, 1
    while index < len(words):
        quantity = quantities.get(index)
        if quantity is None:
            times = multiple_of(words[index])
            index += 1
            continue
        digits.append(quantity.digits[:1] * (times - 1) + quantity.digits)
        index, times = quantity.stop, 1
    return "".join(digits)


def quantities_in(
    words: Sequence[Word], language: str, *, as_digits: bool = False
) -> list[Quantity]:
    """Every number in a sequence of words, in order."""
    terms = _terms(words, language, as_digits=as_digits)
    quantities: list[Quantity] = []
    index = 0
    while index < len(terms):
        quantity = _quantity_at(words, terms, index, as_digits=as_digits)
        if quantity is None:
            index += 1
        else:
            if as_digits or quantity.value < 10**LONGEST_NUMBER:
                quantities.append(quantity)
            index = quantity.stop
    return quantities


@dataclass(slots=True)
class _Reading:
    """A number while its words are read; `last` is the kind of the last one."""

    total: float = 0.0  # what thousands and lakhs have settled
    last_scale: int = 0
    current: float | None = None
    added: float = 0.0
    last: str = ""  # "", "added", "tens", "small", "hundred", "scale"

    def take(self, word: Word, term: Term, following: Term | None) -> bool:
        """Takes a word in; False if it begins another number."""
        if not self.last and term.added is not None and _is_counted(following):
            self.added, self.last = term.added, "added"
            return True
        if term.small is not None:
            return self._take_small(word, term, term.small)
        if self.last == "added" or not term.scale:
            return False
        return self._take_hundred(word) if term.scale == 100 else self._take_scale(term.scale)

    def _take_small(self, word: Word, term: Term, small: float) -> bool:
        behind_hundred = self.last == "hundred" and small < 100 and small == int(small)
        if self.current is None and (self.last != "scale" or small < self.last_scale):
            self.current, self.added = small + self.added, 0.0
        elif self.current is not None and (
            behind_hundred or (self.last == "tens" and term.is_unit)
        ):
            self.current += small
        else:
            return False
        is_hundreds = small >= 100 and small % 100 == 0 and word.written[0] not in "0123456789"
        self.last = "tens" if term.is_tens else "hundred" if is_hundreds else "small"
        return True

    def _take_hundred(self, word: Word) -> bool:
        if self.last == "hundred" or (self.current or 0) >= 100:
            return False
        if self.current is None and word.latin in ("she", "shee"):  # only ever a suffix
            return False
        self.current = 100 * (1 if self.current is None else self.current)
        self.last = "hundred"
        return True

    def _take_scale(self, scale: int) -> bool:
        is_misplaced = self.current is None and bool(self.last)
        if is_misplaced or (self.last_scale and scale >= self.last_scale):
            return False
        self.total += scale * (1 if self.current is None else self.current)
        self.current, self.last, self.last_scale = None, "scale", scale
        return True


def _quantity_at(
    words: Sequence[Word], terms: Sequence[Term | None], start: int, *, as_digits: bool
) -> Quantity | None:
    reading, index = _Reading(), start
    while index < len(terms):
        term = terms[index]
        following = terms[index + 1] if index + 1 < len(terms) else None
        if term is None:
            joins = words[index].folded in _AND and reading.last in ("hundred", "scale")
            if not (joins and following is not None and following.small is not None):
                break
        elif not reading.take(words[index], term, following):
            break
        index += 1
    if reading.last in ("", "added"):
        return None
    value = reading.total + (reading.current or 0)
    if not as_digits:
        value, index = _with_fraction(words, terms, value, index)
    written = words[start].written
    if index == start + 1 and written.isdigit():
        digits = written
    else:
        digits = str(int(value)) if value == int(value) else ""
    return Quantity(value, start, index, digits)


def _is_counted(following: Term | None) -> bool:
    return following is not None and following.small is not None and following.small >= 1


def _with_fraction(
    words: Sequence[Word], terms: Sequence[Term | None], value: float, index: int
) -> tuple[float, int]:
    """Takes in "and a half" and "three quarters"."""
    if index < len(words) and words[index].folded in ("kuarter", "kuarters", "pav") and value == 3:
        return value / 4, index + 1
    ahead = index
    if ahead < len(words) and words[ahead].folded in _AND:
        ahead += 1
        if ahead < len(words) and words[ahead].folded == "a":
            ahead += 1
        term = terms[ahead] if ahead < len(words) else None
        if term is not None and term.small is not None and 0 < term.small < 1 and value >= 1:
            return value + term.small, ahead + 1
    return value, index


def _terms(words: Sequence[Word], language: str, *, as_digits: bool) -> list[Term | None]:
    """The term of every word; doubtful ones only where a number must stand."""
    terms = [term_of(word, language) for word in words]
    if as_digits:
        zeros = names.SPOKEN_ZEROS
        terms = [
            Term(small=0, is_doubtful=True) if term is None and word.latin in zeros else term
            for word, term in zip(words, terms, strict=True)
        ]
    kept = list(terms)
    for index, term in enumerate(terms):
        if term is None or not term.is_doubtful:
            continue
        if as_digits:
            stands = _is_among_digits(words, terms, index)
        else:
            stands = _is_expected(words, terms, index)
        kept[index] = replace(term, is_doubtful=False) if stands else None
    return kept


def _is_expected(words: Sequence[Word], terms: Sequence[Term | None], index: int) -> bool:
    term = terms[index]
    before = terms[index - 1] if index else None
    after = terms[index + 1] if index + 1 < len(terms) else None
    unit_follows = index + 1 < len(words) and unit_minutes(words[index + 1]) is not None
    if unit_follows and words[index].latin not in ("then", "now"):
        return True
    if term is not None and term.is_slip:
        ends = index + 1 == len(words)
        if before is not None and before.is_tens and ends:
            return True
    elif after is not None and after.scale and not after.is_doubtful:
        return True
    others = (w.folded for at, w in enumerate(words) if at != index)
    return words[index].latin in _WHEN_ALONE and _HESITATIONS.issuperset(others)


def _is_among_digits(words: Sequence[Word], terms: Sequence[Term | None], index: int) -> bool:
    first = last = index
    while first and terms[first - 1] is not None:
        first -= 1
    while last + 1 < len(terms) and terms[last + 1] is not None:
        last += 1
    run = [term for term in terms[first : last + 1] if term is not None]
    if len(run) > 1 and any(not term.is_doubtful for term in run):
        return True
    if first and multiple_of(words[first - 1]) > 1:
        return True
    others = (w.folded for at, w in enumerate(words) if not first <= at <= last)
    is_all = _HESITATIONS.issuperset(others)
    return is_all and (len(run) > 1 or words[index].latin in _WHEN_ALONE)
