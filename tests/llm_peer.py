"""A server that speaks OpenAI's chat and embeddings API, and replies as a test has scripted it.

Each request takes the next turn of the script; a turn is a list of steps. What it was asked, and
whether who asked stayed to the end, is kept.
"""

import asyncio
import base64
import json
import math
import struct
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.llm_script import (
    CallPart,
    Cut,
    Finish,
    Hang,
    HttpError,
    Page,
    Pause,
    Raw,
    Step,
    Text,
    Turn,
    calls,
    says,
)

__all__ = [
    "Asked",
    "CallPart",
    "Cut",
    "Finish",
    "Hang",
    "HttpError",
    "LlmPeer",
    "Page",
    "Pause",
    "Raw",
    "Step",
    "Text",
    "Turn",
    "calls",
    "llm_peer",
    "says",
]

EMBEDDING_SIZE = 64


@dataclass(slots=True)
class Asked:
    """One request, as it came."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    turn: Turn = ()
    port: int = 0  # of the client's end of the connection
    sent: list[str] = field(default_factory=list[str])  # the texts that were sent
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    is_complete: bool = False  # all of the turn was sent; false where the client left before

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat request."""
        return self.body["messages"]


@dataclass(slots=True)
class LlmPeer:
    """The server: its script and what it was asked."""

    turns: deque[Turn]
    base_url: str = ""
    model: str = "scripted-7b"
    respond: Callable[[dict[str, Any]], Turn] | None = None  # asked where the script has ended
    embed: Callable[[str], list[float]] = lambda text: word_vector(text)
    embedding_faults: deque[HttpError | Hang | Page] = field(
        default_factory=deque[HttpError | Hang | Page]
    )
    asked: list[Asked] = field(default_factory=list[Asked])
    embedded: list[list[str]] = field(default_factory=list[list[str]])
    listed: int = 0  # how often its models were asked for
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_asked(self, requests: int) -> None:
        """Returns when so many chat requests have come."""
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: len(self.asked) >= requests)

    def next_turn(self, body: dict[str, Any]) -> Turn:
        """The turn that answers a request."""
        if self.turns:
            return self.turns.popleft()
        if self.respond is not None:
            return self.respond(body)
        return (HttpError(500, "the script has ended"),)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        try:
            body: dict[str, Any] = await request.json()
        except ValueError:
            return _refusal(HttpError(400, "the body is no JSON"))
        asked = Asked(request.path, body, dict(request.headers), self.next_turn(body))
        if request.transport is not None:
            asked.port = request.transport.get_extra_info("peername")[1]
        async with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        try:
            return await self._answer(request, asked)
        finally:
            asked.ended.set()

    async def _answer(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        match next(iter(asked.turn), None):
            case HttpError() as error:
                await asyncio.sleep(error.after_s)
                asked.is_complete = True
                return _refusal(error)
            case Page() as page:
                asked.is_complete = True
                return web.Response(
                    text=page.body, content_type=page.content_type, status=page.status
                )
            case Hang():  # not even a header
                await self.stopped.wait()
            case _:
                pass
        if not asked.body.get("stream"):
            return await _whole(self.model, asked)
        return await _Stream(self, request, asked).send()

    async def embeddings(self, request: web.Request) -> web.Response:
        """POST /v1/embeddings."""
        body: dict[str, Any] = await request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
        self.embedded.append(texts)
        if self.embedding_faults:
            match self.embedding_faults.popleft():
                case HttpError() as error:
                    return _refusal(error)
                case Page() as page:
                    return web.Response(text=page.body, content_type=page.content_type)
                case Hang():
                    await self.stopped.wait()
        is_base64 = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": _as_base64(vector) if is_base64 else vector,
            }
            for index, vector in enumerate(map(self.embed, texts))
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return web.json_response(
            {"object": "list", "model": body["model"], "data": data, "usage": usage}
        )

    async def models(self, request: web.Request) -> web.Response:
        """GET /v1/models."""
        self.listed += 1
        return web.json_response(
            {"object": "list", "data": [{"id": self.model, "object": "model"}]}
        )


