"""A whole line: a real server, a real WebSocket client, a Pipecat pipeline that echoes."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    OutputTransportMessageFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from telephony import mulaw
from telephony.errors import LineRefused
from telephony.line_transport import LineTransport
from telephony.media_fields import CarrierName
from telephony.media_stream import read_start, refuse
from tests.telephony import line_messages as lm

VOICE_OF = {digit: bytes([0x34, 16 + 16 * int(digit) // 3]) for digit in "0123456789"}
PROMPT_MS = 130  # no whole number of either carrier's packets
PATIENCE_S = 20.0  # for what has to happen; nothing waits it out when all is well


class Echo(FrameProcessor):
    """Says back what it hears; keys make it do things; carrier messages are noted."""

    def __init__(self, call: "EchoedCall") -> None:
        super().__init__()
        self._call = call

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case InputAudioRawFrame():
                await self.push_frame(TTSAudioRawFrame(frame.audio, frame.sample_rate, 1))
            case InputDTMFFrame(button=button) if button.value == "#":
                name = f"m{len(self._call.keys)}"
                self._call.keys += "#"
                message = {"event": "mark", "mark": {"name": name}}
                await self.push_frame(OutputTransportMessageFrame(message=message))
            case InputDTMFFrame(button=button) if button.value == "*":
                self._call.keys += "*"
                await self.broadcast_interruption()
            case InputDTMFFrame(button=button):
                self._call.keys += button.value
                rate_hz = self._call.rate_hz
                length_ms = 5000 if button.value == "0" else PROMPT_MS
                voice = VOICE_OF[button.value] * (rate_hz * length_ms // 1000)
                await self.push_frame(TTSAudioRawFrame(voice, rate_hz, 1))
                if button.value == "9":  # the last words, and no sign that they are over
                    await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)
                    return
                await self.push_frame(TTSStoppedFrame())
            case InputTransportMessageFrame():
                self._call.told.append(frame.message)
            case _:
                await self.push_frame(frame, direction)


@dataclass
class EchoedCall:
    """What the server saw of one call."""

    transport: LineTransport | None = None
    keys: str = ""
    told: list[Any] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refused: LineRefused | None = None

    @property
    def rate_hz(self) -> int:
        assert self.transport
        return self.transport.start.sample_rate_hz


async def answer(websocket: WebSocket, carrier: CarrierName, call: EchoedCall) -> None:
    try:
        start = await read_start(websocket, carrier=carrier)
    except LineRefused as error:
        call.refused = error
        await refuse(websocket, error)
        call.ended.set()
        return
    transport = call.transport = LineTransport(websocket, start)
    worker = PipelineWorker(
        Pipeline([transport.input(), Echo(call), transport.output()]), enable_rtvi=False
    )

    @transport.event_handler("on_client_disconnected")
    async def hung_up(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()
    call.ended.set()


@asynccontextmanager
async def line(
    carrier: CarrierName, query: str = ""
) -> AsyncIterator[tuple[ClientConnection, EchoedCall]]:
    """A server with one call, and the carrier's end of its socket."""
    app, call = FastAPI(), EchoedCall()

    @app.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await answer(websocket, carrier, call)

    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws_max_size=4 << 20)
    server = uvicorn.Server(config)
    async with asyncio.timeout(3 * PATIENCE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/stream{query}", max_size=None) as socket:
            yield socket, call
        await asyncio.wait_for(call.ended.wait(), PATIENCE_S)
        server.should_exit = True


async def send(socket: ClientConnection, *messages: object) -> None:
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def until(socket: ClientConnection, event: str, count: int = 1) -> list[Any]:
    """Everything the far end is sent, up to the `count`-th `event`."""
    seen: list[Any] = []
    while sum(message["event"] == event for message in seen) < count:
        seen.append(json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S)))
    return seen


def audio_in(messages: list[Any]) -> list[bytes]:
    return [
        base64.b64decode(message["media"]["payload"])
        for message in messages
        if message["event"] == "media"
    ]


def opening(carrier: CarrierName) -> list[lm.Message]:
    if carrier == "twilio":
        return [lm.TWILIO_CONNECTED, lm.twilio_start()]
    return [lm.EXOTEL_CONNECTED, lm.exotel_start()]


def media(carrier: CarrierName, n: int, audio: bytes | None = None) -> lm.Message:
    if carrier == "twilio":
        return lm.twilio_media(n, audio or b"\x90" * 160)
    return lm.exotel_media(n, audio or b"\x21\x43" * 800)


