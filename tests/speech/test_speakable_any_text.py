"""What holds for every text and every number, in all three languages."""

import re
import unicodedata
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import LanguageUnsupported
from speech.speakable import (
    LANGUAGES,
    calendar_date,
    clock_time,
    digits,
    money,
    number,
    ordinal,
    speakable,
)

languages = st.sampled_from(sorted(LANGUAGES))
# What texts for calls are made of, in any order: finds what meets badly.
FRAGMENTS = """
₹ Rs. रु. 12 1,250 .50 - – / % am PM बजे वाजता Nov 2026 ORD # +91 98765 0 km min lakh Dr. No.
A x st ला वी °C : 30 ½ १२ * $ L k ( ) , Rao शाम id 7 /- 1ला
"""
fragments = st.sampled_from([*FRAGMENTS.split(), " ", "  ", "\n"])
texts = st.one_of(st.text(max_size=60), st.lists(fragments, max_size=16).map("".join))

SENTENCES = [
    "Order ORD-4512 of ₹1,250.50 by 19:30 on 20/11/2026, call +91 98765 43210. 12.5% off, etc.",
    "ऑर्डर नंबर 4521, रु. 1.5 लाख, शाम 7:30 बजे, 20 नवंबर 2026 को, 10वीं मंज़िल, डॉ. शर्मा, 2.5 km",
    "ऑर्डर क्र. 4521, ₹५००, 7:05 वाजता, 20 नोव्हेंबरला, 2रा मजला, 10-15 मिनिटांत, नं.5, 12.5%",
]
PLAIN = [
    'Hello, this is an automated call. Press any key: yes/no? (Thank you!) R&D, and/or "so on"...',
    "नमस्ते, यह एक स्वचालित कॉल है। क्या आप ऑर्डर स्वीकार करते हैं?",
    "नमस्कार, हा एक स्वयंचलित कॉल आहे. तुम्ही ऑर्डर स्वीकारता का?",
    "  two  spaces\tand a\nline stay ",
    "",
]


@given(texts, languages)
def test_any_text_becomes_words_without_digits(text: str, language: str) -> None:
    assert not any(character.isdecimal() for character in speakable(text, language))
    assert not any(character.isdecimal() for character in digits(text, language))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_is_left_alone(text: str, language: str) -> None:
    assert speakable(text, language) == text


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("text", SENTENCES)
def test_what_was_made_speakable_stays_as_it_is(text: str, language: str) -> None:
    once = speakable(text, language)
    assert once != text
    assert speakable(once, language) == once


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1.",
        "1-",
        "1/",
        "1 ",
        "A-",
        "A1-",
        "₹1,",
        "12:",
        "+1 11 ",
        "etc. ",
        "# ",
        " ",
        "अ",
    ],
)
def test_a_long_text_costs_time_in_proportion(piece: str) -> None:
    text = piece * 20_000  # minutes if any pattern were quadratic
    assert speakable(text, "hi")
    assert isinstance(digits(text, "hi"), str)


@pytest.mark.parametrize("language", ["fr", "", "english", "h"])
def test_an_unknown_language_is_refused_by_name(language: str) -> None:
    with pytest.raises(LanguageUnsupported, match="en, hi, mr"):
        speakable("12", language)
    with pytest.raises(LanguageUnsupported, match=re.escape(repr(language))):
        number(12, language)


def test_a_region_is_ignored() -> None:
    assert speakable("12", "en-IN") == "twelve"
    assert speakable("12", "hi_IN") == "बारह"


SCALES = {
    "en": {"crore": 10**7, "lakh": 10**5, "thousand": 1000, "hundred": 100},
    "hi": {"करोड़": 10**7, "लाख": 10**5, "हज़ार": 1000, "सौ": 100},
    "mr": {"कोटी": 10**7, "लाख": 10**5, "हजार": 1000},
}


def _value_of(spoken: str, language: str) -> int:
    """The number that somebody hears; knows only the hundred names and the scales."""
    names = {number(value, language): value for value in range(100)}
    if language == "mr":
        names |= {f"{number(value, 'mr')}शे": value * 100 for value in range(1, 10)}
        names["शंभर"] = 100
    total = below = 0
    for word in spoken.replace(" and ", " ").split():
        scale = SCALES[language].get(word)
        if scale is None:
            below += names[word]
        elif scale == 10**7:
            total, below = (total + below) * scale, 0
        elif scale == 100:
            below *= scale
        else:
            total, below = total + below * scale, 0
    return total + below


