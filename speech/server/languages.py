"""Which language a client means: from a code, or from the script of a text."""

import re
from collections.abc import Collection, Sequence

from speech.server.errors import invalid

_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_PREFERRED = ("en", "hi", "mr")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")


def language_code(text: str | None, param: str = "language") -> str | None:
    """ISO 639-1 of what a client wrote ("hi", "en-US"); None where it wrote nothing.

    Raises:
        ApiError: 400, it is no code.
    """
    if text is None or not text.strip():
        return None
    if (match := _CODE.fullmatch(text.strip())) is None:
        raise invalid(f"{param}: must be a code of ISO 639-1 such as en, hi, mr", param)
    return match[1].lower()


def in_order(languages: Collection[str]) -> list[str]:
    """Ours first, so that an engine that has to guess begins with them."""
    return [
        *(code for code in _PREFERRED if code in languages),
        *sorted(set(languages) - set(_PREFERRED)),
    ]


def first_and_others(languages: Collection[str], asked: str | None) -> tuple[str, Sequence[str]]:
    """What to open an engine with: the language asked for alone, else any that it knows."""
    if asked is not None:
        return asked, ()
    first, *others = in_order(languages)
    return first, others


def language_of_text(text: str, languages: Collection[str]) -> str:
    """What a text is written in, as far as its script tells and an engine's `languages` allow."""
    devanagari = len(_DEVANAGARI.findall(text))
    is_devanagari = devanagari * 2 > sum(char.isalpha() for char in text)
    wanted = ("hi", "mr", "en") if is_devanagari else ("en",)
    return next((code for code in wanted if code in languages), in_order(languages)[0])
