"""What the conversation waits for, as hearing is told it."""

from typing import Literal

from loguru import logger

from bot.overlap import HEARD_CONFIDENCE, SOUND_CONFIDENCE
from bot.say_queue import SayQueue
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.wording.listening_noises import only_follows, takes_the_floor
from processors.call_clock import CallClock
from processors.frames import ListenFrame, UtteranceHeardFrame

NOISE_MS = 600
"""Sound without words that is shorter is a cough or a door: it is not answered."""

PASSING_MS = 608
"""What is over sooner is said in passing. A voice that lasts longer has stopped the bot by its
length alone (`sustained_ms`), or said nothing."""

DOUBTED_MS = 1000
"""What lasts longer was talk, however little of it was understood."""

LEAST_LEFT_MS = 1500
"""What is left of the time for an answer at least, when a sound turned out to be none."""


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
    is_about: bool,
    has_hummed: bool,
) -> Use:
    """What becomes of `frame`; `more`: as `EarlyAnswers.more` has it; `is_statement`: what the bot
    is saying, or was when this voice stopped it, asks nothing yet; `is_about`: the words concern
    what it will ask; `has_hummed`: the voice began as a "mm" or an "uh"."""
    is_over_the_bot = says.is_telling or says.has_stopped_for(frame.start_ms)
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
    wants_floor = takes_the_floor(frame.text)
    only_hums = has_hummed and not (wants_floor and frame.confidence >= HEARD_CONFIDENCE)
    is_empty = only_hums or not (is_about or wants_floor)
    if is_statement and _is_in_passing(frame, says, is_empty=is_empty):
        return "backchannel"
    return "answer"


def _is_in_passing(frame: UtteranceHeardFrame, says: SayQueue, *, is_empty: bool) -> bool:
    """Whether a word was too short and said too little to stop the bot: "achha" to an English
    ear. A question or a denial would have stopped it (`overlap.py`). What did stop it, and then is
    doubted and empty, was a false alarm."""
    lasted_ms = frame.end_ms - frame.start_ms
    if says.has_stopped_for(frame.start_ms):
        is_doubted = frame.confidence < HEARD_CONFIDENCE
        return is_empty and is_doubted and lasted_ms < DOUBTED_MS
    return is_empty and says.is_telling and lasted_ms < PASSING_MS


class Listening:
    """One call's last `Listen`, and the frame that says it."""

    def __init__(
        self, interpreter: Interpreter, notes: TurnNotes, clock: CallClock, *, tells_hearing: bool
    ) -> None:
        """`tells_hearing`: what is expected ends a turn; else its melody and silence do."""
        self._interpreter = interpreter
        self._tells_hearing = tells_hearing
        self._notes = notes
        self._clock = clock
        self._has_said_keypad_only = False
        self.asked: Listen | None = None
        self._counted: Listen | None = None  # whose time for an answer runs, and since when
        self._since_ms = 0

    @property
    def node(self) -> str:
        """The node that waits; "" before the first."""
        return self.asked.node if self.asked else ""

    def is_statement(self, state: State, says: SayQueue) -> bool:
        """Whether the bot is telling something, and the question comes behind it."""
        is_asking = self._interpreter.expected(state) is not None
        return not is_asking or says.playing_node not in ("", state.node) or not says.is_asking

    def is_about(self, state: State, text: str) -> bool:
        """Whether the words concern what the conversation waits for."""
        expected = self._interpreter.expected(state)
        return expected is not None and expected.concerns(text)

    def frame(self, state: State, says: SayQueue, *, is_ending: bool) -> ListenFrame:
        """What is expected now; silence counts once everything is played."""
        asked, language = self.asked, state.language
        if self._interpreter.keypad_only(state) and not self._has_said_keypad_only:
            self._has_said_keypad_only = True
            logger.warning("no ear for {!r} here: the call goes by keys only", language)
            self._notes.note("keypad_only", self._clock.now_ms(), language=language)
        if asked is None:
            return ListenFrame(language=language, speech=False)
        tells, is_asking = self._tells_hearing, not state.is_owing
        return ListenFrame(
            language=language,
            speech=asked.speech and not is_ending,
            is_free_speech=asked.free_speech or not tells,
            hints=asked.hints,
            timeout_ms=self._time_left_ms(asked, is_waiting=not says.is_speaking and is_asking),
            expectation=self._interpreter.expected(state) if tells else None,
            finish_key=asked.finish_key,
            other_languages=asked.other_languages,
        )

    def _time_left_ms(self, asked: Listen, *, is_waiting: bool) -> int | None:
        """Until the flow asks again; None while the bot speaks or asks elsewhere. A cough or a
        "haan" to nothing does not begin the time anew."""
        now_ms = self._clock.audio_ms
        if not is_waiting or asked is not self._counted:
            self._counted, self._since_ms = asked if is_waiting else None, now_ms
        if not is_waiting:
            return None
        left_ms = asked.timeout_ms - (now_ms - self._since_ms)
        return max(left_ms, min(asked.timeout_ms, LEAST_LEFT_MS))
