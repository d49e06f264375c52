"""The shapes of the REST interface."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from ivr_flows.flow import Flow
from telephony.call import Call, CallStatus, Direction, Disposition, EndedBy
from telephony.records import CallRecord, KeyPress, LoggedEvent, PartialTurn, Turn, Who

MAX_VARIABLES = 64

Text = Annotated[str, Field(max_length=2000)]
Scalar = Text | int | float | bool | None


class NewCallBody(BaseModel):
    """A call to be placed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "to": "+919876543210",
                    "flow": "vendor_confirmation",
                    "language": "hi",
                    "variables": {
                        "restaurant_name": "Spice Garden",
                        "order_id": "4512",
                        "items": "2 paneer tikka, 1 dal makhani",
                        "amount": 1250.5,
                    },
                }
            ]
        },
    )

    to: str = Field(
        max_length=32,
        examples=["+919876543210"],
        description="The number to call, in E.164; one without a country gets the default one.",
    )
    flow: str = Field(
        max_length=64,
        examples=["vendor_confirmation"],
        description="The flow that leads the call; GET /api/flows lists them.",
    )
    variables: dict[Annotated[str, Field(max_length=64)], Scalar | list[Scalar]] = Field(
        default_factory=dict[str, Scalar | list[Scalar]],
        max_length=MAX_VARIABLES,
        examples=[{"order_id": "4512", "amount": 620}],
        description="What the flow's prompts need; GET /api/flows tells which.",
    )
    language: str | None = Field(
        default=None,
        max_length=16,
        examples=["hi"],
        description="Its first language, one of the flow's; else the default.",
    )
    carrier: str | None = Field(
        default=None,
        max_length=32,
        examples=["twilio"],
        description="twilio or exotel; else the one that is configured.",
    )
    outcome_url: str | None = Field(
        default=None,
        max_length=2000,
        examples=["https://shop.example.com/callwright"],
        description="Where this call's outcome is delivered.",
    )


class AcceptedCall(BaseModel):
    """A call that will be placed."""

    call_id: str = Field(examples=["3f2a9c0d7b4e4f6a8c1d2e3f4a5b6c7d"])
    status: CallStatus


class LatencyBody(BaseModel):
    """Where the time of a reply went, in ms on the call's clock."""

    speech_end_ms: int
    turn_decided_ms: int | None
    transcript_ms: int | None
    reply_ready_ms: int | None
    first_audio_ms: int | None
    total_ms: int | None = Field(description="From the caller's last sound to the first audio.")


class TurnBody(BaseModel):
    """One side speaking, once."""

    who: Who
    text: str = Field(description="What was said.")
    heard_text: str = Field(description="What of it the far end heard.")
    start_ms: int
    end_ms: int | None
    is_interrupted: bool
    confidence: float | None
    language: str
    node: str
    latency: LatencyBody | None = Field(description="Of a bot's turn that replies.")

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """The turn as the interface shows it."""
        latency = turn.latency
        return cls(
            who=turn.who,
            text=turn.text,
            heard_text=turn.heard_text,
            start_ms=turn.start_ms,
            end_ms=turn.end_ms,
            is_interrupted=turn.is_interrupted,
            confidence=turn.confidence,
            language=turn.language,
            node=turn.node,
            latency=latency
            and LatencyBody(
                speech_end_ms=latency.speech_end_ms,
                turn_decided_ms=latency.turn_decided_ms,
                transcript_ms=latency.transcript_ms,
                reply_ready_ms=latency.reply_ready_ms,
                first_audio_ms=latency.first_audio_ms,
                total_ms=latency.total_ms,
            ),
        )


class PartialBody(BaseModel):
    """What the caller is saying just now."""

    text: str
    stable_text: str = Field(description="Its beginning, which won't change any more, most likely.")
    language: str
    start_ms: int
    through_ms: int = Field(description="Up to where in the call it was heard.")

    @classmethod
    def of(cls, partial: PartialTurn) -> Self:
        """The words as the interface shows them."""
        return cls(
            text=partial.text,
            stable_text=partial.stable_text,
            language=partial.language,
            start_ms=partial.start_ms,
            through_ms=partial.through_ms,
        )


