"""Bots and clips for the simulator's tests: a tone stands for speech."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request, Response
from websockets.asyncio.server import ServerConnection, serve

from telephony.simulator.exchange import serve_app
from telephony.simulator.phone_audio import Pcm, pcm_to_mulaw, tone

Handler = Callable[[ServerConnection], Awaitable[None]]


class TwilioBot:
    """A tiny bot that keeps Twilio's protocol; it records what it was sent."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.stream_sid = ""

    async def next(self) -> dict[str, Any]:
        self.messages.append(json.loads(await self.socket.recv()))
        return self.messages[-1]

    async def until(self, event: str) -> dict[str, Any]:
        while (message := await self.next())["event"] != event:
            pass
        return message

    async def begin(self) -> dict[str, Any]:
        start = await self.until("start")
        self.stream_sid = start["streamSid"]
        return start

    async def send(self, event: str, **body: Any) -> None:
        message = {"event": event, "streamSid": self.stream_sid, **body}
        await self.socket.send(json.dumps(message))

    async def play(self, pcm: Pcm) -> None:
        payload = base64.b64encode(pcm_to_mulaw(pcm)).decode()
        await self.send("media", media={"payload": payload})

    async def mark(self, name: str) -> None:
        await self.send("mark", mark={"name": name})


async def keypad_bot(socket: ServerConnection) -> None:
    """Asks, takes one key, answers, and hangs up when its last word was played."""
    bot = TwilioBot(socket)
    await bot.begin()
    await bot.play(tone(440, 1000, 8000))
    await bot.mark("question")
    await bot.until("dtmf")
    await bot.send("clear")
    await bot.play(tone(660, 500, 8000))
    await bot.mark("bye")
    while (await bot.until("mark"))["mark"]["name"] != "bye":
        pass


@pytest.fixture
async def bot_at() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serves a handler on a free port and gives its websocket URL."""
    async with AsyncExitStack() as stack:

        async def start(handler: Handler) -> str:
            server = await stack.enter_async_context(
                serve(handler, "127.0.0.1", 0, ping_interval=None)
            )
            port = next(iter(server.sockets)).getsockname()[1]
            return f"ws://127.0.0.1:{port}/stream"

        yield start


@pytest.fixture
def twilio_bot() -> type[TwilioBot]:
    return TwilioBot


@pytest.fixture
def keypad() -> Handler:
    return keypad_bot


@pytest.fixture
def clip() -> Pcm:
    """A second of "speech" of the caller, 8 kHz."""
    return tone(300, 1000, 8000)


@pytest.fixture
def wait_closed() -> Callable[[ServerConnection], Awaitable[None]]:
    async def wait(socket: ServerConnection) -> None:
        async with asyncio.timeout(20):
            await socket.wait_closed()

    return wait


@pytest.fixture
def silence() -> Callable[[int], Pcm]:
    return lambda samples: np.zeros(samples, dtype=np.int16)


class Business:
    """The bot's web side: answers what it is told to, and keeps every webhook it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, Response] = {}
        self.seen: list[tuple[str, str, dict[str, str], str]] = []  # path, url, fields, signature
        self.base_url = ""
        self.app = FastAPI()
        self.app.add_api_route("/{path:path}", self._take, methods=["GET", "POST"])

    async def _take(self, path: str, request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("application/json"):
            fields = await request.json()
        else:
            form = await request.form()
            fields = {name: str(value) for name, value in (form or request.query_params).items()}
        signature = request.headers.get("x-twilio-signature", "")
        self.seen.append((path, str(request.url), fields, signature))
        return self.answers.get(path, Response(status_code=204))

    def twiml(self, path: str, *verbs: str) -> str:
        text = f"<Response>{''.join(verbs)}</Response>"
        self.answers[path] = Response(text, media_type="text/xml")
        return f"{self.base_url}/{path}"

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path}"

    def fields(self, path: str) -> list[dict[str, str]]:
        """Of the webhooks to one path, in the order in which they came."""
        return [fields for where, _, fields, _ in self.seen if where == path]


@pytest.fixture
async def business() -> AsyncIterator[Business]:
    web = Business()
    async with serve_app(web.app) as web.base_url:
        yield web
