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
    clause: int = 0  # > 0: of a reply; `Told` says what of it was heard
    asks: bool = True  # False: it asks nothing, so a "haan" over it only follows
    cites: tuple[str, ...] = ()  # where it was read


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
    other_languages: tuple[str, ...] = ()  # ISO 639-1; may be spoken instead, for ears that tell


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
class Converse:
    """Have the model reply, to what `Interpreter.asked` then says; a reply under way is stopped.

    Answered by `Replied`, clause by clause, and `ReplyEnded`; or by `Failed("llm", ...)`.
    """

    node: str


@dataclass(frozen=True, slots=True)
class StopReply:
    """Nobody waits for the model's reply any more."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Search a knowledge base."""

    knowledge: str
    query: str
    limit: int = 4


@dataclass(frozen=True, slots=True)
class UseTool:
    """Do what the model asked for; answered by one `ToolAnswered`."""

    call_id: str
    tool: str
    work: Request | LookUp
    filler: Say | None = None  # what is said when it takes long; None: as for any silence


@dataclass(frozen=True, slots=True)
class LimitTime:
    """From now on a visit to the node has so much time; answered by `TimeIsUp`."""

    node: str
    seconds: int
    visit: int  # the number of `State.visits`: the time of one visit ends no later one


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


ForModel = Converse | StopReply | UseTool | LimitTime
"""What a `converse` node asks for beside what every node does."""

Action = (
    Say | StopSaying | Listen | Request | ForModel | Report | SwitchLanguage | Transfer | HangUp
)
