"""English as it is counted in India.

Numbers are num2words' `en_IN`, checked against our own tables: right in lakh and crore up to
its limit of 10**10, which `_cardinal` lifts by saying the crores first. We drop its commas,
as an engine pauses at each and the number falls apart.
"""

from collections.abc import Callable
from typing import cast

import num2words

from speech.speakable.vocabulary import Clock, Counted, Currency, Vocabulary

_CRORE = 10**7
_num2words = cast(Callable[..., str], num2words.num2words)


def _words(value: int, to: str) -> str:
    return _num2words(value, lang="en_IN", to=to).replace(",", "")


def _cardinal(value: int) -> str:
    crores, rest = divmod(value, _CRORE)
    if not crores:
        return _words(value, "cardinal")
    head = f"{_cardinal(crores)} crore"
    if not rest:
        return head
    joint = " and " if rest < 100 else " "
    return f"{head}{joint}{_words(rest, 'cardinal')}"


def _ordinal(value: int, ending: str) -> str:
    del ending  # English ordinals don't inflect
    return _words(value, "ordinal") if value < _CRORE else f"{_cardinal(value)}th"


def _year(value: int) -> str:
    return _words(value, "year").replace("oh-", "oh ")


def _day(value: int) -> str:
    return _words(value, "ordinal")


def _clock(hour: int, minute: int, with_day_part: bool, word: str) -> str:
    del word
    if with_day_part and minute == 0 and hour in (0, 12):
        return "twelve noon" if hour else "twelve midnight"
    spoken = _words(hour % 12 or 12, "cardinal")
    if minute:
        spoken += f" {'oh ' if minute < 10 else ''}{_words(minute, 'cardinal')}"
    if with_day_part:
        # "AM" in one piece: "A M" is read as the article and an M.
        return f"{spoken} {'AM' if hour < 12 else 'PM'}"
    return spoken if minute else f"{spoken} o'clock"


def _no_half(whole: int) -> str | None:
    del whole
    return None


def _mixed(whole: int, quarters: int) -> str:
    return f"{_cardinal(whole)} and {('a quarter', 'a half', 'three quarters')[quarters - 1]}"


def _is_one(written: str) -> bool:
    return written == "1"


_TITLE = r"(?<![A-Za-z]){}(?:\.(?=\s)|(?=\s+[A-Z]))"
_DOTTED = r"(?<![A-Za-z]){}\."
# The full stop of an abbreviation that ends its sentence stays.
_FREE = r"(?<![A-Za-z]){}(?:\.(?!\s*\Z|\s+[A-Z])|(?![A-Za-z]))"

VOCABULARY = Vocabulary(
    code="en",
    digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    letters={letter: letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    cardinal=_cardinal,
    ordinal=_ordinal,
    year=_year,
    day=_day,
    months=(
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
    clock=Clock(_clock),
    and_a_half=_no_half,
    mixed=_mixed,
    is_one=_is_one,
    point="point",
    minus="minus",
    plus="plus",
    star="star",
    hash_key="hash",
    range_word="to",
    fraction_word="by",
    fractions={"1/2": "half", "1/4": "one quarter", "3/4": "three quarters"},
    number_sign="number",
    per="per",
    percent=Counted("percent", "percent"),
    degrees=Counted("degree Celsius", "degrees Celsius"),
    around_the_clock="twenty-four seven",
    currencies={
        "INR": Currency(Counted("rupee", "rupees"), Counted("paisa", "paise")),
        "USD": Currency(Counted("dollar", "dollars"), Counted("cent", "cents")),
        "EUR": Currency(Counted("euro", "euros"), Counted("cent", "cents")),
        "GBP": Currency(Counted("pound", "pounds"), Counted("penny", "pence")),
    },
    joins_hundredths=" and ",
    magnitudes={
        "thousand": "thousand",
        "lakh": "lakh",
        "crore": "crore",
        "million": "million",
        "billion": "billion",
    },
    units={
        "minute": Counted("minute", "minutes"),
        "hour": Counted("hour", "hours"),
        "second": Counted("second", "seconds"),
        "kilometre": Counted("kilometre", "kilometres"),
        "metre": Counted("metre", "metres"),
        "centimetre": Counted("centimetre", "centimetres"),
        "millimetre": Counted("millimetre", "millimetres"),
        "kilogram": Counted("kilogram", "kilograms"),
        "gram": Counted("gram", "grams"),
        "milligram": Counted("milligram", "milligrams"),
        "litre": Counted("litre", "litres"),
        "millilitre": Counted("millilitre", "millilitres"),
        "piece": Counted("piece", "pieces"),
        "kmph": Counted("kilometre per hour", "kilometres per hour"),
        "gigabyte": Counted("gigabyte", "gigabytes"),
        "megabyte": Counted("megabyte", "megabytes"),
    },
    abbreviations=(
        (_TITLE.format("Dr"), "Doctor"),
        (_TITLE.format("Mr"), "Mister"),
        (_TITLE.format("Mrs"), "Missus"),
        (_TITLE.format("Ms"), "Miz"),
        (_TITLE.format("Prof"), "Professor"),
        (_TITLE.format("Smt"), "Shrimati"),
        # "MG St." is a street, "St. Mary's" a saint: a name before it decides.
        (r"(?<=[A-Za-z] )St(?:\.|(?![A-Za-z.]))(?!\s+[A-Z])", "Street"),
        (r"(?<![A-Za-z])St\.?(?=\s+[A-Z])", "Saint"),
        (r"(?<=[A-Za-z] )Rd(?:\.|(?![A-Za-z]))", "Road"),
        (r"(?<=[A-Za-z] )Ave(?:\.|(?![A-Za-z]))", "Avenue"),
        (r"(?<![A-Za-z])(?:[Nn]o|NO)\.(?=\s?[0-9#])", "number"),
        (r"(?<![A-Za-z])(?:[Nn]os|NOS)\.(?=\s?[0-9#])", "numbers"),
        (_DOTTED.format("[Pp]vt"), "Private"),
        (_FREE.format("Ltd"), "Limited"),
        (_DOTTED.format("[Dd]ept"), "department"),
        (_DOTTED.format("[Gg]ovt"), "government"),
        (_DOTTED.format("[Aa]pt"), "apartment"),
        (_DOTTED.format("[Bb]ldg"), "building"),
        (_DOTTED.format("[Ee]xt"), "extension"),
        (_DOTTED.format("[Mm]ax"), "maximum"),
        (r"(?<![A-Za-z0-9])(?<![0-9]\s)[Mm]in\.", "minimum"),  # "10 min." is minutes
        (_DOTTED.format("[Ii]ncl"), "including"),
        (_DOTTED.format("[Qq]ty"), "quantity"),
        (_DOTTED.format("[Aa]mt"), "amount"),
        (_FREE.format("[Aa]pprox"), "approximately"),
        (_FREE.format("[Ee]tc"), "et cetera"),
        (r"(?<![A-Za-z])vs(?:\.|(?![A-Za-z]))", "versus"),
        (r"(?<![A-Za-z])e\.g\.", "for example"),
        (r"(?<![A-Za-z])i\.e\.", "that is"),
        (r"(?<![A-Za-z])w/o(?![A-Za-z])", "without"),
        (r"(?<![A-Za-z])w/(?=\s)", "with"),
        # Read as the fish otherwise.
        (r"(?<![A-Za-z])COD(?![A-Za-z])", "cash on delivery"),
        (r"(?<=\s)&(?=\s)", "and"),
    ),
)
