"""A flow's `request` node, carried out over HTTP."""

import json
from typing import Any

import httpx

from ivr_flows.actions import Request
from ivr_flows.events import Failed, Responded

MAX_BODY_BYTES = 256 * 1024
"""An answer to a phone call is small; more is a mistake of the other side."""


async def carry_out(client: httpx.AsyncClient, request: Request) -> Responded | Failed:
    """Send it and decode the answer; whatever goes wrong is a `Failed` that names it."""
    try:
        async with client.stream(
            request.method,
            request.url,
            headers=dict(request.headers),
            json=request.json,
            timeout=request.timeout_ms / 1000,
        ) as response:
            body = await _read(response)
    except httpx.TimeoutException:
        return Failed("request", f"no answer within {request.timeout_ms} ms")
    except httpx.InvalidURL as error:
        return Failed("request", f"the URL is wrong: {error}")
    except httpx.HTTPError as error:
        return Failed("request", f"{type(error).__name__}: {error}")
    if body is None:
        return Failed("request", f"the answer is larger than {MAX_BODY_BYTES} bytes")
    return Responded(response.status_code, _decoded(body))


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
