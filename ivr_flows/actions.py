"""What a conversation asks for: the actions that `interpreter.step` returns, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text, after whatever is being spoken."""

    text: str  # as written for a reader, e.g. "₹1,250"; made speakable when it is spoken
    language: str  # ISO 639-1
    node: str  # the node that says it
    interruptible: bool = True
    is_static: bool = False  # without variables: worth rendering before any call


@dataclass(frozen=True, slots=True)
class StopSaying:
    """Drop what is being spoken and what waits behind it: the caller's answer overtook it."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for keys or speech; the time starts when everything said has been played.

    Replaces the `Listen` before it. Ends with the next `Pressed`, `Heard` or `NothingHeard`.
    """

    node: str
    timeout_ms: int  # silence after which `NothingHeard` is due
    speech: bool  # False: only keys are taken
    keys: frozenset[str]  # the keys that mean something now
    hints: tuple[str, ...] = ()  # words likely to be said, for engines with hot words
    free_speech: bool = False  # True: nothing particular is expected (a `listen` node)
    max_digits: int = 0  # > 0: a number of at most so many digits is being keyed or spoken
    finish_key: str = ""  # this key ends the number, keyed or spoken


@dataclass(frozen=True, slots=True)
class Request:
    """Call the business over HTTP; answered by `Responded` or `Failed("request", ...)`."""

    node: str
    method: str
    url: str
    timeout_ms: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    json: Any = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome variables as they stand now: written to the call's record at once."""

    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SwitchLanguage:
    """The conversation goes on in another language."""

    language: str  # ISO 639-1


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the call to a person, after everything said has been played."""

    to: str  # a number in E.164, or the name of a desk in the settings
    disposition: str = "transferred"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, after everything said has been played."""

    disposition: str  # confirmed, rejected, no_input, hung_up, transferred, failed, completed, ...


Action = Say | StopSaying | Listen | Request | Report | SwitchLanguage | Transfer | HangUp
