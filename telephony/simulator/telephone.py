"""A telephone on a media stream: it keeps the carrier's clock, and a person listens and acts.

Time is counted in ticks of 20 ms on an absolute schedule that does not drift. In each tick the
playhead moves, the person hears what was played and acts, and what the person said leaves as a
packet when its last sample has been said (20 ms packets for Twilio, 100 ms for Exotel).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from telephony.simulator.clock import LineClock
from telephony.simulator.line_noise import ImpairedLine, Line
from telephony.simulator.phone_audio import Mask, Pcm
from telephony.simulator.playout import Playout
from telephony.simulator.recording import EchoedMark, StreamRecording
from telephony.simulator.script import Person
from telephony.simulator.stream_messages import (
    BotClear,
    BotMark,
    BotMedia,
    BotMessage,
    Rejected,
    StreamProtocol,
)
from telephony.simulator.violations import (
    StreamRefused,
    Violation,
    ViolationLog,
    violated_in,
)

TICK_MS: Final = 20
JITTER_BUFFER_MS: Final = 60
"""A telephone network's usual depth (40 to 60 ms). At 0 every late packet is heard as a hole; too
deep hides holes and adds itself to the reply latency of a bot that sends in real time."""

BUFFER_LIMIT_MS: Final = 600_000  # Twilio discards beyond ten minutes (31931)
OPEN_TIMEOUT_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 5.0
_MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024

EndedBy = Literal["person", "bot", "carrier"]


@dataclass(frozen=True, slots=True, eq=False)
class StreamResult:
    """One media stream from `start` to its end."""

    ended_by: EndedBy
    recording: StreamRecording
    violations: tuple[Violation, ...]
    refused_messages: int  # of the bot, each counted though a code is reported once
    bot_media_bytes: int
    clears: int
    close_code: int | None
    close_reason: str


class Telephone:
    """Takes one call on one websocket.

    Violations are collected in the result; with `fail_fast` the first is raised at once.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        person: Person,
        *,
        clock: LineClock,
        line: Line | None = None,
        jitter_buffer_ms: int = JITTER_BUFFER_MS,
        fail_fast: bool = False,
    ) -> None:
        rate = protocol.sample_rate_hz
        self._protocol = protocol
        self._person = person
        self._clock = clock
        self._line = ImpairedLine(line or Line(), rate)
        self._playout = Playout(BUFFER_LIMIT_MS * rate // 1000, jitter_buffer_ms * rate // 1000)
        self._log = ViolationLog(fail_fast=fail_fast, now_ms=lambda: self._ticks * TICK_MS)
        self._tick_samples = rate * TICK_MS // 1000
        self._ticks = 0
        self._epoch_ms = 0.0
        self._outbox: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
        self._ended_by: EndedBy | None = None
        self._said: list[Pcm] = []
        self._sent: list[Pcm] = []
        self._played: list[Pcm] = []
        self._supplied: list[Mask] = []
        self._packet: list[Pcm] = []
        self._echoed: list[EchoedMark] = []
        self._media_bytes = 0
        self._refused = 0
        self._clears = 0
        self._worst_lateness_ms = 0.0

    async def call(self, url: str, headers: Mapping[str, str] | None = None) -> StreamResult:
        """Connects, takes the call to its end, and hangs up.

        Raises StreamRefused when the websocket does not open (31901, 31902, 31920, 31923), and
        ProtocolViolated when the telephone fails fast.
        """
        socket = await _open(url, headers or {})
        try:
            await self._converse(socket)
        finally:
            await socket.close()
        return self._result(socket)

    def hang_up(self) -> None:
        """The carrier takes the call off the stream: the bot is sent `stop`."""
        self._end("carrier", "stopped")

    async def _converse(self, socket: ClientConnection) -> None:
        self._person.pick_up(self._protocol.sample_rate_hz)
        self._post(0.0, self._protocol.connected())
        self._post(0.0, self._protocol.start())
        self._epoch_ms = self._clock.now_ms()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(socket))
                tasks.create_task(self._send(socket))
                tasks.create_task(self._keep_time())
        except BaseExceptionGroup as group:
            raise violated_in(group) or group from None

    async def _keep_time(self) -> None:
        while self._ended_by is None:
            due_ms = self._epoch_ms + self._ticks * TICK_MS
            await self._clock.sleep_until_ms(due_ms)
            late_ms = self._clock.now_ms() - due_ms
            self._worst_lateness_ms = max(self._worst_lateness_ms, late_ms)
            if self._ended_by is None:
                self._tick()

    def _tick(self) -> None:
        start_ms = self._ticks * TICK_MS
        end_ms = self._epoch_ms + start_ms + TICK_MS
        played = self._playout.advance(self._tick_samples)
        for name in played.marks:
            self._echo(name, end_ms, played=True)
        act = self._person.tick(played.pcm)
        sent = self._line.carry(act.said, played.pcm)
        self._said.append(act.said)
        self._sent.append(sent)
        self._played.append(played.pcm)
        self._supplied.append(played.supplied)
        self._packet.append(sent)
        self._ticks += 1
        if len(self._packet) * TICK_MS == self._protocol.packet_ms:
            self._post_packet(start_ms + TICK_MS - self._protocol.packet_ms, end_ms)
        for digit in act.pressed:
            self._post(end_ms, self._protocol.dtmf(digit))
        if act.hangs_up:
            self._end("person", "callended")

    def _post_packet(self, start_ms: int, due_ms: float) -> None:
        pcm = np.concatenate(self._packet)
        self._packet.clear()
        if not self._line.loses_a_packet():
            late_ms = due_ms + self._line.delay_ms()
            self._post(late_ms, self._protocol.media(pcm, start_ms))
        elif self._line.moves_counters:
            self._protocol.skip_packet()

    def _post(self, due_ms: float, message: str) -> None:
        self._outbox.put_nowait((due_ms, message))

    def _echo(self, name: str, due_ms: float, *, played: bool) -> None:
        samples = self._ticks * self._tick_samples
        self._echoed.append(EchoedMark(name, samples, played))
        self._post(due_ms, self._protocol.mark(name))

    def _end(self, by: EndedBy, reason: str) -> None:
        if self._ended_by is not None:
            return
        self._ended_by = by
        if by != "bot":
            self._post(self._clock.now_ms(), self._protocol.stop(reason))
        self._outbox.put_nowait(None)

    async def _send(self, socket: ClientConnection) -> None:
        while (item := await self._outbox.get()) is not None:
            due_ms, message = item
            if self._ended_by is None:
                await self._clock.sleep_until_ms(due_ms)
            try:
                await socket.send(message)
            except ConnectionClosed:
                return  # the listener sees the same close and ends the call
        await socket.close()

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                if self._ended_by is None:
                    self._take(self._protocol.read(message))
        except ConnectionClosed:
            pass  # an abnormal close ends the call just as a normal one does; its code is kept
        self._end("bot", "")

    def _take(self, message: BotMessage) -> None:
        match message:
            case BotMedia():
                self._take_media(message)
            case BotMark(name):
                if self._playout.mark(name):
                    self._echo(name, self._clock.now_ms(), played=True)
            case BotClear():
                self._clears += 1
                spare = self._protocol.clear_spares_started_audio
                freed = self._playout.clear_not_started() if spare else self._playout.clear()
                for name in freed if self._protocol.clear_echoes_marks else ():
                    self._echo(name, self._clock.now_ms(), played=False)
            case Rejected():
                self._refused += 1
                self._log.add(message.code, message.text, once=message.once)

    def _take_media(self, media: BotMedia) -> None:
        self._media_bytes += media.payload_bytes
        if not self._playout.push(media.pcm):
            limit = f"more than {BUFFER_LIMIT_MS // 1000} s buffered: the audio was discarded"
            self._log.add(self._protocol.overrun_code, limit, once=True)
            return
        ahead_ms = self._playout.buffered_samples * 1000 // self._protocol.sample_rate_hz
        most_ms = self._protocol.max_ahead_ms
        if most_ms is not None and ahead_ms > most_ms:
            text = f"{ahead_ms} ms ahead of real time, at most {most_ms}: pace the packets"
            self._log.add(self._protocol.overrun_code, text, once=True)

    def _result(self, socket: ClientConnection) -> StreamResult:
        person = self._person
        recording = StreamRecording(
            sample_rate_hz=self._protocol.sample_rate_hz,
            said=_joined(self._said),
            sent=_joined(self._sent),
            played=_joined(self._played),
            supplied=np.concatenate([np.zeros(0, dtype=np.bool_), *self._supplied]),
            spoken=tuple(person.spoken),
            pressed=tuple(person.pressed),
            marks=tuple(self._echoed),
            worst_lateness_ms=self._worst_lateness_ms,
        )
        return StreamResult(
            ended_by=self._ended_by or "bot",
            recording=recording,
            violations=self._log.found,
            refused_messages=self._refused,
            bot_media_bytes=self._media_bytes,
            clears=self._clears,
            close_code=socket.close_code,
            close_reason=socket.close_reason or "",
        )


def _joined(parts: list[Pcm]) -> Pcm:
    return np.concatenate([np.zeros(0, dtype=np.int16), *parts])


async def _open(url: str, headers: Mapping[str, str]) -> ClientConnection:
    try:
        return await connect(
            url,
            additional_headers=dict(headers),
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,  # a carrier does not ping
            compression=None,
            max_size=_MAX_MESSAGE_BYTES,
            user_agent_header=None,
            proxy=None,
        )
    except InvalidURI as error:
        raise StreamRefused("31923", f"{url} is not a websocket URL: {error}") from error
    except InvalidStatus as error:
        status = error.response.status_code
        raise StreamRefused("31920", f"handshake answered {status}, not 101") from error
    except InvalidHandshake as error:
        raise StreamRefused("31920", f"handshake failed: {error}") from error
    except TimeoutError as error:
        raise StreamRefused("31901", f"no handshake within {OPEN_TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise StreamRefused("31902", f"connection refused: {error}") from error
