"""What values of settings may look like: types with a check and with words for people."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field accepts, in words: metadata for `Annotated`."""

    words: str


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that starts with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or password; those have settings of their own")
    return value.rstrip("/")


def _stream_rate(value: int) -> int:
    if value not in {8000, 16000, 24000}:
        raise ValueError("must be 8000, 16000 or 24000")
    return value


WebUrl = Annotated[str, AfterValidator(_web_url), Allowed("a URL of http:// or https://")]
StreamRate = Annotated[int, AfterValidator(_stream_rate), Allowed("8000, 16000 or 24000")]
CountryCode = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$"), Allowed("1 to 3 digits, e.g. 91")]
Language = Annotated[
    str, Field(pattern=r"^[a-z]{2}$"), Allowed("a language of two letters, such as en, hi or mr")
]
AccountSid = Annotated[
    str, Field(pattern=r"^AC[0-9a-fA-F]{32}$"), Allowed("AC and 32 hexadecimal digits")
]
E164 = Annotated[
    str, Field(pattern=r"^\+[1-9][0-9]{6,14}$"), Allowed("a number in E.164, such as +14155550100")
]
ExoPhone = Annotated[
    str, Field(pattern=r"^\+?[0-9]{6,15}$"), Allowed("an ExoPhone, such as 08047491899")
]
Seconds = Annotated[float, Field(gt=0, le=3600)]
