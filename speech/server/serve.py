"""Runs the application on a socket, and lets what runs end before the process does."""

import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn
import uvloop
from loguru import logger

from speech.agent_voices import AgentPackages
from speech.errors import EngineUnavailable, OptionInvalid
from speech.pool import EnginePool
from speech.server.access import is_loopback
from speech.server.app import create_app
from speech.server.customs_kept import custom_voices, vad_at_hand
from speech.server.host import CheckFits, EngineHost, anything_fits
from speech.server.settings import EngineSpec, ServerSettings
from speech.server.stream_socket import MAX_MESSAGE_BYTES
from speech.voice_presets import Presets, load_presets

_PEER_GONE_MS = 60_000
"""A connection whose other side acknowledges nothing for so long is ended by the kernel."""


_SWITCH_INTERVAL_S = 0.001
"""How long the event loop waits for the interpreter while a model's thread runs Python; as in the
calls' own server, where it was measured."""

_BACKLOG = 2048
"""Connections that wait for the event loop; uvicorn's own."""


def run_server(
    settings: ServerSettings,
    engines: Sequence[EngineSpec],
    *,
    workers: int | None = None,
    fits: CheckFits = anything_fits,
    voices_file: Path | None = None,
    agents_dir: Path | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        settings: the limits, and where to listen.
        engines: what is loaded, in the order in which they are preferred.
        workers: threads that decode; None: one a core.
        fits: asked before an engine is loaded.
        voices_file: presets besides Callwright's own.
        agents_dir: the packages of agents' voices.

    Raises:
        SpeechError: an engine can't be loaded, or the address can't be listened on.
    """
    if settings.token is None and not is_loopback(settings.host):
        raise OptionInvalid(
            f"--host {settings.host} can be reached from elsewhere, and there is no token: set "
            "SPEECH_SERVER_TOKEN or --token-file, or listen on 127.0.0.1"
        )
    with _listener(settings) as listener:
        presets = load_presets(voices_file, members=[spec.model for spec in engines])
        agents = AgentPackages(agents_dir) if agents_dir else None
        uvloop.run(_serve(settings, engines, listener, workers, fits, presets, agents))


async def _serve(
    settings: ServerSettings,
    engines: Sequence[EngineSpec],
    listener: socket.socket,
    workers: int | None,
    fits: CheckFits,
    presets: Presets,
    agents: AgentPackages | None,
) -> None:
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    async with EnginePool(workers) as pool:
        host = EngineHost(pool, fits=fits, max_streams=settings.max_streams)
        async with custom_voices(settings, vad_at_hand()) as customs:
            await host.load(engines)
            try:
                app = create_app(host, settings, presets=presets, customs=customs, agents=agents)
                await DrainingServer(app, host, settings).run_on(listener)
            finally:
                await customs.close()
                await host.close()


class DrainingServer(uvicorn.Server):
    """Begins nothing new when it is told to stop, and ends what runs; told twice, it stops."""

    def __init__(self, app: object, host: EngineHost, settings: ServerSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # pyright: ignore[reportArgumentType]
                log_config=None,
                access_log=False,
                lifespan="off",  # what the app needs is opened and closed around it
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE_BYTES,
                ws_per_message_deflate=False,
                proxy_headers=False,  # who asks is who connected: `Access` depends on it
                timeout_graceful_shutdown=5,
            )
        )
        self._host = host
        self._drain_s = settings.drain_s
        self._asked_to_stop = asyncio.Event()

    async def run_on(self, listener: socket.socket) -> None:
        """Serve until what ran at the first signal has ended.

        Raises:
            EngineUnavailable: another program listens there since.
        """
        where = listener.getsockname()
        try:
            listener.listen(_BACKLOG)  # who reads the line connects at once
        except OSError as error:
            raise _taken(where[0], where[1], error) from error
        logger.info("the speech server listens on http://{}:{}", where[0], where[1])
        async with asyncio.TaskGroup() as tasks:
            drain = tasks.create_task(self._drain())
            await self.serve(sockets=[listener])
            drain.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self._host.is_draining or not self._host.in_flight:
            super().handle_exit(sig, frame)
        self._host.is_draining = True
        self._asked_to_stop.set()

    async def _drain(self) -> None:
        await self._asked_to_stop.wait()
        logger.info("stopping when {} streams have ended", self._host.in_flight)
        try:
            async with asyncio.timeout(self._drain_s):
                await self._host.quiet()
        except TimeoutError:
            logger.warning("{} streams are cut off", self._host.in_flight)
        self.should_exit = True


def _listener(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # its connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _PEER_GONE_MS)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise _taken(settings.host, settings.port, error) from error
    return listener


def _taken(host: str, port: int, error: OSError) -> EngineUnavailable:
    return EngineUnavailable(
        f"{host}:{port} can't be listened on: {error.strerror}; choose another with --port"
    )
