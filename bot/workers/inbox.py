"""Messages between the workers of a service: end a call of yours, take this socket.

Each worker reads one socket of its own; the parent makes them, and a worker inherits its own and
the sending sides of the others'. Nothing lies on disk that a stranger could reach.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from loguru import logger

from bot.ending import CallEnding
from telephony.call import Disposition, EndedBy

MESSAGE_BYTES = 128 * 1024
"""The largest message: a websocket's handshake, which the server limits to 64 KB."""


@dataclass(frozen=True, slots=True)
class EndCall:
    """A call that the receiver leads is to be ended."""

    call_id: str
    ending: CallEnding


@dataclass(frozen=True, slots=True)
class TakeSocket:
    """A connection that asked for a websocket; the receiver owns it now."""

    connection: socket.socket
    handshake: bytes  # the request, as it came


Message = EndCall | TakeSocket


class Inbox:
    """Sends to other workers and reads what they send. `open` needs a running loop."""

    def __init__(self, own: socket.socket, others: Mapping[int, socket.socket]) -> None:
        """`own`: where this worker reads; `others`: where the others do, by worker."""
        self._own = own
        self._others = others

    def open(self, on_message: Callable[[Message], None]) -> None:
        """Hand each message to `on_message`, on the loop."""
        self._own.setblocking(False)
        for other in self._others.values():
            other.setblocking(False)
        asyncio.get_running_loop().add_reader(self._own, self._read, on_message)

    def close(self) -> None:
        """Read no more; what comes waits for the next process in this worker's place."""
        asyncio.get_running_loop().remove_reader(self._own)

    def send(self, worker: int, message: Message) -> bool:
        """Whether the message is on its way; it waits where the worker does not read just now."""
        match message:
            case EndCall(call_id, ending):
                header, body, fds = _end_header(call_id, ending), b"", ()
            case TakeSocket(connection, handshake):
                header, body, fds = {"take": "socket"}, handshake, (connection.fileno(),)
        data = json.dumps(header).encode() + b"\n" + body
        try:
            socket.send_fds(self._others[worker], [data], fds)
        except (KeyError, OSError) as error:  # it is gone, or reads nothing for long
            logger.warning("worker {} could not be told {}: {}", worker, header, error)
            return False
        return True

    def _read(self, on_message: Callable[[Message], None]) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._own, MESSAGE_BYTES, 1)
        except (BlockingIOError, InterruptedError):
            return
        message = _message(data, fds)
        if message is not None:
            on_message(message)


def _end_header(call_id: str, ending: CallEnding) -> dict[str, Any]:
    return {
        "end": call_id,
        "disposition": ending.disposition.value,
        "ended_by": ending.ended_by.value,
        "reason": ending.reason,
    }


def _message(data: bytes, fds: Sequence[int]) -> Message | None:
    header_text, _, body = data.partition(b"\n")
    header = cast("dict[str, Any]", json.loads(header_text)) if header_text else {}
    if fds:
        return TakeSocket(socket.socket(fileno=fds[0]), body)
    if "end" not in header:
        return None
    return EndCall(
        header["end"],
        CallEnding(
            Disposition(header["disposition"]), EndedBy(header["ended_by"]), reason=header["reason"]
        ),
    )
