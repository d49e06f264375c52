"""What a worker inherits from the process that started it."""

import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

from bot.workers.board import Board
from bot.workers.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Inheritance:
    """File descriptors and what they are for; it travels on the command line."""

    worker: int
    workers: int
    max_calls: int
    listener: int  # the port's socket
    board: int
    inbox: int
    others: dict[int, int]  # where other workers read, by worker
    lifeline: int  # the end of a pipe; its other end is closed with the parent

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All of them."""
        return self.listener, self.board, self.inbox, self.lifeline, *self.others.values()

    def as_text(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Inheritance":
        """What `as_text` wrote."""
        fields: dict[str, Any] = json.loads(text)
        others = {int(worker): fd for worker, fd in fields.pop("others").items()}
        return cls(others=others, **fields)


class Seat:
    """A worker's place among the others."""

    def __init__(self, inherited: Inheritance) -> None:
        self.worker = inherited.worker
        self.listener = socket.socket(fileno=inherited.listener)
        self.board = Board(inherited.max_calls, inherited.workers, fd=inherited.board)
        self.inbox = Inbox(
            socket.socket(fileno=inherited.inbox),
            {worker: socket.socket(fileno=fd) for worker, fd in inherited.others.items()},
        )
        self.lifeline = inherited.lifeline
