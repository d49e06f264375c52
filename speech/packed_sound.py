"""A kept sound as bytes: what a file of the cache's folder and a value in Redis hold alike.

A header (magic, number of samples, CRC-32, when it expires) and int16 little-endian mono. What is
damaged, or is something else, is no sound: it is made anew.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from speech.stt import Pcm

_HEADER = struct.Struct("<4sIId")
_MAGIC = b"CWS2"

HEADER_BYTES = _HEADER.size


@dataclass(frozen=True, slots=True)
class KeptSound:
    """A whole utterance, and how long it may be played."""

    pcm: Pcm  # int16 mono at the line's rate
    expires_at_s: float | None = None  # Unix time; None: never

    def is_over(self, now_s: float) -> bool:
        """Whether it may no longer be played at `now_s`."""
        return self.expires_at_s is not None and self.expires_at_s <= now_s


def pack(sound: KeptSound) -> bytes:
    """`sound` as bytes."""
    body = np.ascontiguousarray(sound.pcm, "<i2").tobytes()
    expires_at_s = sound.expires_at_s or 0.0
    return _HEADER.pack(_MAGIC, len(sound.pcm), _checksum(expires_at_s, body), expires_at_s) + body


def unpack(content: bytes) -> KeptSound | None:
    """What `pack` made `content` of; None if it is anything else."""
    if len(content) < _HEADER.size:
        return None
    magic, samples, checksum, expires_at_s = _HEADER.unpack_from(content)
    body = content[_HEADER.size :]
    if magic != _MAGIC or len(body) != 2 * samples or _checksum(expires_at_s, body) != checksum:
        return None
    return KeptSound(np.frombuffer(body, "<i2").astype(np.int16), expires_at_s or None)


def _checksum(expires_at_s: float, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(struct.pack("<d", expires_at_s)))
