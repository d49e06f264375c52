"""What a scripted language model does in one turn, step by step."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """One piece of text, after a wait."""

    text: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CallPart:
    """A part of a tool call, as the stream carries it; None: the field is not sent."""

    index: int | None = 0
    id: str | None = None
    name: str | None = None
    arguments: str | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes of the stream as they are, such as a line that is no JSON."""

    data: str | bytes
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for a while."""

    for_s: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The end, with its reason; a turn that doesn't name one ends with "stop" or "tool_calls"."""

    reason: str = "stop"
    usage: bool = True
    done: bool = True  # the line [DONE]


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is torn down, with whatever was sent before."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing more is sent, until the client leaves or the server stops."""


@dataclass(frozen=True, slots=True)
class HttpError:
    """The whole answer, in place of a stream."""

    status: int
    message: str = "scripted"
    headers: tuple[tuple[str, str], ...] = ()
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of another kind, such as a proxy's page."""

    body: str = "<html>hello</html>"
    content_type: str = "text/html"
    status: int = 200


Step = Text | CallPart | Raw | Pause | Finish | Cut | Hang | HttpError | Page
Turn = Sequence[Step]


def says(text: str, *, every_s: float = 0.0, first_s: float = 0.0) -> list[Step]:
    """A text, word by word."""
    words = text.split(" ")
    pieces = [word + (" " if place + 1 < len(words) else "") for place, word in enumerate(words)]
    return [Text(piece, every_s if place else first_s) for place, piece in enumerate(pieces)]


def calls(
    name: str, /, *, id: str = "call_a", index: int = 0, pieces: int = 3, **arguments: Any
) -> list[Step]:
    """A tool call whose arguments come in `pieces`."""
    written = json.dumps(arguments, ensure_ascii=False)
    size = max(1, math.ceil(len(written) / pieces))
    parts = [written[at : at + size] for at in range(0, len(written), size)]
    first = CallPart(index, id, name, "")
    return [first, *(CallPart(index, arguments=part) for part in parts)]
