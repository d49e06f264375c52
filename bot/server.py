"""Runs the app on a socket of its own, so that its address is known before it starts."""

import asyncio
import signal
import socket
import sys
from types import FrameType

import uvicorn
from loguru import logger

from bot import event_loop
from bot.app import Server, open_server
from bot.listener import listen, reachable
from bot.settings import Settings
from bot.workers.handover import Handover
from bot.workers.inbox import EndCall, Message
from bot.workers.seat import Seat

SWITCH_INTERVAL_S = 0.001
"""How long the event loop waits for the interpreter while a model's thread runs Python. Python's
own 5 ms is a fourth of a packet. Measured together with the decoding threads' nice value alone."""

MAX_MESSAGE_BYTES = 4 << 20
"""Above the line's own limit of 1 MB, so that it is the line that refuses, with a reason."""


def serve(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        StartFailed: the address can't be listened on, or something needed is not here.
    """
    with listen(settings) as listener:
        event_loop.run(_serve(settings, listener, None))


def serve_worker(settings: Settings, seat: Seat) -> None:
    """The same as one worker of several, on the socket that they share."""
    with seat.listener as listener:
        event_loop.run(_serve(settings, listener, seat))


async def _serve(settings: Settings, listener: socket.socket, seat: Seat | None) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    host, port = listener.getsockname()[:2]
    base_url = settings.public_url or f"http://{reachable(host)}:{port}"
    async with open_server(settings, base_url, seat) as server:
        handover = Handover(server.live, seat.inbox) if seat else None
        config = uvicorn.Config(
            server.app,
            log_config=None,
            access_log=False,
            lifespan="off",  # what the app needs is opened and closed around it
            ws=handover.protocol if handover else "websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=None,  # carriers may not answer; a dead line is known by its audio
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=round(settings.timeouts.shutdown_s) + 5,
        )
        who = f"worker {seat.worker}, " if seat else ""
        logger.info("{}listening on http://{}:{}, for carriers {}", who, host, port, base_url)
        draining = _DrainingServer(config, server, settings.timeouts.shutdown_s)
        await draining.serve_calls(listener, seat, handover)


class _DrainingServer(uvicorn.Server):
    """Lets running calls end when it is told to stop; told twice, it stops at once."""

    def __init__(self, config: uvicorn.Config, server: Server, timeout_s: float) -> None:
        super().__init__(config)
        self._live = server.live
        self._control = server.control
        self._timeout_s = timeout_s
        self._asked_to_stop = asyncio.Event()

    async def serve_calls(
        self, listener: socket.socket, seat: Seat | None, handover: Handover | None
    ) -> None:
        """Serve until the calls have ended after a signal."""
        async with asyncio.TaskGroup() as tasks:
            drain = tasks.create_task(self._drain())
            if seat and handover:
                self._join(seat, handover, tasks)
            await self.serve(sockets=[listener])
            if seat:
                self._leave(seat)
            drain.cancel()

    def _join(self, seat: Seat, handover: Handover, tasks: asyncio.TaskGroup) -> None:
        """Listen to the other workers, and for the parent's end."""

        def on_message(message: Message) -> None:
            if isinstance(message, EndCall):
                self._control.end_here(message)
            else:
                tasks.create_task(handover.take(message, self, self.config))

        loop = asyncio.get_running_loop()
        loop.call_soon(seat.inbox.open, on_message)
        loop.add_reader(seat.lifeline, self._parent_died, seat)

    def _leave(self, seat: Seat) -> None:
        seat.inbox.close()
        asyncio.get_running_loop().remove_reader(seat.lifeline)

    def _parent_died(self, seat: Seat) -> None:
        asyncio.get_running_loop().remove_reader(seat.lifeline)
        logger.error("the process that started this worker is gone: it stops, too")
        self.handle_exit(signal.SIGTERM, None)

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
