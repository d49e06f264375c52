"""What a conversation with a caller thinks with: a language model, and what is written down."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.llm.pieces import Piece
from ivr_flows.dialogue import Message, Tool
from ivr_flows.events import Heard
from ivr_flows.interpreter import Interpreter, State


class Model(Protocol):
    """What replies."""

    def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        *,
        max_tokens: int,
        tool_choice: str | None = None,
    ) -> AsyncGenerator[Piece]:
        """Raises ModelFailed. Closing it stops the request."""
        ...


class Passage(Protocol):
    """What a knowledge base finds."""

    @property
    def source(self) -> str: ...
    @property
    def heading(self) -> str: ...
    @property
    def text(self) -> str: ...


class Knowledge(Protocol):
    """What is searched."""

    async def search(self, query: str, limit: int = 4) -> Sequence[Passage]:
        """The best passages first."""
        ...


class Understands(Protocol):
    """What helps where a flow's own words find no answer in a caller's."""

    async def understand(
        self,
        interpreter: Interpreter,
        state: State,
        heard: Heard,
        note: Callable[[str, int], None],
    ) -> Heard:
        """The words with what they mean, in time or as they were; `note` (what came of it, ms)."""
        ...


@dataclass(frozen=True, slots=True)
class Minds:
    """What a call may ask beside the business."""

    model: Model | None = None
    knowledge: Mapping[str, Knowledge] | None = None  # by the name that flows use
    understanding: Understands | None = None
