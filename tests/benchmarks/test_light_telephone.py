"""The telephone that costs little, against a bot that says one thing twice."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.light_telephone import PACKET_BYTES, Clip, LightTelephone
from telephony.simulator.measure import audible_spans
from telephony.simulator.phone_audio import pcm_to_mulaw, tone

TONE = tone(440.0, 300, 8000)


@asynccontextmanager
async def bot(heard: list[dict[str, object]]) -> AsyncGenerator[str]:
    """Says a tone of 300 ms at `start`, and again when a mark behind it has come back."""

    async def take(socket: ServerConnection) -> None:
        sid = ""
        async for text in socket:
            message = json.loads(text)
            heard.append(message)
            if message["event"] == "start":
                sid = message["streamSid"]
            if message["event"] in ("start", "mark"):
                mulaw = pcm_to_mulaw(TONE)
                for at in range(0, len(mulaw), PACKET_BYTES):
                    payload = base64.b64encode(mulaw[at : at + PACKET_BYTES]).decode()
                    media = {"event": "media", "streamSid": sid, "media": {"payload": payload}}
                    await socket.send(json.dumps(media))
            if message["event"] == "start":
                mark = {"event": "mark", "streamSid": sid, "mark": {"name": "said"}}
                await socket.send(json.dumps(mark))

    async with serve(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f'<Response><Connect><Stream url="ws://127.0.0.1:{port}/"/></Connect></Response>'


async def test_it_says_its_clip_behind_the_bots_words_and_records_both() -> None:
    heard: list[dict[str, object]] = []
    clip = Clip.of("hello", tone(600.0, 200, 8000))
    telephone = LightTelephone([clip], quiet_ms=200, patience_ms=3000)
    async with bot(heard) as document, asyncio.timeout(20):
        await telephone.call(document, "CA1")
    events = [message["event"] for message in heard]
    assert events[:2] == ["connected", "start"]
    assert events[-1] == "stop"
    assert events.count("mark") == 1
    recording = telephone.recording()
    assert recording.said.size == recording.played.size == recording.supplied.size
    (bot_span,) = audible_spans(recording.played, 8000)
    (caller_span,) = audible_spans(recording.said, 8000)
    assert caller_span.start_ms >= bot_span.end_ms, "it waits until the bot is silent"
    said = recording.spoken[0]
    assert np.array_equal(recording.said[said.start_samples : said.end_samples], clip.pcm)
