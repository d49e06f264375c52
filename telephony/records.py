"""What is written of a call while it happens: turns, keys, events.

Times named `_ms` without `unix` are milliseconds on the call's clock, which starts with the first
audio of the media stream and counts samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from telephony.call import Call, JsonValue


class Who(StrEnum):
    CALLER = "caller"  # the person on the phone, in either direction
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """When each stage of a reply was done, on the call's clock; None: never came to it."""

    speech_end_ms: int  # the caller's last sound
    turn_decided_ms: int | None = None  # it was decided that they have finished
    transcript_ms: int | None = None  # its words were known, and known to be all: not before
    reply_ready_ms: int | None = None  # the reply's text was known
    first_audio_ms: int | None = None  # the reply's first audio was sent to the line

    @property
    def total_ms(self) -> int | None:
        """From the caller's last sound to the reply's first audio."""
        return None if self.first_audio_ms is None else self.first_audio_ms - self.speech_end_ms


@dataclass(frozen=True, slots=True)
class Turn:
    """One side speaking, once."""

    who: Who
    text: str  # what was said
    heard_text: str  # what of it the far end heard; of the caller's: the same as `text`
    start_ms: int
    end_ms: int | None = None  # None: still speaking
    is_interrupted: bool = False
    confidence: float | None = None  # 0..1, the recogniser's; None for the bot
    language: str = ""  # ISO 639-1
    node: str = ""  # the flow's node that spoke or listened
    latency: TurnLatency | None = None  # on the turn that replies


@dataclass(frozen=True, slots=True)
class PartialTurn:
    """What the caller is saying, as far as it is known. Never stored: the turn is, when it ends."""

    text: str
    stable_text: str  # its beginning, on which two decodes agree
    language: str  # ISO 639-1
    start_ms: int
    through_ms: int  # up to where in the call it was heard


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key of the telephone."""

    digit: str  # one of 0123456789*#ABCD
    at_ms: int
    duration_ms: int | None = None  # None where the carrier doesn't tell


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Anything else worth knowing afterwards: a status callback, a stage that failed, a mark."""

    kind: str  # snake_case, e.g. "carrier_status"
    at_ms: int | None = None  # None: outside the media stream
    detail: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it was written."""

    event: CallEvent
    written_at_unix_ms: int


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call with everything written of it, each list in the order it happened."""

    call: Call
    turns: tuple[Turn, ...]
    keys: tuple[KeyPress, ...]
    events: tuple[LoggedEvent, ...]
