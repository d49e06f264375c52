"""Where a conversation stands: a value, with no clock and no connection in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ivr_flows.conversation import Dialogue
from ivr_flows.flow import Value


class Phase(StrEnum):
    """What a conversation waits for."""

    READY = "ready"  # for `Started`
    ASKING = "asking"  # for the caller's answer
    CHECKING = "checking"  # for yes or no: did you mean, is that right
    REQUESTING = "requesting"  # for the business's answer
    REPLYING = "replying"  # for a language model, or a tool that it uses
    TRANSFERRED = "transferred"  # for nothing, unless the transfer fails
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the interpreter knows of a conversation; it never changes one in place."""

    node: str
    language: str  # ISO 639-1
    variables: Mapping[str, Value]
    phase: Phase = Phase.READY
    other_language: str = ""  # ISO 639-1; the last utterance was in this one
    digits: str = ""  # keyed so far, at a `collect`
    pending: Value = None  # while CHECKING: the choice's name, or the value collected
    tries: int = 0  # failed answers at this node
    turns: int = 0  # answers and silences of the whole call
    is_saying: bool = False  # something said has not been reported as played
    can_interrupt: bool = False  # and some of that may be cut short
    is_deaf: bool = False  # hearing failed in this call: keys only from here on
    speech_failures: int = 0  # in a row
    reported: Mapping[str, Value] = field(default_factory=dict[str, Value])
    dialogue: Dialogue | None = None  # at a `converse` node
    visits: int = 0  # of `converse` nodes, in the whole call
    asks: int = 0  # times that the caller asked for a person, in the whole call
    faults: tuple[str, ...] = ()  # texts that didn't fit their variables: for the log

    @property
    def is_owing(self) -> bool:
        """Whether something else than the caller has to answer first."""
        return self.phase in (Phase.REQUESTING, Phase.REPLYING)

    @property
    def is_ended(self) -> bool:
        """Whether the conversation is over; only a failed transfer takes it up again."""
        return self.phase in (Phase.ENDED, Phase.TRANSFERRED)
