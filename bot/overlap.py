"""A caller who speaks while the bot does: do they follow, or do they want to be heard? Pure.

The bot's voice steps back at once, whatever it is (`saying.py`). Then the words decide, as they are
decoded; where they don't, the time that they last.
"""

from typing import Literal

from ivr_flows.wording.listening_noises import is_unclear, only_follows, takes_the_floor
from processors.frames import SpeechSustainedFrame, UtterancePartialFrame

Kind = Literal["unknown", "backchannel", "interruption"]

HEARD_CONFIDENCE = 0.5
"""Words that the recogniser doubts more stop nothing by what they say: half a word and a noise are
written down as something, too. Higher, and "wait" on a bad line is obeyed only after 0.6 s."""

SOUND_CONFIDENCE = 0.3
"""The same for words that have lasted long enough: babble and music are below."""

TALK_MS = 256
"""From so much speech on any clear words that a listener does not say are talk. Before, "okay" is
"Oh" and "I see" is "Hi"."""


def kind_of(frame: UtterancePartialFrame, *, is_statement: bool) -> Kind:
    """What words over the bot's are. `is_statement`: the bot tells something, and asks nothing
    yet."""
    is_answer = frame.verdict in ("complete", "likely", "enough", "open")
    is_heard = frame.confidence >= SOUND_CONFIDENCE
    if is_heard and only_follows(frame.text) and (is_statement or not is_answer):
        return "backchannel"
    if frame.confidence < HEARD_CONFIDENCE:
        return "unknown"
    is_talk = frame.through_ms - frame.start_ms >= TALK_MS and not is_unclear(frame.text)
    return "interruption" if is_talk or is_answer or takes_the_floor(frame.text) else "unknown"


class Overlap:
    """Judges one voice after the other."""

    def __init__(self) -> None:
        self._start_ms: int | None = None  # of the voice that is judged
        self._kind: Kind = "unknown"
        self._has_words = False  # it said some that are no noise
        self._sustained_since_ms: int | None = None

    def is_interruption(self, frame: UtterancePartialFrame, *, is_statement: bool) -> bool:
        """Whether the words so far are reason to stop."""
        if frame.start_ms != self._start_ms:
            self._start_ms, self._has_words = frame.start_ms, False
        self._kind = kind_of(frame, is_statement=is_statement)
        self._has_words |= bool(frame.text) and frame.confidence >= SOUND_CONFIDENCE
        is_sustained = self._sustained_since_ms == frame.start_ms
        return self._kind == "interruption" or (is_sustained and self._is_meant)

    def outlasts(self, frame: SpeechSustainedFrame) -> bool:
        """Whether a voice that has lasted so long is reason to stop."""
        self._sustained_since_ms = frame.start_ms
        if self._start_ms != frame.start_ms:
            return True  # nothing is known of its words: no time was left to decode them
        return self._is_meant

    @property
    def _is_meant(self) -> bool:
        return self._has_words and self._kind != "backchannel"
