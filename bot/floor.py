"""Who has the floor: what a caller's voice does to the bot's, and what becomes of their words."""

from collections.abc import Callable
from dataclasses import replace

from bot.early_answers import EarlyAnswers, SpeechAhead
from bot.filler import Fillers
from bot.listening import Listening, use_of
from bot.overlap import Overlap
from bot.say_queue import SayQueue
from bot.saying import Saying
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen
from ivr_flows.events import Event, Played, Resumed
from ivr_flows.interpreter import State
from processors.frames import (
    CallerVoiceFrame,
    SpeechSustainedFrame,
    UtteranceHeardFrame,
    UtterancePartialFrame,
)

FromCaller = UtterancePartialFrame | CallerVoiceFrame | UtteranceHeardFrame | SpeechSustainedFrame


class Floor:
    """Carries out what `Overlap` and `use_of` decide, and tells the conversation."""

    def __init__(
        self,
        *,
        says: SayQueue,
        saying: Saying,
        notes: TurnNotes,
        early: EarlyAnswers,
        ahead: SpeechAhead,
        listening: Listening,
        fillers: Fillers,
        put: Callable[[Event | UtteranceHeardFrame], None],
        hold: Callable[[bool], None] = lambda is_held: None,
    ) -> None:
        """`put` queues what the conversation is to take; `hold` keeps a model's words back while
        the caller has the floor."""
        self._says = says
        self._saying = saying
        self._notes = notes
        self._early = early
        self._ahead = ahead
        self._listening = listening
        self._fillers = fillers
        self._put = put
        self._hold = hold
        self._overlap = Overlap()
        self._pressed_ms = -1  # when the last key came, and what waited for it
        self._pressed_for: Listen | None = None

    async def take(self, frame: FromCaller, state: State, *, is_ending: bool) -> None:
        """Anything that is heard of the caller; `is_ending`: nothing but an end follows."""
        match frame:
            case UtterancePartialFrame():
                if not self._says.must_finish:
                    await self._ahead.consider(frame, state)
                await self.partial(frame, state)
            case CallerVoiceFrame():
                self.voice(frame)
            case UtteranceHeardFrame():
                self._ahead.settle()
                await self.heard(frame, state, is_ending=is_ending)
            case SpeechSustainedFrame():
                await self.sustained(frame)

    def voice(self, frame: CallerVoiceFrame) -> None:
        """The caller's voice came, or went."""
        self._saying.voice(frame)
        if not frame.is_turn:
            return  # it may be a click
        if frame.is_heard:
            self._early.voice_began(frame.at_ms)
            self._hold(True)
            self._fillers.tell().settled()
        else:
            self._fillers.tell().turn_ended(frame.at_ms - frame.silent_ms, is_heard=False)

    def pressed(self, at_ms: int) -> None:
        """A key came, which is a turn."""
        self._pressed_ms, self._pressed_for = at_ms, self._listening.asked
        self._notes.partial(None)
        self._fillers.tell().turn_ended(at_ms, is_heard=True)
        self._says.forget_stopped()

    def unlistened(self) -> None:
        """Nobody listens to what the caller may be saying."""
        self._hold(False)
        self._notes.partial(None)
        self._fillers.tell().heard()

    def unheard(self) -> None:
        """What the caller said will never be known."""
        self._hold(False)
        self._notes.partial(None)
        self._early.voice_failed()
        self._fillers.tell().heard()
        self._says.forget_stopped()

    async def partial(self, frame: UtterancePartialFrame, state: State) -> None:
        """Words so far."""
        if self._was_keyed(frame.start_ms):
            return
        self._notes.partial(frame)
        is_statement = self._listening.is_statement(state, self._says)
        adds_nothing = self._early.adds_nothing(frame)
        if self._overlap.is_interruption(
            frame, is_statement=is_statement, adds_nothing=adds_nothing
        ):
            await self._give_way(frame.start_ms, frame.through_ms)

    async def sustained(self, frame: SpeechSustainedFrame) -> None:
        """A voice that lasts."""
        if self._overlap.outlasts(frame) and not self._was_keyed(frame.start_ms):
            await self._give_way(frame.start_ms, frame.at_ms)

    async def heard(self, frame: UtteranceHeardFrame, state: State, *, is_ending: bool) -> None:
        """All that was said in a turn."""
        self._notes.partial(None)
        more = self._early.more(frame)
        is_statement = self._listening.is_statement(state, self._says)
        use = use_of(
            frame,
            more,
            self._says,
            is_ending=is_ending,
            is_statement=is_statement,
            is_about=self._listening.is_about(state, frame.text),
            has_hummed=self._overlap.has_hummed(frame.start_ms),
        )
        if self._was_keyed(frame.start_ms):
            use = "aside"
        if use == "answer":
            self._notes.heard(frame, self._listening.node)
            self._fillers.tell().heard()
            self._says.forget_stopped()
            self._put(frame)
            return
        self._fillers.tell().settled()
        self._hold(False)
        match use:
            case "addition":
                rest = replace(frame, text=self._early.rest(frame))
                self._notes.added(rest, self._listening.node)
            case "backchannel":
                self._notes.followed(frame, self._listening.node)
            case "aside":
                self._notes.note("not_heard", frame.end_ms, text=frame.text)
            case "noise":
                pass
        if use != "aside" and self._says.has_stopped_for(frame.start_ms):
            await self._saying.take_up()
            self._put(Resumed())
        if not self._says.is_speaking:
            self._put(Played())  # the time for an answer goes on

    def _was_keyed(self, start_ms: int) -> bool:
        """Whether what is said since `start_ms` belongs to a question that a key has answered."""
        return start_ms <= self._pressed_ms and self._listening.asked != self._pressed_for

    async def _give_way(self, start_ms: int, at_ms: int) -> None:
        if self._says.is_speaking and not self._says.was_meanwhile(start_ms, at_ms):
            self._notes.note("barge_in", at_ms)
            await self._saying.give_way(start_ms)
            if not self._says.is_speaking:
                self._put(Played())  # nothing is being said now