class _Stream:
    """One streamed answer."""

    def __init__(self, peer: LlmPeer, request: web.Request, asked: Asked) -> None:
        self._peer = peer
        self._request = request
        self._asked = asked
        self._pieces = 0
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})

    async def send(self) -> web.StreamResponse:
        try:
            await self._response.prepare(self._request)
            await self._chunk({"role": "assistant", "content": ""})
            ended = False
            for step in self._asked.turn:
                ended = await self._step(step)
                if ended:
                    break
            if not ended:
                has_calls = any(isinstance(step, CallPart) for step in self._asked.turn)
                await self._finish(Finish("tool_calls" if has_calls else "stop"))
            self._asked.is_complete = True
            with suppress(ConnectionError):
                await self._response.write_eof()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client has left; `is_complete` stays false
        return self._response

    async def _step(self, step: Step) -> bool:
        """Whether that was the end."""
        match step:
            case Text():
                await asyncio.sleep(step.after_s)
                await self._chunk({"content": step.text})
                self._asked.sent.append(step.text)
            case CallPart():
                await asyncio.sleep(step.after_s)
                await self._chunk({"tool_calls": [_call_part(step)]})
            case Raw():
                await asyncio.sleep(step.after_s)
                data = step.data
                await self._response.write(data.encode() if isinstance(data, str) else data)
            case Pause():
                await asyncio.sleep(step.for_s)
            case Finish():
                await self._finish(step)
                return True
            case Cut():
                transport = self._request.transport
                if transport is not None:
                    transport.abort()
                return True
            case Hang():
                await self._peer.stopped.wait()
                return True
            case HttpError() | Page():
                raise ValueError(f"{step} must be a turn's first step")
        return False

    async def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> None:
        self._pieces += 1
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        await self._write({"choices": [choice]})

    async def _write(self, fields: dict[str, Any]) -> None:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
        chunk = {**head, "model": self._peer.model, **fields}
        await self._response.write(f"data: {json.dumps(chunk)}\n\n".encode())

    async def _finish(self, end: Finish) -> None:
        await self._chunk({}, end.reason)
        wants_usage = (self._asked.body.get("stream_options") or {}).get("include_usage")
        if end.usage and wants_usage:
            await self._write({"choices": [], "usage": _usage(self._asked, self._pieces)})
        if end.done:
            await self._response.write(b"data: [DONE]\n\n")


def _call_part(step: CallPart) -> dict[str, Any]:
    function = {"name": step.name, "arguments": step.arguments}
    part: dict[str, Any] = {
        "function": {key: value for key, value in function.items() if value is not None}
    }
    if step.index is not None:
        part["index"] = step.index
    return {**part, "id": step.id, "type": "function"} if step.id is not None else part


async def _whole(model: str, asked: Asked) -> web.Response:
    """The turn as one JSON answer."""
    text = "".join(step.text for step in asked.turn if isinstance(step, Text))
    made: dict[int, dict[str, Any]] = {}
    for part in (step for step in asked.turn if isinstance(step, CallPart)):
        fresh = {"id": part.id, "type": "function", "function": {"name": "", "arguments": ""}}
        call = made.setdefault(part.index or 0, fresh)
        call["function"]["name"] += part.name or ""
        call["function"]["arguments"] += part.arguments or ""
    for step in asked.turn:
        await asyncio.sleep(getattr(step, "after_s", 0.0))
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if made:
        message["tool_calls"] = list(made.values())
    ends = [step.reason for step in asked.turn if isinstance(step, Finish)]
    reason = ends[0] if ends else "tool_calls" if made else "stop"
    asked.is_complete = True
    return web.json_response(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": _usage(asked, len(asked.turn)),
        }
    )


def _usage(asked: Asked, pieces: int) -> dict[str, int]:
    prompt = sum(len(str(each.get("content") or "").split()) for each in asked.messages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": pieces,
        "total_tokens": prompt + pieces,
    }


def _refusal(error: HttpError) -> web.Response:
    body = {"error": {"message": error.message, "type": "scripted", "code": error.status}}
    return web.json_response(body, status=error.status, headers=dict(error.headers))


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def word_vector(text: str) -> list[float]:
    """Texts that share words lie close together."""
    vector = [0.0] * EMBEDDING_SIZE
    for word in text.lower().split():
        vector[sum(word.encode()) % EMBEDDING_SIZE] += 1.0
    length = math.sqrt(sum(each * each for each in vector)) or 1.0
    return [each / length for each in vector]


@asynccontextmanager
async def llm_peer(*turns: Turn) -> AsyncGenerator[LlmPeer]:
    """Serves on a free port of this machine; `base_url` ends in /v1."""
    peer = LlmPeer(deque(turns))
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", peer.chat)
    app.router.add_post("/v1/embeddings", peer.embeddings)
    app.router.add_get("/v1/models", peer.models)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        peer.base_url = f"http://{host}:{port}/v1"
        yield peer
    finally:
        peer.stopped.set()
        await runner.cleanup()
