"""What Exotel tells and asks us by HTTP, and what we answer.

Exotel signs nothing: a secret path and an IP allow-list are the caller's business. Its sources
contradict each other, so reading is lenient: form or JSON, extra and missing fields.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field

from telephony.call import CallStatus, CarrierUpdate, EndedBy
from telephony.carrier import AnsweredBy, StatusCallback
from telephony.errors import AnswerInvalid, WebhookMalformed
from telephony.webhook_fields import WebhookModel, read_fields

STREAM_URL_LIMIT: Final = 600
PARAMETER_COUNT_LIMIT: Final = 3
PARAMETER_LENGTH_LIMIT: Final = 256

_Sid = Annotated[str, Field(min_length=1, max_length=128)]

STATUS: Final[Mapping[str, CallStatus]] = {
    "queued": CallStatus.DIALING,
    "ringing": CallStatus.RINGING,
    "in-progress": CallStatus.IN_PROGRESS,
    "completed": CallStatus.COMPLETED,
    "failed": CallStatus.FAILED,
    "busy": CallStatus.BUSY,
    "no-answer": CallStatus.NO_ANSWER,
    "canceled": CallStatus.CANCELED,
}
_EVENTS = {"ringing": CallStatus.RINGING, "answered": CallStatus.IN_PROGRESS}
_DISCONNECTED_BY = {"caller": EndedBy.CALLER, "bot": EndedBy.BOT, "system": EndedBy.CARRIER}


class _Status(WebhookModel):
    call_sid: _Sid = Field(alias="CallSid")
    status: str = Field(alias="Status")
    event: str = Field("", alias="EventType")
    answered_by: str | None = Field(None, alias="AnsweredBy")
    duration_s: str | None = Field(None, alias="ConversationDuration")
    custom_field: str | None = Field(None, alias="CustomField")


@dataclass(frozen=True, slots=True)
class ExotelStatus:
    """A status callback, with what we asked to be sent back with it."""

    callback: StatusCallback
    custom_field: str  # our call's id on outbound calls, "" where none came


@dataclass(frozen=True, slots=True)
class PassthruStream:
    """What Passthru tells of the Voicebot before it."""

    stream_sid: str
    status: str
    error: str  # trusted over `status`; "" where there was none
    duration_s: int | None
    ended_by: EndedBy | None
    recording_url: str
    detailed_status: str


@dataclass(frozen=True, slots=True)
class Passthru:
    """A flow asks, after the Voicebot, where to go on: HTTP 200 is its branch A, 302 branch B."""

    carrier_call_id: str
    from_number: str
    to_number: str
    direction: str
    call_type: str  # call-attempt, completed, client-hangup, incomplete, voicemail
    digits: str
    custom_field: str
    stream: PassthruStream | None


class _Passthru(WebhookModel):
    call_sid: _Sid = Field(alias="CallSid")
    call_from: str = Field("", alias="CallFrom")
    call_to: str = Field("", alias="CallTo")
    from_number: str = Field("", alias="From")
    to_number: str = Field("", alias="To")
    direction: str = Field("", alias="Direction")
    call_type: str = Field("", alias="CallType")
    digits: str = Field("", alias="digits")
    custom_field: str = Field("", alias="CustomField")


class ConnectReply(BaseModel):
    """Our answer to the Connect applet: whom it shall call."""

    class Destination(BaseModel):
        numbers: list[str]

    fetch_after_attempt: bool = False
    destination: Destination
    outgoing_phone_number: str
    record: bool = False
    max_ringing_duration: int = 45
    max_conversation_duration: int = 3_600


def parse_status(fields: Mapping[str, object]) -> ExotelStatus:
    """A status callback, from its form or its JSON. Raises WebhookMalformed."""
    read = read_fields(_Status, _without_nulls(fields))
    status = _EVENTS.get(read.event) or STATUS.get(read.status)
    if status is None:
        known = ", ".join(STATUS)
        raise WebhookMalformed("Status", "not a status of Exotel's", f"Send one of {known}")
    callback = StatusCallback(
        carrier_call_id=read.call_sid,
        update=CarrierUpdate(status),  # Exotel doesn't number its callbacks
        answered_by=answered_by(read.answered_by),
        duration_s=_whole(read.duration_s),
    )
    return ExotelStatus(callback, read.custom_field or "")


def answered_by(word: str | None) -> AnsweredBy | None:
    """Exotel's word for who answered; None where it said nothing."""
    if not word:
        return None
    known = {"human": AnsweredBy.HUMAN, "machine": AnsweredBy.MACHINE}
    return known.get(word.lower(), AnsweredBy.UNKNOWN)


