"""What the conversation waits for, as hearing is told it."""

from typing import Literal

from loguru import logger

from bot.overlap import SOUND_CONFIDENCE
from bot.say_queue import SayQueue
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.wording.listening_noises import only_follows
from processors.call_clock import CallClock
from processors.frames import ListenFrame, UtteranceHeardFrame

NOISE_MS = 600
"""Sound without words that is shorter is a cough or a door: it is not answered."""


Use = Literal["answer", "addition", "backchannel", "aside", "noise"]
"""What becomes of what the caller said:

- `answer`: the conversation takes it.
- `addition`: it goes on with the answer before, whose reply stands.
- `backchannel`: who is being told something says that they follow.
- `aside`: it was said to a prompt that nothing cuts short.
- `noise`: nothing was said.
"""


def use_of(
    frame: UtteranceHeardFrame,
    more: Literal["same", "other"] | None,
    says: SayQueue,
    *,
    is_ending: bool,
    is_statement: bool,
) -> Use:
    """What becomes of `frame`; `more`: as `EarlyAnswers.more` has it; `is_statement`: what the bot
    is saying, or was when this voice stopped it, asks nothing yet."""
    is_over_the_bot = says.is_speaking or says.has_stopped_for(frame.start_ms)
    if is_over_the_bot and frame.confidence < SOUND_CONFIDENCE:
        return "noise"  # babble and music: words are written down for them, too
    if not frame.text and (is_over_the_bot or frame.end_ms - frame.start_ms < NOISE_MS):
        return "noise"
    if more == "same" and (is_over_the_bot or is_ending):
        return "addition"
    if more is None and says.was_meanwhile(frame.start_ms, frame.end_ms):
        return "aside"
    if is_over_the_bot and is_statement and only_follows(frame.text):
        return "backchannel"
    return "answer"


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

    def is_statement(self, state: State, says: SayQueue) -> bool:
        """Whether the bot is telling something, and the question comes behind it."""
        is_asking = self._interpreter.expected(state) is not None
        return not is_asking or says.playing_node not in ("", state.node)

    def frame(self, state: State, says: SayQueue, *, is_ending: bool) -> ListenFrame:
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
            timeout_ms=None if says.is_speaking else asked.timeout_ms,
            expectation=self._interpreter.expected(state),
            finish_key=asked.finish_key,
        )
