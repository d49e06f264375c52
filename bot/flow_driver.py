"""Feeds a flow's interpreter with what happens on the line, and carries out what it asks for.

One task takes the events in order, so the interpreter never sees two at once. The driver holds
no policy of its own but this: what is said while an uninterruptible prompt plays is not heard.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from loguru import logger
from pipecat.frames.frames import (
    ClientConnectedFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InputTransportMessageFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup

from bot.journal import Journal, ReplyLatency
from ivr_flows.actions import (
    Action,
    HangUp,
    Listen,
    Report,
    Request,
    Say,
    StopSaying,
    SwitchLanguage,
    Transfer,
)
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    HungUp,
    NothingHeard,
    Played,
    Pressed,
    Responded,
    Started,
)
from ivr_flows.interpreter import Interpreter, State
from processors.call_clock import CallClock
from processors.frames import (
    HearingFailedFrame,
    ListenFrame,
    NoInputFrame,
    SayFrame,
    SpeechSustainedFrame,
    UtteranceEndedFrame,
    UtteranceHeardFrame,
    UtteranceStartedFrame,
)

NOISE_MS = 600
"""Sound without words that is shorter is a cough or a door: it is not answered."""

Ending = HangUp | Transfer


@dataclass(slots=True)
class _Answer:
    """A caller's turn whose reply is not yet on the line."""

    turn_id: int
    speech_end_ms: int
    turn_decided_ms: int
    transcript_ms: int
    reply_ready_ms: int | None = None
    utterance_id: int | None = None


