"""G.711 mu-law <-> int16 PCM, by table.

Encoding: mu = 255, bias 132, clip 32635, bytes inverted as on the wire. Silence is 0xFF; 0x7F is
negative zero; 0x00 is -32124 and 0x80 is +32124. A zero-filled mu-law packet is therefore full
scale, not silence: pad with `SILENCE`.
"""

import numpy as np
from numpy.typing import NDArray

BIAS = 132
CLIP = 32635
SILENCE = b"\xff"


def _decoding_table() -> NDArray[np.int16]:
    """int16, shape (256,): the sample that each byte stands for."""
    inverted = ~np.arange(256, dtype=np.uint8)
    segment = ((inverted >> 4) & 0x07).astype(np.int32)
    mantissa = (inverted & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + BIAS) << segment) - BIAS
    return np.where(inverted & 0x80, -magnitude, magnitude).astype("<i2")


def _encoding_table() -> NDArray[np.uint8]:
    """uint8, shape (65536,): the byte for each sample, indexed by the sample's bits as uint16."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    magnitude = np.minimum(np.abs(samples), CLIP) + BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return (~(sign | (segment << 4) | mantissa) & 0xFF).astype(np.uint8)


_TO_PCM = _decoding_table()
_TO_MULAW = _encoding_table()


def decode(mulaw: bytes) -> bytes:
    """mu-law bytes (n) -> int16 little-endian mono PCM (2n bytes), same rate."""
    return _TO_PCM.take(np.frombuffer(mulaw, dtype=np.uint8)).tobytes()


def encode(pcm: bytes) -> bytes:
    """int16 little-endian mono PCM (2n bytes) -> mu-law bytes (n), same rate.

    Raises ValueError when the PCM has an odd number of bytes.
    """
    return _TO_MULAW.take(np.frombuffer(pcm, dtype="<u2")).tobytes()
