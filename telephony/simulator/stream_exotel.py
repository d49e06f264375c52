"""Exotel AgentStream, the carrier's end: what it sends in its spellings, and what it refuses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from telephony.simulator.phone_audio import Pcm, pcm_to_s16le, s16le_to_pcm
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

BINARY: Final = "exotel-binary"
INVALID: Final = "exotel-invalid-message"
PACKET_MULTIPLE: Final = "exotel-packet-multiple"
PACKET_SHORT: Final = "exotel-packet-short"
PACKET_LONG: Final = "exotel-packet-long"
BURST: Final = "exotel-burst"

PACKET_UNIT_BYTES: Final = 320
PACKET_MAX_BYTES: Final = 100_000
_MIN_PACKET_MS: Final = 100  # 1,600 bytes at 8 kHz, 3,200 at 16 kHz: what Exotel's samples send
_RATES_HZ: Final = (8000, 16000, 24000)

_CAMEL: Final = {
    "sequence_number": "sequenceNumber",
    "stream_sid": "streamSid",
    "call_sid": "callSid",
    "account_sid": "accountSid",
    "custom_parameters": "customParameters",
    "media_format": "mediaFormat",
    "sample_rate": "sampleRate",
    "bit_rate": "bitRate",
}


@dataclass(frozen=True, slots=True)
class ExotelVariant:
    """The ways in which Exotel's messages differ between its pages and its call paths."""

    camel_case: bool = False
    numbers_as_int: bool = False
    sample_rate_text: str | None = None  # "16kHz": sent instead of the number
    encoding: str = "base64"  # also seen: "raw", "audio/x-raw"
    bit_rate: str | int = "128kbps"  # also seen: "16", "128"
    call_id_field: Literal["call_sid", "leg_sid", "both"] = "call_sid"
    parameters_as_keys: bool = False  # a parameter arrives as a key with an empty value
    marks_after_clear: bool = False  # undocumented whether a clear sets pending marks free


