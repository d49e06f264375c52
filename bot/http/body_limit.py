"""How much a request may bring: nobody's body fills the memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 256 * 1024
"""Of any request. The largest that means something, a call with all its variables and long lists
in them, is tens of kilobytes; a carrier's webhook is two or three."""


class BodyLimit:
    """ASGI middleware: reading more of a body than the limit raises HTTPException 413.

    It is raised where the body is read, so that those who may not ask at all are told that first;
    FastAPI passes it on, and `problems` makes it a problem document.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; websockets have a limit of their own."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read_bytes = 0
        declared_bytes = _content_length(scope)

        async def limited() -> Message:
            nonlocal read_bytes
            if declared_bytes > self._max_bytes:
                raise self._too_large()
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._max_bytes:
                raise self._too_large()
            return message

        await self._app(scope, limited, send)

    def _too_large(self) -> HTTPException:
        return HTTPException(
            413, f"The body is too large: {self._max_bytes} bytes are read, and no more."
        )


def _content_length(scope: Scope) -> int:
    """What the request declares, in bytes; 0 where it declares nothing (chunked)."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
