"""Runs the app on a socket of its own, so that its address is known before it starts."""

import asyncio
import socket
from types import FrameType

import uvicorn
from loguru import logger

from bot.app import open_server
from bot.errors import StartFailed
from bot.live_calls import LiveCalls
from bot.settings import Settings

MAX_MESSAGE_BYTES = 4 << 20
"""Above the line's own limit of 1 MB, so that it is the line that refuses, with a reason."""


def serve(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        StartFailed: the address can't be listened on, or something needed is not here.
    """
    with _listen(settings) as listener:
        asyncio.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    base_url = settings.public_url or f"http://{_reachable(host)}:{port}"
    async with open_server(settings, base_url) as server:
        config = uvicorn.Config(
            server.app,
            log_config=None,
            access_log=False,
            lifespan="off",  # what the app needs is opened and closed around it
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=None,  # carriers may not answer; a dead line is known by its audio
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=round(settings.timeouts.shutdown_s) + 5,
        )
        logger.info("listening on http://{}:{}, for carriers {}", host, port, base_url)
        await _DrainingServer(config, server.live, settings.timeouts.shutdown_s).serve_calls(
            listener
        )


class _DrainingServer(uvicorn.Server):
    """Lets running calls end when it is told to stop; told twice, it stops at once."""

    def __init__(self, config: uvicorn.Config, live: LiveCalls, timeout_s: float) -> None:
        super().__init__(config)
        self._live = live
        self._timeout_s = timeout_s
        self._asked_to_stop = asyncio.Event()

    async def serve_calls(self, listener: socket.socket) -> None:
        """Serve until the calls have ended after a signal."""
        async with asyncio.TaskGroup() as tasks:
            drain = tasks.create_task(self._drain())
            await self.serve(sockets=[listener])
            drain.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came (called by the interpreter, between two steps of the event loop)."""
        if self._asked_to_stop.is_set() or len(self._live) == 0:
            super().handle_exit(sig, frame)
        self._asked_to_stop.set()

    async def _drain(self) -> None:
        await self._asked_to_stop.wait()
        logger.info("stopping when {} calls have ended", len(self._live))
        await self._live.drain(self._timeout_s)
        self.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartFailed(
            f"{settings.host}:{settings.port} can't be listened on: {error.strerror}. Choose "
            "another with CALLWRIGHT_PORT or --port."
        ) from error
    return listener


def _reachable(host: str) -> str:
    """An address that programs on this machine can connect to."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
