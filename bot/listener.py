"""The socket of the server's port."""

import socket

from bot.errors import StartFailed
from bot.settings import Settings


def listen(settings: Settings) -> socket.socket:
    """Bound to the address of the settings; who serves on it listens.

    Raises:
        StartFailed: the address can't be listened on.
    """
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


def reachable(host: str) -> str:
    """An address that programs on this machine can connect to."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
