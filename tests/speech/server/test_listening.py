"""Who reads that the server listens can connect to it at once."""

import asyncio
import socket

import pytest
from loguru import logger

from speech.custom_voices import CustomVoices
from speech.errors import EngineUnavailable
from speech.pool import EnginePool
from speech.server.app import create_app
from speech.server.host import EngineHost, anything_fits
from speech.server.serve import DrainingServer
from speech.server.settings import ServerSettings
from speech.voice_presets import load_presets


async def served(listener: socket.socket, heard: asyncio.Event) -> None:
    """A server of no engines on a bound socket, until the line came."""
    async with EnginePool(1) as pool:
        host, settings = EngineHost(pool, fits=anything_fits), ServerSettings()
        app = create_app(host, settings, presets=load_presets(), customs=CustomVoices())
        server = DrainingServer(app, host, settings)
        serving = asyncio.create_task(server.run_on(listener))
        try:
            waiting = asyncio.create_task(heard.wait())
            await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        finally:
            server.should_exit = True
            await serving


async def test_a_client_that_connects_when_the_line_is_written_is_not_refused() -> None:
    heard, connected = asyncio.Event(), []

    def connect(line: str) -> None:
        if "listens on" in line:
            heard.set()
            socket.create_connection(listener.getsockname(), timeout=5).close()
            connected.append(line)

    sink = logger.add(connect, level="INFO", catch=False)
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            async with asyncio.timeout(30):
                await served(listener, heard)
    finally:
        logger.remove(sink)
    assert connected


async def test_an_address_that_another_took_meanwhile_is_named() -> None:
    with socket.socket() as listener, socket.socket() as other:
        for one in (listener, other):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        other.bind(listener.getsockname())
        other.listen()
        with pytest.raises(EngineUnavailable, match="choose another with --port"):
            await served(listener, asyncio.Event())
