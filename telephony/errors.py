"""What can go wrong between us, the carriers and the record of a call.

TelephonyError
├── CallError                     about one call's life
│   ├── IllegalTransition         the status can't become that: names both, and what is legal
│   └── CallChanged               the status was not as expected; nothing was written
├── StoreError                    about the database
│   ├── StoreUnavailable          it can't be reached, is locked or broke; another try may work
│   ├── CallUnknown               no call of that id
│   ├── TurnUnknown               no turn of that number in the call
│   ├── CursorInvalid             the page cursor is not one of ours
│   ├── IdempotencyKeyInvalid     the key is empty, too long or not printable ASCII
│   └── IdempotencyConflict       the key was used before with another request
├── CarrierError                  about a carrier's REST interface
│   ├── CarrierRejected           the carrier said no: has its code, its words and the fix
│   ├── CarrierUnreachable        no answer in time, or a broken one; a call may be placed
│   └── CarrierUnsupported        the carrier has no such command: says what to do instead
├── WebhookMalformed              a carrier's message lacks or garbles a field: names it
├── AnswerInvalid                 our reply to a carrier would be refused: says by which rule
├── DeliveryRefused               an outcome may not be sent to that address: says by which rule
└── LineError                     about the media stream of one call
    ├── MessageInvalid            one message can't be understood: names the field and the fix
    ├── RateMismatch              audio for the line is not at the line's rate
    └── LineRefused               the connection has to be closed: has the close code and reason
        ├── HandshakeTimeout      no complete start message in time
        ├── HandshakeInvalid      the start message can't be used: names the field and the fix
        ├── HandshakeAbandoned    the carrier left before its start message
        ├── MessageTooLarge       a message over the limit of bytes
        ├── SecondStart           a second start message on a stream that runs
        └── LineBusy              more calls than this process takes
"""

from typing import ClassVar


class TelephonyError(Exception):
    """Any failure of telephony; the message says what to do."""


class CallError(TelephonyError):
    """Something about one call's life."""


class IllegalTransition(CallError):
    """The call's status can't become the one asked for."""


class CallChanged(CallError):
    """The call's status was not the one expected; nothing was written."""


class StoreError(TelephonyError):
    """Something about the database."""


class StoreUnavailable(StoreError):
    """The database can't be reached, is locked or broke."""


class CallUnknown(StoreError):
    """No call of that id."""


class TurnUnknown(StoreError):
    """No turn of that number in the call."""


class CursorInvalid(StoreError):
    """The page cursor is not one that a list of ours returned."""


class IdempotencyKeyInvalid(StoreError):
    """The Idempotency-Key is empty, too long or not printable ASCII."""


class IdempotencyConflict(StoreError):
    """The Idempotency-Key was used before with another request."""


class CarrierError(TelephonyError):
    """Something about a carrier's REST interface."""


class CarrierRejected(CarrierError):
    """The carrier said no."""

    def __init__(self, carrier: str, code: str, reason: str, fix: str) -> None:
        super().__init__(f"{carrier} refused ({code}): {reason}. {fix}")
        self.carrier = carrier
        self.code = code  # the carrier's own, e.g. "21211", or "http-503" where it gave none
        self.reason = reason
        self.fix = fix


class CarrierUnreachable(CarrierError):
    """The carrier did not answer in time or not as it should; a call may have been placed."""


class CarrierUnsupported(CarrierError):
    """The carrier has no such command."""


class WebhookMalformed(TelephonyError):
    """A carrier's message lacks or garbles a field."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem}. {fix}")
        self.field = field
        self.fix = fix


class AnswerInvalid(TelephonyError):
    """Our reply to a carrier's question would be refused by it."""


class DeliveryRefused(TelephonyError):
    """An outcome may not be sent to that address."""


class LineError(TelephonyError):
    """Something about the media stream of one call."""


class MessageInvalid(LineError):
    """One message of a media stream can't be understood; the call goes on without it.

    `field` is its path as the carrier spells it, `message` where the message itself is at fault.
    The text never quotes a payload or a digit: those are the caller's.
    """

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem}. {fix}")
        self.field = field
        self.problem = problem
        self.fix = fix


class RateMismatch(LineError):
    """Audio for the line is not int16 mono at the line's own rate."""


class LineRefused(LineError):
    """The connection has to be closed, with `close_code` (RFC 6455) and `close_reason`."""

    close_code: ClassVar[int] = 1008

    @property
    def close_reason(self) -> str:
        """The text for the close frame: at most 123 bytes of UTF-8."""
        return str(self).encode()[:123].decode(errors="ignore")


class HandshakeTimeout(LineRefused):
    """No complete start message within the time for it."""

    close_code = 1008


class HandshakeInvalid(LineRefused):
    """The start message can't be used."""

    close_code = 1007

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(f"{field}: {problem}. {fix}")
        self.field = field
        self.problem = problem
        self.fix = fix


class HandshakeAbandoned(LineRefused):
    """The carrier closed the connection before its start message."""

    close_code = 1000


class MessageTooLarge(LineRefused):
    """A message over the limit of bytes."""

    close_code = 1009


class SecondStart(LineRefused):
    """A second start message on a stream that already runs."""

    close_code = 1002


class LineBusy(LineRefused):
    """More calls than this process takes."""

    close_code = 1013
