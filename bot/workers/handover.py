"""Gives a media socket to the worker with the fewest of them.

The kernel gives a connection to whichever worker wakes first, and a proxy sends websockets down
connections that it opened long ago: where calls would run is luck. So a worker that gets a
websocket's handshake looks at the board and, where another has fewer, passes the connection on,
the file descriptor itself. From then on no byte of the call goes through the first worker.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from uvicorn import Config, Server
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bot.live_calls import LiveCalls
from bot.workers.inbox import Inbox, TakeSocket


class Handover:
    """Where this worker's media sockets go. `protocol` is for uvicorn's `ws`."""

    def __init__(self, live: LiveCalls, inbox: Inbox) -> None:
        self._live = live
        self._inbox = inbox
        handover = self

        class CountedWebSocket(_CountedWebSocket):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.place_it = handover.keep
                self.on_closed = handover.closed

        self.protocol: type[_CountedWebSocket] = CountedWebSocket

    def keep(self, connection: socket.socket, handshake: bytes) -> bool:
        """Whether a new websocket stays here; else it is another worker's already."""
        board, here = self._live.board, self._live.worker
        chosen = board.place_socket(here)
        if chosen == here:
            return True
        if self._inbox.send(chosen, TakeSocket(connection, handshake)):
            return False
        board.moved_socket(chosen, here)
        return True

    def closed(self) -> None:
        """A websocket that was kept here is closed."""
        self._live.board.closed_socket(self._live.worker)

    async def take(self, given: TakeSocket, server: Server, config: Config) -> None:
        """Serve a websocket that another worker counted for this one."""

        def protocol() -> asyncio.Protocol:
            made = self.protocol(
                config=config, server_state=server.server_state, app_state=server.lifespan.state
            )
            made.place_it = _stays
            return made

        given.connection.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            _, made = await loop.connect_accepted_socket(protocol, given.connection)
        except OSError:  # whoever called is gone
            given.connection.close()
            self.closed()
            return
        cast(_CountedWebSocket, made).data_received(given.handshake)


def _stays(_connection: socket.socket, _handshake: bytes) -> bool:
    return True


class _CountedWebSocket(WebSocketsSansIOProtocol):
    """A websocket that asks where it shall be before it answers the handshake."""

    place_it: Callable[[socket.socket, bytes], bool]
    on_closed: Callable[[], None]
    _is_here: bool | None = None  # None: not decided

    def data_received(self, data: bytes) -> None:
        if self._is_here is None:
            connection = cast(socket.socket, self.transport.get_extra_info("socket"))
            self._is_here = self.place_it(connection, data)
            if not self._is_here:
                self.transport.close()  # our descriptor; the other worker has its own
        if self._is_here:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._is_here:
            self.on_closed()
