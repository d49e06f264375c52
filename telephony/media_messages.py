"""The media-stream messages of both carriers: text <-> frozen dataclasses. Pure.

Read leniently, write strictly. Exotel's own sources contradict each other, so either spelling
(`stream_sid`, `streamSid`), numbers as int or text ("8000", "16kHz") and `leg_sid` for `call_sid`
are understood; Twilio must spell as documented. What we write is the documented JSON and no field
more: Twilio answers an extra one with error 31951.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from telephony.errors import MessageInvalid
from telephony.media_fields import (
    CarrierName,
    Fields,
    JsonObject,
    clean_text,
    kind_of,
    parse_object,
    read_number,
)

Spelling = Literal["camel", "snake"]

DIGITS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, slots=True)
class Connected:
    """The socket is up; says nothing about the call yet."""


@dataclass(frozen=True, slots=True)
class StreamStart:
    """Whose call this stream is, and what its audio looks like."""

    carrier: CarrierName
    stream_sid: str
    call_sid: str
    account_sid: str | None
    custom_parameters: Mapping[str, str]
    sample_rate_hz: int  # 0 where nothing declares it; `read_start` settles that
    declared_encoding: str  # the carrier's word, "" for none; not to be trusted of Exotel
    spelling: Spelling  # of the stream's id: Exotel is answered as it speaks
    from_number: str | None = None
    to_number: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """Audio from the line, still in the line's encoding."""

    stream_sid: str | None
    sequence: int | None
    chunk: int | None  # counts media messages
    timestamp_ms: int | None  # from the start of the stream
    track: str | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Digit:
    """A key: one of 0-9 * # A-D."""

    stream_sid: str | None
    sequence: int | None
    track: str | None
    digit: str
    duration_ms: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The echo of a mark that we sent."""

    stream_sid: str | None
    sequence: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream has ended. Exotel gives a reason: callended (the caller) or stopped (the flow)."""

    stream_sid: str | None
    sequence: int | None
    reason: str | None


CarrierMessage = Connected | StreamStart | Media | Digit | Mark | Stopped


def parse_message(data: str | bytes, carrier: CarrierName) -> CarrierMessage:
    """One message of the carrier's. Raises MessageInvalid, naming the field and the fix, only."""
    fields = Fields(parse_object(data), "", carrier)
    match fields.get("event"):
        case "media":
            return _media(fields)
        case "dtmf":
            return _digit(fields)
        case "mark":
            name = fields.within("mark").required_text("name")
            return Mark(_sid(fields), fields.number("sequenceNumber"), name)
        case "stop":
            return _stopped(fields)
        case "connected":
            return Connected()
        case "start":
            return _start(fields)
        case event:
            problem = f"is {kind_of(event)}" if not isinstance(event, str) else "is not known"
            raise MessageInvalid(
                "event", problem, "Send one of connected, start, media, dtmf, mark, stop"
            )


def recognise(data: JsonObject) -> CarrierName:
    """Whose `start` this is. Not by spelling: Exotel writes camelCase too. Twilio's ids tell."""
    sids = [data.get("streamSid")]
    if isinstance(start := data.get("start"), dict):
        fields = cast(JsonObject, start)
        sids += [fields.get("streamSid"), fields.get("callSid"), fields.get("accountSid")]
    twilio = any(isinstance(sid, str) and re.match(r"(MZ|CA|AC)[0-9a-fA-F]", sid) for sid in sids)
    return "twilio" if twilio else "exotel"


def _sid(fields: Fields) -> str | None:
    sid = fields.text("streamSid")
    if sid is None and fields.carrier == "twilio":
        fields.required_text("streamSid")
    return sid


def _start(fields: Fields) -> StreamStart:
    inner = fields.within("start")
    stream_sid = fields.text("streamSid") or inner.text("streamSid")
    if stream_sid is None:
        fix = "Send the stream's id as text"
        if fields.carrier == "twilio" and (fields.values.get("stream_sid") is not None):
            fix = "This looks like Exotel: point it at the Exotel address"
        raise MessageInvalid(fields.named("streamSid"), "is missing", fix)
    call_sid = inner.text("callSid") or (inner.text("legSid") if _exotel(fields) else None)
    if call_sid is None:
        raise MessageInvalid(inner.named("callSid"), "is missing", "Send the call's id as text")
    parameters = _parameters(inner.get("customParameters"))
    rate_hz, encoding = _media_format(inner)
    snake = "stream_sid" in fields.values or "stream_sid" in inner.values
    return StreamStart(
        carrier=fields.carrier,
        stream_sid=stream_sid,
        call_sid=call_sid,
        account_sid=inner.text("accountSid"),
        custom_parameters=parameters,
        sample_rate_hz=rate_hz,
        declared_encoding=encoding,
        spelling="snake" if snake and _exotel(fields) else "camel",
        # Twilio's start has no numbers: the answer to its webhook passes them as parameters.
        from_number=inner.text("from") or parameters.get("from") or parameters.get("from_number"),
        to_number=inner.text("to") or parameters.get("to") or parameters.get("to_number"),
    )


