"""Money, percentages, measures, ordinals, fractions and bare numbers in a text."""

import re

from speech.speakable import amounts
from speech.speakable.patterns import (
    AMOUNT,
    CURRENCIES,
    LETTER,
    MAGNITUDES,
    NOT_AFTER_WORD,
    NOT_BEFORE_LETTER,
    NOT_INSIDE_NUMBER,
    NOUNS,
    ORDINAL_ENDING,
    RANGE_DASH,
    RANGED,
    SIGN,
    UNITS,
    alternatives,
    key_of,
)
from speech.speakable.rule import Rule
from speech.speakable.vocabulary import Vocabulary

_CURRENCY = alternatives(CURRENCIES)
_MAGNITUDE = alternatives(MAGNITUDES)
_UNIT = alternatives(UNITS)
_LAKH_SHORT = "L"  # of money only: "5 L" of milk are litres

_CURRENCY_FIRST = re.compile(
    rf"{SIGN}(?:{NOT_AFTER_WORD}|(?=[₹$€£]))({_CURRENCY})\s?([-\u2212])?({AMOUNT})"
    rf"(?:{RANGE_DASH}{_CURRENCY}?\s?({AMOUNT}))?"
    rf"(?:\s?({_MAGNITUDE}|{_LAKH_SHORT}){NOT_BEFORE_LETTER})?(?:\s?/-)?"
)
_CURRENCY_LAST = re.compile(
    rf"{NOT_INSIDE_NUMBER}{RANGED}(?:\s?({_MAGNITUDE}){NOT_BEFORE_LETTER})?"
    rf"(?:\s?({_CURRENCY})(?![{LETTER}0-9]|\s[0-9])|\s?/-)"
)
_PERCENT = re.compile(rf"{SIGN}{NOT_INSIDE_NUMBER}({AMOUNT})(?:%?{RANGE_DASH}({AMOUNT}))?\s?%")
_DEGREES = re.compile(rf"{SIGN}{NOT_INSIDE_NUMBER}{RANGED}\s?°\s?C?{NOT_BEFORE_LETTER}")
_PER_UNIT = re.compile(
    rf"(?:(?<=[{LETTER}0-9])\s?/\s?|(?<![A-Za-z])per\s)({_UNIT}){NOT_BEFORE_LETTER}"
)
_MEASURE = re.compile(
    rf"{SIGN}{NOT_INSIDE_NUMBER}({AMOUNT})"
    rf"(?:\s?({_MAGNITUDE}){NOT_BEFORE_LETTER})?(?:\s?({_UNIT}){NOT_BEFORE_LETTER})?"
)
_BEFORE_NOUN = re.compile(rf"{SIGN}{NOT_INSIDE_NUMBER}({AMOUNT})(?=\s?(?:{NOUNS}))")
_ORDINAL = re.compile(rf"{NOT_INSIDE_NUMBER}([0-9]{{1,6}})({ORDINAL_ENDING}){NOT_BEFORE_LETTER}")
_FRACTION = re.compile(
    rf"{NOT_INSIDE_NUMBER}([0-9]{{1,3}}(?:\.[0-9]{{1,2}})?)/([0-9]{{1,3}})(?![0-9/]|[.,][0-9])"
    rf"(?:\s?({_UNIT}){NOT_BEFORE_LETTER})?"
)
_MIXED = re.compile(
    rf"{NOT_INSIDE_NUMBER}([1-9][0-9]{{0,2}})\s(1/2|1/4|3/4)(?![0-9/]|[.,][0-9])"
    rf"(?:\s?({_UNIT}){NOT_BEFORE_LETTER})?"
)
_QUARTERS = {"1/4": 1, "1/2": 2, "3/4": 3}
# "2h 30m": beside hours an m is no metre.
_HOURS = re.compile(
    rf"{NOT_INSIDE_NUMBER}([0-9]{{1,3}})\s?(h|hrs?)"
    rf"(?:\s?([0-9]{{1,2}})\s?(?:m|mins?)|(?<=h)([0-9]{{2}}))?(?![{LETTER}0-9])"
)
_PAISE = re.compile(r"(?<![A-Za-z0-9])(?<![0-9][.,/])([0-9]{1,2})p(?![A-Za-z0-9])")
_VERSION = re.compile(r"(?<![0-9.])[0-9]++(?:\.[0-9]++){2,}+")
_ONE_BY_ONE = re.compile(r"(?<![0-9])(?<![0-9][.,])(?:[0-9]{7,}+|0[0-9]++)(?![.,][0-9])")
_NUMBER = re.compile(rf"{SIGN}(?<![0-9])({AMOUNT})(\+(?=[\s.,)]|\Z))?")
_POINT_FIRST = re.compile(r"(?:(?<=\s)|\A)\.([0-9]{1,9})(?![0-9.])")
_LEFTOVER = re.compile(r"[0-9]+")