@given(st.integers(0, 10**9) | st.integers(0, 10**12), languages)
def test_what_is_heard_is_the_number_that_was_meant(value: int, language: str) -> None:
    assert _value_of(number(value, language), language) == value


@given(st.integers(0, 10**12), languages)
def test_grouping_commas_do_not_change_what_is_heard(value: int, language: str) -> None:
    assert speakable(f"{value:,}", language) == number(value, language)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_hundred_names_are_different_and_written_in_one_way(language: str) -> None:
    names = [number(value, language) for value in range(100)]
    assert len(set(names)) == 100
    assert all(unicodedata.normalize("NFC", name) == name for name in names)
    assert all(" " not in name for name in names)


DIGITS = [
    ("4521", "en", "four five two one"),
    ("4521", "hi", "चार पांच दो एक"),
    ("4521", "mr", "चार पाच दोन एक"),
    ("४५२१", "mr", "चार पाच दोन एक"),
    ("ORD-4512", "en", "O R D, four five one two"),
    ("ord-4512", "hi", "ओ आर डी, चार पांच एक दो"),
    ("WXYZ", "mr", "डब्ल्यू एक्स वाय झेड"),
    ("A1", "en", "A, one"),
    ("AB", "en", "A-B"),
    ("411 001", "en", "four one one, zero zero one"),
    ("+91 98765 43210", "en", "plus nine one, nine eight seven six five, four three two one zero"),
    ("9876543210", "en", "nine eight seven six five, four three two one zero"),
    ("1234567", "en", "one two three four, five six seven"),
    ("123456789", "en", "one two three, four five six, seven eight nine"),
    ("1234567890123", "en", "one two three four, five six seven eight, nine zero one two three"),
    ("12.50", "en", "one two, five zero"),
    ("*9", "en", "star, nine"),
    ("अ-12", "hi", "अ, एक दो"),
    ("", "en", ""),
    (" -/. ", "en", ""),
]


@pytest.mark.parametrize(("text", "language", "heard"), DIGITS)
def test_digits_are_read_one_by_one(text: str, language: str, heard: str) -> None:
    assert digits(text, language) == heard


def test_numbers_keep_their_sign_and_decimals() -> None:
    assert number(Decimal("-12.50"), "en") == "minus twelve point five zero"
    assert number(Decimal("1E+3"), "hi") == "एक हज़ार"
    assert number(-1, "mr") == "उणे एक"
    assert number(125 * 10**7, "en") == "one hundred and twenty-five crore"
    assert number(10**10 + 5, "en") == "one thousand crore and five"
    assert number(10**15, "en").startswith("one zero zero zero, ")


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+999999")])
def test_a_number_that_nobody_could_hear_is_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="cannot be spoken"):
        number(value, "en")
    with pytest.raises(ValueError, match="cannot be spoken"):
        money(value, "INR", "en")


def test_money_names_the_currency() -> None:
    assert money(Decimal("1250.5"), "INR", "en") == (
        "one thousand two hundred and fifty rupees and fifty paise"
    )
    assert money(Decimal("-2"), "inr", "hi") == "माइनस दो रुपये"
    assert money(1, "INR", "mr") == "एक रुपया"
    assert money(Decimal("1.5"), "USD", "hi") == "एक डॉलर पचास सेंट"
    assert money(5, "SGD", "en") == "five S G D"


def test_ordinals_of_dates_and_places() -> None:
    assert [ordinal(n, "en") for n in (1, 12, 40, 101)] == [
        *("first", "twelfth", "fortieth", "one hundred and first"),
    ]
    assert [ordinal(n, "hi") for n in (1, 4, 5, 6)] == ["पहला", "चौथा", "पांचवां", "छठा"]
    assert [ordinal(n, "mr") for n in (1, 8, 9, 60)] == ["पहिला", "आठवा", "नववा", "साठावा"]
    with pytest.raises(ValueError, match="no spoken ordinal"):
        ordinal(0, "en")


def test_a_known_time_always_says_its_part_of_the_day() -> None:
    assert clock_time(time(7, 30), "en") == "seven thirty AM"
    assert clock_time(time(7, 30), "hi") == "सुबह साढ़े सात बजे"
    assert clock_time(time(23, 45), "mr") == "रात्री पावणेबारा वाजता"


def test_a_known_date_is_said_day_first() -> None:
    assert calendar_date(date(2026, 11, 20), "en") == "twentieth November twenty twenty-six"
    assert calendar_date(date(2026, 11, 20), "hi", with_year=False) == "बीस नवंबर"
    assert calendar_date(date(1998, 1, 1), "mr") == "एक जानेवारी एकोणीसशे अठ्ठ्याण्णव"
