"""A speech server that keeps the documented protocol, answers as told and keeps what it was sent.

`GET /v1/models`, `GET /v1/voices`, `POST /v1/audio/speech` and `WS /ws/stream`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

from telephony.simulator.exchange import serve_app

TOKEN = "token-of-the-tests"

HEARS = {"id": "whisper", "kind": "hears", "languages": ["en", "hi"]}
SPEAKS = {
    "id": "xtts",
    "kind": "speaks",
    "engine": "xtts",
    "version": "2",
    "languages": ["en", "hi"],
    "expression": {"sounds": [], "emotions": ["happy"], "rates": [0.9, 1.1], "has_pitch": True},
}
VOICES = [
    {"name": "asha", "language": "hi", "description": "Asha, warm", "model": "xtts"},
    {"name": "amy", "language": "en", "model": "xtts"},
    {"name": "slt", "language": "en", "model": "flite"},
]

Told = dict[str, Any]
Answers = Callable[["RemotePeer", WebSocket, Told], Coroutine[Any, Any, None]]


async def obliging(peer: "RemotePeer", socket: WebSocket, told: Told) -> None:
    """Hears how many bytes came."""
    text = f"{len(socket.state.audio)} bytes"
    known = {"id": socket.state.id, "text": text, "language": "hi", "confidence": 0.9}
    if told["type"] == "start":
        await socket.send_json({"type": "ready", "id": told["id"], "model": told["model"]})
    elif told["type"] == "partial":
        await socket.send_json({"type": "partial", "audio_ms": 0, "words": [], **known})
    elif told["type"] == "finish":
        words = [{"text": text, "start_ms": 10, "end_ms": 90, "confidence": 0.8}]
        await socket.send_json({"type": "final", "audio_ms": 0, "words": words, **known})


@dataclass(slots=True)
class RemotePeer:
    """What clients meet."""

    base_url: str = ""
    models: list[dict[str, Any]] = field(default_factory=lambda: [HEARS, SPEAKS])
    answers: Answers = obliging
    sound: Callable[[], Response] = lambda: Response(b"\1\0" * 99, media_type="audio/pcm")
    sockets: int = 0  # that were opened
    closed: int = 0  # by their clients
    told: list[Told] = field(default_factory=list[Told])  # text messages
    started: list[Told] = field(default_factory=list[Told])
    audio: bytearray = field(default_factory=bytearray)  # of the last utterance
    asked: list[Told] = field(default_factory=list[Told])  # texts to be spoken
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # in the middle of a sound
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, kind: str) -> None:
        """Returns when a message of that kind has come."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: any(told["type"] == kind for told in self.told))

    async def stream(self, socket: WebSocket) -> None:
        if socket.headers.get("authorization") != f"Bearer {TOKEN}":
            await socket.close(1008)
            return
        await socket.accept()
        self.sockets += 1
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    self.closed += 1
                    return
                if (audio := message.get("bytes")) is not None:
                    socket.state.audio += audio
                    continue
                told = json.loads(message["text"])
                if told["type"] == "start":
                    self.started.append(told)
                    self.audio = socket.state.audio = bytearray()
                    socket.state.id = told["id"]
                async with self.changed:
                    self.told.append(told)
                    self.changed.notify_all()
                await self.answers(self, socket, told)

    async def speak(self, request: Request) -> Response:
        self.asked.append(await request.json())
        return self.sound()

    def stuck(self, *chunks: bytes) -> Response:
        """A sound that never ends after `chunks`."""

        async def sound() -> AsyncGenerator[bytes]:
            try:
                for chunk in chunks:
                    yield chunk
                await self.over.wait()
            finally:
                if not self.over.is_set():
                    self.left.set()

        return StreamingResponse(sound(), media_type="audio/pcm")

    async def listing(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "send the server's token", "invalid_api_key")
        data = self.models if request.url.path.endswith("models") else VOICES
        return Response(json.dumps({"object": "list", "data": data}), media_type="application/json")


def refusal(status: int, message: str, code: str) -> Response:
    told = {"message": message, "type": "server_error", "param": None, "code": code}
    return Response(json.dumps({"error": told}), status, media_type="application/json")


@asynccontextmanager
async def remote_peer(port: int = 0) -> AsyncGenerator[RemotePeer]:
    """Serves on a port of this machine; 0 is a free one."""
    peer = RemotePeer()
    app = FastAPI()
    app.add_api_route("/v1/models", peer.listing)
    app.add_api_route("/v1/voices", peer.listing)
    app.add_api_route("/v1/audio/speech", peer.speak, methods=["POST"])
    app.add_api_websocket_route("/ws/stream", peer.stream)
    async with serve_app(app, port=port) as peer.base_url:
        try:
            yield peer
        finally:
            peer.over.set()
