"""A store on an empty database, and a carrier's REST server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from telephony.database import Database
from telephony.store import CallStore
from telephony.workers import this_worker


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def store(database: Database) -> CallStore:
    opened = CallStore(database, this_worker())
    await opened.start()
    return opened


@dataclass(frozen=True)
class RestRequest:
    method: str
    path: str
    account: str  # "user:password" of its Basic auth
    form: dict[str, list[str]]


@dataclass
class FakeRest:
    """A carrier's REST server that answers what it is told to; None: it never answers."""

    answers: list[tuple[int, str] | None] = field(default_factory=list)
    requests: list[RestRequest] = field(default_factory=list)
    base_url: str = ""
    on_request: Callable[[], Awaitable[None]] | None = None

    def will(self, status: int, answer: object) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.answers.append((status, text))

    def will_hang(self) -> None:
        self.answers.append(None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        account = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
        form = parse_qs(body.decode(), keep_blank_values=True)
        self.requests.append(RestRequest(method, path, account, form))
        if self.on_request is not None:
            await self.on_request()
        answer = self.answers.pop(0)
        if answer is None:
            await reader.read()  # until the other side gives up
        else:
            status, text = answer
            content = text.encode()
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n\r\n".encode())
            writer.write(content)
        writer.close()


@pytest.fixture
async def rest() -> AsyncIterator[FakeRest]:
    fake = FakeRest()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield fake
