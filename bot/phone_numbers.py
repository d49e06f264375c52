"""Telephone numbers as people and carriers write them."""

import re

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_PUNCTUATION = re.compile(r"[\s().\-]+")


def e164(number: str, country_code: str) -> str | None:
    """A number as people write it, in E.164; None when it is none."""
    bare = _PUNCTUATION.sub("", number)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    elif not bare.startswith("+"):
        bare = f"+{country_code}{bare.removeprefix('0')}"
    return bare if _E164.fullmatch(bare) else None
