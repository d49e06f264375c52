"""From text as it is written to words that can be spoken, in English, Hindi and Marathi.

Pure: no engine, no clock, no framework. `speakable` takes any text and never fails on it; the
others say one thing that the caller knows to be a number, an amount, a time or a date.

    speakable("₹1,250.50", "en")    one thousand two hundred and fifty rupees and fifty paise
    digits("ORD-4512", "hi")        ओ आर डी, चार पांच एक दो

Layout: `rules.py` finds what has to be said differently, `amounts.py` builds it, and
`english.py`, `hindi.py` and `marathi.py` know the words (`vocabulary.py` says which).
"""

from datetime import date, time
from decimal import Decimal

from speech.errors import LanguageUnsupported
from speech.speakable import amounts, english, hindi, identifiers, marathi, rules
from speech.speakable.vocabulary import Vocabulary

_VOCABULARIES = {
    words.code: words for words in (english.VOCABULARY, hindi.VOCABULARY, marathi.VOCABULARY)
}

LANGUAGES = frozenset(_VOCABULARIES)
"""The ISO 639-1 codes that can be made speakable."""


def _vocabulary(language: str) -> Vocabulary:
    words = _VOCABULARIES.get(language.replace("_", "-").partition("-")[0].lower())
    if words is None:
        raise LanguageUnsupported(
            f"no words for language {language!r}: speakable knows {', '.join(sorted(LANGUAGES))}"
        )
    return words


def speakable(text: str, language: str) -> str:
    """`text` with its numbers, money, times, dates, ids and abbreviations in words.

    `language` is ISO 639-1, a region is ignored ("en-IN"). Text without any comes back as it
    was, and so does what this function returned. Dates are day first (20/11/2026); a time over
    12:59 or with am or pm is said with its part of the day; seven digits or more are read one
    by one, fewer by their size. Where that is not meant, the writer uses `digits` or `number`.

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
    """
    return rules.spoken(text, _vocabulary(language))


def digits(text: str, language: str) -> str:
    """`text` read one by one: digits and letters by name, separators as pauses.

    "4521" is "four five two one", "ORD-4512" "O R D, four five one two", "*" is "star". Runs of
    more than six digits get pauses where people make them (98765 43210). Letters of other
    scripts stay as they are.

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
    """
    return identifiers.one_by_one(rules.with_ascii_digits(text), _vocabulary(language))


def number(value: int | Decimal, language: str) -> str:
    """A number by its size, in lakh and crore; decimals one by one, as many as `value` has.

    Over fifteen digits it is read one by one.

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
        ValueError: `value` is not finite, or has over 40 digits before or after the point.
    """
    words = _vocabulary(language)
    is_negative, written = amounts.plain(value)
    spoken = amounts.written_number(written, words)
    return f"{words.minus} {spoken}" if is_negative else spoken


def money(amount: int | Decimal, currency: str, language: str) -> str:
    """An amount in `currency` (ISO 4217, "INR"), with paise or cents.

    An amount in more than hundredths keeps its decimals; a currency without a name here is
    spelled after the number.

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
        ValueError: `amount` is not finite, or has over 40 digits before or after the point.
    """
    words = _vocabulary(language)
    is_negative, written = amounts.plain(amount)
    spoken = amounts.written_money(written, currency.upper(), words)
    return f"{words.minus} {spoken}" if is_negative else spoken


def ordinal(value: int, language: str) -> str:
    """A place in an order: "first", "पहला", "पहिला" (masculine).

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
        ValueError: `value` is not in 1..10**15 - 1.
    """
    words = _vocabulary(language)
    if not 1 <= value < 10**amounts.LONGEST_NUMBER_DIGITS:
        raise ValueError(f"{value} has no spoken ordinal: give one from 1 to 10**15 - 1")
    return words.ordinal(value, "")


def clock_time(value: time, language: str) -> str:
    """A time of the day with its part of the day; seconds are not said.

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
    """
    return _vocabulary(language).clock.say(value.hour, value.minute, True, "")


def calendar_date(value: date, language: str, *, with_year: bool = True) -> str:
    """A date, day first: "twentieth November twenty twenty-six".

    Raises:
        LanguageUnsupported: no vocabulary for `language`.
    """
    return amounts.spoken_date(value, _vocabulary(language), with_year=with_year)


__all__ = [
    "LANGUAGES",
    "calendar_date",
    "clock_time",
    "digits",
    "money",
    "number",
    "ordinal",
    "speakable",
]
