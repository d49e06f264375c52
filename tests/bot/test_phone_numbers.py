"""Telephone numbers in the ways that they are written."""

import pytest

from bot.phone_numbers import e164


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("+918047491899", "+918047491899"),
        ("08047491899", "+918047491899"),
        ("8047491899", "+918047491899"),
        ("00918047491899", "+918047491899"),
        (" (080) 4749-1899 ", "+918047491899"),
        ("+1 415 555 0100", "+14155550100"),
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
