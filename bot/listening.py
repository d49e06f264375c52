"""What the conversation waits for, as hearing is told it."""

from loguru import logger

from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen
from ivr_flows.interpreter import Interpreter, State
from processors.call_clock import CallClock
from processors.frames import ListenFrame, UtteranceHeardFrame

NOISE_MS = 600
"""Sound without words that is shorter is a cough or a door: it is not answered."""


def is_noise(frame: UtteranceHeardFrame) -> bool:
    """Whether nothing was said."""
    return not frame.text and frame.end_ms - frame.start_ms < NOISE_MS


class Listening:
    """One call's last `Listen`, and the frame that says it."""

    def __init__(self, interpreter: Interpreter, notes: TurnNotes, clock: CallClock) -> None:
        self._interpreter = interpreter
        self._notes = notes
        self._clock = clock
        self._has_said_keypad_only = False
        self.asked: Listen | None = None

    @property
    def node(self) -> str:
        """The node that waits; "" before the first."""
        return self.asked.node if self.asked else ""

    def frame(self, state: State, *, is_speaking: bool, is_ending: bool) -> ListenFrame:
        """What is expected now; silence counts once everything is played."""
        asked, language = self.asked, state.language
        if self._interpreter.keypad_only(state) and not self._has_said_keypad_only:
            self._has_said_keypad_only = True
            logger.warning("no ear for {!r} here: the call goes by keys only", language)
            self._notes.note("keypad_only", self._clock.now_ms(), language=language)
        if asked is None:
            return ListenFrame(language=language, speech=False)
        return ListenFrame(
            language=language,
            speech=asked.speech and not is_ending,
            is_free_speech=asked.free_speech,
            hints=asked.hints,
            timeout_ms=None if is_speaking else asked.timeout_ms,
            expectation=self._interpreter.expected(state),
            finish_key=asked.finish_key,
        )
