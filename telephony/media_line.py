"""One call's media stream as Pipecat frames: the part that both carriers' serializers share.

In: audio in its place on the line's clock, keys, marks come back, the stream's end. Out: audio,
marks and `clear`. One bad message is counted and logged, and the call goes on; only a second
`start` ends it.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from loguru import logger
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
)

from telephony import mulaw
from telephony.concealment import Concealer
from telephony.errors import MessageInvalid, RateMismatch, SecondStart
from telephony.mark_ledger import MarkLedger
from telephony.media_messages import (
    Connected,
    Digit,
    Mark,
    Media,
    Stopped,
    StreamStart,
    clear_message,
    mark_message,
    media_message,
    parse_message,
)
from telephony.media_timeline import MediaTimeline

Encoding = Literal["mulaw", "s16le"]
LOG_PERIOD_S = 1.0
AHEAD_MS = 10_000
"""How far the caller's audio may be ahead of the time since its stream began by what was put where
packets are missing: a peer that claims a gap behind each packet would fill the memory with it."""


@dataclass
class CallerAudioFrame(InputAudioRawFrame):
    """A packet of the caller's audio, with a short name for the log.

    Pipecat writes each frame out for its trace log at every processor, whether or not anything is
    logged, and the base class's long form shows in a profile of many calls.
    """

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class LineCounters:
    """What one stream has seen. Written by the line alone; others read."""

    bad_messages: int = 0  # not understood, and dropped
    foreign_messages: int = 0  # of another stream, or of another track
    duplicate_messages: int = 0
    late_messages: int = 0
    gaps: int = 0
    filled_ms: float = 0.0  # put where packets were lost or paused
    unsupported_digits: int = 0  # A-D, which a Pipecat frame can't carry
    unknown_marks: int = 0  # echoes of marks that are not out
    audio_received_ms: float = 0.0  # handed on, filled gaps included: the caller's clock
    audio_sent_ms: float = 0.0  # handed to the carrier, not necessarily played
    last_media_timestamp_ms: int | None = None


class MediaLine:
    """The two directions of one stream, with the state that spans messages."""

    def __init__(
        self,
        start: StreamStart,
        encoding: Encoding,
        *,
        packet_multiple_bytes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`packet_multiple_bytes`: outgoing payloads are padded with silence to a multiple."""
        self.start = start
        self.counters = LineCounters()
        self.marks = MarkLedger()
        self.stopped = False
        self._encoding: Encoding = encoding
        self._multiple_bytes = packet_multiple_bytes
        self._timeline = MediaTimeline(start.sample_rate_hz)
        self._concealer = Concealer(start.sample_rate_hz)
        self._keys = _Keys()
        self._clock = clock
        self._began_s = clock()
        self._log_again_at_s = float("-inf")
        self._unlogged = 0

    def receive(self, data: str | bytes) -> Frame | None:
        """The frame that one message of the carrier's stands for, None for none.

        Raises SecondStart, and nothing else, whatever `data` holds.
        """
        try:
            message = parse_message(data, self.start.carrier)
            if isinstance(message, StreamStart):
                raise SecondStart("A second start message; one connection carries one stream")
            return self._frame(message)
        except MessageInvalid as error:
            self.counters.bad_messages += 1
            self._log(f"bad message: {error}")
            return None

    def send(self, frame: Frame) -> str | None:
        """The message for the carrier that the frame stands for, None for none.

        Raises RateMismatch for audio that is not int16 mono at the line's rate.
        """
        match frame:
            case InterruptionFrame():
                self.marks.cleared()
                return clear_message(self.start)
            case OutputAudioRawFrame():
                return self._audio_message(frame)
            case OutputTransportMessageFrame() | OutputTransportMessageUrgentFrame():
                name = mark_name(frame.message)
                if name is None:
                    # Others (RTVI, say) would make Twilio warn with error 31951.
                    return None
                self.marks.sent(name)
                return mark_message(self.start, name)
            case _:
                return None

    def ended(self, reason: str) -> InputTransportMessageFrame | None:
        """The stream's end as a frame, where it has not been told yet."""
        if self.stopped:
            return None
        self.stopped = True
        return InputTransportMessageFrame(message={"event": "stop", "reason": reason})

    def _frame(self, message: Connected | Media | Digit | Mark | Stopped) -> Frame | None:
        if isinstance(message, Connected) or self.stopped:
            return None
        if message.stream_sid not in (None, self.start.stream_sid):
            self.counters.foreign_messages += 1
            self._log("message of another stream: its stream id is not this stream's")
            return None
        match message:
            case Media():
                return self._audio_frame(message)
            case Digit():
                return self._digit_frame(message)
            case Mark(name=name):
                return self._mark_frame(name)
            case Stopped(reason=reason):
                return self.ended(reason or "unspecified")

    def _audio_frame(self, media: Media) -> InputAudioRawFrame | None:
        counters = self.counters
        if not _inbound(media.track):
            counters.foreign_messages += 1
            return None
        pcm = mulaw.decode(media.payload) if self._encoding == "mulaw" else media.payload
        if len(pcm) % 2:
            raise MessageInvalid("media.payload", "is an odd number of bytes", "Send whole samples")
        rate_hz, samples = self.start.sample_rate_hz, len(pcm) // 2
        placement = self._timeline.place(
            chunk=media.chunk, timestamp_ms=media.timestamp_ms, samples=samples
        )
        if not placement.keep:
            counters.duplicate_messages += placement.verdict == "duplicate"
            counters.late_messages += placement.verdict == "late"
            return None
        filled = min(placement.missing_samples, self._room_samples())
        counters.gaps += filled > 0
        counters.filled_ms += filled * 1000 / rate_hz
        counters.audio_received_ms += (filled + samples) * 1000 / rate_hz
        counters.last_media_timestamp_ms = media.timestamp_ms
        self._keys.packet_ms = samples * 1000 / rate_hz
        audio = self._concealer.next(pcm, filled)
        return CallerAudioFrame(audio, sample_rate=rate_hz, num_channels=1)

    def _room_samples(self) -> int:
        """How much may be put where packets are missing: time can't run away from the clock's."""
        elapsed_ms = (self._clock() - self._began_s) * 1000
        room_ms = elapsed_ms + AHEAD_MS - self.counters.audio_received_ms
        return max(0, round(room_ms * self.start.sample_rate_hz / 1000))

    def _digit_frame(self, digit: Digit) -> InputDTMFFrame | None:
        if not _inbound(digit.track):
            self.counters.foreign_messages += 1
            return None
        if self._keys.repeated(digit, self.counters.audio_received_ms):
            self.counters.duplicate_messages += 1
            return None
        if digit.digit in "ABCD":
            self.counters.unsupported_digits += 1
            return None
        frame = InputDTMFFrame(KeypadEntry(digit.digit))
        frame.metadata["duration_ms"] = digit.duration_ms
        frame.metadata["line_ms"] = self.counters.audio_received_ms
        return frame

    def _mark_frame(self, name: str) -> InputTransportMessageFrame | None:
        echo = self.marks.echoed(name)
        if echo is None:
            self.counters.unknown_marks += 1
            return None
        message: dict[str, object] = {"event": "mark", "mark": {"name": name}}
        if echo.cleared:
            message["cleared"] = True
        frame = InputTransportMessageFrame(message=message)
        # How much of the caller's audio came before it, wherever that is by now.
        frame.metadata["line_ms"] = self.counters.audio_received_ms
        return frame

    def _audio_message(self, frame: OutputAudioRawFrame) -> str | None:
        if not frame.audio:
            return None
        rate_hz = self.start.sample_rate_hz
        if frame.sample_rate != rate_hz or frame.num_channels != 1 or len(frame.audio) % 2:
            raise RateMismatch(
                f"Audio for the line is {frame.sample_rate} Hz with {frame.num_channels} channels "
                f"and {len(frame.audio)} bytes; the line takes int16 mono at {rate_hz} Hz. "
                "Let the output transport convert it"
            )
        is_mulaw = self._encoding == "mulaw"
        payload = mulaw.encode(frame.audio) if is_mulaw else frame.audio
        padding = -len(payload) % self._multiple_bytes
        payload += (mulaw.SILENCE if is_mulaw else b"\x00") * padding
        self.counters.audio_sent_ms += len(payload) * 1000 / (rate_hz * (1 if is_mulaw else 2))
        return media_message(self.start, payload)

    def _log(self, what: str) -> None:
        """At most one line a second for a stream: a broken peer must not fill the disk."""
        now_s = self._clock()
        if now_s < self._log_again_at_s:
            self._unlogged += 1
            return
        self._log_again_at_s = now_s + LOG_PERIOD_S
        more = f" (and {self._unlogged} more since the last)" if self._unlogged else ""
        self._unlogged = 0
        logger.warning("{} stream {}: {}{}", self.start.carrier, self.start.stream_sid, what, more)


