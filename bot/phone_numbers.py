"""Telephone numbers as people and carriers write them."""

import re

_E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
"""E.164 allows 15 digits at most, with the country. It names no least; with fewer than 8 a number
is a fragment or a local short code, which a carrier takes no call for."""

_OF_COUNTRY = {
    # Trunk code and subscriber are 10 digits together; toll-free numbers have 10 or 11.
    "+91": re.compile(r"\+91(?:[1-9]\d{9}|18[06]0\d{7})", re.ASCII),
    "+1": re.compile(r"\+1[2-9]\d{9}", re.ASCII),
}
"""Countries whose numbers are all as long as each other: there a digit too few is seen."""

_NATIONAL = re.compile(r"\d{3,15}", re.ASCII)  # a short code of three digits is the shortest
_SIP = re.compile(r"sips?:[^\s@]+@[^\s@]+")
_PUNCTUATION = re.compile(r"[\s().\-]+")


def e164(number: str, country_code: str) -> str | None:
    """A number as people write it, in E.164; None when it is none.

    `country_code`: of numbers without one, digits alone, such as 91.
    """
    bare = _PUNCTUATION.sub("", number)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    if bare.startswith("+"):
        return bare if _is_whole(bare) else None
    national = f"+{country_code}{bare.removeprefix('0')}"
    if _is_whole(national):
        return national
    if bare.startswith(country_code) and _is_whole(f"+{bare}"):  # 919876543210
        return f"+{bare}"
    return None


def _is_whole(number: str) -> bool:
    if not _E164.fullmatch(number):
        return False
    return all(
        form.fullmatch(number) for code, form in _OF_COUNTRY.items() if number.startswith(code)
    )


def as_dialled(number: str) -> str | None:
    """A number as a carrier takes it, without people's punctuation; None when it is none.

    E.164, or digits as they are dialled inside a country (a short code too), or a SIP address.
    """
    if _SIP.fullmatch(number):
        return number
    bare = _PUNCTUATION.sub("", number)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    return bare if _is_whole(bare) or _NATIONAL.fullmatch(bare) else None
