"""What must not be read in a log: telephone numbers, secrets, logins. Pure.

A number keeps its last three digits, so that two callers can still be told apart.
"""

import re
from collections.abc import Callable, Collection
from urllib.parse import quote

MASK = "***"
SHORTEST_SECRET = 4
"""Shorter "secrets" are words of the log: masking "a" would leave nothing to read."""

_PHONES = re.compile(
    r"""
    (?<![\w+]) \+ \d (?: [\s().-]{0,2} \d ){6,14} (?!\d)     # +91 98765-43210
  | (?<![\w.:+-]) 0{0,2} \d{10,15} (?! [\w-] | \.\d )        # 09876543210
  | (?<![\w.:+-]) 0? \d{5} [\s-] \d{5} (?! [\w-] | \.\d )    # 98765 43210
  | (?<![\w.:+-]) \(? \d{3} \)? [\s.-]? \d{3} [\s.-] \d{4} (?! [\w-] | \.\d )  # (415) 555-0100
    """,
    re.VERBOSE,
)
_AUTHORIZATION = re.compile(
    r"""
    ( \b (?:proxy-)? authorization \b ['"]? \s* [:=,] \s* (?: b(?=['"]) )? ['"]? )
    (?: (?:basic|bearer|digest|token) \s+ )?
    [^\s'",}\])]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LOGIN_WORDS = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/._~=-]{8,}")
_NAMED = re.compile(
    r"""
    ( \b [\w-]* (?: password | passwd | secret | token | api[_-]?key )
      ['"]? \s* [=:] \s* (?: b(?=['"]) )? ['"]? )
    [^\s'",;&}\])]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/@\s'\"]+@")


def masker(secrets: Collection[str]) -> Callable[[str], str]:
    """A function that masks telephone numbers, logins and these secrets in a text."""
    forms = {form for s in secrets if len(s) >= SHORTEST_SECRET for form in _forms(s)}
    # The longest first: a secret may contain another.
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def mask(text: str) -> str:
        if known is not None:
            text = known.sub(MASK, text)
        text = _AUTHORIZATION.sub(rf"\g<1>{MASK}", text)
        text = _LOGIN_WORDS.sub(rf"\g<1> {MASK}", text)
        text = _NAMED.sub(rf"\g<1>{MASK}", text)
        text = _USERINFO.sub(f"{MASK}@", text)
        return _PHONES.sub(_last_digits, text)

    return mask


def _forms(secret: str) -> frozenset[str]:
    """How a secret may be written: as it is, in a URL, and inside of quotes."""
    return frozenset({secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1]})


def _last_digits(found: re.Match[str]) -> str:
    digits = [sign for sign in found.group() if sign.isdigit()]
    return MASK + "".join(digits[-3:])
