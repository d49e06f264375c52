"""Telephone numbers in the ways that they are written."""

import pytest

from bot.phone_numbers import as_dialled, e164


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+918047491899", "+918047491899"),
        ("08047491899", "+918047491899"),
        ("8047491899", "+918047491899"),
        ("00918047491899", "+918047491899"),
        (" (080) 4749-1899 ", "+918047491899"),
        ("+1 415 555 0100", "+14155550100"),
        ("98765 43210", "+919876543210"),
        ("098765-43210", "+919876543210"),
        ("919876543210", "+919876543210"),
        ("+919876543210", "+919876543210"),
        ("1800 123 4567", "+9118001234567"),
        ("1860 1234 567", "+9118601234567"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+290 2 1234", "+29021234"),
        ("12345", None),
        ("987654321", None),
        ("98765432100", None),
        ("+91987654321", None),
        ("+1415555010", None),
        ("+1 415 555 01000", None),
        ("+4420794", None),
        ("+1234567890123456", None),
        ("00", None),
        ("", None),
        ("browser", None),
        ("sip:desk@example.com", None),
        ("12", None),
        ("+0123456789", None),
        ("+९१८०४७४९१८९९", None),
    ],
)
def test_a_number_is_the_same_however_it_is_written(written: str, meant: str | None) -> None:
    assert e164(written, "91") == meant


def test_a_number_without_a_country_is_one_of_the_country_that_is_set() -> None:
    assert e164("415 555 0100", "1") == "+14155550100"
    assert e164("020 7946 0958", "44") == "+442079460958"
    assert e164("12345", "1") is None
    assert e164("12345", "44") is None


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("+918047491899", "+918047491899"),
        ("(080) 4749-1899", "08047491899"),
        ("00 91 8047491899", "+918047491899"),
        ("1800 123 4567", "18001234567"),
        ("139", "139"),
        ("12", None),
        ("", None),
        ("support", None),
        ("+0123456789", None),
        ("+1415", None),
        ("1234567890123456", None),
        ("०८०४७४९१८९९", None),
        ("sip:desk@example.com", "sip:desk@example.com"),
        ("sip:", None),
    ],
)
def test_what_a_carrier_can_dial_is_kept_without_punctuation(
    written: str, dialled: str | None
) -> None:
    assert as_dialled(written) == dialled