def key(carrier: CarrierName, sequence: int, digit: str) -> lm.Message:
    if carrier == "twilio":
        return lm.twilio_dtmf(sequence, digit)
    return lm.exotel_dtmf(sequence, digit)


def mark(carrier: CarrierName, sequence: int, name: str) -> lm.Message:
    return (lm.twilio_mark if carrier == "twilio" else lm.exotel_mark)(sequence, name)


def prompt(carrier: CarrierName, digit: str) -> list[bytes]:
    """The packets of the 130 ms that a key makes the bot say, on an 8 kHz line."""
    pcm = VOICE_OF[digit] * (8 * PROMPT_MS)
    if carrier == "twilio":
        voice, size = mulaw.encode(pcm), 160
        padded = voice.ljust(7 * size, b"\xff")
    else:
        size = 1600
        padded = pcm.ljust(2 * size, b"\x00")
    return [padded[at : at + size] for at in range(0, len(padded), size)]


CARRIERS = pytest.mark.parametrize("carrier", ["twilio", "exotel"])


@CARRIERS
async def test_what_the_caller_says_comes_back_whole_in_the_carriers_packets(carrier: CarrierName):
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier))
        said = [bytes([n]) * (160 if carrier == "twilio" else 1600) for n in range(0x80, 0x94)]
        await send(socket, *(media(carrier, n, audio) for n, audio in enumerate(said)))
        packets = audio_in(await until(socket, "media", count=len(said)))
        assert packets == said
        assert call.transport
        assert call.transport.counters.audio_sent_ms == call.transport.counters.audio_received_ms


@CARRIERS
async def test_a_mark_follows_all_audio_before_it_and_the_tail_is_silence(carrier: CarrierName):
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier), key(carrier, 5, "1"), key(carrier, 6, "#"))
        seen = await until(socket, "mark")
        packets = audio_in(seen)
        assert seen[-1]["event"] == "mark"
        assert packets == prompt(carrier, "1")
        await send(socket, mark(carrier, 7, "m1"), media(carrier, 1), key(carrier, 8, "#"))
        await until(socket, "mark")
        assert call.told == [{"event": "mark", "mark": {"name": "m1"}}]
        assert call.transport
        assert call.transport.pending_marks == ("m2",)


@CARRIERS
async def test_an_interruption_clears_and_nothing_old_follows(carrier: CarrierName):
    async with line(carrier) as (socket, _):
        await send(socket, *opening(carrier), key(carrier, 5, "0"))
        await until(socket, "media")
        await send(socket, key(carrier, 6, "*"), key(carrier, 7, "2"), key(carrier, 8, "#"))
        before = audio_in(await until(socket, "clear"))
        after = audio_in(await until(socket, "mark"))
        assert after == prompt(carrier, "2")
        assert len(before) < 10


async def test_a_mark_out_when_clear_is_sent_comes_back_flagged():
    async with line("twilio") as (socket, call):
        await send(socket, *opening("twilio"), key("twilio", 5, "1"), key("twilio", 6, "#"))
        await until(socket, "mark")
        await send(socket, key("twilio", 7, "*"))
        await until(socket, "clear")
        await send(socket, lm.twilio_mark(8, "m1"), key("twilio", 9, "#"))
        await until(socket, "mark")
        assert call.told == [{"event": "mark", "mark": {"name": "m1"}, "cleared": True}]


