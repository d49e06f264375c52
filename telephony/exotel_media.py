"""Exotel AgentStream as a Pipecat serializer: 8, 16 or 24 kHz, in the spelling of its own start.

Decoded by configuration and never by guess: s16le unless the setting says mu-law, because what the
start message declares contradicts Exotel's own documentation.
"""

from loguru import logger
from pipecat.frames.frames import Frame
from pipecat.serializers.base_serializer import FrameSerializer

from telephony.media_line import Encoding, MediaLine
from telephony.media_messages import StreamStart

# Exotel plays payloads of a multiple of 320 bytes only, and at least 1,600 at 8 kHz.
PACKET_MULTIPLE_BYTES = 320
LEAST_PACKET_BYTES_AT_8_KHZ = 1_600
# Two packets: one playing, one waiting, so that the next may be a packet late.
LEAD_S = 0.200
# Exotel's own sample sends a packet every 0.9 of its length and reports that bursts went with
# hang-ups after about 4 s. So the lead is built at 1.1 times real time, never by a burst.
LEAST_SPACING = 0.9


def packet_ms(encoding: Encoding) -> int:
    """Length of an outgoing packet: 100 ms of s16le (1,600 B at 8 kHz), 200 ms of mu-law."""
    bytes_a_ms_at_8_khz = 16 if encoding == "s16le" else 8
    return LEAST_PACKET_BYTES_AT_8_KHZ // bytes_a_ms_at_8_khz


class ExotelMediaSerializer(FrameSerializer):
    """One Exotel stream. `line` has the counters and the marks."""

    def __init__(self, start: StreamStart, *, encoding: Encoding = "s16le") -> None:
        """`start`: of this stream, from `read_start`; `encoding`: how this deployment streams.

        Raises ValueError for mu-law at another rate than 8000 Hz.
        """
        super().__init__()
        if encoding == "mulaw" and start.sample_rate_hz != 8000:
            raise ValueError(f"mu-law is 8000 Hz, not {start.sample_rate_hz}; set s16le instead")
        if encoding == "s16le" and "mulaw" in start.declared_encoding.lower():
            logger.warning(
                "exotel stream {} declares {!r} and is read as s16le; if it is noise, set mulaw",
                start.stream_sid,
                start.declared_encoding,
            )
        self.encoding: Encoding = encoding
        self.line = MediaLine(start, encoding, packet_multiple_bytes=PACKET_MULTIPLE_BYTES)

    @property
    def bad_messages(self) -> int:
        """Messages not understood and dropped so far."""
        return self.line.counters.bad_messages

    async def serialize(self, frame: Frame) -> str | None:
        """The documented JSON for audio, marks and `clear`; None for any other frame.

        Audio is zero-padded to a multiple of 320 bytes. Raises RateMismatch for audio that is not
        int16 mono at the line's rate.
        """
        return self.line.send(frame)

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """The frame for one message. Raises SecondStart, and nothing else, whatever comes."""
        return self.line.receive(data)
