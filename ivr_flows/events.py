"""What can happen to a conversation: the events that `interpreter.step` takes."""

from dataclasses import dataclass
from typing import Any

from ivr_flows.conversation import Found
from ivr_flows.dialogue import ToolCall


@dataclass(frozen=True, slots=True)
class Started:
    """The call was answered and the line is open."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """One key of the telephone."""

    digit: str  # one of 0123456789*#ABCD


@dataclass(frozen=True, slots=True)
class Understood:
    """What a language model took a caller's words for."""

    choice: str = ""  # the name of an answer that counts there; "": none of them
    confidence: float = 0.0  # 0..1, in the terms of `answers`
    details: tuple[tuple[str, str | int | float | bool], ...] = ()  # variables that were told


@dataclass(frozen=True, slots=True)
class Heard:
    """The caller finished saying something."""

    text: str  # "" when speech was heard but no words were found in it
    confidence: float = 1.0  # 0..1, the recogniser's
    language: str = ""  # ISO 639-1, the language that it was recognised in
    understood: Understood | None = None  # where a model was asked, and answered in time


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

    stage: str  # "request", "transfer", "speech", "hearing" or "llm"
    reason: str


@dataclass(frozen=True, slots=True)
class Replied:
    """The model said something: a clause of its reply, which can be spoken in one go."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The model's reply is whole."""

    calls: tuple[ToolCall, ...] = ()
    tokens: int = 0  # of the request, both ways; counted by the endpoint, or guessed


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """What a `UseTool` came to."""

    call_id: str
    result: "Responded | Failed | Passages"


@dataclass(frozen=True, slots=True)
class Passages:
    """What was found in a knowledge base, the best first."""

    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """The far end has played a clause, or a part of it, or none: known once and for all, unless
    what was stopped is said again."""

    clause: int
    heard: str


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """The time of a `LimitTime` has passed."""

    node: str
    visit: int  # as there


@dataclass(frozen=True, slots=True)
class HungUp:
    """The far end is gone."""


Conversed = Replied | ReplyEnded | ToolAnswered | Told | TimeIsUp
"""The events that belong to a `converse` node."""

Event = (
    Started
    | Pressed
    | Heard
    | NothingHeard
    | Played
    | Resumed
    | Responded
    | Conversed
    | Failed
    | HungUp
)