class FlowDriver(FrameProcessor):
    """The conversation of one call."""

    def __init__(
        self,
        *,
        interpreter: Interpreter,
        state: State,
        language: str,
        journal: Journal,
        clock: CallClock,
        request: Callable[[Request], Awaitable[Responded | Failed]],
        on_end: Callable[[Ending], Awaitable[None]],
        on_hang_up: Callable[[str], Awaitable[None]],
    ) -> None:
        """`on_end` carries out the flow's own end of the call, after the last word was played;
        `on_hang_up` is told that the far end left, with the carrier's reason."""
        super().__init__()
        self._interpreter = interpreter
        self._state = state
        self._language = language
        self._journal = journal
        self._clock = clock
        self._request = request
        self._on_end = on_end
        self._on_hang_up = on_hang_up
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._unplayed: dict[int, Say] = {}
        self._listen: Listen | None = None
        self._ending: Ending | None = None
        self._has_ended = False
        self._has_said_keypad_only = False
        self._utterances = 0
        self._turns = 0
        self._answer: _Answer | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Start the task that takes the events."""
        await super().setup(setup)
        self._tasks.append(self.create_task(self._take_events()))

    async def cleanup(self) -> None:
        """End the tasks: the events', and requests still under way."""
        await super().cleanup()
        for task in self._tasks:
            if not task.done():
                await self.cancel_task(task)
        self._tasks.clear()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Everything that is said to the conversation ends here; other frames pass."""
        await super().process_frame(frame, direction)
        match frame:
            case InputDTMFFrame():
                self._pressed(frame.button.value)
            case UtteranceHeardFrame():
                self._heard(frame)
            case SpeechSustainedFrame():
                await self._barge_in(frame)
            case NoInputFrame():
                self._events.put_nowait(NothingHeard())
            case HearingFailedFrame():
                self._journal.noted("hearing_failed", self._clock.now_ms(), frame.reason)
                self._events.put_nowait(Failed("hearing", frame.reason))
            case UtteranceStartedFrame():
                self._utterance_started(frame)
            case UtteranceEndedFrame():
                self._utterance_ended(frame)
            case _:
                await self._pass_on(frame, direction)

    async def _pass_on(self, frame: Frame, direction: FrameDirection) -> None:
        await self.push_frame(frame, direction)
        if direction is not FrameDirection.DOWNSTREAM:
            return
        if isinstance(frame, ClientConnectedFrame):
            self._events.put_nowait(Started())
        elif isinstance(frame, InputTransportMessageFrame) and frame.message.get("event") == "stop":
            await self.hung_up(str(frame.message.get("reason") or "stop"))

    async def hung_up(self, reason: str) -> None:
        """The far end left."""
        if self._has_ended:
            return
        self._has_ended = True
        self._state, actions = self._interpreter.step(self._state, HungUp())
        for action in actions:
            if isinstance(action, Report):
                self._journal.reported(action.variables)
        await self._on_hang_up(reason)
        await self.push_frame(EndWorkerFrame(reason=reason), FrameDirection.UPSTREAM)

    # What happens on the line

    def _pressed(self, digit: str) -> None:
        now_ms = self._clock.now_ms()
        self._turns += 1
        self._journal.caller_pressed(self._turns, digit, self._node, now_ms)
        self._answer = _Answer(self._turns, now_ms, now_ms, now_ms)
        self._events.put_nowait(Pressed(digit))

    def _heard(self, frame: UtteranceHeardFrame) -> None:
        if not frame.text and self._unplayed:
            return
        if not frame.text and frame.end_ms - frame.start_ms < NOISE_MS:
            self._events.put_nowait(Played())  # nothing was said: listen on
            return
        if any(not say.interruptible for say in self._unplayed.values()):
            self._journal.noted("not_heard", frame.end_ms, frame.text)
            return
        self._turns += 1
        self._journal.caller_said(
            self._turns,
            frame.text,
            frame.language,
            self._node,
            frame.start_ms,
            frame.end_ms,
            frame.confidence,
        )
        self._answer = _Answer(self._turns, frame.end_ms, frame.decided_ms, frame.transcript_ms)
        self._events.put_nowait(Heard(frame.text, frame.confidence, frame.language))

    async def _barge_in(self, frame: SpeechSustainedFrame) -> None:
        if self._unplayed and all(say.interruptible for say in self._unplayed.values()):
            self._journal.noted("barge_in", frame.at_ms, "")
            await self._stop_saying()

    def _utterance_started(self, frame: UtteranceStartedFrame) -> None:
        answer = self._answer
        if answer is None or answer.utterance_id != frame.utterance_id:
            return
        self._answer = None
        self._journal.replied(
            answer.turn_id,
            ReplyLatency(
                answer.speech_end_ms,
                answer.turn_decided_ms,
                answer.transcript_ms,
                answer.reply_ready_ms or answer.transcript_ms,
                frame.at_ms,
            ),
        )

    def _utterance_ended(self, frame: UtteranceEndedFrame) -> None:
        self._journal.bot_was_heard(
            frame.utterance_id,
            frame.heard_text,
            frame.start_ms,
            frame.end_ms,
            is_interrupted=frame.is_interrupted,
        )
        was_awaited = self._unplayed.pop(frame.utterance_id, None) is not None
        if frame.failure:
            self._journal.noted("speaking_failed", frame.end_ms, frame.failure)
            self._events.put_nowait(Failed("speech", frame.failure))
        elif was_awaited and not self._unplayed:
            self._events.put_nowait(Played())

    # The conversation

    @property
    def _node(self) -> str:
        return self._listen.node if self._listen else ""

    async def _take_events(self) -> None:
        while not self._has_ended:
            event = await self._events.get()
            if self._ending is None:
                self._state, actions = self._interpreter.step(self._state, event)
                for action in actions:
                    await self._act(action)
                await self._expect()
            if self._ending is not None and not self._unplayed and not self._has_ended:
                await self._end(self._ending)

    async def _act(self, action: Action) -> None:
        match action:
            case Say():
                await self._say(action)
            case StopSaying():
                await self._stop_saying()
            case Listen():
                self._listen = action
            case Request():
                self._tasks.append(self.create_task(self._carry_out(action)))
            case Report():
                self._journal.reported(action.variables)
            case SwitchLanguage():
                self._language = action.language
                self._journal.noted("language", self._clock.now_ms(), action.language)
            case HangUp() | Transfer():
                self._ending = action

    async def _say(self, say: Say) -> None:
        self._utterances += 1
        utterance_id = self._utterances
        self._unplayed[utterance_id] = say
        now_ms = self._clock.now_ms()
        self._journal.bot_said(utterance_id, say.text, say.language, say.node, now_ms)
        if self._answer and self._answer.utterance_id is None:
            self._answer.reply_ready_ms = now_ms
            self._answer.utterance_id = utterance_id
        await self.push_frame(
            SayFrame(utterance_id=utterance_id, text=say.text, language=say.language)
        )

    async def _stop_saying(self) -> None:
        if not self._unplayed:
            return
        now_ms = self._clock.now_ms()
        for utterance_id in self._unplayed:
            # What was heard of those already begun is reported by Speaking and overrides this.
            self._journal.bot_was_heard(utterance_id, "", None, now_ms, is_interrupted=True)
        self._unplayed.clear()
        await self.broadcast_interruption()

    async def _expect(self) -> None:
        """Tell hearing what is expected now; silence counts once everything is played."""
        listen = self._listen
        keypad_only = self._interpreter.keypad_only(self._state)
        if keypad_only and not self._has_said_keypad_only:
            self._has_said_keypad_only = True
            logger.warning("no ear for {!r} here: the call goes by keys only", self._language)
            self._journal.noted("keypad_only", self._clock.now_ms(), self._language)
        is_listening = listen is not None and self._ending is None
        await self.push_frame(
            ListenFrame(
                language=self._language,
                speech=is_listening and listen is not None and listen.speech,
                is_free_speech=listen.free_speech if listen else False,
                hints=listen.hints if listen else (),
                timeout_ms=listen.timeout_ms if listen and not self._unplayed else None,
            ),
            FrameDirection.UPSTREAM,
        )

    async def _carry_out(self, action: Request) -> None:
        result = await self._request(action)
        if isinstance(result, Failed):
            self._journal.noted("request_failed", self._clock.now_ms(), result.reason)
        self._events.put_nowait(result)

    async def _end(self, ending: Ending) -> None:
        self._has_ended = True
        await self._on_end(ending)
        await self.push_frame(EndWorkerFrame(reason=ending.disposition), FrameDirection.UPSTREAM)
