"""Pipecat's FastAPI WebSocket transport, made a telephone line.

Out: packets of the carrier's size, sent by a playout schedule that neither drifts nor bursts; a
mark never overtakes audio, and nothing older than a `clear` follows it. In: one bad message ends
nothing; a second `start` or a message over the limit closes the socket with a code and a reason.
However the stream ends, its end is told once as a `stop` message.
"""

import asyncio
import time
from typing import cast

from fastapi import WebSocket, WebSocketDisconnect
from loguru import logger
from pipecat.audio.filters.base_audio_filter import BaseAudioFilter
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketClient,
    FastAPIWebsocketInputTransport,
    FastAPIWebsocketOutputTransport,
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.utils.utils import obj_id

from telephony import exotel_media, twilio_media
from telephony.errors import LineRefused
from telephony.exotel_media import ExotelMediaSerializer
from telephony.media_line import Encoding, LineCounters, MediaLine, mark_name
from telephony.media_messages import StreamStart
from telephony.media_stream import MAX_MESSAGE_BYTES, check_size, refuse
from telephony.pacing import PlayoutSchedule
from telephony.twilio_media import TwilioMediaSerializer


class LineTransport(FastAPIWebsocketTransport):
    """The transport of one call. Its events are Pipecat's: on_client_disconnected ends the call."""

    def __init__(
        self,
        websocket: WebSocket,
        start: StreamStart,
        *,
        exotel_encoding: Encoding = "s16le",
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        audio_out_filter: BaseAudioFilter | None = None,
    ) -> None:
        """An accepted socket and the `start` that `read_start` took from it.

        `audio_out_filter` is applied to each packet in the moment in which it leaves for the line,
        at most the lead (60 ms on Twilio, 200 ms on Exotel) before it is heard. (Pipecat's own
        applies it before the packet's wait for its time.) Raises ValueError for an encoding that
        the rate does not allow.
        """
        self.start = start
        if start.carrier == "twilio":
            serializer = TwilioMediaSerializer(start)
            packet_ms = twilio_media.PACKET_MS
            lead_s, spacing = twilio_media.LEAD_S, twilio_media.LEAST_SPACING
        else:
            serializer = ExotelMediaSerializer(start, encoding=exotel_encoding)
            packet_ms = exotel_media.packet_ms(exotel_encoding)
            lead_s, spacing = max(exotel_media.LEAD_S, packet_ms / 500), exotel_media.LEAST_SPACING
        self.serializer = serializer
        params = FastAPIWebsocketParams(
            serializer=serializer,
            audio_in_enabled=True,
            audio_in_sample_rate=start.sample_rate_hz,
            audio_out_enabled=True,
            audio_out_sample_rate=start.sample_rate_hz,
            audio_out_10ms_chunks=packet_ms // 10,
            # A call ends when the far end has echoed the last mark, not after a guessed silence.
            audio_out_end_silence_secs=0,
            # Carriers send no Origin; who may connect is decided before the socket is accepted.
            allowed_origins=[],
        )
        super().__init__(websocket, params)
        self._client = LineClient(websocket, self._callbacks, params.ws_close_timeout)
        self._input = LineInput(
            self, self._client, params, line=serializer.line, max_message_bytes=max_message_bytes
        )
        self._output = LineOutput(
            self,
            self._client,
            params,
            schedule=PlayoutSchedule(lead_s=lead_s, least_spacing=spacing),
            last_filter=audio_out_filter,
        )

    @property
    def counters(self) -> LineCounters:
        """What the stream has seen so far."""
        return self.serializer.line.counters

    @property
    def pending_marks(self) -> tuple[str, ...]:
        """Names of the marks sent and not yet echoed, oldest first."""
        return self.serializer.line.marks.pending

    @property
    def unplayed_ms(self) -> float:
        """Audio sent that the far end should not have played yet, by the schedule's model."""
        return self._output.unplayed_ms


class LineClient(FastAPIWebsocketClient):
    """The socket, which can also be closed with a code and a reason."""

    async def refuse(self, error: LineRefused) -> None:
        """Close for the peer's fault; nothing is sent after."""
        self._closing = True
        await refuse(self._websocket, error)


