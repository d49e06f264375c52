"""How much a request may bring, and how long a body or a reader may stand still."""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speech.server.errors import ApiError
from speech.server.settings import ServerSettings

_SWALLOWED_BYTES = 64 << 20
_SWALLOW_S = 10.0


class ReaderStuck(OSError):
    """A client has taken nothing for too long; its connection is closed."""


class RequestLimits:
    """ASGI middleware. A body that is too large or stops raises where it is read."""

    def __init__(self, app: ASGIApp, *, settings: ServerSettings, uploads: frozenset[str]) -> None:
        """`uploads` are the paths that take files; others take JSON."""
        self._app = app
        self._settings = settings
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; websockets have limits of their own."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_upload = scope["path"] in self._uploads
        settings = self._settings
        limit = settings.max_upload_bytes if is_upload else settings.max_json_bytes
        declared, read, is_whole = _content_length(scope), 0, False

        async def limited() -> Message:
            nonlocal read, is_whole
            if declared > limit:
                if declared <= limit + _SWALLOWED_BYTES and not _waits_for_us(scope):
                    await _swallow(receive)
                raise _too_large(limit, is_upload)
            if is_whole:  # only the client's leaving can come now, and may take its time
                return await receive()
            try:
                async with asyncio.timeout(settings.body_idle_s):
                    message = await receive()
            except TimeoutError as error:
                raise ApiError(
                    408,
                    f"the body stopped coming for {settings.body_idle_s:g} s",
                    code="body_incomplete",
                    headers={"Connection": "close"},
                ) from error
            read += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if read > limit:
                if not is_whole:
                    await _swallow(receive)
                raise _too_large(limit, is_upload)
            return message

        async def patient(message: Message) -> None:
            try:
                async with asyncio.timeout(settings.write_s):
                    await send(message)
            except TimeoutError as error:
                raise ReaderStuck(f"nothing was read for {settings.write_s:g} s") from error

        await self._app(scope, limited, patient)


async def _swallow(receive: Receive) -> None:
    """Read what is still coming, within bounds.

    Who is answered and cut off while still writing sees a broken connection and no answer.
    """
    swallowed = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_SWALLOW_S):
            while swallowed < _SWALLOWED_BYTES:
                message = await receive()
                swallowed += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _waits_for_us(scope: Scope) -> bool:
    """Whether the client sends its body only when it is told to (curl, beyond 1 MB)."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _too_large(limit: int, is_upload: bool) -> ApiError:
    what = "file" if is_upload else "body"
    return ApiError(
        413,
        f"the {what} is too large: {limit} bytes are read, and no more",
        param="file" if is_upload else None,
        code="too_large",
        headers={"Connection": "close"},
    )


def _content_length(scope: Scope) -> int:
    """What the request declares, in bytes; 0 where it declares nothing (chunked)."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