@dataclass(slots=True)
class ExotelStream:
    """One stream: s16le mono, 100 ms a packet (1,600 bytes at 8 kHz).

    `max_ahead_ms`: a bot that runs further ahead of the playhead is reported as bursting; Exotel's
    sample code ties bursts to hang-ups after about four seconds.
    """

    account_sid: str
    call_sid: str
    stream_sid: str
    from_number: str
    to_number: str
    sample_rate_hz: int = 8000
    custom_parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    variant: ExotelVariant = ExotelVariant()
    name: str = "exotel"
    packet_ms: int = 100
    clear_spares_started_audio: bool = True
    overrun_code: str = BURST
    max_ahead_ms: int | None = 3_000
    _counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        if self.sample_rate_hz not in _RATES_HZ:
            raise ValueError(f"Exotel's rates are {_RATES_HZ}, not {self.sample_rate_hz}")

    @property
    def clear_echoes_marks(self) -> bool:
        return self.variant.marks_after_clear

    def connected(self) -> str:
        return json.dumps({"event": "connected"})

    def start(self) -> str:
        variant = self.variant
        rate = variant.sample_rate_text or self._number(self.sample_rate_hz)
        parameters = dict(self.custom_parameters)
        if variant.parameters_as_keys:
            parameters = {f"{key}={value}": "" for key, value in parameters.items()}
        body: dict[str, object] = {"stream_sid": self.stream_sid}
        if variant.call_id_field in ("call_sid", "both"):
            body["call_sid"] = self.call_sid
        if variant.call_id_field in ("leg_sid", "both"):
            body["leg_sid"] = self.call_sid
        body |= {
            "account_sid": self.account_sid,
            "from": self.from_number,
            "to": self.to_number,
            "custom_parameters": parameters,
            "media_format": {
                "encoding": variant.encoding,
                "sample_rate": rate,
                "bit_rate": variant.bit_rate,
            },
        }
        return self._message("start", {"start": body})

    def media(self, pcm: Pcm, timestamp_ms: int) -> str:
        body = {
            "chunk": self._number(self._counters.next_chunk()),
            "timestamp": self._number(timestamp_ms + self.packet_ms),
            "payload": encode_payload(pcm_to_s16le(pcm)),
        }
        return self._message("media", {"media": body})

    def skip_packet(self) -> None:
        self._counters.next_chunk()
        self._counters.next_sequence()

    def dtmf(self, digit: str) -> str:
        return self._message("dtmf", {"dtmf": {"digit": digit, "duration": self._number(100)}})

    def mark(self, name: str) -> str:
        return self._message("mark", {"mark": {"name": name}})

    def stop(self, reason: str) -> str:
        body = {"call_sid": self.call_sid, "account_sid": self.account_sid, "reason": reason}
        return self._message("stop", {"stop": body})

    def _number(self, value: int) -> str | int:
        return value if self.variant.numbers_as_int else str(value)

    def _message(self, event: str, body: dict[str, object]) -> str:
        sequence = self._number(self._counters.next_sequence())
        head = {"event": event, "sequence_number": sequence, "stream_sid": self.stream_sid}
        message: object = {**head, **body}
        return json.dumps(_camel(message) if self.variant.camel_case else message)

    def read(self, message: str | bytes) -> BotMessage:
        """Reads one message of the bot; the stream id may be left out or spelled either way."""
        if isinstance(message, bytes):
            return Rejected(BINARY, f"binary frame of {len(message)} bytes: send JSON text")
        parsed = parse_object(message, INVALID)
        if isinstance(parsed, Rejected):
            return parsed
        event = parsed.get("event")
        shape = {"media": {"media"}, "mark": {"mark"}, "clear": set[str]()}
        if not isinstance(event, str) or event not in shape:
            return Rejected(INVALID, f"unknown event {event!r}: media, mark and clear exist")
        wrong = wrong_fields(parsed, {"event", *shape[event]}, {"stream_sid", "streamSid"})
        if wrong:
            return Rejected(INVALID, f"{event}: {wrong}")
        for spelling in ("stream_sid", "streamSid"):
            if spelling in parsed and parsed[spelling] != self.stream_sid:
                given = parsed[spelling]
                return Rejected(INVALID, f"{event}: {spelling} {given!r} is not {self.stream_sid}")
        if event == "clear":
            return BotClear()
        return _read_mark(parsed) if event == "mark" else self._read_media(parsed)

    def _read_media(self, parsed: dict[str, object]) -> BotMessage:
        body = field_object(parsed, "media")
        payload = None if body is None else decode_payload(body.get("payload"))
        if body is None or payload is None:
            return Rejected(INVALID, "media: media.payload is not base64")
        size = len(payload)
        wrong = wrong_fields(body, {"payload"}, {"chunk", "timestamp", "sequence_number"})
        if wrong:
            return Rejected(INVALID, f"media: {wrong}")
        if size % PACKET_UNIT_BYTES:
            fix = f"zero-pad to a multiple of {PACKET_UNIT_BYTES}"
            return Rejected(PACKET_MULTIPLE, f"packet of {size} bytes: {fix}")
        least = self.sample_rate_hz * 2 * _MIN_PACKET_MS // 1000
        if size < least:
            return Rejected(PACKET_SHORT, f"packet of {size} bytes: at least {least} at this rate")
        if size > PACKET_MAX_BYTES:
            return Rejected(PACKET_LONG, f"packet of {size} bytes: at most {PACKET_MAX_BYTES}")
        return BotMedia(s16le_to_pcm(payload), size)


def _read_mark(parsed: dict[str, object]) -> BotMessage:
    body = field_object(parsed, "mark")
    name = None if body is None else body.get("name")
    if not isinstance(name, str) or not name:
        return Rejected(INVALID, "mark: mark.name is not a text of one letter or more")
    return BotMark(name)


def _camel(value: object) -> object:
    if not isinstance(value, dict):
        return value
    renamed: dict[str, object] = {}
    for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
        name = str(key)  # pyright: ignore[reportUnknownArgumentType]
        # The person's own parameter names are not the protocol's to respell.
        keep = name == "custom_parameters"
        renamed[_CAMEL.get(name, name)] = inner if keep else _camel(inner)  # pyright: ignore[reportUnknownArgumentType]
    return renamed
