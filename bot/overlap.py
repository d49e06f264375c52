"""A caller who speaks while the bot does: do they follow, or do they want to be heard? Pure.

The bot's voice steps back at once, whatever it is (`saying.py`). Then the words decide, as they are
decoded; where they don't, the time that they last.
"""

from typing import Literal

from ivr_flows.wording.listening_noises import hums, is_unclear, only_follows, takes_the_floor
from ivr_flows.wording.utterance import words_of
from processors.frames import SpeechSustainedFrame, UtterancePartialFrame

Kind = Literal["unknown", "backchannel", "interruption"]

SURE_CONFIDENCE = 0.8
"""Words over a statement that the recogniser is so sure of stop it at once; others when the next
decode, 64 ms later, begins with the same one: a hum is mostly another word then ("Amen.", "And
then?"), and so is an "okay" that began as a "No."."""

HEARD_CONFIDENCE = 0.5
"""Words that the recogniser doubts more stop nothing by what they say: half a word and a noise are
written down as something, too. Higher, and "wait" on a bad line is obeyed only after 0.6 s."""

SOUND_CONFIDENCE = 0.3
"""The same for words that two decodes agree on, and for a voice that has lasted long enough: babble
and music are below."""

HUM_CONFIDENCE = 0.6
"""A voice over a statement that was a "mm" or an "uh" so surely is somebody who follows, whatever
it is written down as a moment later ("And then?", "Amen."), unless it lasts and goes on in words
that two decodes agree on. At 0.5 one of ten interruptions, a "wait", begins as a hum."""

TALK_MS = 256
"""From so much speech on any clear words that a listener does not say are talk. Before, "okay" is
"Oh" and "I see" is "Hi"."""


def kind_of(
    frame: UtterancePartialFrame, *, is_statement: bool, before: UtterancePartialFrame | None = None
) -> Kind:
    """What words over the bot's are. `is_statement`: the bot tells something, and asks nothing
    yet; `before`: the words of the same voice one decode earlier."""
    text = _said(frame)
    is_answer = frame.new_text is None and frame.verdict in ("complete", "likely", "enough", "open")
    is_heard = frame.confidence >= SOUND_CONFIDENCE
    if is_heard and only_follows(text) and (is_statement or not is_answer):
        return "backchannel"
    is_stable = before is not None and _begin_alike(before, frame)
    wants_floor = is_answer or takes_the_floor(text)
    if wants_floor and is_stable and is_heard:
        return "interruption"
    if frame.confidence < HEARD_CONFIDENCE:
        return "unknown"
    is_talk = frame.through_ms - frame.start_ms >= TALK_MS and not is_unclear(text)
    if is_statement and frame.confidence < SURE_CONFIDENCE and not is_stable:
        return "unknown"
    return "interruption" if is_talk or wants_floor else "unknown"


def _said(frame: UtterancePartialFrame) -> str:
    """The words of this voice alone: what went before them has been answered."""
    return frame.text if frame.new_text is None else frame.new_text


def _begin_alike(before: UtterancePartialFrame, now: UtterancePartialFrame) -> bool:
    """Whether two decodes of a growing voice agree on its first word."""
    first, same = words_of(_said(before))[:1], words_of(_said(now))[:1]
    return bool(first) and [word.folded for word in first] == [word.folded for word in same]


class Overlap:
    """Judges one voice after the other."""

    def __init__(self) -> None:
        self._last: UtterancePartialFrame | None = None  # of the voice that is judged
        self._kind: Kind = "unknown"
        self._has_words = False  # it said some that a listener does not
        self._hummed_ms: int | None = None  # the start of the last voice that began as a hum
        self._sustained_since_ms: int | None = None

    def is_interruption(self, frame: UtterancePartialFrame, *, is_statement: bool) -> bool:
        """Whether the words so far are reason to stop."""
        before, self._last = self._last, frame
        if before is not None and before.start_ms != frame.start_ms:
            before = None
        if before is None:
            self._has_words = False
        self._kind = kind_of(frame, is_statement=is_statement, before=before)
        is_heard = bool(_said(frame)) and frame.confidence >= SOUND_CONFIDENCE
        self._has_words |= is_heard and self._kind != "backchannel"
        if is_statement and hums(_said(frame)) and frame.confidence >= HUM_CONFIDENCE:
            self._hummed_ms = frame.start_ms
        is_sustained = self._sustained_since_ms == frame.start_ms
        if self._kind == "interruption" and self.has_hummed(frame.start_ms) and not is_sustained:
            self._kind = "unknown"
        return self._kind == "interruption" or (is_sustained and self._is_meant)

    def has_hummed(self, start_ms: int) -> bool:
        """Whether the voice since `start_ms` was a hum over a statement when it began."""
        return self._hummed_ms == start_ms

    def outlasts(self, frame: SpeechSustainedFrame) -> bool:
        """Whether a voice that has lasted so long is reason to stop."""
        self._sustained_since_ms = frame.start_ms
        if self._last is None or self._last.start_ms != frame.start_ms:
            return True  # nothing is known of its words: no time was left to decode them
        return self._is_meant

    @property
    def _is_meant(self) -> bool:
        hummed = self._last is not None and self.has_hummed(self._last.start_ms)
        return self._has_words and self._kind != "backchannel" and not hummed