def _media_format(inner: Fields) -> tuple[int, str]:
    """Sample rate in Hz (0 where none is declared) and the declared encoding ("" for none)."""
    if not isinstance(inner.get("mediaFormat"), dict):
        return (8000 if inner.carrier == "twilio" else 0), ""
    form = inner.within("mediaFormat")
    encoding = form.text("encoding") or ""
    rate_hz = form.number("sampleRate")
    if rate_hz is None:
        if form.get("sampleRate") not in (None, ""):
            raise MessageInvalid(form.named("sampleRate"), "is not a rate", "Send it in Hz")
        rate_hz = 8000 if inner.carrier == "twilio" else 0
    allowed = (8000,) if inner.carrier == "twilio" else (0, 8000, 16000, 24000)
    if rate_hz not in allowed:
        rates = ", ".join(str(rate) for rate in allowed if rate)
        raise MessageInvalid(form.named("sampleRate"), f"is {rate_hz} Hz", f"Use one of {rates}")
    if inner.carrier == "twilio":
        if encoding.lower() not in ("", "audio/x-mulaw"):
            fix = "Twilio streams audio/x-mulaw; point another carrier at its own address"
            raise MessageInvalid(form.named("encoding"), "is not audio/x-mulaw", fix)
        if form.number("channels") not in (None, 1):
            raise MessageInvalid(form.named("channels"), "is not 1", "Stream one channel")
    return rate_hz, encoding


def _parameters(value: object) -> dict[str, str]:
    """Custom parameters as text; a value that is neither text nor a number becomes ""."""
    if not isinstance(value, dict):
        return {}
    parameters: dict[str, str] = {}
    for key, given in cast(JsonObject, value).items():
        if isinstance(given, bool):
            text = "true" if given else "false"
        else:
            scalar = isinstance(given, str) or read_number(given) is not None
            text = str(given) if scalar else ""
        parameters[clean_text(key)] = clean_text(text)
    return parameters


def _media(fields: Fields) -> Media:
    media = fields.within("media")
    payload = media.get("payload")
    if not isinstance(payload, str) or not payload:
        raise MessageInvalid(
            media.named("payload"), f"is {kind_of(payload)}", "Send the audio in base64"
        )
    try:
        audio = base64.b64decode(payload, validate=True)
    except ValueError as error:
        problem = f"is not base64 ({error})"
        raise MessageInvalid(
            media.named("payload"), problem, "Send padded standard base64"
        ) from None
    return Media(
        stream_sid=_sid(fields),
        sequence=fields.number("sequenceNumber"),
        chunk=media.number("chunk"),
        timestamp_ms=media.number("timestamp"),
        track=media.text("track"),
        payload=audio,
    )


def _digit(fields: Fields) -> Digit:
    dtmf = fields.within("dtmf")
    digit = (dtmf.text("digit") or "").upper()
    if digit not in DIGITS:
        raise MessageInvalid(dtmf.named("digit"), "is not a key", "Send one of 0-9 * # A-D")
    return Digit(
        stream_sid=_sid(fields),
        sequence=fields.number("sequenceNumber"),
        track=dtmf.text("track"),
        digit=digit,
        duration_ms=dtmf.number("duration"),
    )


def _stopped(fields: Fields) -> Stopped:
    # Strict: it ends the call, and where a garbled one was real the socket closes next anyway.
    sid, stop = fields.required_text("streamSid"), fields.within("stop")
    reason = stop.text("reason")
    if reason is None and not (_exotel(fields) and stop.text("legSid")):
        stop.required_text("callSid")
    return Stopped(sid, fields.number("sequenceNumber"), reason)


def _exotel(fields: Fields) -> bool:
    return fields.carrier == "exotel"


def _sid_key(spelling: Spelling) -> str:
    return "streamSid" if spelling == "camel" else "stream_sid"


def media_message(start: StreamStart, payload: bytes) -> str:
    """`payload` in the line's encoding, headerless, as the carrier's media message."""
    audio = base64.b64encode(payload).decode("ascii")
    return json.dumps(
        {"event": "media", _sid_key(start.spelling): start.stream_sid, "media": {"payload": audio}}
    )


def mark_message(start: StreamStart, name: str) -> str:
    """Asks the carrier to echo `name` when everything sent before it has been played."""
    return json.dumps(
        {"event": "mark", _sid_key(start.spelling): start.stream_sid, "mark": {"name": name}}
    )


def clear_message(start: StreamStart) -> str:
    """Asks the carrier to drop what it has not played."""
    return json.dumps({"event": "clear", _sid_key(start.spelling): start.stream_sid})