def parse_passthru(params: Mapping[str, str]) -> Passthru:
    """A Passthru request, from its query or its form. Raises WebhookMalformed.

    The stream's facts come as `Stream[Name]` fields or as one `Stream={json}`. StreamUrl is not
    read: it may hold our password.
    """
    read = read_fields(_Passthru, params)
    return Passthru(
        carrier_call_id=read.call_sid,
        from_number=read.call_from or read.from_number,
        to_number=read.call_to or read.to_number,
        direction=read.direction,
        call_type=read.call_type,
        digits=read.digits.strip().strip('"'),  # Exotel wraps them in quotes
        custom_field=read.custom_field,
        stream=_stream(params),
    )


def _stream(params: Mapping[str, str]) -> PassthruStream | None:
    fields = {
        name[len("Stream[") : -1]: value
        for name, value in params.items()
        if name.startswith("Stream[") and name.endswith("]")
    }
    if not fields and params.get("Stream"):
        fields = _json_fields(params["Stream"])
    if not fields:
        return None
    error = fields.get("Error", "")
    return PassthruStream(
        stream_sid=fields.get("StreamSID", ""),
        status=fields.get("Status", ""),
        error="" if error.lower() in ("null", "none") else error,
        duration_s=_whole(fields.get("Duration")),
        ended_by=_DISCONNECTED_BY.get(fields.get("DisconnectedBy", "").lower()),
        recording_url=fields.get("RecordingUrl", ""),
        detailed_status=fields.get("DetailedStatus", ""),
    )


def _json_fields(text: str) -> dict[str, str]:
    try:
        decoded: object = json.loads(text)
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise WebhookMalformed(
            "Stream", "not a JSON object", "Send Stream={...} or Stream[Name]=... fields"
        )
    items = cast(dict[str, Any], decoded).items()
    return {name: str(value) for name, value in items if value is not None}


def stream_reply(
    stream_url: str,
    parameters: Mapping[str, str] | None = None,
    *,
    sample_rate_hz: int | None = None,
) -> dict[str, str]:
    """Our answer to a Voicebot applet whose URL is dynamic: {"url": "wss://..."}."""
    return {"url": full_stream_url(stream_url, parameters, sample_rate_hz=sample_rate_hz)}


def full_stream_url(
    stream_url: str,
    parameters: Mapping[str, str] | None = None,
    *,
    sample_rate_hz: int | None = None,
) -> str:
    """The stream's URL with parameters and rate, within Exotel's limits. Raises AnswerInvalid.

    `parameters` come back in the stream's start message; at most 3, 256 characters together.
    """
    parts = urlsplit(stream_url)
    if parts.scheme not in ("wss", "ws") or not parts.hostname or parts.query or parts.fragment:
        raise AnswerInvalid("stream_url: write wss://host/path, parameters apart")
    if parts.scheme == "ws" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise AnswerInvalid("stream_url: Exotel needs TLS (wss); ws is for loopback")
    custom = dict(parameters or {})
    query = urlencode(custom)
    if len(custom) > PARAMETER_COUNT_LIMIT or len(query) > PARAMETER_LENGTH_LIMIT:
        raise AnswerInvalid(
            f"parameters: at most {PARAMETER_COUNT_LIMIT}, {PARAMETER_LENGTH_LIMIT} characters"
        )
    if sample_rate_hz is not None:
        query = "&".join(filter(None, (f"sample-rate={sample_rate_hz}", query)))
    url = f"{stream_url}?{query}" if query else stream_url
    if len(url) >= STREAM_URL_LIMIT:
        raise AnswerInvalid(f"stream_url: Exotel takes less than {STREAM_URL_LIMIT} characters")
    return url


def connect_reply(to: str, caller_id: str, *, ring_timeout_s: int = 45) -> ConnectReply:
    """Our answer to the Connect applet: call `to` from `caller_id`."""
    return ConnectReply(
        destination=ConnectReply.Destination(numbers=[to]),
        outgoing_phone_number=caller_id,
        max_ringing_duration=ring_timeout_s,
    )


def _without_nulls(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _whole(text: str | None) -> int | None:
    """A whole number of seconds; None where it is none, since nothing hangs on it."""
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 10
    return int(cast(str, text)) if is_number else None
