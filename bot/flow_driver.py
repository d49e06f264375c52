"""Feeds a flow's interpreter with what happens on the line, and carries out what it asks for.

One task takes the events in order, so the interpreter never sees two at once. The driver holds
no policy of its own but this: what is said while an uninterruptible prompt plays is not heard.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from loguru import logger
from pipecat.frames.frames import (
    ClientConnectedFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InputTransportMessageFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup

from bot.ending import CallEnding
from bot.journal import Journal
from bot.turn_notes import TurnNotes
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
from telephony.call import Disposition, EndedBy

NOISE_MS = 600
"""Sound without words that is shorter is a cough or a door: it is not answered."""

NOT_THE_CALLER = frozenset({"stopped", "MessageTooLarge", "SecondStart"})
"""Reasons of a stream's end that are the carrier's: Exotel's flow took the call off the stream, or
it broke the protocol. At any other the caller has hung up."""

APOLOGY = {
    "en": "Sorry, something went wrong on our side. We will call you again. Goodbye.",
    "hi": "माफ़ कीजिए, हमारी तरफ़ से कुछ गड़बड़ हो गई। हम आपको फिर से फ़ोन करेंगे। नमस्ते।",
    "mr": "माफ करा, आमच्या बाजूने काहीतरी चूक झाली. आम्ही तुम्हाला पुन्हा फोन करू. नमस्कार.",
}
"""The last words of a call whose flow broke."""


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
        on_end: Callable[[CallEnding], Awaitable[None]],
    ) -> None:
        """`transfer` hands the call to a number or desk: None when it did, else why it could not.
        `on_end` is told once how the conversation ended; when the flow ends it, after the far
        end has played the last word."""
        super().__init__()
        self._interpreter = interpreter
        self._state = state
        self._language = state.language
        self._journal = journal
        self._notes = TurnNotes(journal)
        self._clock = clock
        self._request = request
        self._transfer = transfer
        self._on_end = on_end
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._unplayed: dict[int, Say] = {}  # handed on to be spoken, by utterance id
        self._held: list[Say] = []  # behind a prompt that must not be cut short
        self._listen: Listen | None = None
        self._ending: HangUp | Transfer | None = None
        self._has_ended = False
        self._has_said_keypad_only = False

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Start the task that takes the events."""
        await super().setup(setup)
        self._tasks.append(cast(asyncio.Task[None], self.create_task(self._take_events())))

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
                self._pressed(frame)
            case UtteranceHeardFrame():
                self._heard(frame)
            case SpeechSustainedFrame():
                await self._barge_in(frame)
            case NoInputFrame():
                self._events.put_nowait(NothingHeard())
            case HearingFailedFrame():
                self._notes.note("hearing_failed", self._clock.now_ms(), reason=frame.reason)
                self._events.put_nowait(Failed("hearing", frame.reason))
            case UtteranceStartedFrame():
                self._notes.started(frame)
            case UtteranceEndedFrame():
                await self._utterance_ended(frame)
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
        disposition = self._ending.disposition if self._ending else None
        self._state, actions = self._interpreter.step(self._state, HungUp())
        for action in actions:
            match action:
                case Report():
                    self._journal.outcome(action.variables)
                case HangUp():
                    disposition = disposition or action.disposition
                case _:
                    pass  # nobody is there to hear it
        by = EndedBy.CARRIER if reason in NOT_THE_CALLER else EndedBy.CALLER
        await self.break_off(CallEnding(Disposition(disposition or "hung_up"), by, reason=reason))

    async def break_off(self, ending: CallEnding) -> None:
        """The call is over, whatever is being said; what was heard until now goes on record."""
        if not self._has_ended:
            await self._cut_off()
        await self._end(ending)

    # What happens on the line

    def _pressed(self, frame: InputDTMFFrame) -> None:
        digit = frame.button.value
        duration_ms: int | None = frame.metadata.get("duration_ms")  # where the carrier tells
        self._notes.pressed(digit, self._clock.now_ms(), duration_ms)
        self._events.put_nowait(Pressed(digit))

    def _heard(self, frame: UtteranceHeardFrame) -> None:
        if not frame.text and self._unplayed:
            return
        if not frame.text and frame.end_ms - frame.start_ms < NOISE_MS:
            self._events.put_nowait(Played())  # nothing was said: listen on
            return
        if self._must_finish:
            self._notes.note("not_heard", frame.end_ms, text=frame.text)
            return
        self._notes.heard(frame, self._listen.node if self._listen else "")
        self._events.put_nowait(Heard(frame.text, frame.confidence, frame.language))

    async def _barge_in(self, frame: SpeechSustainedFrame) -> None:
        if self._unplayed and not self._must_finish:
            self._notes.note("barge_in", frame.at_ms)
            await self._stop_saying()
            self._events.put_nowait(Played())  # whatever comes of it, nothing is being said now

    async def _utterance_ended(self, frame: UtteranceEndedFrame) -> None:
        self._notes.ended(frame)
        was_awaited = self._unplayed.pop(frame.utterance_id, None) is not None
        if frame.failure:
            self._notes.note("speaking_failed", frame.end_ms, reason=frame.failure)
            self._events.put_nowait(Failed("speech", frame.failure))
            await self._release()
        elif was_awaited and not self._unplayed:
            await self._release()
            if not self._unplayed:
                self._events.put_nowait(Played())

    # The conversation

    async def _take_events(self) -> None:
        while not self._has_ended:
            event = await self._events.get()
            try:
                await self._take(event)
            except Exception as error:  # the session's edge: the caller must hear something
                logger.exception("the flow broke on {!r}", event)
                self._notes.note("flow_broke", self._clock.now_ms(), reason=repr(error))
                self._ending = HangUp("failed")
                await self._say(Say(APOLOGY.get(self._language, APOLOGY["en"]), self._language, ""))

    async def _take(self, event: Event) -> None:
        if self._ending is None:
            self._state, actions = self._interpreter.step(self._state, event)
            for action in actions:
                await self._act(action)
            await self._expect()
        if self._ending is not None and not self._unplayed and not self._held:
            await self._carry_out_ending(self._ending)

    async def _carry_out_ending(self, ending: HangUp | Transfer) -> None:
        transfer_to = ending.to if isinstance(ending, Transfer) else None
        if transfer_to is not None:
            failure = await self._transfer(transfer_to)
            if failure is not None:
                self._notes.note("transfer_failed", self._clock.now_ms(), reason=failure)
                self._ending = None
                self._events.put_nowait(Failed("transfer", failure))
                return
        await self._end(
            CallEnding(Disposition(ending.disposition), EndedBy.BOT, transfer_to=transfer_to)
        )

    async def _act(self, action: Action) -> None:
        match action:
            case Say():
                await self._say(action)
            case StopSaying():
                await self._stop_saying()
            case Listen():
                self._listen = action
            case Request():
                task = cast(asyncio.Task[None], self.create_task(self._carry_out(action)))
                self._tasks.append(task)
            case Report():
                self._journal.outcome(action.variables)
            case SwitchLanguage():
                self._language = action.language
                self._journal.language(action.language)
                self._notes.note("language", self._clock.now_ms(), language=action.language)
            case HangUp() | Transfer():
                self._ending = action

    @property
    def _must_finish(self) -> bool:
        """Whether a prompt is being said that nothing cuts short."""
        return any(not say.interruptible for say in self._unplayed.values())

    async def _say(self, say: Say) -> None:
        self._held.append(say)
        await self._release()

    async def _release(self) -> None:
        """Hand on what may be spoken now: up to the first prompt that must not be cut short.

        An interruption empties everything handed on, so what may be dropped never queues behind
        what may not.
        """
        while self._held and not self._must_finish:
            if self._unplayed and not self._held[0].interruptible:
                return
            say = self._held.pop(0)
            utterance_id = self._notes.said(say, self._clock.now_ms())
            self._unplayed[utterance_id] = say
            await self.push_frame(
                SayFrame(utterance_id=utterance_id, text=say.text, language=say.language)
            )

    async def _stop_saying(self) -> None:
        self._held.clear()
        if not self._must_finish:
            await self._cut_off()

    async def _cut_off(self) -> None:
        self._held.clear()
        if not self._unplayed:
            return
        now_ms = self._clock.now_ms()
        for utterance_id in self._unplayed:
            self._notes.cut_off(utterance_id, now_ms)
        self._unplayed.clear()
        await self.broadcast_interruption()

    async def _expect(self) -> None:
        """Tell hearing what is expected now; silence counts once everything is played."""
        listen = self._listen
        keypad_only = self._interpreter.keypad_only(self._state)
        if keypad_only and not self._has_said_keypad_only:
            self._has_said_keypad_only = True
            logger.warning("no ear for {!r} here: the call goes by keys only", self._language)
            self._notes.note("keypad_only", self._clock.now_ms(), language=self._language)
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
            self._notes.note("request_failed", self._clock.now_ms(), reason=result.reason)
        self._events.put_nowait(result)

    async def _end(self, ending: CallEnding) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        await self._on_end(ending)
        await self.push_frame(EndWorkerFrame(reason=ending.disposition), FrameDirection.UPSTREAM)
