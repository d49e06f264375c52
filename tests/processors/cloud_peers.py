"""Servers of ours that keep what Deepgram and ElevenLabs document of their websockets."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from telephony.simulator.exchange import serve_app

KEY = "key-of-the-tests"


@dataclass(slots=True)
class DeepgramPeer:
    """`WS /v1/listen`: hears how much audio came; words are told for every 100 ms of it."""

    base_url: str = ""
    sockets: int = 0
    queries: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    told: list[str] = field(default_factory=list[str])  # types of text messages
    audio: bytearray = field(default_factory=bytearray)
    silent: bool = False  # hears no words
    answers_finalize: bool = True
    hangs: bool = False
    hangs_up_at: str = ""  # "audio" or a type of message
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self, socket: WebSocket) -> None:
        if socket.headers.get("authorization") != f"Token {KEY}":
            await socket.send_denial_response(Response("INVALID_AUTH", 401))
            return
        await socket.accept()
        self.sockets += 1
        self.queries.append(dict(socket.query_params))
        rate_hz, heard_s, final_s = int(socket.query_params["sample_rate"]), 0.0, 0.0
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                if (audio := message.get("bytes")) is not None:
                    kind = "audio"
                    self.audio += audio
                    heard_s += len(audio) / 2 / rate_hz
                else:
                    kind = json.loads(message["text"])["type"]
                async with self.changed:
                    self.told.append(kind)
                    self.changed.notify_all()
                if kind == self.hangs_up_at:
                    await socket.close(1011)
                    return
                if self.hangs:
                    continue
                if kind == "audio":
                    await socket.send_json(self._result(final_s, heard_s, is_final=False))
                elif kind == "Finalize":
                    result = self._result(final_s, heard_s, is_final=True)
                    final_s = heard_s
                    await socket.send_json({**result, "from_finalize": self.answers_finalize})
                elif kind == "CloseStream":
                    await socket.close()
                    return

    def _result(self, start_s: float, end_s: float, *, is_final: bool) -> dict[str, Any]:
        tenths = round((end_s - start_s) * 10)
        text = "" if self.silent else f"{tenths} tenths"
        words = [
            {"word": w, "punctuated_word": w, "start": start_s, "end": end_s, "confidence": 0.75}
            for w in text.split()
        ]
        best = {"transcript": text, "confidence": 0.9 if text else 0.0, "words": words}
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": start_s,
            "duration": end_s - start_s,
            "is_final": is_final,
            "speech_final": is_final,
            "from_finalize": False,
            "channel": {"alternatives": [best]},
            "metadata": {"request_id": "r", "model_uuid": "m", "model_info": {}},
        }

    async def until(self, kind: str) -> None:
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(lambda: kind in self.told)


@dataclass(slots=True)
class ElevenLabsPeer:
    """`WS /v1/text-to-speech/{voice}/multi-stream-input`: 10 ms of sound for each letter."""

    base_url: str = ""
    sockets: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a socket was left by its client
    paths: list[str] = field(default_factory=list[str])
    queries: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    mode: str = "speaks"  # or "is silent", "hangs", "hangs after a chunk", "hangs up"

    async def models(self, request: Request) -> Response:
        good = request.headers.get("xi-api-key") == KEY
        return Response("[]" if good else "{}", 200 if good else 401)

    async def speak(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets += 1
        self.paths.append(socket.url.path)
        self.queries.append(dict(socket.query_params))
        texts: dict[str, str] = {}
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                told = json.loads(await socket.receive_text())
                self.told.append(told)
                if told.get("close_socket"):
                    break
                context = told.get("context_id", "")
                texts[context] = texts.get(context, "") + told.get("text", "").strip()
                if told.get("close_context"):
                    await self._say(socket, context, texts.pop(context, ""))
            await socket.close()
        self.left.set()

    async def _say(self, socket: WebSocket, context: str, text: str) -> None:
        if self.mode == "hangs":
            return
        if self.mode == "hangs up":
            await socket.close(1008, "voice_id_does_not_exist")
            return
        chunk = base64.b64encode(b"\1\0" * (160 * len(text))).decode()
        for _ in range(0 if self.mode == "is silent" else 2):
            await socket.send_json({"audio": chunk, "contextId": context, "isFinal": None})
            if self.mode == "hangs after a chunk":
                return
        await socket.send_json({"contextId": context, "isFinal": True})


@asynccontextmanager
async def deepgram_peer() -> AsyncGenerator[DeepgramPeer]:
    """Serves on a free port of this machine."""
    peer = DeepgramPeer()
    app = FastAPI()
    app.add_api_websocket_route("/v1/listen", peer.listen)
    async with serve_app(app) as url:
        peer.base_url = "ws" + url.removeprefix("http")
        yield peer


@asynccontextmanager
async def elevenlabs_peer() -> AsyncGenerator[ElevenLabsPeer]:
    """Serves on a free port of this machine."""
    peer = ElevenLabsPeer()
    app = FastAPI()
    app.add_api_route("/v1/models", peer.models)
    path = "/v1/text-to-speech/{voice}/multi-stream-input"
    app.add_api_websocket_route(path, peer.speak)
    async with serve_app(app) as url:
        peer.base_url = "ws" + url.removeprefix("http")
        yield peer
