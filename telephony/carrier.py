"""What a carrier must do for us, and what it tells us, in words that no carrier owns."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from telephony.call import CarrierUpdate


class AnsweredBy(StrEnum):
    """Who or what took the call, as the carrier believes."""

    HUMAN = "human"
    MACHINE = "machine"  # voicemail, or a fax
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DialRequest:
    """A call to place. URLs are ours, public, and name the call: the carrier may be faster with
    its first callback than with its answer."""

    call_id: str
    to_number: str
    from_number: str
    answer_url: str  # asked when the call is answered, by carriers that ask
    status_url: str  # told of every status
    machine_url: str | None = None  # told who answered; None: don't find out
    stream_url: str | None = None  # the media stream, for carriers that are told it beforehand
    ring_timeout_s: int = 45
    time_limit_s: int = 3_600


@dataclass(frozen=True, slots=True)
class DialResult:
    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class StatusCallback:
    """A carrier's word on a call's status."""

    carrier_call_id: str
    update: CarrierUpdate
    answered_by: AnsweredBy | None = None
    duration_s: int | None = None  # of the talk, told at its end


@dataclass(frozen=True, slots=True)
class MachineResult:
    """A carrier's word on who answered."""

    carrier_call_id: str
    answered_by: AnsweredBy
    duration_ms: int | None = None  # how long it took to find out


class Carrier(Protocol):
    """A company that carries calls. Every method waits for a bounded time.

    All raise CarrierRejected when the carrier says no, CarrierUnreachable when it doesn't answer
    as it should, and CarrierUnsupported when it has no such command.
    """

    @property
    def name(self) -> str: ...

    @property
    def ends_with_stream(self) -> bool:
        """True: closing the media stream is the only way to hang up, and to go on to a transfer
        after `transfer`. False: `hang_up` and `transfer` do it, and the stream ends by itself."""
        ...

    async def dial(self, request: DialRequest) -> DialResult: ...

    async def hang_up(self, carrier_call_id: str) -> None:
        """End a call in any state; harmless when it is over."""
        ...

    async def transfer(self, carrier_call_id: str, to: str) -> None:
        """Hand an answered call over to `to`: a number in E.164 or a SIP URI."""
        ...

    async def close(self) -> None:
        """Close the connections to the carrier."""
        ...
