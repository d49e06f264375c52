"""What can happen to a conversation: the events that `interpreter.step` takes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Started:
    """The call was answered and the line is open."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """One key of the telephone."""

    digit: str  # one of 0123456789*#ABCD


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller finished saying something."""

    text: str  # "" when speech was heard but no words were found in it
    confidence: float = 1.0  # 0..1, the recogniser's
    language: str = ""  # ISO 639-1, the language that it was recognised in


@dataclass(frozen=True, slots=True)
class NothingHeard:
    """The time of the last `Listen` ran out: no speech, no key."""


@dataclass(frozen=True, slots=True)
class Played:
    """The far end has played everything that was said so far."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What had been stopped is being said again: nobody had wanted to interrupt it."""


@dataclass(frozen=True, slots=True)
class Responded:
    """The HTTP request of the last `Request` action was answered."""

    status_code: int
    body: Any  # decoded JSON, or the text where it isn't JSON


@dataclass(frozen=True, slots=True)
class Failed:
    """Something the conversation asked for could not be done."""

    stage: str  # "request", "transfer", "speech" or "hearing"
    reason: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The far end is gone."""


Event = Started | Pressed | Heard | NothingHeard | Played | Resumed | Responded | Failed | HungUp
