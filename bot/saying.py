"""What the bot says, on its way to being spoken: handed on in order, stepped back, cut off."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from bot.say_queue import SayQueue, Telling
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Say
from processors.call_clock import CallClock
from processors.frames import (
    CallerVoiceFrame,
    FillerFrame,
    SayFrame,
    UtteranceEndedFrame,
    UtteranceStartedFrame,
)


class Ducking(Protocol):
    """The gain of the bot's voice where it leaves for the line."""

    def duck(self) -> None:
        """Step back."""
        ...

    def release(self, *, silent_for_ms: float = 0.0) -> None:
        """The caller is silent, and has been for so long: come back soon."""
        ...

    def reset(self) -> None:
        """Nothing is being said: what comes next is said in full voice."""
        ...


class Teller(Protocol):
    """Wants to know what of a model's reply was heard."""

    def begun(self, clause: int) -> None:
        """The far end begins to hear a clause: `told` follows."""
        ...

    def told(self, clause: int, heard: str) -> None:
        """So much of the clause was heard, and no more unless it is said again."""
        ...


class Saying:
    """Carries out what `SayQueue` allows."""

    def __init__(
        self,
        queue: SayQueue,
        notes: TurnNotes,
        clock: CallClock,
        *,
        speak: Callable[[SayFrame | FillerFrame], Awaitable[None]],
        interrupt: Callable[[], Awaitable[None]],
        ducking: Ducking | None,
        teller: Teller | None = None,
    ) -> None:
        """`interrupt` empties everything between here and the far end's ear. `ducking`: None on
        lines where it can't be done. `teller`: is told what becomes of a reply's clauses."""
        self._queue = queue
        self._notes = notes
        self._clock = clock
        self._speak = speak
        self._interrupt = interrupt
        self._ducking = ducking
        self._caller_speaks = False
        self._teller = teller
        self._clauses: dict[int, Telling] = {}  # of replies, by utterance id

    async def say(self, say: Say) -> None:
        """Say it behind everything else."""
        self._queue.hold(say)
        await self.release()

    async def release(self) -> None:
        """Hand on what may be spoken now."""
        while telling := self._queue.next():
            if not self._queue.is_speaking:
                self._begin()
            say = telling.say
            utterance_id = self._notes.said(replace(say, text=telling.rest), self._clock.now_ms())
            self._queue.handed_on(utterance_id, telling)
            if say.clause:
                self._clauses[utterance_id] = telling
            for source in say.cites:
                self._notes.note("cited", self._clock.now_ms(), text=say.text, source=source)
            await self._speak(
                SayFrame(utterance_id, say.text, say.language, telling.heard_text, telling.heard_ms)
            )

    async def fill(self, say: Say) -> None:
        """Say it now, if nothing sounds: before what waits for its sound."""
        if not self._queue.is_speaking:
            self._begin()
        utterance_id = self._notes.said(say, self._clock.now_ms(), is_reply=False)
        self._queue.handed_on(utterance_id, Telling(say, is_filler=True))
        await self._speak(FillerFrame(utterance_id, say.text, say.language))

    async def cut_off(self) -> None:
        """Stop what is being said."""
        if not self._queue.is_speaking:
            return
        for utterance_id in self._queue.cut_off():
            self._notes.cut_off(utterance_id, self._clock.now_ms())
        await self._interrupt()
        if self._ducking:
            self._ducking.reset()

    async def give_way(self, start_ms: int) -> None:
        """The caller, whose voice began at `start_ms`, wants to be heard: stop, up to what must be
        said all the same."""
        self._queue.stop_for(start_ms)
        await self.cut_off()
        await self.release()

    async def take_up(self) -> None:
        """The caller wanted nothing: go on with what gave way to them, where it was."""
        self._notes.note("resumed", self._clock.now_ms())
        self._queue.take_up()
        await self.release()

    def started(self, frame: UtteranceStartedFrame) -> None:
        """The far end begins to hear an utterance."""
        self._notes.started(frame)
        if (clause := self._clauses.get(frame.utterance_id)) and self._teller:
            self._teller.begun(clause.say.clause)

    async def ended(self, frame: UtteranceEndedFrame) -> bool:
        """An utterance was played, or will never be; whether it was awaited."""
        self._notes.ended(frame)
        if (clause := self._clauses.pop(frame.utterance_id, None)) and self._teller:
            heard = f"{clause.heard_text} {frame.heard_text}".strip()
            self._teller.told(clause.say.clause, heard)
        was_awaited = self._queue.played(
            frame.utterance_id, frame.end_ms, frame.heard_text, frame.heard_ms
        )
        if not self._queue.is_speaking and (was_awaited or frame.failure):
            await self.release()
        return was_awaited

    def voice(self, frame: CallerVoiceFrame) -> None:
        """The caller's voice came, or went: the bot's steps back, or comes back."""
        self._caller_speaks = frame.is_heard
        if self._ducking is None:
            return
        if not frame.is_heard:
            self._ducking.release(silent_for_ms=frame.silent_ms)
        elif self._queue.is_speaking:
            self._ducking.duck()

    def _begin(self) -> None:
        if self._ducking:
            self._ducking.reset()
            if self._caller_speaks:
                self._ducking.duck()
