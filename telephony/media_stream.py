"""From an accepted socket to a stream with a name: the handshake, and how a refusal is told.

The carrier sends `connected`, then `start`; everything after `start` is left in the socket for the
transport. Until then unreadable messages and early media are dropped: a caller is on that line.
"""

import asyncio
from dataclasses import replace

from fastapi import WebSocket, WebSocketDisconnect
from loguru import logger
from starlette.websockets import WebSocketState

from telephony.errors import (
    HandshakeAbandoned,
    HandshakeInvalid,
    HandshakeTimeout,
    LineRefused,
    MessageInvalid,
    MessageTooLarge,
)
from telephony.media_fields import CarrierName, parse_object, read_number
from telephony.media_messages import StreamStart, parse_message, recognise

# Exotel gives a handshake 10 s; no carrier needs more than one.
HANDSHAKE_TIMEOUT_S = 10.0
# The largest media message of either carrier is 100,000 B of audio, 133,336 in base64.
MAX_MESSAGE_BYTES = 1 << 20
# Media before `start` comes at most 50 times a second for as long as the handshake may last.
MOST_DROPPED = 1_000
CLOSE_TIMEOUT_S = 1.0


async def read_start(
    websocket: WebSocket,
    *,
    carrier: CarrierName | None,
    timeout_s: float = HANDSHAKE_TIMEOUT_S,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> StreamStart:
    """Wait for the stream's `start` on a socket, accepting it first where nobody has.

    `carrier`: whose address this is; None recognises Twilio by its ids and takes the rest for
    Exotel. An Exotel rate comes from `media_format`, else the query (`?sample-rate=`,
    `?sample_rate=`), else 8000 Hz.

    Raises HandshakeTimeout, HandshakeInvalid (has `field`), HandshakeAbandoned and MessageTooLarge,
    all of them LineRefused: pass them to `refuse`. Closes nothing itself.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if websocket.application_state == WebSocketState.CONNECTING:
                await websocket.accept()
            start = await _await_start(websocket, carrier, max_message_bytes)
    except TimeoutError:
        raise HandshakeTimeout(
            f"No start message within {timeout_s:g} s; send connected, then start"
        ) from None
    return _with_rate(start, websocket)


async def refuse(websocket: WebSocket, error: LineRefused) -> None:
    """Close the socket with the error's code and reason, and say so in the log. Never raises."""
    logger.warning("stream closed ({}): {}", error.close_code, error)
    if websocket.application_state == WebSocketState.DISCONNECTED:
        return
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await websocket.close(code=error.close_code, reason=error.close_reason)
    except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect) as failure:
        logger.debug("the peer did not see the close: {}", failure)


def check_size(message: str | bytes, max_message_bytes: int) -> None:
    """Raises MessageTooLarge for a message of more than `max_message_bytes` bytes of UTF-8."""
    # Text of n characters is n to 4n bytes: the exact count is rarely needed.
    size = len(message)
    if isinstance(message, str) and size <= max_message_bytes < 4 * size:
        size = len(message.encode(errors="surrogatepass"))
    if size > max_message_bytes:
        raise MessageTooLarge(
            f"A message of {size} bytes; the limit is {max_message_bytes}. Send smaller media"
        )


async def _await_start(
    websocket: WebSocket, carrier: CarrierName | None, max_message_bytes: int
) -> StreamStart:
    last_problem = "none could be read"
    for _ in range(MOST_DROPPED):
        data = await _next_message(websocket)
        check_size(data, max_message_bytes)
        try:
            fields = parse_object(data)
            if fields.get("event") != "start":
                continue
        except MessageInvalid as error:
            last_problem = str(error)
            continue
        try:
            message = parse_message(data, carrier or recognise(fields))
        except MessageInvalid as error:
            raise HandshakeInvalid(error.field, error.problem, error.fix) from error
        if isinstance(message, StreamStart):
            return message
    raise HandshakeInvalid(
        "event", f"is not start in {MOST_DROPPED} messages ({last_problem})", "Send start first"
    )


async def _next_message(websocket: WebSocket) -> str | bytes:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise HandshakeAbandoned(f"The carrier left before start (code {message.get('code')})")
    text: str | None = message.get("text")
    data: bytes | None = message.get("bytes")
    return text if text is not None else data or b""


def _with_rate(start: StreamStart, websocket: WebSocket) -> StreamStart:
    query = websocket.query_params
    asked = query.get("sample-rate") or query.get("sample_rate")
    if start.carrier == "twilio" or asked is None:
        return replace(start, sample_rate_hz=start.sample_rate_hz or 8000)
    asked_hz = read_number(asked)
    if start.sample_rate_hz:
        if asked_hz != start.sample_rate_hz:
            logger.warning(
                "exotel stream {}: the address asks for {!r}, start declares {} Hz: believed",
                start.stream_sid,
                asked,
                start.sample_rate_hz,
            )
        return start
    if asked_hz not in (8000, 16000, 24000):
        raise HandshakeInvalid(
            "?sample-rate", "is not a rate of the carrier's", "Use one of 8000, 16000, 24000"
        )
    return replace(start, sample_rate_hz=asked_hz)
