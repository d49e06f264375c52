"""Answers before they are certain: speech made ahead for them, and taking them back.

A turn is ended on its words after a silence as short as that inside a sentence. Now and then the
caller goes on all the same: "yes", a breath, "but not today". What followed the first part is then
undone, as far as nobody outside has seen it, and the flow hears both parts as one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from ivr_flows.actions import Action, HangUp, Request, Say, SwitchLanguage, Transfer
from ivr_flows.events import Event, Heard, Played
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.readiness import Expected
from processors.frames import UtteranceHeardFrame, UtterancePartialFrame

GOES_ON_MS = 700
"""A voice that comes later than this after the last one is a new answer. Pauses inside an answer
last 300-700 ms (the range that `benchmarks/turn_endings.py` plays)."""

SEEN_OUTSIDE = (Request, Transfer, HangUp, SwitchLanguage)
"""Actions that can't be undone, or whose reply isn't known before they are carried out."""


@dataclass(frozen=True, slots=True)
class _Early:
    """An answer that was taken on its words, and the conversation before it."""

    state: State
    expected: Expected
    heard: Heard
    end_ms: int

    def with_more(self, frame: UtteranceHeardFrame) -> Heard | None:
        """Both parts as one answer; None where the second is something else."""
        if not frame.text or frame.start_ms - self.end_ms > GOES_ON_MS:
            return None
        text = f"{self.heard.text} {frame.text}"
        confidence = min(self.heard.confidence, frame.confidence)
        if self.expected.judge(text, confidence) in ("other", "free"):
            return None
        return Heard(text, confidence, frame.language)


class EarlyAnswers:
    """Remembers the last answer while it can be taken back. Pure."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._last: _Early | None = None

    def whole(self, frame: UtteranceHeardFrame) -> tuple[Heard, State | None]:
        """What was said, and, where that goes on with the last answer, the state before both."""
        last, self._last = self._last, None
        both = last.with_more(frame) if last else None
        if last and both:
            return both, last.state
        return Heard(frame.text, frame.confidence, frame.language), None

    def remember(self, frame: UtteranceHeardFrame, heard: Heard, state: State) -> None:
        """`heard` is about to be answered in this state."""
        expected = self._interpreter.expected(state)
        if frame.is_early and expected is not None:
            self._last = _Early(state, expected, heard, frame.end_ms)

    def stepped(self, event: Event, actions: tuple[Action, ...]) -> None:
        """The conversation went on: by another event, or so that it can't be taken back."""
        if not isinstance(event, Heard | Played) or not can_be_undone(actions):
            self._last = None


def can_be_undone(actions: tuple[Action, ...]) -> bool:
    """Whether nothing that was carried out has left the call."""
    return not any(isinstance(action, SEEN_OUTSIDE) for action in actions)


class SpeechAhead:
    """Has the reply's speech made as soon as the words are plausible: the interpreter's step is
    worked out on the state as it stands, and nothing of it is kept but the sound in the cache."""

    def __init__(
        self, interpreter: Interpreter, prepare: Callable[[str, str], Awaitable[None]]
    ) -> None:
        """`prepare` (text, language) has a text ready to be spoken; it may fail silently."""
        self._interpreter = interpreter
        self._prepare = prepare
        self._text = ""
        self._making: asyncio.Task[None] | None = None

    async def consider(self, frame: UtterancePartialFrame, state: State) -> None:
        """These may be all of the words; or the caller goes on, and they weren't."""
        if frame.text == self._text:
            return
        await self.stop()
        self._text = frame.text
        if frame.verdict not in ("complete", "enough"):
            return
        heard = Heard(frame.text, frame.confidence, frame.language)
        _, actions = self._interpreter.step(state, heard)
        says = [action for action in actions if isinstance(action, Say)]
        if says and can_be_undone(actions):
            self._making = asyncio.create_task(self._make(says))

    def settle(self) -> None:
        """The turn is over: what is being made is wanted, or not; the next one is another."""
        self._text = ""

    async def stop(self) -> None:
        """Make nothing more."""
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
            with suppress(asyncio.CancelledError):
                await making

    async def _make(self, says: list[Say]) -> None:
        for say in says:
            await self._prepare(say.text, say.language)
