"""One simulated call: its status, what happened in it, and its result."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from telephony.simulator.measure import StreamMeasures, measure
from telephony.simulator.party import Party
from telephony.simulator.recording import StreamRecording
from telephony.simulator.script import Person
from telephony.simulator.telephone import EndedBy, StreamResult, Telephone
from telephony.simulator.violations import ProtocolViolated, Violation, ViolationLog

SIP_CODE: Final = {
    "completed": "200",
    "busy": "486",
    "no-answer": "487",  # we gave up ringing
    "canceled": "487",
    "failed": "404",  # nobody has the number
}
"""How each call that is over ended, in RFC 3261's words."""

TERMINAL: Final = frozenset(SIP_CODE)


@dataclass(frozen=True, slots=True)
class CallbackPosted:
    """A webhook that the carrier posted, and how it was answered (None: not at all)."""

    kind: str  # "status", "answer", "stream", "amd", "passthru", "dial", "gather"
    url: str
    fields: tuple[tuple[str, str], ...]
    answered: int | None

    def field(self, name: str) -> str:
        """The value of a field, "" where it was not sent."""
        return dict(self.fields).get(name, "")


@dataclass(frozen=True, slots=True, eq=False)
class CallResult:
    """A call that is over, as the telephone and the carrier saw it."""

    call_sid: str
    from_number: str
    to_number: str
    direction: str  # "outbound-api" or "inbound"
    status: str  # terminal: completed, busy, no-answer, failed, canceled
    statuses: tuple[str, ...]  # all, in order
    duration_s: float  # answered to ended, on the line's clock
    streams: tuple[StreamResult, ...]
    callbacks: tuple[CallbackPosted, ...]
    said_by_carrier: tuple[str, ...]  # <Say>, <Play> and its digits, outside of a stream
    transferred_to: str | None
    script_problems: tuple[str, ...]  # steps that waited in vain
    violations: tuple[Violation, ...]
    notes: tuple[str, ...]  # what a real carrier would not have let pass, and loopback may

    @property
    def digits_pressed(self) -> str:
        return "".join(key.digit for stream in self.streams for key in stream.recording.pressed)

    @property
    def marks_echoed(self) -> tuple[str, ...]:
        return tuple(mark.name for stream in self.streams for mark in stream.recording.marks)

    @property
    def ended_by(self) -> EndedBy | None:
        """Who ended the last stream; None when there was none."""
        return self.streams[-1].ended_by if self.streams else None

    @property
    def recording(self) -> StreamRecording | None:
        """Of the first stream: a call has one, unless it was redirected back to a bot."""
        return self.streams[0].recording if self.streams else None

    def measures(self) -> tuple[StreamMeasures, ...]:
        """One for each stream. Reads all audio: some ms for each minute of call."""
        return tuple(measure(stream.recording) for stream in self.streams)

    def raise_if_violated(self) -> None:
        """Raises ProtocolViolated with everything that a carrier would have rejected."""
        if self.violations:
            raise ProtocolViolated(self.violations)


class SimulatedCall:
    """A call in progress: the state that its life, the REST routes and the waiters share."""

    def __init__(
        self,
        call_sid: str,
        from_number: str,
        to_number: str,
        direction: str,
        party: Party,
        *,
        fail_fast: bool = False,
    ) -> None:
        self.call_sid = call_sid
        self.from_number = from_number
        self.to_number = to_number
        self.direction = direction
        self.party = party
        self.created_at = datetime.now(UTC)
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.status = "queued"
        self.statuses = ["queued"]
        self.answered_ms: float | None = None  # line time
        self.ended_ms: float | None = None
        self.answered_by: str | None = None
        self.person: Person = party.person()
        self.gather_keys = list(party.keys_for_gather)
        self.telephone: Telephone | None = None
        self.streams: list[StreamResult] = []
        self.callbacks: list[CallbackPosted] = []
        self.said_by_carrier: list[str] = []
        self.notes: list[str] = []
        self.transferred_to: str | None = None
        self.log = ViolationLog(fail_fast=fail_fast)
        self.disturbed = asyncio.Event()  # something came over REST, or the time is up
        self.hang_up_asked = False

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    @property
    def duration_s(self) -> float:
        if self.answered_ms is None or self.ended_ms is None:
            return 0.0
        return (self.ended_ms - self.answered_ms) / 1000.0

    def become(self, status: str, now_ms: float) -> None:
        self.status = status
        self.statuses.append(status)
        if status == "in-progress":
            self.answered_ms, self.answered_at = now_ms, datetime.now(UTC)
        if self.over:
            self.ended_ms, self.ended_at = now_ms, datetime.now(UTC)

    def disturb(self) -> None:
        """Takes the call off what it is doing: a stream is stopped, a pause is cut."""
        self.disturbed.set()
        if self.telephone is not None:
            self.telephone.hang_up()

    def hang_up(self) -> None:
        self.hang_up_asked = True
        self.disturb()

    def result(self) -> CallResult:
        found = [violation for stream in self.streams for violation in stream.violations]
        return CallResult(
            call_sid=self.call_sid,
            from_number=self.from_number,
            to_number=self.to_number,
            direction=self.direction,
            status=self.status,
            statuses=tuple(self.statuses),
            duration_s=self.duration_s,
            streams=tuple(self.streams),
            callbacks=tuple(self.callbacks),
            said_by_carrier=tuple(self.said_by_carrier),
            transferred_to=self.transferred_to,
            script_problems=tuple(self.person.problems),
            violations=(*self.log.found, *found),
            notes=tuple(self.notes),
        )
