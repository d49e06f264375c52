"""Clients that may leave at any time: work for them stops then, and what they hold is freed."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import Request
from loguru import logger
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from speech.errors import SpeechError
from speech.server.errors import ClientGone
from speech.server.metrics import Metrics
from speech.server.primed import Primed
from speech.server.request_limits import ReaderStuck

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is cancelled when the client leaves. The body has been read.

    Raises:
        ClientGone: it left.
    """
    return await _while_there(request.receive, work)


async def _while_there(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(work, name="for-a-client")
    watch = asyncio.create_task(_left(receive), name="client-watch")
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return await task
    finally:
        await _ended(task, watch)


class StreamedAudio(Response):
    """Sends chunks as they are made, at the pace at which they are read.

    The generator is closed whatever happens: at the end, when the client leaves, when it stops
    reading (`RequestLimits` says when) and when the engine fails. A failure in mid-stream breaks
    the connection off, so that nobody takes a part for the whole.
    """

    def __init__(
        self,
        chunks: Primed[bytes],
        *,
        media_type: str,
        headers: Mapping[str, str],
        metrics: Metrics,
    ) -> None:
        """Take over `chunks`."""
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self._chunks = chunks
        self._metrics = metrics
        self.init_headers(headers)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """As any response's, without a length, which nobody knows yet."""
        super().init_headers(headers)
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all."""
        try:
            await _while_there(receive, self._pour(send))
        except ClientGone:
            self._metrics.left.inc()
        except ReaderStuck as error:
            self._metrics.left.inc()
            logger.info("a reader of {} was dropped: {}", scope["path"], error)
        except SpeechError as error:
            logger.warning("a stream of {} breaks off: {}", scope["path"], error)
        # An answer that was not completed makes the server close the connection.

    async def _pour(self, send: Send) -> None:
        async with aclosing(self._chunks):
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel them and wait until they are."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it has been raised to whom it concerns
