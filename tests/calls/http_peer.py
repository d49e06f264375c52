"""A business's HTTP server: it answers as told, and keeps what it was sent."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response

from telephony.simulator.exchange import serve_app


@dataclass(slots=True)
class HttpPeer:
    """Answers each request with the next of `answers` (status, body), and the last for ever."""

    answers: deque[tuple[int, str]]
    base_url: str = ""
    delay_s: float = 0.0
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    answered: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, requests: int) -> None:
        """Returns when so many requests were answered."""
        async with asyncio.timeout(30), self.answered:
            await self.answered.wait_for(lambda: len(self.requests) >= requests)


@asynccontextmanager
async def http_peer(
    answers: Sequence[tuple[int, str]], *, delay_s: float = 0.0
) -> AsyncGenerator[HttpPeer]:
    """Serves on a free port of this machine."""
    peer = HttpPeer(deque(answers), delay_s=delay_s)
    app = FastAPI()

    async def take(request: Request) -> Response:
        body = await request.body()
        await asyncio.sleep(peer.delay_s)
        status, text = peer.answers.popleft() if len(peer.answers) > 1 else peer.answers[0]
        async with peer.answered:
            peer.requests.append((request.method, request.url.path))
            peer.bodies.append(body)
            peer.headers.append(dict(request.headers))
            peer.answered.notify_all()
        return Response(text, status, media_type="application/json")

    app.add_api_route("/{path:path}", take, methods=["GET", "POST"])
    async with serve_app(app) as peer.base_url:
        yield peer
