"""Twilio Media Streams, the carrier's end: what it sends, and what it refuses (31950, 31951)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from telephony.simulator.phone_audio import Pcm, mulaw_to_pcm, pcm_to_mulaw
from telephony.simulator.stream_messages import (
    BotClear,
    BotMark,
    BotMedia,
    BotMessage,
    Counters,
    Rejected,
    decode_payload,
    encode_payload,
    field_object,
    parse_object,
    wrong_fields,
)

BINARY: Final = "31950"
INVALID: Final = "31951"
OVERRUN: Final = "31931"


@dataclass(slots=True)
class TwilioStream:
    """One stream: mu-law 8 kHz, 20 ms and 160 bytes a packet, counters as JSON strings."""

    account_sid: str
    call_sid: str
    stream_sid: str
    custom_parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = "twilio"
    sample_rate_hz: int = 8000
    packet_ms: int = 20
    clear_echoes_marks: bool = True
    clear_spares_started_audio: bool = False
    overrun_code: str = OVERRUN
    max_ahead_ms: int | None = None  # faster than real time is fine, up to ten minutes
    _counters: Counters = field(default_factory=Counters)

    def connected(self) -> str:
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self) -> str:
        body = {
            "accountSid": self.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(self.custom_parameters),
        }
        return self._message("start", {"start": body})

    def media(self, pcm: Pcm, timestamp_ms: int) -> str:
        body = {
            "track": "inbound",
            "chunk": str(self._counters.next_chunk()),
            "timestamp": str(timestamp_ms),
            "payload": encode_payload(pcm_to_mulaw(pcm)),
        }
        return self._message("media", {"media": body})

    def skip_packet(self) -> None:
        self._counters.next_chunk()
        self._counters.next_sequence()

    def dtmf(self, digit: str) -> str:
        return self._message("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})

    def mark(self, name: str) -> str:
        return self._message("mark", {"mark": {"name": name}})

    def stop(self, reason: str) -> str:
        """Twilio's stop has no reason; it is taken for the protocol's sake and left out."""
        body = {"accountSid": self.account_sid, "callSid": self.call_sid}
        return self._message("stop", {"stop": body})

    def _message(self, event: str, body: dict[str, object]) -> str:
        sequence = str(self._counters.next_sequence())
        head = {"event": event, "sequenceNumber": sequence}
        return json.dumps({**head, **body, "streamSid": self.stream_sid})

    def read(self, message: str | bytes) -> BotMessage:
        """Reads one message of the bot by the strict rules: no missing and no extra field."""
        if isinstance(message, bytes):
            return Rejected(BINARY, f"binary frame of {len(message)} bytes: send JSON text")
        parsed = parse_object(message, INVALID)
        if isinstance(parsed, Rejected):
            return parsed
        event = parsed.get("event")
        shape = {"media": {"media"}, "mark": {"mark"}, "clear": set[str]()}
        if not isinstance(event, str) or event not in shape:
            return Rejected(INVALID, f"unknown event {event!r}: media, mark and clear exist")
        wrong = wrong_fields(parsed, {"event", "streamSid", *shape[event]}, set())
        if wrong:
            return Rejected(INVALID, f"{event}: {wrong}")
        if parsed["streamSid"] != self.stream_sid:
            given = parsed["streamSid"]
            return Rejected(INVALID, f"{event}: streamSid {given!r} is not {self.stream_sid}")
        if event == "clear":
            return BotClear()
        return _read_mark(parsed) if event == "mark" else _read_media(parsed)


def _read_mark(parsed: dict[str, object]) -> BotMessage:
    body = field_object(parsed, "mark")
    if body is None:
        return Rejected(INVALID, "mark: mark is not an object")
    wrong = wrong_fields(body, {"name"}, set())
    name = body.get("name")
    if wrong or not isinstance(name, str) or not name:
        return Rejected(INVALID, f"mark: {wrong or 'name is not a text of one letter or more'}")
    return BotMark(name)


def _read_media(parsed: dict[str, object]) -> BotMessage:
    body = field_object(parsed, "media")
    if body is None:
        return Rejected(INVALID, "media: media is not an object")
    wrong = wrong_fields(body, {"payload"}, set())
    if wrong:
        return Rejected(INVALID, f"media: {wrong}")
    payload = decode_payload(body["payload"])
    if payload is None:
        return Rejected(INVALID, "media: payload is not base64")
    if payload.startswith(b"RIFF"):
        return Rejected(INVALID, "media: payload has a WAV header; it is bare mu-law")
    return BotMedia(mulaw_to_pcm(payload), len(payload))