def _currency_first(match: re.Match[str], words: Vocabulary) -> str | None:
    currency = key_of(CURRENCIES, match[2])
    first, last = (match[4], match[5]) if match[5] else (None, match[4])
    spoken = _amount_of_money(first, last, match[6], currency or "", words)
    return amounts.signed(match[1] or match[3], spoken, words)


def _currency_last(match: re.Match[str], words: Vocabulary) -> str | None:
    currency = key_of(CURRENCIES, match[4]) if match[4] else "INR"
    first, last = (match[1], match[2]) if match[2] else (None, match[1])
    spoken = _amount_of_money(first, last, match[3], currency or "", words)
    return spoken + _full_stop(match)


def _full_stop(match: re.Match[str]) -> str:
    """The dot of "Rs." that also ends the sentence."""
    following = match.string[match.end() : match.end() + 2]
    ends = not following.strip() or (following[0].isspace() and following[1].isupper())
    return "." if match.group().endswith(".") and ends else ""


def _amount_of_money(
    first: str | None, last: str, magnitude: str | None, currency: str, words: Vocabulary
) -> str:
    if magnitude is None:
        return amounts.ranged(first, amounts.written_money(last, currency, words), words)
    key = "lakh" if magnitude == _LAKH_SHORT else key_of(MAGNITUDES, magnitude) or ""
    size = f"{amounts.before_a_unit(last, words)} {words.magnitudes[key]}"
    return amounts.ranged(first, f"{size} {words.currencies[currency].unit.many}", words)


def _percent(match: re.Match[str], words: Vocabulary) -> str | None:
    first, last = (match[2], match[3]) if match[3] else (None, match[2])
    spoken = amounts.ranged(first, amounts.with_unit(last, words.percent, words), words)
    return amounts.signed(match[1], spoken, words)


def _degrees(match: re.Match[str], words: Vocabulary) -> str | None:
    first, last = (match[2], match[3]) if match[3] else (None, match[2])
    spoken = amounts.ranged(first, amounts.with_unit(last, words.degrees, words), words)
    return amounts.signed(match[1], spoken, words)


def _per_unit(match: re.Match[str], words: Vocabulary) -> str | None:
    unit = words.units[key_of(UNITS, match[1]) or ""].one
    return f"{words.per} {unit}"


def _measure(match: re.Match[str], words: Vocabulary) -> str | None:
    sign, written, magnitude, unit = match.groups()
    if magnitude is None and unit is None:
        return None
    if magnitude is None:
        spoken = amounts.with_unit(written, words.units[key_of(UNITS, unit) or ""], words)
        return amounts.signed(sign, spoken, words)
    spoken = amounts.before_a_unit(written, words)
    spoken += f" {words.magnitudes[key_of(MAGNITUDES, magnitude) or '']}"
    if unit is not None:
        spoken += f" {words.units[key_of(UNITS, unit) or ''].many}"
    return amounts.signed(sign, spoken, words)


def _before_noun(match: re.Match[str], words: Vocabulary) -> str | None:
    return amounts.signed(match[1], amounts.before_a_unit(match[2], words), words)


