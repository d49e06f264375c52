"""A flow's request over real HTTP: whatever goes wrong is said to the flow, and in time."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.flow_requests import MAX_BODY_BYTES, carry_out
from ivr_flows.actions import Request
from ivr_flows.events import Failed, Responded

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def peer(said: bytes) -> Peer:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    return speak


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never silent for long, and never done."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def served(speak: Peer) -> AsyncGenerator[str]:
    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/orders"
    finally:
        server.close()


async def asked(speak: Peer, **given: Any) -> Responded | Failed:
    async with served(speak) as url, httpx.AsyncClient(trust_env=False) as client:
        wanted = {"method": "GET", "url": url, "timeout_ms": 400, **given}
        return await carry_out(client, Request(node="look_up", **wanted))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(b'{"status": "ready"}'), Responded(200, {"status": "ready"})),
        (answer(b"plain"), Responded(200, "plain")),
        (answer(b'{"error": 1}', "404 Not Found"), Responded(404, {"error": 1})),
    ],
)
async def test_an_answer_is_decoded(said: bytes, expected: Responded) -> None:
    assert await asked(peer(said)) == expected


@pytest.mark.parametrize(
    ("speak", "given", "reason"),
    [
        (drips, {}, "no answer within 400 ms"),
        (peer(answer(b"x" * (MAX_BODY_BYTES + 1))), {"timeout_ms": 5000}, "larger than"),
        (peer(answer(b"[" * 100_000)), {"timeout_ms": 5000}, "RecursionError"),
        (peer(answer(b"{}")), {"json": {"minutes": math.nan}, "method": "POST"}, "ValueError"),
        (peer(b"nonsense\r\n\r\n"), {}, "RemoteProtocolError"),
        (peer(answer(b"{}")), {"url": "http://x\x00/"}, "URL is wrong"),
        (peer(answer(b"{}")), {"url": "ftp://example.com/"}, "UnsupportedProtocol"),
    ],
)
async def test_what_goes_wrong_is_named(speak: Peer, given: dict[str, Any], reason: str) -> None:
    result = await asked(speak, **given)
    assert isinstance(result, Failed)
    assert reason in result.reason


async def test_a_header_may_hold_words_of_any_language() -> None:
    seen: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(b"{}"))
        writer.close()

    assert await asked(speak, headers={"X-Name": "नमस्ते"}) == Responded(200, {})
    assert "नमस्ते".encode() in seen[0]
