"""A server with the protocol of VibeVoice's demo/web/app.py; it keeps what it was asked.

`GET /config`, and `WS /stream` with everything in the query: JSON logs and int16 PCM come back, one
client at a time, others get the log `backend_busy` and the code 1013.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from starlette.responses import JSONResponse, Response

from telephony.simulator.exchange import serve_app


@dataclass(slots=True)
class VibeVoicePeer:
    """Answers every text with `chunks`, then does what `then` says."""

    base_url: str = ""
    voices: tuple[str, ...] = ("de-Spk0_man", "en-Carter_man", "en-Emma_woman", "in-Samuel_man")
    config: Response | None = None  # instead of those voices
    chunks: tuple[bytes, ...] = ()
    then: str = "ends"  # or "hangs", "breaks", "is cut"
    busy_times: int = 0  # how often it still says that it is busy
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client left before the end
    over: asyncio.Event = field(default_factory=asyncio.Event)
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def config_of(self) -> Response:
        told = {"voices": list(self.voices), "default_voice": "en-Emma_woman"}
        return self.config or JSONResponse(told)

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        if self.busy_times or self.one.locked():
            self.busy_times = max(0, self.busy_times - 1)
            await self._log(socket, "backend_busy", message="Please wait")
            await socket.close(1013, "Service busy")
            return
        async with self.one:
            self.asked.append(dict(socket.query_params))
            await self._log(socket, "backend_request_received")
            for chunk in self.chunks:
                await socket.send_bytes(chunk)
                await self._log(socket, "model_progress", generated_sec=0.1)
            if self.then == "hangs":
                await self._until_left(socket)
                return
            if self.then == "breaks":
                await self._log(socket, "generation_error", message="CUDA out of memory")
            await socket.close(1011 if self.then == "is cut" else 1000)

    async def _until_left(self, socket: WebSocket) -> None:
        try:
            async with asyncio.timeout(20):
                await socket.receive()
        except (WebSocketDisconnect, TimeoutError):
            pass
        self.left.set()

    async def _log(self, socket: WebSocket, event: str, **data: object) -> None:
        news = {"type": "log", "event": event, "data": data, "timestamp": "2026-01-01 00:00:00"}
        await socket.send_text(json.dumps(news))


@asynccontextmanager
async def vibevoice_peer() -> AsyncGenerator[VibeVoicePeer]:
    """Serves on a free port of this machine."""
    peer = VibeVoicePeer()
    app = FastAPI()
    app.add_api_route("/config", peer.config_of)
    app.add_api_websocket_route("/stream", peer.stream)
    async with serve_app(app) as peer.base_url:
        yield peer
