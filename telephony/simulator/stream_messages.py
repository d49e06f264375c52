"""What the telephone needs of a provider's stream protocol, and the nouns that both share."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Protocol, cast

from telephony.simulator.phone_audio import Pcm


@dataclass(frozen=True, slots=True, eq=False)
class BotMedia:
    pcm: Pcm  # int16 mono at the line's rate
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class BotMark:
    name: str


@dataclass(frozen=True, slots=True)
class BotClear:
    pass


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that the carrier refuses. `once`: it warns a single time a stream."""

    code: str
    text: str
    once: bool = True


BotMessage = BotMedia | BotMark | BotClear | Rejected


@dataclass(slots=True)
class Counters:
    """Of the messages that were sent on one stream."""

    sequence: int = 0
    chunk: int = 0

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def next_chunk(self) -> int:
        self.chunk += 1
        return self.chunk


class StreamProtocol(Protocol):
    """One provider's wire, for one stream. Messages are JSON texts."""

    @property
    def name(self) -> str: ...
    @property
    def sample_rate_hz(self) -> int: ...
    @property
    def packet_ms(self) -> int: ...
    @property
    def clear_echoes_marks(self) -> bool: ...
    @property
    def clear_spares_started_audio(self) -> bool: ...
    @property
    def overrun_code(self) -> str: ...
    @property
    def max_ahead_ms(self) -> int | None: ...

    def connected(self) -> str: ...
    def start(self) -> str: ...
    def media(self, pcm: Pcm, timestamp_ms: int) -> str:
        """`timestamp_ms` is where the packet's first sample lies on the stream's clock."""
        ...

    def skip_packet(self) -> None:
        """A packet was lost, and the counters show it."""
        ...

    def dtmf(self, digit: str) -> str: ...
    def mark(self, name: str) -> str: ...
    def stop(self, reason: str) -> str: ...
    def read(self, message: str | bytes) -> BotMessage: ...


def parse_object(message: str, code: str) -> dict[str, object] | Rejected:
    """The JSON object of a text message, or why it is refused."""
    try:
        parsed: object = json.loads(message)
    except (ValueError, RecursionError) as error:
        return Rejected(code, f"not JSON: {error}")
    if not isinstance(parsed, dict):
        return Rejected(code, f"a message is a JSON object, not {type(parsed).__name__}")
    return cast(dict[str, object], parsed)


def field_object(message: dict[str, object], name: str) -> dict[str, object] | None:
    value = message.get(name)
    return cast(dict[str, object], value) if isinstance(value, dict) else None


def wrong_fields(have: dict[str, object], required: set[str], optional: set[str]) -> str:
    """Names the missing and the extra fields; "" when there are none."""
    missing = sorted(required - have.keys())
    extra = sorted(have.keys() - required - optional)
    parts = [f"missing {', '.join(missing)}"] if missing else []
    parts += [f"extra {', '.join(extra)}"] if extra else []
    return "; ".join(parts)


def decode_payload(payload: object) -> bytes | None:
    """The bytes of a base64 text by the strict rules (alphabet and padding), or None."""
    if not isinstance(payload, str):
        return None
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None


def encode_payload(payload: bytes) -> str:
    return base64.b64encode(payload).decode("ascii")
