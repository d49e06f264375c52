"""Weekdays, months and days of the month in a text, so that a date that is about to be said can be
compared with what is known; pure."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_INDIAN_DAYS = (
    "सोमवार|somvaa?r|somwaa?r", "मंगलवार|मंगळवार|mangalvaa?r|mangalwaa?r",
    "बुधवार|budhvaa?r|budhwaa?r",
    "गुरुवार|गुरूवार|guruvaa?r|guruwaa?r", "शुक्रवार|shukravaa?r|shukrawaa?r",
    "शनिवार|shanivaa?r|shaniwaa?r", "रविवार|इतवार|ravivaa?r|raviwaa?r|itvaa?r",
)  # fmt: skip
_INDIAN_MONTHS = (
    "जनवरी|जानेवारी", "फ़रवरी|फरवरी|फेब्रुवारी", "मार्च", "अप्रैल|एप्रिल", "", "जून", "जुलाई|जुलै", "अगस्त|ऑगस्ट",
    "सितंबर|सितम्बर|सप्टेंबर", "अक्टूबर|अक्तूबर|ऑक्टोबर", "नवंबर|नवम्बर|नोव्हेंबर", "दिसंबर|दिसम्बर|डिसेंबर",
)  # fmt: skip

_IN_WORDS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINALS = {
    word: number
    for number, word in enumerate(
        f"{_IN_WORDS} thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
        " twentieth".split(),
        1,
    )
} | {"thirtieth": 30}
_ONES = "|".join(tuple(_ORDINALS)[:9])
_FEW = "|".join(tuple(_ORDINALS)[:4])  # "the second way" is no date
_MORE = "|".join(tuple(_ORDINALS)[4:])
_MONTH = "|".join(MONTHS)
_TENS = re.compile(rf"\b(twenty|thirty)[ -]({_ONES})\b", re.I)
_AFTER_THE = re.compile(
    rf"\b((?:on|by|till|until|before|from|after|since|and|to) the )"
    rf"({_MORE}|(?:{_FEW})(?=\s*(?:[.!?,;।]|$)))",
    re.I,
)
_BESIDE_MONTH = re.compile(
    rf"\b({_FEW}|{_MORE})(?=(?: of)? (?:{_MONTH})\b)"
    rf"|\b({_MONTH}) (?:the )?({_FEW}|{_MORE})\b",
    re.I,
)

_DAY_NAMES = tuple(
    re.compile(rf"\b{day}s?\b|{other}", re.I)
    for day, other in zip(WEEKDAYS, _INDIAN_DAYS, strict=True)
)
_MONTH_NAMES = tuple(
    re.compile(
        (r"\b(?:in|of|\d(?:st|nd|rd|th)?) may\b|\bmay \d" if name == "may" else rf"\b{name}\b")
        + (f"|{other}" if other else ""),
        re.I,
    )
    for name, other in zip(MONTHS, _INDIAN_MONTHS, strict=True)
)
_SHORT_DAYS = tuple(re.compile(rf"\b{day[:3]}(?:s|rs|urs|nes)?\b", re.I) for day in WEEKDAYS)
_SHORT_MONTHS = tuple(re.compile(rf"\b{name[:3]}t?\b", re.I) for name in MONTHS)
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_A_DAY = "(?:" + "|".join(f"{day[:3]}[a-z]*" for day in WEEKDAYS) + ")"
_SPAN = re.compile(rf"\b({_A_DAY})\s*(?:to|till|until|through|-|–|se|से|ते)\s*({_A_DAY})\b", re.I)
_EVERY_DAY = re.compile(
    r"\b(?:every ?day|daily|all days|(?:day|days) (?:of|in) (?:the|a) week|all week|seven days"
    r"|24 ?[x/] ?7)\b|हर दिन|रोज़|रोज|दररोज",
    re.I,
)


def with_day_numbers(text: str) -> str:
    """The text with its days of the month in digits: "by the twelfth" is "by the 12th"."""
    text = _TENS.sub(_compound, text)
    text = _AFTER_THE.sub(lambda m: f"{m[1]}{_ORDINALS[m[2].lower()]}th", text)
    return _BESIDE_MONTH.sub(_numbered, text)


def _compound(match: re.Match[str]) -> str:
    tens = 20 if match[1].lower() == "twenty" else 30
    return f"{tens + _ORDINALS[match[2].lower()]}th"


def _numbered(match: re.Match[str]) -> str:
    if match[1]:
        return f"{_ORDINALS[match[1].lower()]}th"
    return f"{match[2]} {_ORDINALS[match[3].lower()]}th"


@lru_cache(maxsize=2048)
def days_said(text: str) -> frozenset[str]:
    """The weekdays and months that a text names, in English."""
    named = zip((*WEEKDAYS, *MONTHS), (*_DAY_NAMES, *_MONTH_NAMES), strict=True)
    return frozenset(name for name, pattern in named if pattern.search(text))


@lru_cache(maxsize=2048)
def days_known(text: str) -> frozenset[str]:
    """The weekdays and months that follow from a text: also those of "Mon-Sat" and 2025-03-14."""
    return frozenset((*days_said(text), *_following(text)))


def _following(text: str) -> Iterator[str]:
    short = zip((*WEEKDAYS, *MONTHS), (*_SHORT_DAYS, *_SHORT_MONTHS), strict=True)
    yield from (name for name, pattern in short if pattern.search(text))
    if _EVERY_DAY.search(text):
        yield from WEEKDAYS
    if re.search(r"\b(?:weekdays|working days)\b", text, re.I):
        yield from WEEKDAYS[:5]
    if re.search(r"\bweekends?\b", text, re.I):
        yield from WEEKDAYS[5:]
    for match in _SPAN.finditer(text):
        first, last = _place(match[1]), _place(match[2])
        yield from (WEEKDAYS[at % 7] for at in range(first, last + 1 + 7 * (last < first)))
    for match in _DATE.finditer(text):
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            continue
        yield from (MONTHS[day.month - 1], WEEKDAYS[day.weekday()])


def _place(name: str) -> int:
    return next(at for at, day in enumerate(WEEKDAYS) if day[:3] == name[:3].lower())
