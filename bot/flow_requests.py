"""A flow's `request` node, carried out over HTTP."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from ivr_flows.actions import Request
from ivr_flows.events import Failed, Responded

MAX_BODY_BYTES = 256 * 1024
"""An answer to a phone call is small; more is a mistake of the other side."""


async def carry_out(client: httpx.AsyncClient, request: Request) -> Responded | Failed:
    """Send it and decode the answer; whatever goes wrong is a `Failed` that names it."""
    limit = asyncio.timeout(request.timeout_ms / 1000)  # of the whole, not of each read
    try:
        async with (
            limit,
            client.stream(
                request.method,
                request.url,
                headers=_encoded(request.headers),
                json=request.json,
                timeout=None,
            ) as response,
        ):
            body = await _read(response)
        answer = None if body is None else _decoded(body)
    except TimeoutError:
        return Failed("request", f"no answer within {request.timeout_ms} ms")
    except httpx.InvalidURL as error:
        return Failed("request", f"the URL is wrong: {error}")
    except httpx.HTTPError as error:
        return Failed("request", f"{type(error).__name__}: {error}")
    except (ValueError, TypeError, RecursionError) as error:
        # What the flow put into it can't be sent, or what came back can't be read.
        return Failed("request", f"{type(error).__name__}: {error}")
    if body is None:
        return Failed("request", f"the answer is larger than {MAX_BODY_BYTES} bytes")
    return Responded(response.status_code, answer)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """In UTF-8: a value may be a customer's name."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _read(response: httpx.Response) -> bytes | None:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
