"""Twilio Media Streams as a Pipecat serializer: 8 kHz mu-law, camelCase, marks and clear.

No resampling: run the pipeline's transport at 8000 Hz. Hanging up is the carrier's REST interface,
not the stream's.
"""

from pipecat.frames.frames import Frame
from pipecat.serializers.base_serializer import FrameSerializer

from telephony.media_line import MediaLine
from telephony.media_messages import StreamStart

# The packet that Twilio itself sends; it plays any size.
PACKET_MS = 20
# Three packets. A telephone's own jitter buffer begins to play when it holds about 60 ms: with less
# it waits for more, and with more each is heard, and ducked, as much later. `clear` empties the
# carrier's buffer, so barge-in does not wait for it.
LEAD_S = 0.060
LEAST_SPACING = 0.0


class TwilioMediaSerializer(FrameSerializer):
    """One Twilio stream. `line` has the counters and the marks."""

    def __init__(self, start: StreamStart) -> None:
        """`start`: of this stream, from `read_start`."""
        super().__init__()
        self.line = MediaLine(start, "mulaw")

    @property
    def bad_messages(self) -> int:
        """Messages not understood and dropped so far."""
        return self.line.counters.bad_messages

    async def serialize(self, frame: Frame) -> str | None:
        """The documented JSON for audio, marks and `clear`; None for any other frame.

        Raises RateMismatch for audio that is not int16 mono at 8000 Hz.
        """
        return self.line.send(frame)

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """The frame for one message. Raises SecondStart, and nothing else, whatever comes."""
        return self.line.receive(data)