class KeyBody(BaseModel):
    """One key of the telephone."""

    digit: str
    at_ms: int
    duration_ms: int | None

    @classmethod
    def of(cls, key: KeyPress) -> Self:
        """The key as the interface shows it."""
        return cls(digit=key.digit, at_ms=key.at_ms, duration_ms=key.duration_ms)


class EventBody(BaseModel):
    """Anything else that happened."""

    kind: str
    at_ms: int | None
    detail: dict[str, Any]
    written_at: datetime

    @classmethod
    def of(cls, logged: LoggedEvent) -> Self:
        """The event as the interface shows it."""
        return cls(
            kind=logged.event.kind,
            at_ms=logged.event.at_ms,
            detail=dict(logged.event.detail),
            written_at=_time(logged.written_at_unix_ms),
        )


class CallBody(BaseModel):
    """A call, without what was said in it."""

    call_id: str
    direction: Direction
    status: CallStatus
    disposition: Disposition | None
    ended_by: EndedBy | None
    failure_reason: str | None
    to: str
    from_: str = Field(serialization_alias="from")
    flow: str
    language: str
    carrier: str
    carrier_call_id: str | None
    variables: dict[str, Any]
    outcome: dict[str, Any]
    transfer_to: str | None
    has_recording: bool
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, call: Call) -> Self:
        """The call as the interface shows it."""
        return cls(
            call_id=call.id,
            direction=call.direction,
            status=call.status,
            disposition=call.disposition,
            ended_by=call.ended_by,
            failure_reason=call.failure_reason,
            to=call.to_number,
            from_=call.from_number,
            flow=call.flow,
            language=call.language,
            carrier=call.carrier,
            carrier_call_id=call.carrier_call_id,
            variables=dict(call.variables),
            outcome=dict(call.outcome),
            transfer_to=call.transfer_to,
            has_recording=call.recording_path is not None and call.is_terminal,
            created_at=_time(call.created_at_unix_ms),
            answered_at=_maybe_time(call.answered_at_unix_ms),
            ended_at=_maybe_time(call.ended_at_unix_ms),
        )


class CallDetailBody(BaseModel):
    """A call with everything that was said and pressed, as it stands now."""

    call: CallBody
    turns: list[TurnBody]
    keys: list[KeyBody]
    events: list[EventBody]
    partial: PartialBody | None = Field(
        description="What the caller is saying just now, where this worker leads the call."
    )

    @classmethod
    def of(cls, record: CallRecord, partial: PartialTurn | None = None) -> Self:
        """The record as the interface shows it."""
        return cls(
            call=CallBody.of(record.call),
            turns=[TurnBody.of(turn) for turn in record.turns],
            keys=[KeyBody.of(key) for key in record.keys],
            events=[EventBody.of(event) for event in record.events],
            partial=partial and PartialBody.of(partial),
        )


class CallListBody(BaseModel):
    """A page of calls, newest first."""

    calls: list[CallBody]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page.")


class VariableBody(BaseModel):
    """A value that a flow's prompts need, or that its calls report."""

    type: str
    required: bool
    outcome: bool = Field(description="Reported by the flow, not given to it.")
    default: Any
    example: Any
    description: str


class FlowBody(BaseModel):
    """A flow that can lead calls."""

    name: str
    title: str
    languages: list[str] = Field(description="The first is the fallback.")
    heard_languages: list[str] = Field(
        description="Those in which callers are understood here; in the others they answer by keys."
    )
    variables: dict[str, VariableBody]

    @classmethod
    def of(cls, flow: Flow, heard: Collection[str]) -> Self:
        """The flow as the interface shows it."""
        return cls(
            name=flow.name,
            title=flow.title,
            languages=list(flow.languages),
            heard_languages=[language for language in flow.languages if language in heard],
            variables={
                name: VariableBody(
                    type=str(variable.type),
                    required=variable.required,
                    outcome=variable.outcome,
                    default=variable.default,
                    example=variable.example,
                    description=variable.description,
                )
                for name, variable in flow.variables.items()
            },
        )


class FlowListBody(BaseModel):
    """The flows, by name."""

    flows: list[FlowBody]


class HealthBody(BaseModel):
    """Whether the server lives, or can take calls."""

    status: str = Field(examples=["ok"])
    running_calls: int = Field(description="Of all workers.")
    max_calls: int
    worker: int = Field(description="Which of the workers answers, from 0.")


def _time(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _maybe_time(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else _time(unix_ms)
