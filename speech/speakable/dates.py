"""Dates and times of the day in a text."""

import re
from datetime import date

from speech.speakable import amounts, identifiers
from speech.speakable.patterns import (
    DAY_PART,
    LETTER,
    MONTHS,
    NOT_AFTER_WORD,
    NOT_BEFORE_LETTER,
    O_CLOCK,
    RANGE_DASH,
)
from speech.speakable.rule import Rule
from speech.speakable.vocabulary import Vocabulary

_MONTH = f"(?:{'|'.join(MONTHS)})"
_TH = "(?:st|nd|rd|th)?"
_YEAR = r"[12][0-9]{3}(?![0-9]|[.,:][0-9])"
_ANY_LEAP_YEAR = 2000
_ALSO_WORDS = ("may", "mar", "march")

_YEAR_FIRST = re.compile(
    rf"(?<![{LETTER}0-9])(?<![0-9][-/])([0-9]{{4}})([-/])([0-9]{{1,2}})\2([0-9]{{1,2}})(?![0-9])"
    r"(?:T(?=[0-9]{2}:))?"
)
_DAY_FIRST = re.compile(
    rf"(?<![{LETTER}0-9])(?<![0-9][-/.])([0-9]{{1,2}})([-/.])([0-9]{{1,2}})\2"
    r"([0-9]{4}|[0-9]{2})(?![0-9]|[-/.][0-9])"
)
_DAY_MONTH = re.compile(
    rf"{NOT_AFTER_WORD}(?:([0-9]{{1,2}}){_TH}{RANGE_DASH})?([0-9]{{1,2}}){_TH}[\s-]?(?:of\s)?"
    rf"({_MONTH})(?:\.(?=\s?,?\s?[12][0-9]{{3}}))?{NOT_BEFORE_LETTER}"
    rf"(?:,?[\s-]?({_YEAR}))?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"{NOT_AFTER_WORD}({_MONTH})\.?\s([0-9]{{1,2}}){_TH}(?![{LETTER}0-9%/:]|[.,:-][0-9])"
    rf"(?:,?\s({_YEAR}))?",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(
    rf"{NOT_AFTER_WORD}({_MONTH})(?:[\s-]|,\s)({_YEAR})(?![-/][0-9])", re.IGNORECASE
)


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month_named(name: str) -> int | None:
    """1..12; None for "may" and "mar" in small letters, which are mostly other words."""
    if name in _ALSO_WORDS:
        return None
    return next(
        month
        for month, names in enumerate(MONTHS, start=1)
        if re.fullmatch(names, name, re.IGNORECASE)
    )


def _year_first(match: re.Match[str], words: Vocabulary) -> str | None:
    year, month, day = int(match[1]), int(match[3]), int(match[4])
    found = _date_or_none(year, month, day)
    if found is None:  # 2026-02-30: no day of the calendar, so read as it stands
        return identifiers.one_by_one(f"{match[1]}-{match[3]}-{match[4]}", words)
    return amounts.spoken_date(found, words, with_year=True)


def _day_first(match: re.Match[str], words: Vocabulary) -> str | None:
    if match[2] == "." and len(match[4]) == 2:
        return None
    day, month, year = int(match[1]), int(match[3]), int(match[4])
    if len(match[4]) == 2:
        year += 2000
    # Day first, as India writes; 11/20/2026 can only be the American order.
    found = _date_or_none(year, month, day) or _date_or_none(year, day, month)
    return found and amounts.spoken_date(found, words, with_year=True)


def _named(day: str, month_name: str, year: str | None, words: Vocabulary) -> str | None:
    month = _month_named(month_name)
    if month is None:
        return None
    found = _date_or_none(int(year or _ANY_LEAP_YEAR), month, int(day))
    return found and amounts.spoken_date(found, words, with_year=year is not None)


def _day_month(match: re.Match[str], words: Vocabulary) -> str | None:
    spoken = _named(match[2], match[3], match[4], words)
    if spoken is None or match[1] is None:
        return spoken
    if not 1 <= int(match[1]) <= 31:
        return None
    return f"{words.day(int(match[1]))} {words.range_word} {spoken}"


def _month_day(match: re.Match[str], words: Vocabulary) -> str | None:
    return _named(match[2], match[1], match[3], words)


def _month_year(match: re.Match[str], words: Vocabulary) -> str | None:
    month = _month_named(match[1])
    return f"{words.months[month - 1]} {words.year(int(match[2]))}" if month else None


DATES = (
    Rule(_YEAR_FIRST, _year_first, takes_endings=True),
    Rule(_DAY_FIRST, _day_first, takes_endings=True),
    Rule(_DAY_MONTH, _day_month, takes_endings=True),
    Rule(_MONTH_DAY, _month_day, takes_endings=True),
    Rule(_MONTH_YEAR, _month_year, takes_endings=True),
)

_BEFORE = rf"(?:(?<![{LETTER}])({DAY_PART})\s|(?<![{LETTER}0-9:])(?<![0-9]\.))"
_AM_PM = re.compile(
    rf"{_BEFORE}([0-9]{{1,2}})(?:[:.]([0-9]{{2}}))?(?::[0-9]{{2}})?"
    r"\s?([AaPp])\.?\s?[Mm](?:\.(?!\s*\Z|\s+[A-Z]))?(?![A-Za-z])"
)
_HOURS_MINUTES = re.compile(
    rf"{_BEFORE}([0-9]{{1,2}}):([0-9]{{2}})(?::[0-9]{{2}})?(?![0-9]|:[0-9])"
    rf"(?:\s?({O_CLOCK}|hrs?(?![A-Za-z])|hours?(?![A-Za-z])))?"
)
_DOTTED_O_CLOCK = re.compile(rf"{_BEFORE}([0-9]{{1,2}})\.([0-9]{{2}})\s?({O_CLOCK})")


def _am_pm(match: re.Match[str], words: Vocabulary) -> str | None:
    day_part, hour, minute = match[1], int(match[2]), int(match[3] or 0)
    if not 1 <= hour <= 23 or minute > 59:
        return None
    if hour <= 12:
        hour = hour % 12 + (12 if match[4] in "Pp" else 0)
    return _said(day_part, hour, minute, True, "", words)


def _hours_minutes(match: re.Match[str], words: Vocabulary) -> str | None:
    hour, minute, word = int(match[2]), int(match[3]), match[4] or ""
    if (hour, minute) == (24, 0):  # the end of the day
        hour = 0
    if hour > 23 or minute > 59:
        return None
    # 7:30 may be morning or evening; 19:30 and 0:30 can't be both.
    is_clear = hour >= 13 or hour == 0
    return _said(match[1], hour, minute, is_clear, "" if word.isascii() else word, words)


def _said(
    day_part: str | None, hour: int, minute: int, is_clear: bool, word: str, words: Vocabulary
) -> str:
    spoken = words.clock.say(hour, minute, is_clear and day_part is None, word)
    return f"{day_part} {spoken}" if day_part else spoken


TIMES = (
    Rule(_AM_PM, _am_pm),
    Rule(_HOURS_MINUTES, _hours_minutes),
    Rule(_DOTTED_O_CLOCK, _hours_minutes),
)
