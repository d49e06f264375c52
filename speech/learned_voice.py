"""A voice that an engine has learned from somebody: what it is, as an object and as bytes.

The recording that it was learned from is no part of it.
"""

import struct
import zlib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speech.cache import VoiceLease
from speech.consent import Consent
from speech.tts import Synthesizer, Voice

CUSTOM, AGENT = "custom:", "agent:"

_HEADER = struct.Struct("<4sII")  # magic, bytes of JSON, CRC-32 of all that follows
_MAGIC = b"CWV1"


class LearnedVoice(BaseModel):
    """What an engine needs to speak in somebody's voice, and what allows it to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^(custom|agent):[A-Za-z0-9_-]{1,64}$")
    engine: str
    engine_version: str  # of use to this version alone
    language: str = Field(pattern=r"^[a-z]{2,3}$")  # of the recording
    consent: Consent = Field(strict=False)
    generation: str  # what was said in another one is not played
    until_s: float | None  # Unix time; None: as long as the consent holds
    learned: bytes = Field(default=b"", exclude=True, repr=False)

    def check(self, *, now_s: float) -> None:
        """See that it may speak in calls now.

        Raises:
            ConsentInvalid: the consent is over, or for something else.
        """
        self.consent.check("calls", now_s=now_s)

    def remaining_s(self, *, now_s: float) -> float:
        """How long it may still speak; 0 or less: it is over."""
        ends_s = self.consent.expires_at.timestamp()
        return min(ends_s, self.until_s or ends_s) - now_s

    def lease(self, *, now_s: float) -> VoiceLease:
        """What the cache is told."""
        return VoiceLease(self.generation, self.remaining_s(now_s=now_s))

    def suits(self, engine: Synthesizer) -> bool:
        """Whether it was learned by this engine, in this version."""
        return (self.engine, self.engine_version) == (engine.name, engine.version)

    @property
    def voice(self) -> Voice:
        """How the engine lists it. The speaker's name stays out of lists."""
        kind = "custom voice" if self.name.startswith(CUSTOM) else "agent's voice"
        return Voice(self.name, self.language, kind)


def pack(voice: LearnedVoice) -> bytes:
    """`voice` as bytes."""
    record = voice.model_dump_json().encode()
    body = record + voice.learned
    return _HEADER.pack(_MAGIC, len(record), zlib.crc32(body)) + body


def unpack(content: bytes) -> LearnedVoice | None:
    """What `pack` made `content` of; None if it is anything else."""
    if len(content) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if magic != _MAGIC or length > len(body) or zlib.crc32(body) != checksum:
        return None
    try:
        voice = LearnedVoice.model_validate_json(body[:length])
    except ValidationError:
        return None
    return voice.model_copy(update={"learned": body[length:]})
