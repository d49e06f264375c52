"""A telephone straight from the carriers' documents, on nothing but JSON and a websocket.

It shares no code with the product or its simulator, so an error that both would make shows here.
"""

import asyncio
import base64
import json
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENT_NUMBER = "+918047490001"
"""Answered by the flow that waits long for an answer."""

PACKET_S = {"twilio": 0.02, "exotel": 0.1}
QUIET_S = 0.3  # the bot has finished when its audio has been over for so long


class RawTelephone:
    """Calls a number of the server's, presses `keys` one after the other, each after a prompt."""

    def __init__(
        self,
        carrier: str,
        *,
        to: str = "+918047490000",
        keys: str = "",
        is_mulaw: bool = False,
        rate_hz: int = 8000,
    ) -> None:
        """`is_mulaw`: Exotel's audio in mu-law; `rate_hz`: what its start says."""
        self.carrier = carrier
        self.is_mulaw = is_mulaw or carrier == "twilio"
        self.rate_hz = rate_hz
        self.to = to
        self.stream_sid = ("MZ" if carrier == "twilio" else "") + uuid.uuid4().hex
        self.call_sid = ("CA" if carrier == "twilio" else "") + uuid.uuid4().hex
        self.parameters = {"to": to, "from": "+919812345678"}  # Twilio's, from the TwiML
        self.speech: deque[bytes] = deque()  # said next, a packet each, as the line carries it
        self.noise: deque[str | bytes] = deque()  # thrown in between the packets
        self.noise_per_packet = 0
        self.unknown: list[str] = []  # what the bot sent that no carrier knows
        self.heard_bytes = 0
        self.packet_sizes: list[int] = []  # bytes of each packet heard
        self.marks: list[str] = []  # in the order in which they were asked for
        self.echoed: list[str] = []
        self.sent_noise = 0
        self.clears = 0
        self.close_code: int | None = None
        self.close_reason = ""
        self.answered = asyncio.Event()  # the bot has begun to speak
        self._keys = deque(keys)
        self._sequence = 0
        self._silent_from_s = 0.0
        self._spoke_since_key = False
        self._due: deque[tuple[float, str]] = deque()

    @property
    def quiet_s(self) -> float:
        """How long the bot's voice has been over; negative while it sounds."""
        return time.monotonic() - self._silent_from_s

    def press(self, keys: str) -> None:
        """Keys to be pressed when the bot is quiet."""
        self._keys.extend(keys)

    def real(self, event: str) -> dict[str, Any]:
        """A message as the carrier would send it now."""
        sid = {"twilio": "streamSid", "exotel": "stream_sid"}[self.carrier]
        number = {"twilio": "sequenceNumber", "exotel": "sequence_number"}[self.carrier]
        if event == "connected":
            return {"event": "connected"}
        body = {number: str(self._sequence + 1), sid: self.stream_sid, event: self._body(event)}
        return {"event": event, **body}

    def _body(self, event: str) -> Mapping[str, Any]:
        packet = self._sequence
        media = {
            "chunk": str(packet + 1),
            "timestamp": str(round(packet * PACKET_S[self.carrier] * 1000)),
            "payload": base64.b64encode(
                self.speech.popleft() if event == "media" and self.speech else self._silence()
            ).decode(),
        }
        twilio: dict[str, Mapping[str, Any]] = {
            "start": {
                "accountSid": "AC" + "0" * 32,
                "streamSid": self.stream_sid,
                "callSid": self.call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self.parameters,
            },
            "media": {"track": "inbound", **media},
            "dtmf": {"track": "inbound_track", "digit": "7"},
            "mark": {"name": "none"},
            "stop": {"accountSid": "AC" + "0" * 32, "callSid": self.call_sid},
        }
        exotel: dict[str, Mapping[str, Any]] = {
            "start": {
                "stream_sid": self.stream_sid,
                "call_sid": self.call_sid,
                "account_sid": "acme",
                "from": "+919812345678",
                "to": self.to,
                "custom_parameters": {"": ""},
                "media_format": {
                    "encoding": "base64",
                    "sample_rate": str(self.rate_hz),
                    "bit_rate": "128",
                },
            },
            "media": media,
            "dtmf": {"digit": "7", "duration": "100"},
            "mark": {"name": "none"},
            "stop": {"call_sid": self.call_sid, "account_sid": "acme", "reason": "callended"},
        }
        return (twilio if self.carrier == "twilio" else exotel)[event]

    def _silence(self) -> bytes:
        """A packet in which nobody speaks: mu-law, or s16le."""
        samples = round(PACKET_S[self.carrier] * self.rate_hz)
        return b"\xff" * samples if self.is_mulaw else bytes(2 * samples)

    async def call(self, base_url: str, *, path: str = "", headers: Sequence[Any] = ()) -> None:
        """Takes the call until one side closes the socket."""
        url = base_url.replace("http", "ws", 1) + (path or f"/telephony/{self.carrier}/stream")
        async with (
            connect(
                url, ping_interval=None, compression=None, proxy=None, additional_headers=headers
            ) as socket,
            asyncio.TaskGroup() as tasks,
        ):
            speaking = tasks.create_task(self._speak(socket))
            await self._listen(socket)
            speaking.cancel()
        self.close_code, self.close_reason = socket.close_code, socket.close_reason or ""

    async def _send(self, socket: ClientConnection, message: Mapping[str, Any]) -> None:
        self._sequence += 1
        await socket.send(json.dumps(message))

    async def _speak(self, socket: ClientConnection) -> None:
        began_s, packets = time.monotonic(), 0
        try:
            await socket.send(json.dumps(self.real("connected")))
            await self._send(socket, self.real("start"))
            while True:
                due_s = began_s + packets * PACKET_S[self.carrier]
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                await self._send(socket, self.real("media"))
                await self._make_noise(socket)
                while self._due and self._due[0][0] <= time.monotonic():
                    await self._echo(socket, self._due.popleft()[1])
                await self._press(socket)
                packets += 1
        except ConnectionClosed:
            pass  # the listener sees it too

    async def _make_noise(self, socket: ClientConnection) -> None:
        for _ in range(min(self.noise_per_packet, len(self.noise))):
            await socket.send(self.noise.popleft())
            self.sent_noise += 1

    async def _press(self, socket: ClientConnection) -> None:
        is_quiet = time.monotonic() - self._silent_from_s > QUIET_S
        if self._keys and self._spoke_since_key and is_quiet and not self.noise:
            message = self.real("dtmf")
            message["dtmf"] = {**message["dtmf"], "digit": self._keys.popleft()}
            self._spoke_since_key = False
            await self._send(socket, message)

    async def _echo(self, socket: ClientConnection, name: str) -> None:
        self.echoed.append(name)
        await self._send(socket, {**self.real("mark"), "mark": {"name": name}})

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass  # with a code that says why

    def _take(self, message: Mapping[str, Any]) -> None:
        match message["event"]:
            case "media":
                audio = base64.b64decode(message["media"]["payload"], validate=True)
                self.heard_bytes += len(audio)
                self.packet_sizes.append(len(audio))
                now_s = max(self._silent_from_s, time.monotonic())
                self._silent_from_s = now_s + len(audio) / (
                    self.rate_hz * (1 if self.is_mulaw else 2)
                )
                self._spoke_since_key = True
                self.answered.set()
            case "mark":
                self.marks.append(message["mark"]["name"])
                self._due.append((self._silent_from_s, message["mark"]["name"]))
            case "clear":
                self.clears += 1
                self._silent_from_s = time.monotonic()
                self._due = deque((0.0, name) for _, name in self._due)
            case other:
                self.unknown.append(other)