# Which numbers take a Devanagari ending for an ordinal: "10ला" is "to ten", not a place.
_ENDING_OF = {"ल": (1,), "र": (2, 3), "ऱ": (2, 3), "थ": (4,), "ठ": (6,)}


def _ordinal(match: re.Match[str], words: Vocabulary) -> str | None:
    value, ending = int(match[1]), match[2].replace("\u200d", "")
    if ending.isascii():
        return words.ordinal(value, "")
    places = _ENDING_OF.get(ending[0])
    fits = value > 4 if places is None else value in places
    return words.ordinal(value, ending) if fits else None


def _fraction(match: re.Match[str], words: Vocabulary) -> str | None:
    top, bottom, unit = match.groups()
    if (top, bottom) == ("24", "7"):
        return words.around_the_clock
    spoken = words.fractions.get(f"{top}/{bottom}") or (
        f"{amounts.written_number(top, words)} {words.fraction_word} {words.cardinal(int(bottom))}"
    )
    return f"{spoken} {words.units[key_of(UNITS, unit) or ''].one}" if unit else spoken


def _mixed(match: re.Match[str], words: Vocabulary) -> str | None:
    whole, quarters = int(match[1]), _QUARTERS[match[2]]
    spoken = words.mixed(whole, quarters)
    if not match[3]:
        return spoken
    is_one = whole == 1 and quarters < 3 and words.is_one("1.5")
    return f"{spoken} {words.units[key_of(UNITS, match[3]) or ''].after(is_one)}"


def _hours(match: re.Match[str], words: Vocabulary) -> str | None:
    minutes = match[3] or match[4]
    if minutes is None and match[2] != "h":
        return None
    spoken = amounts.with_unit(match[1], words.units["hour"], words)
    if minutes is None:
        return spoken
    return f"{spoken} {amounts.with_unit(str(int(minutes)), words.units['minute'], words)}"


def _paise(match: re.Match[str], words: Vocabulary) -> str | None:
    noun = words.currencies["INR"].hundredth
    return amounts.with_unit(str(int(match[1])), noun, words)


def _version(match: re.Match[str], words: Vocabulary) -> str | None:
    return f" {words.point} ".join(_short(part, words) for part in match.group().split("."))


def _short(run: str, words: Vocabulary) -> str:
    """By size up to six digits, one by one if longer or with a zero in front."""
    if len(run) > 6 or (run[0] == "0" and len(run) > 1):
        return amounts.one_by_one(run, words)
    return words.cardinal(int(run))


def _one_by_one(match: re.Match[str], words: Vocabulary) -> str | None:
    return amounts.one_by_one(match.group(), words)


def _number(match: re.Match[str], words: Vocabulary) -> str | None:
    spoken = amounts.signed(match[1], amounts.written_number(match[2], words), words)
    return f"{spoken} {words.plus}" if match[3] else spoken


def _point_first(match: re.Match[str], words: Vocabulary) -> str | None:
    return f"{words.point} {' '.join(words.digits[int(digit)] for digit in match[1])}"


def _leftover(match: re.Match[str], words: Vocabulary) -> str | None:
    return _short(match.group(), words)


MONEY = (
    Rule(_CURRENCY_FIRST, _currency_first),
    Rule(_CURRENCY_LAST, _currency_last),
    Rule(_PAISE, _paise),
)
PERCENTAGES = (Rule(_PERCENT, _percent), Rule(_DEGREES, _degrees), Rule(_PER_UNIT, _per_unit))
MEASURES = (
    Rule(_HOURS, _hours),
    Rule(_MIXED, _mixed),
    Rule(_FRACTION, _fraction),
    Rule(_ORDINAL, _ordinal),
    Rule(_MEASURE, _measure),
    Rule(_BEFORE_NOUN, _before_noun, takes_endings=True),
)
NUMBERS = (
    Rule(_VERSION, _version),
    Rule(_POINT_FIRST, _point_first, takes_endings=True),
    Rule(_ONE_BY_ONE, _one_by_one, takes_endings=True),
    Rule(_NUMBER, _number, takes_endings=True),
    Rule(_LEFTOVER, _leftover, takes_endings=True),
)
