"""Feeds a flow's interpreter with what happens on the line, and carries out what it asks for.

One task takes the events in order, so the interpreter never sees two at once. The driver holds
no policy of its own but this: what is said while an uninterruptible prompt plays is not heard.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ClientConnectedFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InputTransportMessageFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup

from bot.conversing import Conversing
from bot.early_answers import EarlyAnswers, SpeechAhead
from bot.ending import BROKEN, CallEnding, FarEndLeft, Happening, apology, far_end_left
from bot.filler import Fillers, filler
from bot.floor import Floor, FromCaller
from bot.journal import Journal
from bot.listening import Listening
from bot.minds import Minds
from bot.reply_stream import FromModel
from bot.say_queue import SayQueue
from bot.saying import Ducking, Saying
from bot.turn_notes import TurnNotes
from ivr_flows.actions import (
    Action,
    ForModel,
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
    NoInputFrame,
    UtteranceEndedFrame,
    UtteranceHeardFrame,
    UtteranceStartedFrame,
)
from processors.hearing import ENDED_TURN
from telephony.call import Disposition, EndedBy


class FlowDriver(FrameProcessor):
    """The conversation of one call."""

    def __init__(
        self,
        *,
        interpreter: Interpreter,
        state: State,
        journal: Journal,
        clock: CallClock,
        request: Callable[[Request], Awaitable[Responded | Failed]],
        transfer: Callable[[str], Awaitable[str | None]],
        prepare: Callable[[str, str], Awaitable[None]],
        on_end: Callable[[CallEnding], Awaitable[None]],
        disconnect_is_hang_up: bool = False,
        ducking: Ducking | None = None,
        tells_hearing: bool = True,
        minds: Minds | None = None,
    ) -> None:
        """`transfer` hands the call to a number or desk: None when it did, else why it could not.
        `prepare` (text, language) has a text ready to be spoken. `on_end` is told once how the
        conversation ended; when the flow ends it, after the far end played the last word.
        `disconnect_is_hang_up`: callers hang up by closing the connection, as browsers do.
        `ducking`: the gain of the bot's voice, where the line has one. `tells_hearing`: what the
        flow expects ends the caller's turns. `minds`: what `converse` nodes think with."""
        super().__init__()
        self._interpreter, self._state = interpreter, state
        self._notes = TurnNotes(journal)
        self._journal, self._clock = journal, clock
        self._transfer = transfer
        self._on_end = on_end
        self._disconnect_is_hang_up = disconnect_is_hang_up
        self._events: asyncio.Queue[Happening] = asyncio.Queue()
        self._ahead = SpeechAhead(interpreter, prepare)
        self._early = EarlyAnswers(interpreter)
        self._tasks: list[asyncio.Task[None]] = []
        self._says = SayQueue()
        self._conversing = Conversing(
            minds or Minds(),
            request=request,
            asked=lambda: (interpreter.asked(self._state), self._state.language),
            is_speaking=lambda: self._says.is_speaking,
            owe=lambda: self._fillers.tell().owe(clock.audio_ms),
            notes=self._notes,
            clock=clock,
            put=self._events.put_nowait,
        )
        self._saying = Saying(
            self._says,
            self._notes,
            clock,
            speak=self.push_frame,
            interrupt=self.broadcast_interruption,
            ducking=ducking,
            teller=self._conversing,
        )
        self._listening = Listening(interpreter, self._notes, clock, tells_hearing=tells_hearing)
        self._fillers = Fillers(clock, self._fill_silence)
        self._floor = self._new_floor()
        self._ending: HangUp | Transfer | None = None
        self._no_transfer = asyncio.Event()  # clear while the carrier is asked for one
        self._no_transfer.set()
        self._is_gone = self._has_ended = False

    def _new_floor(self) -> Floor:
        return Floor(
            says=self._says,
            saying=self._saying,
            notes=self._notes,
            early=self._early,
            ahead=self._ahead,
            listening=self._listening,
            fillers=self._fillers,
            put=self._events.put_nowait,
            hold=self._conversing.hold,
        )

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Start the task that takes the events."""
        await super().setup(setup)
        for work in (self._take_events(), self._fillers.run()):
            self._tasks.append(cast(asyncio.Task[None], self.create_task(work)))

    async def cleanup(self) -> None:
        """End the tasks: the events', and requests still under way; a transfer's end is awaited."""
        await self._no_transfer.wait()
        await super().cleanup()
        await self._ahead.stop()
        await self._conversing.stop()
        for task in self._tasks:
            if not task.done():
                await self.cancel_task(task)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Everything that is said to the conversation ends here; other frames pass."""
        await super().process_frame(frame, direction)
        match frame:
            case InputDTMFFrame():
                self._pressed(frame)
            case _ if isinstance(frame, FromCaller):
                await self._floor.take(frame, self._state, is_ending=self._ending is not None)
            case NoInputFrame():
                self._events.put_nowait(NothingHeard())
            case HearingFailedFrame():
                self._floor.unheard()
                self._failed("hearing", frame.reason, self._clock.now_ms())
            case UtteranceStartedFrame():
                self._saying.started(frame)
            case UtteranceEndedFrame():
                await self._utterance_ended(frame)
            case _:
                await self._pass_on(frame, direction)

    async def _pass_on(self, frame: Frame, direction: FrameDirection) -> None:
        await self.push_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM:
            if isinstance(frame, BotStartedSpeakingFrame):
                self._fillers.tell().bot_began()
            elif isinstance(frame, BotStoppedSpeakingFrame):
                self._fillers.tell().bot_ended(self._clock.audio_ms)
            return
        if isinstance(frame, ClientConnectedFrame):
            self._events.put_nowait(Started())
        elif isinstance(frame, InputTransportMessageFrame) and frame.message.get("event") == "stop":
            self.hung_up(str(frame.message.get("reason") or "stop"))

    def hung_up(self, reason: str) -> None:
        """The far end left: nothing is said any more, but what it did before that counts."""
        self._is_gone = True
        self._events.put_nowait(FarEndLeft(reason))

    async def _end_without_far_end(self, reason: str) -> None:
        self._state, actions = self._interpreter.step(self._state, HungUp())
        for report in (action for action in actions if isinstance(action, Report)):
            self._journal.outcome(report.variables)
        ends = [each for each in (self._ending, *actions) if isinstance(each, HangUp)]
        disposition = ends[0].disposition if ends else None
        await self.break_off(
            far_end_left(reason, disposition, disconnect_is_hang_up=self._disconnect_is_hang_up)
        )

    async def break_off(self, ending: CallEnding) -> None:
        """The call is over, whatever is being said, unless a transfer under way succeeds."""
        await self._no_transfer.wait()
        if not self._has_ended:
            self._says.drop_held()
            await self._saying.cut_off()
        await self._end(ending)

    def _pressed(self, frame: InputDTMFFrame) -> None:
        digit = frame.button.value
        duration_ms: int | None = frame.metadata.get("duration_ms")  # where the carrier tells
        self._notes.pressed(digit, self._clock.now_ms(), duration_ms)
        self._floor.pressed(self._clock.audio_ms)
        if not frame.metadata.get(ENDED_TURN) or self._state.digits:
            self._events.put_nowait(Pressed(digit))

    async def _utterance_ended(self, frame: UtteranceEndedFrame) -> None:
        was_awaited = await self._saying.ended(frame)
        if frame.failure:
            self._failed("speech", frame.failure, frame.end_ms)
        elif was_awaited and not self._says.is_speaking:
            self._events.put_nowait(Played())

    def _failed(self, stage: str, reason: str, at_ms: int) -> None:
        self._notes.note(f"{stage}_failed", at_ms, reason=reason)
        self._events.put_nowait(Failed(stage, reason))

    async def _take_events(self) -> None:
        while not self._has_ended:
            event = await self._events.get()
            try:
                await self._take(event)
            except Exception as error:  # the session's edge: the caller must hear something
                logger.exception("the flow broke on {!r}", event)
                self._notes.note("flow_broke", self._clock.now_ms(), reason=repr(error))
                self._ending = HangUp("failed")
                if self._is_gone:
                    await self._end(BROKEN)
                    return
                await self._saying.say(apology(self._state.language))

    async def _take(self, event: Happening) -> None:
        if isinstance(event, FarEndLeft):
            await self._end_without_far_end(event.reason)
            return
        if isinstance(event, UtteranceHeardFrame):
            event = await self._answer(event)
        elif isinstance(event, FromModel):
            event = self._conversing.admit(event)
        if event is None:
            return
        if self._ending is None:
            self._state, actions = self._interpreter.step(self._state, event)
            self._early.stepped(event, actions)
            for action in actions:
                await self._act(action)
            await self._expect()
            is_owing = self._state.is_owing or not self._says.is_done
            self._fillers.tell().stepped(is_owing=is_owing)
        may_end = self._says.is_done and not self._is_gone and not self._early.is_going_on
        if self._ending is not None and may_end:
            await self._carry_out_ending(self._ending)

    async def _answer(self, frame: UtteranceHeardFrame) -> Heard:
        """What was said, with the answer before it if that goes on here."""
        heard, before = self._early.whole(frame)
        self._conversing.hold(False)
        if before is not None:
            self._notes.went_on(frame, heard.text)
            self._ending = None
            self._says.drop_held()
            await self._saying.cut_off()
            self._journal.outcome({**dict.fromkeys(self._state.reported), **before.reported})
            self._state, _ = self._interpreter.step(before, Played())
        else:  # once: the bot's own voice, on a line with echo, could go on for ever
            self._early.remember(frame, heard, self._state)
        return await self._conversing.understood(self._interpreter, self._state, heard)

    async def _carry_out_ending(self, ending: HangUp | Transfer) -> None:
        disposition = Disposition(ending.disposition)
        if isinstance(ending, HangUp):
            await self._end(CallEnding(disposition, EndedBy.BOT))
            return
        self._no_transfer.clear()
        try:
            failure = await self._transfer(ending.to)
            if failure is None:
                await self._end(CallEnding(disposition, EndedBy.BOT, transfer_to=ending.to))
                return
        finally:
            self._no_transfer.set()
        self._notes.note("transfer_failed", self._clock.now_ms(), reason=failure)
        self._ending = None
        await self._take(Failed("transfer", failure))

    async def _act(self, action: Action) -> None:
        if self._is_gone and not isinstance(action, Report | HangUp):
            return  # nobody is there for it
        if isinstance(action, ForModel):
            await self._conversing.act(action)
            return
        match action:
            case Say():
                await self._saying.say(action)
            case StopSaying():
                self._says.drop_held()
                if not self._says.must_finish:
                    await self._saying.cut_off()
            case Listen():
                self._listening.asked = action
            case Request():
                self._conversing.begin_request(action)
            case Report():
                self._journal.outcome(action.variables)
            case SwitchLanguage():
                self._journal.language(action.language)
                self._notes.note("language", self._clock.now_ms(), language=action.language)
            case HangUp() | Transfer():
                self._ending = action

    async def _expect(self) -> None:
        is_ending = self._ending is not None and not self._early.can_go_on
        frame = self._listening.frame(self._state, self._says, is_ending=is_ending)
        if not frame.speech:
            self._floor.unlistened()
        await self.push_frame(frame, FrameDirection.UPSTREAM)

    async def _fill_silence(self) -> None:
        say = self._conversing.filler or filler(self._state.language, self._state.node)
        if say and self._ending is None and not self._is_gone and not self._has_ended:
            self._notes.note("filler", self._clock.now_ms())
            await self._saying.fill(say)

    async def _end(self, ending: CallEnding) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        await self._on_end(ending)
        await self.push_frame(EndWorkerFrame(reason=ending.disposition), FrameDirection.UPSTREAM)
