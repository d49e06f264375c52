"""A model in a call: its words keep their order, and wait while the caller has the floor."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from bot.conversing import Conversing
from bot.llm.pieces import Piece, ReplyEnd, TextPiece
from bot.minds import Minds
from bot.reply_stream import FromModel
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Converse, LookUp, Request, StopReply, UseTool
from ivr_flows.briefing import Asked
from ivr_flows.dialogue import Message, Tool
from ivr_flows.events import Failed, Replied, ReplyEnded, Responded, Told, ToolAnswered
from processors.call_clock import CallClock
from tests.bot.test_flow_driver import Notes

END = ReplyEnd("e", "m", "stop", None, None, 5)


class Talker:
    """Says its sentences, then waits until it is let go."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.goes_on = asyncio.Event()
        self.is_closed = False

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        *,
        max_tokens: int,
        tool_choice: str | None = None,
    ) -> AsyncGenerator[Piece]:
        try:
            for word in self._words:
                yield TextPiece(word)
            await self.goes_on.wait()
            yield END
        finally:
            self.is_closed = True


def conversing(minds: Minds, queue: "asyncio.Queue[Any]") -> Conversing:
    async def request(request: Request) -> Responded | Failed:
        raise RuntimeError("broken")

    return Conversing(
        minds,
        request=request,
        asked=lambda: (Asked((Message("user", "hello"),), (), 50), "en"),
        is_speaking=lambda: False,
        owe=lambda: None,
        notes=TurnNotes(Notes()),
        clock=CallClock(),
        put=queue.put_nowait,
    )


async def taken(talk: Conversing, queue: "asyncio.Queue[Any]") -> Any:
    """The next event, as the conversation would take it."""
    async with asyncio.timeout(5):
        event = await queue.get()
    return talk.admit(event) if isinstance(event, FromModel) else event


async def test_words_kept_back_come_in_their_order() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    model = Talker("One is here. Two is here. Three is here. And")
    talk = conversing(Minds(model), queue)
    talk.hold(True)
    await talk.act(Converse("help"))
    assert [await taken(talk, queue) for _ in range(2)] == [None, None]
    talk.hold(False)  # the third is in the queue already
    found = [await taken(talk, queue) for _ in range(3)]
    assert found == [Replied(f"{n} is here.") for n in ("One", "Two", "Three")]
    model.goes_on.set()
    assert await taken(talk, queue) == Replied("And")
    end = await taken(talk, queue)
    assert isinstance(end, ReplyEnded)
    assert end.tokens > 0
    await talk.stop()


async def test_a_reply_that_is_stopped_is_closed_and_says_nothing_more() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    model = Talker("One is here. And")
    talk = conversing(Minds(model), queue)
    await talk.act(Converse("help"))
    async with asyncio.timeout(5):
        event = await queue.get()
    await talk.act(StopReply())
    assert model.is_closed
    assert talk.admit(event) is None
    talk.hold(False)
    assert queue.empty()


async def test_without_a_model_the_reply_fails() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    talk = conversing(Minds(), queue)
    await talk.act(Converse("help"))
    assert await taken(talk, queue) == Failed("llm", "there is no model")
    await talk.stop()


async def test_a_tool_that_breaks_is_answered_all_the_same() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    talk = conversing(Minds(), queue)
    await talk.act(UseTool("a", "find", Request("help", "GET", "http://x", 100)))
    found = await taken(talk, queue)
    assert isinstance(found, ToolAnswered)
    assert (found.call_id, isinstance(found.result, Failed)) == ("a", True)
    await talk.act(UseTool("b", "look_up", LookUp("none", "x")))
    found = await taken(talk, queue)
    assert isinstance(found, ToolAnswered)
    assert found.result == Failed("knowledge", "there is no knowledge base none")
    await talk.stop()


async def test_a_request_waits_until_it_is_known_what_was_heard() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    talk = conversing(Minds(Talker("One is here. And")), queue)
    talk.begun(1)
    await talk.act(Converse("help"))
    talk.told(1, "It is")
    assert await taken(talk, queue) == Told(1, "It is")
    assert await taken(talk, queue) == Replied("One is here.")
    await talk.stop()
