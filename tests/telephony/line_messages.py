"""The carriers' messages as their documentation shows them, for tests of the line."""

import base64
import json

TWILIO_SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
EXOTEL_SID = "e1d2c3b4a5968778695a4b3c2d1e0f10"
Message = dict[str, object]

TWILIO_CONNECTED: Message = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
EXOTEL_CONNECTED: Message = {"event": "connected"}


def b64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


def twilio_start(**parameters: str) -> Message:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC00000000000000000000000000000000",
            "streamSid": TWILIO_SID,
            "callSid": "CA00000000000000000000000000000000",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        },
        "streamSid": TWILIO_SID,
    }


def twilio_media(n: int, audio: bytes = b"\xff" * 160, track: str = "inbound") -> Message:
    return {
        "event": "media",
        "sequenceNumber": str(n + 1),
        "media": {
            "track": track,
            "chunk": str(n),
            "timestamp": str(20 * n),
            "payload": b64(audio),
        },
        "streamSid": TWILIO_SID,
    }


def twilio_dtmf(sequence: int, digit: str) -> Message:
    return {
        "event": "dtmf",
        "streamSid": TWILIO_SID,
        "sequenceNumber": str(sequence),
        "dtmf": {"track": "inbound_track", "digit": digit},
    }


def twilio_mark(sequence: int, name: str) -> Message:
    return {
        "event": "mark",
        "sequenceNumber": str(sequence),
        "streamSid": TWILIO_SID,
        "mark": {"name": name},
    }


def twilio_stop(sequence: int) -> Message:
    return {
        "event": "stop",
        "sequenceNumber": str(sequence),
        "stop": {
            "accountSid": "AC00000000000000000000000000000000",
            "callSid": "CA00000000000000000000000000000000",
        },
        "streamSid": TWILIO_SID,
    }


def exotel_start(**format_: object) -> Message:
    return {
        "event": "start",
        "sequence_number": "1",
        "stream_sid": EXOTEL_SID,
        "start": {
            "stream_sid": EXOTEL_SID,
            "call_sid": "c5797dcbaaeed7678c4062a4a3ed2f8a",
            "account_sid": "exotel1",
            "from": "+919876543210",
            "to": "+918047491899",
            "custom_parameters": {"call_id": "k1"},
            "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"}
            | format_,
        },
    }


def exotel_media(n: int, audio: bytes = bytes(1600)) -> Message:
    return {
        "event": "media",
        "sequence_number": str(n + 1),
        "stream_sid": EXOTEL_SID,
        "media": {"chunk": str(n), "timestamp": str(100 * n), "payload": b64(audio)},
    }


def exotel_dtmf(sequence: int, digit: str, duration: str = "100") -> Message:
    return {
        "event": "dtmf",
        "sequence_number": str(sequence),
        "stream_sid": EXOTEL_SID,
        "dtmf": {"digit": digit, "duration": duration},
    }


def exotel_mark(sequence: int, name: str) -> Message:
    return {
        "event": "mark",
        "sequence_number": str(sequence),
        "stream_sid": EXOTEL_SID,
        "mark": {"name": name},
    }


def exotel_stop(sequence: int, reason: str = "callended") -> Message:
    return {
        "event": "stop",
        "sequence_number": str(sequence),
        "stream_sid": EXOTEL_SID,
        "stop": {"call_sid": "c5797dcbaaeed7678c4062a4a3ed2f8a", "reason": reason},
    }


def in_camel_case(message: Message) -> Message:
    """An Exotel message as its `Calls/connect` path spells it."""

    def camel(name: str) -> str:
        head, *rest = name.split("_")
        return head + "".join(part.capitalize() for part in rest)

    def convert(value: object) -> object:
        if isinstance(value, dict):
            return {camel(str(key)): convert(inner) for key, inner in value.items()}
        return value

    return {camel(key): convert(value) for key, value in json.loads(json.dumps(message)).items()}
