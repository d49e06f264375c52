"""Answers before they are certain: speech made ahead for them, and taking them back.

A turn is ended on its words after a silence as short as that inside a sentence. Now and then the
caller goes on all the same: "yes", a breath, "but not today". What followed the first part is then
undone, as far as nobody outside has seen it, and the flow hears both parts as one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from loguru import logger

from ivr_flows.actions import Action, Request, Say, SwitchLanguage, Transfer
from ivr_flows.events import Event, Heard, Played
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.readiness import Expected
from processors.expecting import Verdict
from processors.frames import UtteranceHeardFrame, UtterancePartialFrame
from processors.turn_thresholds import GOES_ON_MS
from processors.utterance import agreed

SEEN_OUTSIDE = (Request, Transfer, SwitchLanguage)
"""Actions that can't be undone, or whose reply isn't known before they are carried out. To hang up
is none: the goodbye comes first."""


@dataclass(frozen=True, slots=True)
class _Early:
    """An answer that was taken on its words, and the conversation before it."""

    state: State
    expected: Expected
    heard: Heard
    heard_ms: int  # where its words began
    end_ms: int

    def may_go_on(self, start_ms: int) -> bool:
        """Whether a voice from then on may belong to it."""
        return start_ms - self.end_ms <= GOES_ON_MS

    def with_more(self, frame: UtteranceHeardFrame) -> Heard | None:
        """Both parts as one answer; None where the second is something else."""
        whole = frame.whole
        if whole is None or not frame.text or frame.whole_from_ms != self.heard_ms:
            return None
        if not self.expected.concerns(whole.text):
            return None
        return Heard(whole.text, whole.confidence, whole.language)


class EarlyAnswers:
    """Remembers the last answer while it can be taken back. Pure."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._last: _Early | None = None
        self._is_going_on = False

    @property
    def can_go_on(self) -> bool:
        """Whether there is an answer that the caller may go on with."""
        return self._last is not None

    @property
    def is_going_on(self) -> bool:
        """Whether a voice is under way that may go on with the last answer."""
        return self._is_going_on

    def voice_began(self, start_ms: int) -> None:
        """The caller's voice came."""
        if self._last is not None and self._last.may_go_on(start_ms):
            self._is_going_on = True

    def voice_failed(self) -> None:
        """What the caller said will never be known."""
        self._is_going_on = False

    def more(self, frame: UtteranceHeardFrame) -> Literal["same", "other"] | None:
        """Whether this goes on with the last answer, and with both the reply is another."""
        self._is_going_on = False
        last = self._last
        both = last.with_more(frame) if last else None
        if last is None or both is None:
            return None
        return "same" if self._is_same(last, both) else "other"

    def rest(self, frame: UtteranceHeardFrame) -> str:
        """The words behind the last answer, as heard with it: alone, "confirm" is "can't harm"."""
        if self._last is None or frame.whole is None:
            return frame.text
        words = frame.whole.text.split()
        same = agreed(words, self._last.heard.text.split())
        return " ".join(words[same:]) if 0 < same < len(words) else frame.text

    def adds_nothing(self, frame: UtterancePartialFrame) -> bool:
        """Whether these words, with the last answer before them, mean the same as it alone."""
        last = self._last
        if last is None or frame.new_text is None or not last.may_go_on(frame.start_ms):
            return False
        return self._is_same(last, Heard(frame.text, frame.confidence, frame.language))

    def _is_same(self, last: _Early, both: Heard) -> bool:
        first = self._interpreter.step(last.state, last.heard)
        return self._interpreter.step(last.state, both) == first

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
        if expected is not None:
            self._last = _Early(state, expected, heard, frame.start_ms, frame.end_ms)

    def stepped(self, event: Event, actions: tuple[Action, ...]) -> None:
        """The conversation went on: by another event, or so that it can't be taken back."""
        if not isinstance(event, Heard | Played) or not can_be_undone(actions):
            self._last, self._is_going_on = None, False


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
        self._considered: tuple[str, Verdict] | None = None
        self._making: asyncio.Task[None] | None = None

    async def consider(self, frame: UtterancePartialFrame, state: State) -> None:
        """These may be all of the words; or the caller goes on, and they weren't."""
        considered = frame.text, frame.verdict
        if considered == self._considered:
            return
        await self.stop()
        self._considered = considered
        if frame.new_text is not None:
            return  # it may go on with the last answer, which `EarlyAnswers` takes back then
        if frame.verdict not in ("complete", "likely", "enough"):
            return
        heard = Heard(frame.text, frame.confidence, frame.language)
        _, actions = self._interpreter.step(state, heard)
        says = [action for action in actions if isinstance(action, Say)]
        if says and can_be_undone(actions):
            self._making = asyncio.create_task(self._make(says))

    def settle(self) -> None:
        """The turn is over: what is being made is wanted, or not; the next one is another."""
        self._considered = None

    async def stop(self) -> None:
        """Make nothing more."""
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
            await asyncio.wait([making])
            if not making.cancelled() and (error := making.exception()):
                logger.warning("speech could not be made ahead: {!r}", error)

    async def _make(self, says: list[Say]) -> None:
        for say in says:
            await self._prepare(say.text, say.language)
