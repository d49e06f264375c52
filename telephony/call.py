"""A call and its life: the statuses, the legal transitions, how it ended. Pure.

    queued ─► dialing ─► ringing ─► in_progress ─► completed
       │         │           │            │
       └─────────┴───────────┴────────────┴──────► busy no_answer failed canceled lost

Steps may be skipped, since a carrier's callbacks are a best effort, but never walked back, and a
terminal status is never left. Every change returns a new `Call`; nothing here reads a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from telephony.errors import IllegalTransition

JsonValue: TypeAlias = "str | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""What JSON can hold: the values of a flow's variables."""


class CallStatus(StrEnum):
    QUEUED = "queued"  # known to us only
    DIALING = "dialing"  # the carrier was asked, or has it
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"  # answered
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELED = "canceled"  # by us, before it was answered
    LOST = "lost"  # the process that led it died


class Disposition(StrEnum):
    """What came of a call, in the words of the business."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    NO_INPUT = "no_input"
    HUNG_UP = "hung_up"
    TRANSFERRED = "transferred"
    FAILED = "failed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    COMPLETED = "completed"


class EndedBy(StrEnum):
    CALLER = "caller"  # the person on the phone, in either direction
    BOT = "bot"
    CARRIER = "carrier"
    OPERATOR = "operator"  # somebody of ours, through the API
    LOST = "lost"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


TERMINAL = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.BUSY,
        CallStatus.NO_ANSWER,
        CallStatus.FAILED,
        CallStatus.CANCELED,
        CallStatus.LOST,
    }
)

_BEFORE_ANSWER = TERMINAL | {CallStatus.IN_PROGRESS}

TRANSITIONS: Mapping[CallStatus, frozenset[CallStatus]] = {
    # Not yet with a carrier: nobody can answer it or be busy.
    CallStatus.QUEUED: frozenset(
        {CallStatus.DIALING, CallStatus.FAILED, CallStatus.CANCELED, CallStatus.LOST}
    ),
    CallStatus.DIALING: _BEFORE_ANSWER | {CallStatus.RINGING},
    CallStatus.RINGING: _BEFORE_ANSWER,
    CallStatus.IN_PROGRESS: frozenset({CallStatus.COMPLETED, CallStatus.FAILED, CallStatus.LOST}),
    **{status: frozenset[CallStatus]() for status in TERMINAL},
}

# What an end means when nobody says more about it. `completed` is for the conversation to judge.
_IMPLIED: Mapping[CallStatus, tuple[Disposition, EndedBy]] = {
    CallStatus.BUSY: (Disposition.BUSY, EndedBy.CARRIER),
    CallStatus.NO_ANSWER: (Disposition.NO_ANSWER, EndedBy.CARRIER),
    CallStatus.FAILED: (Disposition.FAILED, EndedBy.CARRIER),
    CallStatus.CANCELED: (Disposition.FAILED, EndedBy.OPERATOR),
    CallStatus.LOST: (Disposition.FAILED, EndedBy.LOST),
}


@dataclass(frozen=True, slots=True)
class CarrierUpdate:
    """What a carrier says about a call's status."""

    status: CallStatus
    sequence: int | None = None  # the carrier's own count, from 0; None where it doesn't count
    reason: str = ""  # e.g. "SIP 486"


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it stands. Times are Unix time in milliseconds, UTC."""

    id: str  # 32 hex digits, unguessable: it comes back in URLs and stream parameters
    direction: Direction
    status: CallStatus
    to_number: str  # E.164, or as the carrier wrote it
    from_number: str
    flow: str
    language: str  # ISO 639-1; "" until known
    carrier: str  # "twilio", "exotel", ...
    created_at_unix_ms: int
    variables: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    outcome: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    outcome_url: str | None = None  # where the outcome is delivered; None: nowhere
    carrier_call_id: str | None = None  # Twilio's CallSid, Exotel's Sid
    carrier_sequence: int | None = None  # the highest seen in an update
    disposition: Disposition | None = None
    ended_by: EndedBy | None = None
    failure_reason: str | None = None
    transfer_to: str | None = None  # decided, for carriers that ask where to go on
    recording_path: str | None = None
    answered_at_unix_ms: int | None = None
    ended_at_unix_ms: int | None = None
    owner: str | None = None  # the worker that leads it

    @property
    def is_terminal(self) -> bool:
        """Over: the status never changes again."""
        return self.status in TERMINAL

    @property
    def is_settled(self) -> bool:
        """Over and judged: nothing about its end changes again, and its outcome may be told."""
        return self.is_terminal and self.disposition is not None

    def moved_to(
        self,
        status: CallStatus,
        at_unix_ms: int,
        *,
        disposition: Disposition | None = None,
        ended_by: EndedBy | None = None,
        reason: str | None = None,
    ) -> "Call":
        """The call in another status; what is said of its end wins over what the status implies.

        Raises IllegalTransition, also when the call is in that status already.
        """
        if status not in TRANSITIONS[self.status]:
            legal = ", ".join(sorted(TRANSITIONS[self.status])) or "nothing: the call is over"
            raise IllegalTransition(
                f"call {self.id} is {self.status} and can't become {status}; legal: {legal}"
            )
        implied_disposition, implied_ended_by = _IMPLIED.get(status, (None, None))
        judged = self.with_outcome(disposition=disposition, ended_by=ended_by)
        moved = replace(
            self,
            status=status,
            disposition=judged.disposition or implied_disposition,
            ended_by=judged.ended_by or implied_ended_by,
            failure_reason=reason or self.failure_reason,
        )
        if status is CallStatus.IN_PROGRESS:
            return replace(moved, answered_at_unix_ms=at_unix_ms)
        return replace(moved, ended_at_unix_ms=at_unix_ms) if moved.is_terminal else moved

    def with_carrier_update(self, update: CarrierUpdate, at_unix_ms: int) -> "Call":
        """The call after a carrier's status update, or this very call when it changes nothing.

        Updates arrive in any order and more than once. One whose sequence number is not above
        the highest seen is old; one that leads nowhere legal (back to ringing, out of a terminal
        status) is late. Both are ignored, never an error.
        """
        seen, sequence = self.carrier_sequence, update.sequence
        if sequence is not None and seen is not None and sequence <= seen:
            return self
        counted = self if sequence is None else replace(self, carrier_sequence=sequence)
        if update.status not in TRANSITIONS[self.status]:
            return counted
        reason = update.reason if update.status in _IMPLIED else None
        return counted.moved_to(update.status, at_unix_ms, reason=reason)

    def with_outcome(
        self,
        *,
        disposition: Disposition | None = None,
        ended_by: EndedBy | None = None,
        outcome: Mapping[str, JsonValue] | None = None,
    ) -> "Call":
        """The call with more known about its end; outcome variables are merged over those known,
        and one of None is known no more.

        Once settled nothing changes: what was told to the business stays true. Voicemail stays
        voicemail: whatever the conversation took it for, it talked to a machine.
        """
        if self.is_settled:
            return self
        if self.disposition is Disposition.VOICEMAIL:
            disposition, ended_by = None, None
        return replace(
            self,
            disposition=disposition or self.disposition,
            ended_by=ended_by or self.ended_by,
            outcome={n: v for n, v in {**self.outcome, **(outcome or {})}.items() if v is not None},
        )


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is asked for (outbound) or that reached us (inbound)."""

    direction: Direction
    to_number: str
    from_number: str
    flow: str
    carrier: str
    language: str = ""
    variables: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    outcome_url: str | None = None
    carrier_call_id: str | None = None  # known from the start when inbound

    @property
    def first_status(self) -> CallStatus:
        outbound = self.direction is Direction.OUTBOUND
        return CallStatus.QUEUED if outbound else CallStatus.RINGING
