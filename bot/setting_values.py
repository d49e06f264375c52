"""What values of settings may look like: types with a check and with words for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr

from bot.phone_numbers import as_dialled

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+")  # what stands in a URL as it is: RFC 3986, 2.3


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field accepts, in words: metadata for `Annotated`."""

    words: str


def secrets_in(value: object) -> Iterator[str]:
    """Every secret that is set in a group of settings, in its groups and in its tables."""
    if isinstance(value, SecretStr):
        if value.get_secret_value():
            yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in cast("Mapping[object, object]", value).values():
            yield from secrets_in(each)


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


def _number(value: str) -> str:
    if as_dialled(value) is None:
        raise ValueError(
            f"{value[:40]!r} is not a number that can be dialled; write it as +918047491899 or as "
            "08047491899, or a SIP address"
        )
    return value


def _login(value: str) -> str:
    if not _UNRESERVED.fullmatch(value):
        raise ValueError(f"may have {_LOGIN_WORDS} alone, for it stands in an address")
    return value


def _secret_login(value: SecretStr) -> SecretStr:
    _login(value.get_secret_value())
    return value


def _flow_value(value: object) -> object:
    if isinstance(value, list):
        fits = all(isinstance(item, str) for item in cast("list[object]", value))
    else:
        fits = isinstance(value, str | bool | int | float)
    if not fits:
        raise ValueError("must be a text, a number, true, false or a list of texts")
    return cast(object, value)


_LOGIN_WORDS = "letters, digits and - . _ ~"

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
PhoneNumber = Annotated[str, AfterValidator(_number)]
"""A number, however it is written. The error holds it, and what is allowed."""
DialledNumber = Annotated[PhoneNumber, AfterValidator(lambda value: as_dialled(value) or value)]
"""The same, as a carrier takes it."""
Login = Annotated[str, AfterValidator(_login), Allowed(_LOGIN_WORDS)]
SecretLogin = Annotated[
    SecretStr, AfterValidator(_secret_login), Allowed(f"{_LOGIN_WORDS} (secret)")
]
FlowValue = Annotated[str | bool | int | float | list[str], BeforeValidator(_flow_value)]
"""A value of a flow's variable; whether it fits is seen when the flow is known."""
