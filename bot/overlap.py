"""A caller who speaks while the bot does: do they follow, or do they want to be heard? Pure.

The bot's voice steps back at once, whatever it is (`saying.py`). Then the words decide, as they are
decoded; where they don't, the time that they last.
"""

from typing import Literal

from ivr_flows.wording.listening_noises import only_follows, takes_the_floor
from processors.frames import SpeechSustainedFrame, UtterancePartialFrame

Kind = Literal["unknown", "backchannel", "interruption"]

HEARD_CONFIDENCE = 0.5
"""Words that the recogniser doubts more stop nothing by what they say: half a word and a noise are
written down as something, too. Higher, and "wait" on a bad line is obeyed only after 0.6 s."""

SOUND_CONFIDENCE = 0.3
"""The same for words that have lasted long enough: babble and music are below."""


def kind_of(text: str, confidence: float, verdict: str, *, is_statement: bool) -> Kind:
    """What words over the bot's are. `verdict`: what they are worth as an answer (`readiness.py`);
    `is_statement`: the bot tells something, and asks nothing yet."""
    is_answer = verdict in ("complete", "enough", "open")
    if only_follows(text) and (is_statement or not is_answer):
        return "backchannel"
    if text and confidence >= HEARD_CONFIDENCE and (is_answer or takes_the_floor(text)):
        return "interruption"
    return "unknown"


class Overlap:
    """Judges one voice after the other."""

    def __init__(self) -> None:
        self._partial: UtterancePartialFrame | None = None
        self._kind: Kind = "unknown"
        self._sustained_since_ms: int | None = None

    def is_interruption(self, frame: UtterancePartialFrame, *, is_statement: bool) -> bool:
        """Whether the words so far are reason to stop."""
        self._partial = frame
        self._kind = kind_of(frame.text, frame.confidence, frame.verdict, is_statement=is_statement)
        is_sustained = self._sustained_since_ms == frame.start_ms
        return self._kind == "interruption" or (is_sustained and self._has_words)

    def outlasts(self, frame: SpeechSustainedFrame) -> bool:
        """Whether a voice that has lasted so long is reason to stop."""
        self._sustained_since_ms = frame.start_ms
        partial = self._partial
        if partial is None or partial.start_ms != frame.start_ms:
            return True  # nothing is known of its words: no time was left to decode them
        return self._has_words

    @property
    def _has_words(self) -> bool:
        partial = self._partial
        return (
            partial is not None
            and bool(partial.text)
            and partial.confidence >= SOUND_CONFIDENCE
            and self._kind != "backchannel"
        )
