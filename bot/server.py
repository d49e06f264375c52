"""Runs the app on a socket of its own, so that its address is known before it starts."""

import asyncio
import socket

import uvicorn
from loguru import logger

from bot.app import open_server
from bot.errors import StartFailed
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
        await uvicorn.Server(config).serve(sockets=[listener])


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
