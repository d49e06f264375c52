"""A telephone that costs little, for many calls at once on the machine that also runs the bot.

It speaks Twilio's media stream like the simulator's telephone and keeps the same clock, but says
nothing but clips that are mu-law already, and puts its recording together after the call. (The
simulator's encodes and adds noise as it goes: at 24 calls it would be a part of what is measured.)
"""

import asyncio
import base64
import contextlib
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from telephony.simulator import twiml
from telephony.simulator.carrier_twilio import ACCOUNT_SID, AUTH_TOKEN
from telephony.simulator.phone_audio import Pcm, mulaw_to_pcm, pcm_to_mulaw
from telephony.simulator.playout import Playout
from telephony.simulator.recording import SaidSpan, StreamRecording
from telephony.simulator.telephone import JITTER_BUFFER_MS
from telephony.simulator.twilio_signature import sign

RATE_HZ: Final = 8000
PACKET_MS: Final = 20
PACKET_BYTES: Final = 160
NOISE_DBFS: Final = -65.0
AUDIBLE: Final = 184  # of int16, -45 dBFS: what the scores take for the bot's voice
_QUIET_PACKETS: Final = 64  # of line noise, said again and again


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Something to say, encoded once for all calls."""

    text: str
    pcm: Pcm
    payloads: tuple[str, ...]  # base64 of 160 bytes of mu-law each

    @classmethod
    def of(cls, text: str, pcm: Pcm) -> "Clip":
        """int16 mono at 8000 Hz, padded with line noise to whole packets."""
        size = -(-pcm.size // PACKET_BYTES) * PACKET_BYTES
        whole = _noise(size, seed=pcm.size)
        whole[: pcm.size] += pcm.astype(np.float64)
        return cls(text, pcm, _payloads(whole))


@dataclass(slots=True)
class LightTelephone:
    """One call: each clip is said when the bot has been quiet for `quiet_ms`, then it hangs up."""

    clips: Sequence[Clip]
    quiet_ms: int = 500
    patience_ms: int = 8000  # who waited so long speaks again
    seed: int = 0
    worst_lateness_ms: float = 0.0
    _sid: str = field(default_factory=lambda: "MZ" + uuid.uuid4().hex)
    _arrived: list[tuple[float, bytes | None]] = field(
        default_factory=list[tuple[float, bytes | None]]
    )  # when, and the audio; None: `clear`
    _spoken: list[tuple[int, Clip]] = field(default_factory=list[tuple[int, Clip]])
    _ticks: int = 0
    _started_s: float = 0.0
    _played_out_s: float = 0.0  # when all audio that has come will have been played
    _heard_until_s: float = 0.0  # when the last of it that is a voice will have been
    _marks: list[asyncio.TimerHandle] = field(default_factory=list[asyncio.TimerHandle])
    _socket: ClientConnection | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def call(self, document: str, call_sid: str) -> None:
        """Take the call that the TwiML describes, to its end."""
        (verb,) = (v for v in twiml.parse_twiml(document) if isinstance(v, twiml.Connect))
        stream = verb.stream
        headers = {"X-Twilio-Signature": sign(AUTH_TOKEN, stream.url)}
        async with connect(
            stream.url,
            additional_headers=headers,
            ping_interval=None,
            compression=None,
            max_size=None,
            proxy=None,
        ) as socket:
            self._socket = socket
            await socket.send(json.dumps({"event": "connected", "protocol": "Call"}))
            await socket.send(json.dumps(self._start(call_sid, dict(stream.parameters))))
            self._started_s = self._heard_until_s = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(socket))
                tasks.create_task(self._speak(socket, listening))
        for mark in self._marks:
            mark.cancel()

    def recording(self) -> StreamRecording:
        """What was said and heard, as the simulator's telephone records it."""
        playout = Playout(RATE_HZ * 600, RATE_HZ * JITTER_BUFFER_MS // 1000)
        played: list[Pcm] = []
        supplied: list[Any] = []
        arrived = iter(self._arrived)
        next_one = next(arrived, None)
        for tick in range(self._ticks):
            while next_one and next_one[0] <= tick * PACKET_MS:
                if next_one[1] is None:
                    playout.clear()
                else:
                    playout.push(mulaw_to_pcm(next_one[1]))
                next_one = next(arrived, None)
            now = playout.advance(PACKET_BYTES)
            played.append(now.pcm)
            supplied.append(now.supplied)
        said = np.zeros(self._ticks * PACKET_BYTES, np.int16)
        spans: list[SaidSpan] = []
        for tick, clip in self._spoken:
            first = tick * PACKET_BYTES
            room = said[first : first + clip.pcm.size]
            room[:] = clip.pcm[: room.size]
            spans.append(SaidSpan(first, first + room.size, clip.text))
        return StreamRecording(
            sample_rate_hz=RATE_HZ,
            said=said,
            sent=said,
            played=np.concatenate(played) if played else said,
            supplied=np.concatenate(supplied) if supplied else np.zeros(0, np.bool_),
            spoken=tuple(spans),
            worst_lateness_ms=self.worst_lateness_ms,
        )

    def _start(self, call_sid: str, parameters: dict[str, str]) -> dict[str, object]:
        start = {
            "accountSid": ACCOUNT_SID,
            "streamSid": self._sid,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE_HZ, "channels": 1},
            "customParameters": parameters,
        }
        return {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self._sid}

    async def _speak(self, socket: ClientConnection, listening: "asyncio.Task[None]") -> None:
        waiting = list(self.clips)
        saying: list[str] = []
        asked_s = self._started_s
        has_heard = False
        try:
            while True:
                due_s = self._started_s + (self._ticks + 1) * PACKET_MS / 1000
                await asyncio.sleep(due_s - time.monotonic())
                now_s = time.monotonic()
                self.worst_lateness_ms = max(self.worst_lateness_ms, (now_s - due_s) * 1000)
                if saying:
                    payload = saying.pop(0)
                    asked_s, has_heard = now_s, False
                else:
                    payload = _QUIET[(self._ticks + self.seed) % _QUIET_PACKETS]
                    has_heard |= self._heard_until_s > asked_s
                    quiet_s = now_s - self._heard_until_s
                    is_over = has_heard and quiet_s * 1000 >= self.quiet_ms
                    if is_over or (now_s - asked_s) * 1000 >= self.patience_ms:
                        if not waiting:
                            break
                        clip = waiting.pop(0)
                        self._spoken.append((self._ticks + 1, clip))
                        saying = list(clip.payloads)
                await socket.send(self._media(payload))
                self._ticks += 1
            await socket.send(json.dumps({"event": "stop", "streamSid": self._sid, "stop": {}}))
        except ConnectionClosed:
            pass
        listening.cancel()

    def _media(self, payload: str) -> str:
        chunk = self._ticks + 1
        return (
            f'{{"event":"media","sequenceNumber":"{chunk + 1}","media":{{"track":"inbound",'
            f'"chunk":"{chunk}","timestamp":"{self._ticks * PACKET_MS}","payload":"{payload}"}},'
            f'"streamSid":"{self._sid}"}}'
        )

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._take(json.loads(text), time.monotonic())
        except ConnectionClosed:
            pass

    def _take(self, message: dict[str, Any], now_s: float) -> None:
        at_ms = (now_s - self._started_s) * 1000
        match message["event"]:
            case "media":
                audio = base64.b64decode(message["media"]["payload"])
                self._arrived.append((at_ms, audio))
                self._played_out_s = max(self._played_out_s, now_s) + len(audio) / RATE_HZ
                if np.abs(mulaw_to_pcm(audio).astype(np.int32)).max() > 2 * AUDIBLE:
                    self._heard_until_s = self._played_out_s
            case "clear":
                self._arrived.append((at_ms, None))
                self._played_out_s = now_s
                self._heard_until_s = min(self._heard_until_s, now_s)
            case "mark":
                loop = asyncio.get_running_loop()
                wait_s = max(0.0, self._played_out_s - now_s)
                self._marks = [mark for mark in self._marks if mark.when() > loop.time()]
                self._marks.append(loop.call_later(wait_s, self._echo, message["mark"]["name"]))
            case _:
                pass

    def _echo(self, name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send_mark(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_mark(self, name: str) -> None:
        body = {"event": "mark", "sequenceNumber": "1", "mark": {"name": name}}
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(json.dumps({**body, "streamSid": self._sid}))


def _noise(samples: int, seed: int) -> Any:
    return np.random.default_rng(seed).normal(0, 32768 * 10 ** (NOISE_DBFS / 20), samples)


def _payloads(samples: Any) -> tuple[str, ...]:
    mulaw = pcm_to_mulaw(np.clip(np.rint(samples), -32768, 32767).astype(np.int16))
    packets = (mulaw[at : at + PACKET_BYTES] for at in range(0, len(mulaw), PACKET_BYTES))
    return tuple(base64.b64encode(packet).decode("ascii") for packet in packets)


_QUIET: Final = _payloads(_noise(_QUIET_PACKETS * PACKET_BYTES, seed=1))
