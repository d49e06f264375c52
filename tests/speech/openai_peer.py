"""An endpoint that keeps OpenAI's documented audio API, answers as told and keeps what it was sent.

`GET /v1/models`, `POST /v1/audio/transcriptions` (multipart) and `POST /v1/audio/speech` (JSON),
errors as `{"error": {"message", "type", "param", "code"}}`.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.responses import StreamingResponse

from telephony.simulator.exchange import serve_app

KEY = "sk-of-the-tests"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its chunks go out one by one; then it ends, hangs, or is cut off."""

    body: bytes | tuple[bytes, ...] = b""
    status: int = 200
    kind: str = "application/json"
    then: str = "ends"  # or "hangs", "is cut"
    headers: dict[str, str] = field(default_factory=dict[str, str])


def words(text: str, **more: object) -> Reply:
    return Reply(json.dumps({"text": text, **more}).encode())


def error(status: int, message: str, code: str | None = None) -> Reply:
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Reply(json.dumps({"error": told}).encode(), status)


def sound(*chunks: bytes, kind: str = "audio/pcm", then: str = "ends") -> Reply:
    return Reply(chunks, kind=kind, then=then)


@dataclass(slots=True)
class OpenAIPeer:
    """Gives each request the next of `replies`, and the last for ever."""

    replies: deque[Reply] = field(default_factory=deque[Reply])
    models: tuple[str, ...] = ("whisper-1", "gpt-4o-mini-tts")
    models_reply: Reply | None = None  # instead of those models
    base_url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    audio: list[bytes] = field(default_factory=list[bytes])  # files that came
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a client left before the end
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, *replies: Reply) -> None:
        self.replies = deque(replies)

    async def models_of(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return await self._response(error(401, f"Incorrect API key provided: {KEY}"))
        listed = {"object": "list", "data": [{"id": m, "object": "model"} for m in self.models]}
        return await self._response(self.models_reply or Reply(json.dumps(listed).encode()))

    async def transcribe(self, request: Request) -> Response:
        form = await request.form()
        self.asked.append(_fields(form))
        file = form["file"]
        assert isinstance(file, UploadFile)
        self.audio.append(await file.read())
        return await self._next()

    async def speak(self, request: Request) -> Response:
        self.asked.append(await request.json())
        return await self._next()

    async def _next(self) -> Response:
        self.arrived.set()
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        return await self._response(reply)

    async def _response(self, reply: Reply) -> Response:
        if isinstance(reply.body, bytes) and reply.then == "ends":
            return Response(reply.body, reply.status, reply.headers, reply.kind)
        return StreamingResponse(
            self._chunks(reply), reply.status, reply.headers, media_type=reply.kind
        )

    async def _chunks(self, reply: Reply) -> AsyncGenerator[bytes]:
        ended = False
        try:
            for chunk in (reply.body,) if isinstance(reply.body, bytes) else reply.body:
                yield chunk
            if reply.then == "hangs":
                await self.over.wait()
            if reply.then == "is cut":
                raise ConnectionAbortedError("as the test wants it")
            ended = True
        finally:
            if not ended and not self.over.is_set():
                self.left.set()


def _fields(form: FormData) -> dict[str, Any]:
    """A field that is sent once as its text; one that ends in [], or comes twice, as a list."""
    found: dict[str, Any] = {}
    for name in form:
        values = [value for value in form.getlist(name) if isinstance(value, str)]
        if values:
            found[name] = values if name.endswith("[]") or len(values) > 1 else values[0]
    return found


@asynccontextmanager
async def openai_peer() -> AsyncGenerator[OpenAIPeer]:
    """Serves on a free port of this machine."""
    peer = OpenAIPeer()
    app = FastAPI()
    app.add_api_route("/v1/models", peer.models_of)
    app.add_api_route("/v1/audio/transcriptions", peer.transcribe, methods=["POST"])
    app.add_api_route("/v1/audio/speech", peer.speak, methods=["POST"])
    async with serve_app(app) as url:
        peer.base_url = f"{url}/v1"
        try:
            yield peer
        finally:
            peer.over.set()
