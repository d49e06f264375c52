"""A language model in a call: has it reply, and its tools used, while the call goes on.

The interpreter decides what is asked and what becomes of the answers (`ivr_flows/conversing.py`);
this streams, waits, stops, and holds words back while the caller has the floor.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

from loguru import logger

from bot.errors import ModelFailed
from bot.minds import Minds
from bot.reply_stream import FromModel, ReplyStream, tokens_of
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Converse, LimitTime, LookUp, Request, Say, StopReply, UseTool
from ivr_flows.briefing import Asked
from ivr_flows.conversation import Found
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    Passages,
    Replied,
    ReplyEnded,
    Responded,
    TimeIsUp,
    Told,
    ToolAnswered,
)
from ivr_flows.interpreter import Interpreter, State
from processors.call_clock import CallClock

TOLD_S = 0.3
"""How long a request waits to learn how much of the interrupted words was heard: the answer of a
processor in this process, which comes in milliseconds. Without it the model may think it said
less than it did."""

OWED_AFTER_S = 1.0
"""A tool that takes longer owes the caller a filler, though the model said something before it:
behind "Let me look" eight seconds of silence would be as long as without."""

LOOK_UP_S = 3.0
"""For a search in a knowledge base, embeddings included."""


class Conversing:
    """One call's model and tools."""

    def __init__(
        self,
        minds: Minds,
        *,
        request: Callable[[Request], Awaitable[Responded | Failed]],
        asked: Callable[[], tuple[Asked, str]],
        is_speaking: Callable[[], bool],
        owe: Callable[[], None],
        notes: TurnNotes,
        clock: CallClock,
        put: Callable[[Event | FromModel], None],
    ) -> None:
        """`asked` tells what the model is asked for as the conversation stands, and the language;
        `is_speaking`: whether something is being said; `owe` is called when the caller is
        kept waiting; `put` queues what the conversation is to take."""
        self._minds = minds
        self._request = request
        self._asked = asked
        self._is_speaking = is_speaking
        self._owe = owe
        self._notes = notes
        self._clock = clock
        self._put = put
        self._replies = 0
        self._reply: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # tools at work, limits of time
        self._is_held = False
        self._waiting: deque[Replied | ReplyEnded | Failed] = deque()  # while it is held
        self._untold: set[int] = set()  # clauses that the far end began to hear
        self._all_told = asyncio.Event()
        self._all_told.set()
        self.filler: Say | None = None  # what is said if a tool takes long

    async def stop(self) -> None:
        """The call is over: nothing is waited for any more."""
        await self._stop_reply()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def understood(self, interpreter: Interpreter, state: State, heard: Heard) -> Heard:
        """The caller's words, with what a model makes of them where the flow's own don't do."""
        understanding = self._minds.understanding
        if understanding is None:
            return heard

        def note(came_to: str, took_ms: int) -> None:
            now_ms = self._clock.now_ms()
            self._notes.note("understood", now_ms, came_to=came_to, took_ms=took_ms)

        return await understanding.understand(interpreter, state, heard, note)

    def begin_request(self, request: Request) -> None:
        """Ask the business, for a `request` node."""
        self._begin(self._ask_business(request))

    async def _ask_business(self, request: Request) -> None:
        result = await self._request(request)
        if isinstance(result, Failed):
            self._notes.note("request_failed", self._clock.now_ms(), reason=result.reason)
        self._put(result)

    async def act(self, action: Converse | StopReply | UseTool | LimitTime) -> None:
        """Carry out what the conversation asks for."""
        match action:
            case Converse():
                await self._stop_reply()
                self.filler = None
                self._reply = asyncio.create_task(self._have_reply(self._replies))
                self._reply.add_done_callback(partial(self._reply_done, self._replies))
            case StopReply():
                await self._stop_reply()
                self.filler = None
            case UseTool():
                self.filler = action.filler
                self._begin(self._use(action), action.call_id)
            case LimitTime():
                self._begin(self._limit(action))

    def admit(self, event: FromModel) -> Event | None:
        """The event, if it is to be taken now: of the last reply, and nobody else has the floor."""
        if event.reply != self._replies:
            return None
        if event.event is not None:
            self._waiting.append(event.event)
        return self._waiting.popleft() if self._waiting and not self._is_held else None

    def hold(self, is_held: bool) -> None:
        """Keep words back while the caller speaks, or let them go again."""
        self._is_held = is_held
        for _ in () if is_held else range(len(self._waiting)):
            self._put(FromModel(self._replies))

    def begun(self, clause: int) -> None:
        """The far end begins to hear a clause."""
        self._untold.add(clause)
        self._all_told.clear()

    def told(self, clause: int, heard: str) -> None:
        """It is known what of it was heard."""
        self._untold.discard(clause)
        if not self._untold:
            self._all_told.set()
        self._put(Told(clause, heard))

    # Tasks

    def _begin(self, work: Coroutine[Any, Any, None], call_id: str = "") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, call_id))

    def _done(self, call_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.opt(exception=error).error("a tool broke")
            self._put(ToolAnswered(call_id, Failed("tool", repr(error))))

    def _reply_done(self, number: int, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.opt(exception=error).error("a reply broke")
            self._put(FromModel(number, Failed("llm", repr(error))))

    async def _stop_reply(self) -> None:
        self._replies += 1
        self._waiting.clear()
        reply, self._reply = self._reply, None
        if reply is not None:
            reply.cancel()
            await asyncio.wait([reply])

    async def _limit(self, limit: LimitTime) -> None:
        await self._clock.reached(self._clock.audio_ms + limit.seconds * 1000)
        self._put(TimeIsUp(limit.node, limit.visit))

    # Replies

    async def _have_reply(self, number: int) -> None:
        model = self._minds.model
        if model is None:
            self._put(FromModel(number, Failed("llm", "there is no model")))
            return
        if not self._is_speaking():
            await self._until_told()
        asked, language = self._asked()
        stream = ReplyStream(number, language, self._put)
        try:
            async with aclosing(
                model.reply(asked.messages, asked.tools, max_tokens=asked.max_tokens)
            ) as pieces:
                async for piece in pieces:
                    stream.take(piece)
        except ModelFailed as error:
            logger.warning("no reply: {}", error)
            self._notes.note("reply_failed", self._clock.now_ms(), reason=str(error))
            self._put(FromModel(number, Failed("llm", str(error))))
            return
        end = stream.end
        if end is None:
            self._put(FromModel(number, Failed("llm", "the reply had no end")))
            return
        self._notes.note("reply", self._clock.now_ms(), **stream.parts(end))
        tokens = tokens_of(end, asked, stream.text)
        self._put(FromModel(number, ReplyEnded(tuple(stream.calls), tokens)))

    async def _until_told(self) -> None:
        """Until it is known what of the interrupted words was heard."""
        try:
            async with asyncio.timeout(TOLD_S):
                await self._all_told.wait()
        except TimeoutError:
            self._untold.clear()
            self._all_told.set()
        await asyncio.sleep(0)  # what was told is taken first

    # Tools

    async def _use(self, tool: UseTool) -> None:
        began_s = asyncio.get_running_loop().time()
        reminder = asyncio.get_running_loop().call_later(OWED_AFTER_S, self._owe)
        try:
            if isinstance(tool.work, Request):
                result: Responded | Failed | Passages = await self._request(tool.work)
            else:
                result = await self._look_up(tool.work)
        finally:
            reminder.cancel()
        took_ms = round((asyncio.get_running_loop().time() - began_s) * 1000)
        came_to, sources = _came_to(result)
        self._notes.note(
            "tool", self._clock.now_ms(), name=tool.tool, took_ms=took_ms, came_to=came_to,
            sources=sources,
        )  # fmt: skip
        self._put(ToolAnswered(tool.call_id, result))

    async def _look_up(self, work: LookUp) -> Passages | Failed:
        base = (self._minds.knowledge or {}).get(work.knowledge)
        if base is None:
            return Failed("knowledge", f"there is no knowledge base {work.knowledge}")
        try:
            async with asyncio.timeout(LOOK_UP_S):
                found = await base.search(work.query, work.limit)
        except TimeoutError:
            return Failed("knowledge", f"nothing found within {LOOK_UP_S:g} s")
        return Passages(tuple(Found(each.source, each.heading, each.text) for each in found))


def _came_to(result: Responded | Failed | Passages) -> tuple[str, list[str]]:
    match result:
        case Responded():
            return str(result.status_code), []
        case Passages(found):
            return f"{len(found)} passages", [passage.cited for passage in found]
        case Failed():
            return f"failed: {result.reason}", []