class LineInput(FastAPIWebsocketInputTransport):
    """Messages to frames until the socket ends."""

    def __init__(
        self,
        transport: LineTransport,
        client: LineClient,
        params: FastAPIWebsocketParams,
        *,
        line: MediaLine,
        max_message_bytes: int,
    ) -> None:
        super().__init__(transport, client, params)
        self._line_client = client
        self._line = line
        self._max_message_bytes = max_message_bytes

    async def _receive_messages(self) -> None:
        reason = "disconnected"
        try:
            async for message in self._line_client.receive():
                check_size(message, self._max_message_bytes)
                await self._take(self._line.receive(message))
        except LineRefused as error:
            reason = type(error).__name__
            await self._line_client.refuse(error)
        except (OSError, RuntimeError, WebSocketDisconnect) as error:
            # RuntimeError is what Starlette raises on a socket that is already gone.
            logger.warning("{} the socket ended: {}", self, error)
        if self._line_client.is_closing and reason == "disconnected":
            return  # we hung up; nobody needs telling
        await self._take(self._line.ended(reason))
        await self._line_client.trigger_client_disconnected()

    async def _take(self, frame: Frame | None) -> None:
        if frame is None:
            return
        await self.push_frame(frame)


class LineOutput(FastAPIWebsocketOutputTransport):
    """Frames to messages, packet by packet, each when the schedule lets it leave."""

    def __init__(
        self,
        transport: LineTransport,
        client: LineClient,
        params: FastAPIWebsocketParams,
        *,
        schedule: PlayoutSchedule,
        last_filter: BaseAudioFilter | None,
    ) -> None:
        super().__init__(transport, client, params)
        self._schedule = schedule
        self._last_filter = last_filter
        # Who holds it may write. An interruption holds it from the moment the queue is emptied
        # until `clear` has left, so that neither old audio nor the answer to it can slip between.
        self._wire = asyncio.Lock()
        self._interruptions = 0
        self._first_new_id = 0  # frame ids rise: packets cut before the last interruption have less

    @property
    def unplayed_ms(self) -> float:
        """Audio sent that the far end should not have played yet."""
        return 1000 * self._schedule.unplayed_s(time.monotonic())

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """As Pipecat's, with an interruption made one step on the wire."""
        if not isinstance(frame, InterruptionFrame):
            await super().process_frame(frame, direction)
            return
        async with self._wire:
            await super().process_frame(frame, direction)
            self._schedule.cleared(time.monotonic())

    async def start(self, frame: StartFrame) -> None:
        """As Pipecat's; the line's rate is known now."""
        await super().start(frame)
        if self._last_filter is not None:
            await self._last_filter.start(self.sample_rate)

    async def stop(self, frame: EndFrame) -> None:
        """As Pipecat's, after the tail that did not fill a packet has been sent too."""
        for sender in self._media_senders.values():
            await sender.handle_tts_stopped(cast(TTSStoppedFrame, frame))
        await super().stop(frame)

    async def _handle_frame(self, frame: Frame) -> None:
        if isinstance(frame, InterruptionFrame):
            # No await from here to the emptying of the queue: what was taken from it before is old.
            self._interruptions += 1
            self._first_new_id = obj_id()
        sender = self._media_senders.get(frame.transport_destination)
        if sender and isinstance(frame, OutputTransportMessageFrame) and mark_name(frame.message):
            # Pipecat's sender holds back what does not fill a packet, and a mark would overtake it.
            # Its way of ending speech pads that packet, then queues the frame it is given.
            await sender.handle_tts_stopped(cast(TTSStoppedFrame, frame))
            return
        await super()._handle_frame(frame)

    async def send_message(
        self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame
    ) -> None:
        """Write a message of ours, unless an interruption came between its turn and the wire."""
        interruptions = self._interruptions
        async with self._wire:
            if interruptions == self._interruptions or not frame.interruptible:
                await super().send_message(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send audio in packets, each in its time; False when the line is gone or was cleared."""
        size = self.audio_chunk_size
        packet_s = size / (2 * self.sample_rate)
        for offset in range(0, len(frame.audio), size):
            audio = frame.audio[offset : offset + size].ljust(size, b"\x00")
            await asyncio.sleep(self._schedule.delay_s(time.monotonic(), packet_s))
            async with self._wire:
                if frame.id < self._first_new_id and frame.interruptible:
                    return False
                if self._last_filter is not None:
                    audio = await self._last_filter.filter(audio)
                packet = OutputAudioRawFrame(audio, self.sample_rate, num_channels=1)
                if not await self._write_frame(packet):
                    return False
                self._schedule.sent(time.monotonic(), packet_s)
        return True