@pytest.mark.parametrize("rate_hz", [16000, 24000])
async def test_exotel_at_higher_rates_is_sent_100_ms_packets_unresampled(rate_hz: int):
    async with line("exotel", f"?sample-rate={rate_hz}") as (socket, _):
        await send(socket, lm.EXOTEL_CONNECTED, lm.exotel_start(sample_rate=None))
        noise = np.random.default_rng(7).integers(-9000, 9000, rate_hz // 2).astype("<i2").tobytes()
        size = rate_hz // 5
        for n in range(5):
            await send(socket, lm.exotel_media(n, noise[n * size : (n + 1) * size]))
        packets = audio_in(await until(socket, "media", count=5))
        assert {len(packet) for packet in packets} == {size}
        assert b"".join(packets) == noise


def mutated(rng: random.Random, real: list[str]) -> str | bytes:
    """A real message, damaged: in its text, in one of its fields, or not JSON at all."""
    text = rng.choice(real)
    match rng.randrange(6):
        case 0:
            cut = rng.randrange(len(text))
            return text[:cut]
        case 1:
            spot = rng.randrange(len(text))
            return text[:spot] + chr(rng.randrange(1, 0x300)) + text[spot + 1 :]
        case 2:
            return rng.randbytes(rng.randrange(1, 60))
        case 3:
            return rng.choice(["null", "[1]", "7", '""', "{}", "", "[" * 5000, '{"event":null}'])
        case _:
            message = json.loads(text)
            place = message
            name = rng.choice(list(place))
            while isinstance(place[name], dict) and place[name] and rng.random() < 0.7:
                place = place[name]
                name = rng.choice(list(place))
            odd = [None, 7, -1, 10**14, True, [], {}, "", "x", "AAA", "\ud800", 1.5, [1], {"a": 1}]
            place[name] = rng.choice(odd)
            return json.dumps(message)


@CARRIERS
async def test_five_thousand_damaged_messages_do_not_end_a_call(carrier: CarrierName):
    rng = random.Random(20260801)
    stop = lm.twilio_stop(9) if carrier == "twilio" else lm.exotel_stop(9)
    real = [
        json.dumps(message)
        for message in (
            media(carrier, 3, b"\xff" * 4),
            key(carrier, 4, "7"),
            mark(carrier, 5, "m1"),
            {**stop, "stop": None},
            *opening(carrier)[:1],
        )
    ]
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier))
        await send(socket, *(mutated(rng, real) for _ in range(5000)))
        # The last of it interrupted, so that the echo of damaged audio does not have to be heard.
        for sequence in (10**6, 10**6 + 1):
            await send(socket, key(carrier, sequence, "*"), media(carrier, 10**6 + sequence))
            await until(socket, "clear")
        await send(socket, key(carrier, 10**6 + 2, "3"), key(carrier, 10**6 + 3, "#"))
        said = prompt(carrier, "3")
        assert audio_in(await until(socket, "mark"))[-len(said) :] == said
        assert call.transport
        assert call.transport.serializer.bad_messages > 2000
        assert not any(told.get("event") == "stop" for told in call.told)
        await send(socket, lm.twilio_stop(10) if carrier == "twilio" else lm.exotel_stop(10))
    expected_reason = "unspecified" if carrier == "twilio" else "callended"
    assert call.told[-1] == {"event": "stop", "reason": expected_reason}


@CARRIERS
async def test_when_the_socket_closes_the_pipeline_ends_and_the_end_is_told_once(
    carrier: CarrierName,
):
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier), media(carrier, 1))
        await until(socket, "media")
    assert call.told == [{"event": "stop", "reason": "disconnected"}]


@CARRIERS
async def test_the_bots_end_sends_every_word_and_no_more_and_closes_the_socket(
    carrier: CarrierName,
):
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier), key(carrier, 5, "9"))
        seen = [json.loads(message) async for message in socket]
        assert audio_in(seen) == prompt(carrier, "9")
        assert socket.close_code == 1000
    assert call.told == []


@pytest.mark.parametrize(
    ("offence", "code", "reason"),
    [("second start", 1002, "SecondStart"), ("large", 1009, "MessageTooLarge")],
)
@CARRIERS
async def test_an_offence_closes_the_socket_with_a_code_and_ends_the_pipeline(
    carrier: CarrierName, offence: str, code: int, reason: str
):
    async with line(carrier) as (socket, call):
        await send(socket, *opening(carrier), media(carrier, 1))
        await until(socket, "media")
        await send(socket, opening(carrier)[1] if offence == "second start" else "x" * (2 << 20))
        with pytest.raises(ConnectionClosed) as caught:
            await until(socket, "never")
    assert caught.value.rcvd
    assert caught.value.rcvd.code == code
    assert caught.value.rcvd.reason
    assert call.told == [{"event": "stop", "reason": reason}]


async def test_a_handshake_that_can_not_be_used_is_closed_with_the_field_named():
    async with line("twilio") as (socket, call):
        await send(socket, lm.TWILIO_CONNECTED, lm.exotel_start())
        with pytest.raises(ConnectionClosed) as caught:
            await until(socket, "never")
    assert caught.value.rcvd
    assert caught.value.rcvd.code == 1007
    assert "Exotel address" in caught.value.rcvd.reason
    assert call.refused
