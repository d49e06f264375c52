"""What a language has to know before a text can be read aloud in it.

One `Vocabulary` a language (`english.py`, `hindi.py`, `marathi.py`); `rules.py` finds the
numbers, dates and abbreviations in a text and asks the vocabulary for the words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Ending = str
"""The grammatical ending of an ordinal as it was written after the digits: "वी" of "5वी"."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A noun that follows a number."""

    one: str
    many: str

    def after(self, is_one: bool) -> str:
        """The form that agrees with the number before it."""
        return self.one if is_one else self.many


@dataclass(frozen=True, slots=True)
class Currency:
    """The names of a currency and of its hundredth."""

    unit: Counted
    hundredth: Counted


@dataclass(frozen=True, slots=True)
class Clock:
    """How a time of the day is said.

    `say(hour, minute, with_day_part, word)`: hour 0..23, minute 0..59; `with_day_part` adds
    morning or evening; `word` is what the text already has for "o'clock" ("वाजेपर्यंत"), or "".
    """

    say: Callable[[int, int, bool, str], str]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The words of one language; there is one object a language."""

    code: str  # ISO 639-1
    digits: tuple[str, ...]  # the names of 0..9
    letters: Mapping[str, str]  # the names of "A".."Z"
    cardinal: Callable[[int], str]  # 0 <= n < 10**15, in lakh and crore
    ordinal: Callable[[int, Ending], str]
    year: Callable[[int], str]
    day: Callable[[int], str]  # 1..31, as said before the month
    months: tuple[str, ...]
    clock: Clock
    # "One and a half" and the like, before a unit: None where the decimal is said instead.
    and_a_half: Callable[[int], str | None]
    mixed: Callable[[int, int], str]  # whole >= 1, quarters 1..3: "2 1/2", "3 1/4"
    is_one: Callable[[str], bool]  # of the number as written, "1.5": takes the noun's `one`
    point: str
    minus: str
    plus: str
    star: str
    hash_key: str
    range_word: str  # 10-15
    fraction_word: str  # 20/11
    fractions: Mapping[str, str]  # "1/2"
    number_sign: str  # of "#4521"
    per: str  # ₹50/km
    percent: Counted
    degrees: Counted
    around_the_clock: str  # 24/7
    currencies: Mapping[str, Currency]  # by ISO 4217 code
    joins_hundredths: str  # between rupees and paise
    magnitudes: Mapping[str, str]  # by the keys of `rules.MAGNITUDES`
    units: Mapping[str, Counted]  # by the keys of `rules.UNITS`
    # Pattern and what is said for it, tried in this order; patterns see the digits unspoken.
    abbreviations: tuple[tuple[str, str], ...]


def names(listed: str) -> tuple[str, ...]:
    """The words of a table written in rows."""
    return tuple(listed.split())


def letters(first_half: str, second_half: str) -> dict[str, str]:
    """The names of A..M and N..Z by their capitals."""
    spoken = names(f"{first_half} {second_half}")
    return dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", spoken, strict=True))