class _Keys:
    """Which key messages tell of a press already told. Counts time in caller audio.

    The same digit under the same sequence number is one message sent twice. So is the same digit
    again while the first press was still down: within the shorter of the two durations, counted
    from the caller's audio and only where a whole packet of doubt leaves it certain (a message may
    come up to a packet before or after its audio). Twilio gives no durations, so there only the
    number tells.
    """

    def __init__(self) -> None:
        self.packet_ms = 0.0
        self._told: deque[tuple[int, str]] = deque(maxlen=64)
        self._last: Digit | None = None
        self._last_at_ms = 0.0

    def repeated(self, digit: Digit, now_ms: float) -> bool:
        """Whether this press was told before; `now_ms` is the caller's audio so far."""
        if digit.sequence is not None:
            if (digit.sequence, digit.digit) in self._told:
                return True
            self._told.append((digit.sequence, digit.digit))
        last, self._last = self._last, digit
        elapsed_ms, self._last_at_ms = now_ms - self._last_at_ms, now_ms
        if last is None or last.digit != digit.digit or not last.duration_ms:
            return False
        down_ms = min(last.duration_ms, digit.duration_ms or 0)
        return elapsed_ms + self.packet_ms < down_ms


def mark_name(message: object) -> str | None:
    """The mark's name in a message of ours, {"event": "mark", "mark": {"name": ...}}, else None."""
    if not isinstance(message, Mapping):
        return None
    fields = cast(Mapping[str, object], message)
    mark = fields.get("mark")
    if fields.get("event") != "mark" or not isinstance(mark, Mapping):
        return None
    name = cast(Mapping[str, object], mark).get("name")
    return name if isinstance(name, str) and name else None


def _inbound(track: str | None) -> bool:
    """Whether the track is the caller's. Twilio: "inbound" on media, "inbound_track" on dtmf."""
    return track is None or track.lower() in ("inbound", "inbound_track")
