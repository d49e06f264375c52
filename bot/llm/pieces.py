"""What a streamed reply is made of, and how the chunks of OpenAI's chat API become that. Pure.

Servers that call themselves compatible differ, and some are wrong: every field is looked at
before it is used, and what makes no sense is passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from ivr_flows.dialogue import ToolCall

MOST_CALLS = 16
"""Tools that one reply may ask for; a model that asks for more has lost its way."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Words of the reply, as they come: a token or several, spaces as the model wrote them."""

    text: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A tool that the model wants used; given when the reply is whole."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ReplyEnd:
    """The reply is whole."""

    endpoint: str  # the name of the endpoint that gave it
    model: str  # as the endpoint calls it
    finish_reason: str  # "stop", "tool_calls", "length" (cut at max_tokens), "content_filter"
    prompt_tokens: int | None  # as the endpoint counted; None where it doesn't
    completion_tokens: int | None
    first_token_ms: int  # from the question to the first word or tool, failed endpoints included
    failed: tuple[str, ...] = ()  # "name: why", of endpoints that were asked before, or left out


Piece = TextPiece | CallPiece | ReplyEnd


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A part of a tool call."""

    index: int
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Delta:
    """What one chunk adds to the reply."""

    text: str = ""
    calls: tuple[CallDelta, ...] = ()
    finish_reason: str = ""  # "" until the last
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def says_something(self) -> bool:
        """Whether it holds words or a part of a tool call; blanks say nothing."""
        return bool(self.text.strip() or self.calls)


def read_chunk(chunk: object) -> Delta:
    """A chunk of the stream, whatever it is. Raises nothing."""
    usage: object = getattr(chunk, "usage", None)
    choices: object = getattr(chunk, "choices", None)
    choice: object = (
        cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None
    )
    delta: object = getattr(choice, "delta", None)
    return Delta(
        text=_text(delta, "content"),
        calls=tuple(_calls(getattr(delta, "tool_calls", None))),
        finish_reason=_text(choice, "finish_reason"),
        model=_text(chunk, "model"),
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _calls(parts: object) -> Iterator[CallDelta]:
    if not isinstance(parts, list):
        return
    for place, part in enumerate(cast("list[object]", parts)):
        function: object = getattr(part, "function", None)
        if function is None:
            continue
        index: object = getattr(part, "index", None)
        yield CallDelta(
            index=index if isinstance(index, int) else place,
            id=_text(part, "id"),
            name=_text(function, "name"),
            arguments=_text(function, "arguments"),
        )


def _text(value: object, name: str) -> str:
    found: object = getattr(value, name, None)
    return found if isinstance(found, str) else ""


def _count(value: object, name: str) -> int | None:
    found: object = getattr(value, name, None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


@dataclass(slots=True)
class _Growing:
    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class CallAssembly:
    """Puts tool calls together from their parts, by index, in the order of their beginning.

    Two habits of servers are met. Some give each part a new id: a part without a name belongs to
    the call before it. Some give whole calls the same index: a new name with a new id is a new one.
    """

    _calls: list[_Growing] = field(default_factory=list[_Growing])
    _by_index: dict[int, _Growing] = field(default_factory=dict[int, _Growing])

    def add(self, part: CallDelta) -> None:
        """Take one part."""
        call = self._by_index.get(part.index)
        is_another = call is not None and bool(
            part.name and call.name and part.id not in ("", call.id)
        )
        if call is None or is_another:
            if len(self._calls) == MOST_CALLS:
                return
            call = _Growing(part.id)
            self._calls.append(call)
            self._by_index[part.index] = call
        call.id = call.id or part.id
        call.name += part.name
        call.arguments += part.arguments

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls so far. One without a name is none: nothing could answer it."""
        named = (call for call in self._calls if call.name.strip())
        return tuple(
            ToolCall(
                id=call.id or f"call_{place}", name=call.name.strip(), arguments=call.arguments
            )
            for place, call in enumerate(named)
        )
