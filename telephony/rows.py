"""From rows to records and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import cast

from telephony.call import Call, CallStatus, Direction, Disposition, EndedBy, JsonValue
from telephony.records import CallEvent, KeyPress, LoggedEvent, Turn, TurnLatency, Who
from telephony.schema import CallRow, EventRow, KeyRow, TurnRow


def storable(value: object) -> object:
    """`value` as both databases take it and JSON writes it.

    NUL and lone surrogates, which PostgreSQL refuses and UTF-8 can't carry, are dropped and
    replaced; numbers that JSON lacks (NaN, infinity) and other types become their text.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        items = cast(Mapping[object, object], value).items()
        return {storable_text(str(key)): storable(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [storable(item) for item in cast(Sequence[object], value)]
    return storable_text(str(value))


def storable_text(text: str) -> str:
    """`storable` of a text."""
    return cast(str, storable(str(text)))


def write_call(call: Call, row: CallRow) -> CallRow:
    """Write every field of `call` into `row`."""
    for column in fields(call):
        setattr(row, column.name, storable(getattr(call, column.name)))
    return row


def call_from(row: CallRow) -> Call:
    return Call(
        id=row.id,
        direction=Direction(row.direction),
        status=CallStatus(row.status),
        to_number=row.to_number,
        from_number=row.from_number,
        flow=row.flow,
        language=row.language,
        carrier=row.carrier,
        created_at_unix_ms=row.created_at_unix_ms,
        variables=cast(dict[str, JsonValue], row.variables),
        outcome=cast(dict[str, JsonValue], row.outcome),
        outcome_url=row.outcome_url,
        carrier_call_id=row.carrier_call_id,
        carrier_sequence=row.carrier_sequence,
        disposition=None if row.disposition is None else Disposition(row.disposition),
        ended_by=None if row.ended_by is None else EndedBy(row.ended_by),
        failure_reason=row.failure_reason,
        transfer_to=row.transfer_to,
        recording_path=row.recording_path,
        answered_at_unix_ms=row.answered_at_unix_ms,
        ended_at_unix_ms=row.ended_at_unix_ms,
        owner=row.owner,
    )


def write_turn(turn: Turn, row: TurnRow) -> TurnRow:
    """Write every field of `turn` into `row`, its latency spread over columns."""
    for column in fields(turn):
        if column.name != "latency":
            setattr(row, column.name, storable(getattr(turn, column.name)))
    for column in fields(TurnLatency):
        setattr(
            row, column.name, None if turn.latency is None else getattr(turn.latency, column.name)
        )
    return row


def turn_from(row: TurnRow) -> Turn:
    latency = None
    if row.speech_end_ms is not None:
        latency = TurnLatency(
            speech_end_ms=row.speech_end_ms,
            turn_decided_ms=row.turn_decided_ms,
            transcript_ms=row.transcript_ms,
            reply_ready_ms=row.reply_ready_ms,
            first_audio_ms=row.first_audio_ms,
        )
    return Turn(
        who=Who(row.who),
        text=row.text,
        heard_text=row.heard_text,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        is_interrupted=row.is_interrupted,
        confidence=row.confidence,
        language=row.language,
        node=row.node,
        latency=latency,
    )


def key_from(row: KeyRow) -> KeyPress:
    return KeyPress(digit=row.digit, at_ms=row.at_ms, duration_ms=row.duration_ms)


def event_row(call_id: str, event: CallEvent, written_at_unix_ms: int) -> EventRow:
    return EventRow(
        call_id=call_id,
        kind=storable_text(event.kind),
        at_ms=event.at_ms,
        detail=cast(dict[str, object], storable(event.detail)),
        written_at_unix_ms=written_at_unix_ms,
    )


def event_from(row: EventRow) -> LoggedEvent:
    detail = cast(dict[str, JsonValue], row.detail)
    return LoggedEvent(CallEvent(row.kind, row.at_ms, detail), row.written_at_unix_ms)
