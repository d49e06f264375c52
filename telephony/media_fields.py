"""The fields of a carrier's JSON message, read leniently and never quoted in an error. Pure.

Either spelling where the carrier may use either, numbers as int or text; a payload or a digit is
the caller's, so errors say what a value is and not what it holds.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from telephony.errors import MessageInvalid

CarrierName = Literal["twilio", "exotel"]
JsonObject = dict[str, object]

_NUMBER = re.compile(r"\s*(\d{1,15})(?:\.\d*)?\s*(k?)\s*(?:hz)?\s*", re.IGNORECASE | re.ASCII)
_ESCAPE = re.compile(r"[\ud800-\udfff\x00]")


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object with its path in the message, read in the spellings its carrier may use."""

    values: JsonObject
    path: str
    carrier: CarrierName

    def named(self, camel: str) -> str:
        """The field's path, as this carrier spells it, for errors."""
        return f"{self.path}{camel if self.carrier == 'twilio' else snake_case(camel)}"

    def get(self, camel: str) -> object:
        if self.carrier == "exotel" and (value := self.values.get(snake_case(camel))) is not None:
            return value
        return self.values.get(camel)

    def within(self, camel: str) -> "Fields":
        """The object in the field; MessageInvalid where there is none."""
        value = self.get(camel)
        if not isinstance(value, dict):
            raise MessageInvalid(
                self.named(camel), f"is {kind_of(value)}", "Send an object, as the protocol has it"
            )
        return Fields(cast(JsonObject, value), f"{self.named(camel)}.", self.carrier)

    def text(self, camel: str) -> str | None:
        """The field as text, or None where it is absent or blank."""
        value = self.get(camel)
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        try:
            text = clean_text(str(value))
        except ValueError:  # an integer of thousands of digits
            return None
        return text if text.strip() else None

    def required_text(self, camel: str) -> str:
        if (text := self.text(camel)) is None:
            raise MessageInvalid(
                self.named(camel), f"is {kind_of(self.get(camel))}", "Send it as text, not empty"
            )
        return text

    def number(self, camel: str) -> int | None:
        """The field as a whole number from 0, or None: a bad counter does not cost the audio."""
        return read_number(self.get(camel))


def clean_text(text: str) -> str:
    """The text without lone surrogates and NULs, which neither UTF-8 nor databases can hold."""
    return _ESCAPE.sub("\N{REPLACEMENT CHARACTER}", text)


def read_number(value: object) -> int | None:
    """A whole number from 0, of an int, a float or a text like "8000", "16kHz"; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if not math.isfinite(value) or not 0 <= value < 1e15:
            return None
        return int(value)
    if isinstance(value, str) and len(value) <= 15 and value.isascii() and value.isdigit():
        return int(value)  # what carriers send
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
        return int(match[1]) * (1000 if match[2] else 1)
    return None


def parse_object(data: str | bytes) -> JsonObject:
    """The JSON object in one text message. Raises MessageInvalid."""
    if isinstance(data, bytes):
        raise MessageInvalid("message", "is a binary frame", "Send JSON in text frames")
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MessageInvalid("message", f"is not JSON ({error})", "Send one JSON object") from None
    if not isinstance(value, dict):
        raise MessageInvalid("message", f"is {kind_of(value)}", "Send one JSON object")
    return cast(JsonObject, value)


def kind_of(value: object) -> str:
    """What the value is, without quoting it."""
    match value:
        case None:
            return "missing"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "an empty text" if not value.strip() else "a text"
        case list():
            return "a list"
        case _:
            return "an object"


@lru_cache(maxsize=64)
def snake_case(camel: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", camel).lower()
