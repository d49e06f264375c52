"""Warm websockets to a speech server: an utterance takes one and gives it back.

Idle ones are pinged by the websocket library; one that died is dropped when it is next looked at.
"""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.protocol import State

from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed, EngineUnavailable

_PING_EVERY_S = 5.0
_PONG_WITHIN_S = 5.0
"""A machine that vanished is noticed in ten seconds, between the calls; within one the deadline of
the words notices."""

_CLOSE_S = 0.5
_MESSAGE_BYTES = 1 << 20  # the transcript of two minutes with the time of each word has 30 KB


@dataclass(slots=True)
class Line:
    """One websocket, in the hands of one utterance at a time."""

    socket: ClientConnection
    was_used: bool = False

    @property
    def is_open(self) -> bool:
        return self.socket.state is State.OPEN


class Lines:
    """The websockets to one URL."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connect_s: float, most_idle: int = 8
    ) -> None:
        """Open nothing yet.

        Args:
            url: ws:// or wss://
            headers: of the handshake.
            connect_s: how long a handshake may take.
            most_idle: kept for later; more at once are opened, and closed afterwards.
        """
        self._url = url
        self._headers = dict(headers)
        self._connect_s = connect_s
        self._most_idle = most_idle
        self._idle: list[Line] = []

    @property
    def idle(self) -> int:
        """How many wait for an utterance."""
        return sum(line.is_open for line in self._idle)

    async def take(self) -> Line:
        """A line that was used before, or else a fresh one.

        Raises:
            EngineUnavailable: the server refuses the token, or has no such path.
            EngineFailed, EngineBusy, DeadlineExceeded: no connection now.
        """
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
        with self._failures():
            async with asyncio.timeout(self._connect_s):
                socket = await connect(
                    self._url,
                    additional_headers=self._headers,
                    compression=None,  # of speech it saves nothing
                    open_timeout=None,
                    ping_interval=_PING_EVERY_S,
                    ping_timeout=_PONG_WITHIN_S,
                    close_timeout=_CLOSE_S,
                    max_size=_MESSAGE_BYTES,
                    proxy=None,
                )
        return Line(socket)

    async def give_back(self, line: Line) -> None:
        """It will serve another utterance, if it is open and not too many wait already."""
        line.was_used = True
        if line.is_open and len(self._idle) < self._most_idle:
            self._idle.append(line)
        else:
            await line.socket.close()

    async def close(self) -> None:
        """Close those that wait."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(line.socket.close() for line in idle))

    @contextmanager
    def _failures(self) -> Generator[None]:
        try:
            yield
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{self._url} took no connection within {self._connect_s:g} s (option connect_s)"
            ) from error
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise EngineUnavailable(
                    f"{self._url} refuses the connection ({status}): set option token; "
                    "or it has as many connections as it may"
                ) from error
            if status in (429, 503):
                raise EngineBusy(f"{self._url} has too much to do ({status})") from error
            raise EngineUnavailable(
                f"{self._url} is no speech server ({status}): set option base_url"
            ) from error
        except InvalidURI as error:
            raise EngineUnavailable(f"option base_url is no URL: {error}") from error
        except (WebSocketException, OSError, EOFError) as error:
            raise EngineFailed(
                f"{self._url} can't be reached: {error} (option base_url)"
            ) from error


def lost(error: ConnectionClosed) -> EngineFailed:
    """What a connection that ended in mid-utterance means."""
    return EngineFailed(f"the speech server hung up: {error}")
