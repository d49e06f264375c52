"""A language model over scripted servers, and its replies as lists."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager

from bot.llm.endpoint import Endpoint, Patience
from bot.llm.model import CallPiece, LanguageModel, Piece, ReplyEnd, TextPiece
from ivr_flows.dialogue import Message, Tool, ToolCall
from speech.circuit import CircuitBreaker
from tests.llm_peer import (
    Asked,
    LlmPeer,
)

QUICK = Patience(first_token_s=0.4, idle_s=0.4)
PATIENT = Patience(first_token_s=20, idle_s=20)
HELLO = (Message("system", "You sell tea."), Message("user", "hello"))
LOOK_UP = Tool(
    "look_up",
    "Finds an order.",
    {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": False},
)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def endpoint(
    peer: LlmPeer, name: str = "first", patience: Patience = PATIENT, failures: int = 2
) -> Endpoint:
    breaker = CircuitBreaker(failures=failures, retry_after_s=15)
    return Endpoint(name, base_url=peer.base_url, model="m", patience=patience, breaker=breaker)


@asynccontextmanager
async def model_of(
    *endpoints: Endpoint, now_s: Clock | None = None
) -> AsyncGenerator[LanguageModel]:
    model = LanguageModel(endpoints, now_s=now_s or Clock())
    try:
        yield model
    finally:
        await model.close()


async def replied(
    model: LanguageModel,
    messages: Sequence[Message] = HELLO,
    tools: Sequence[Tool] = (),
    max_tokens: int = 50,
    tool_choice: str | None = None,
) -> list[Piece]:
    reply = model.reply(messages, tools, max_tokens=max_tokens, tool_choice=tool_choice)
    async with asyncio.timeout(30), aclosing(reply) as pieces:
        return [piece async for piece in pieces]


def text_of(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def calls_of(pieces: Sequence[Piece]) -> list[ToolCall]:
    return [piece.call for piece in pieces if isinstance(piece, CallPiece)]


def end_of(pieces: Sequence[Piece]) -> ReplyEnd:
    end = pieces[-1]
    assert isinstance(end, ReplyEnd)
    assert sum(isinstance(piece, ReplyEnd) for piece in pieces) == 1
    return end


async def ended(asked: Asked) -> None:
    async with asyncio.timeout(10):
        await asked.ended.wait()
