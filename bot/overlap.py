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
"""Words of which the recogniser is so sure need one decode less to agree with them."""

FLOOR_DECODES, TALK_DECODES = 2, 3
"""Decodes, 64 ms apart, that must begin with the same word before a statement stops for doubted
words: for "wait" or "no", and for others. A hum is mostly another word each time ("Amen.", "And
then?"), a "haan, theek hai" is, and so is an "okay" that began as a "No."."""

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

_ANSWERS = ("complete", "likely", "enough")
"""Verdicts on words that answer what a statement leads to. What is only begun ("for", "so") does
so over a question, not over a statement, where it is mostly half of a listener's word."""

TALK_MS = 256
"""From so much speech on any clear words that a listener does not say are talk. Before, "okay" is
"Oh" and "I see" is "Hi"."""


def kind_of(frame: UtterancePartialFrame, *, is_statement: bool, decodes: int = 1) -> Kind:
    """What words over the bot's are. `is_statement`: the bot tells something, and asks nothing
    yet; `decodes`: how many of this voice, one after the other, have begun with the same word."""
    text = frame.said
    answers = _ANSWERS if is_statement else (*_ANSWERS, "open")
    is_answer = frame.new_text is None and frame.verdict in answers
    is_heard = frame.confidence >= SOUND_CONFIDENCE
    if is_heard and only_follows(text) and (is_statement or not is_answer):
        return "backchannel"
    if frame.confidence >= SURE_CONFIDENCE:
        decodes += 1
    wants_floor = takes_the_floor(text)
    is_doubted = frame.confidence < HEARD_CONFIDENCE
    if is_heard and decodes >= FLOOR_DECODES and (wants_floor or (is_answer and not is_statement)):
        return "interruption"
    if is_doubted or (is_statement and decodes < (FLOOR_DECODES if wants_floor else TALK_DECODES)):
        return "unknown"
    # Behind an answer it is mostly the rest of that: "yes", a breath, "confirm".
    is_new = frame.new_text is None
    is_talk = is_new and frame.through_ms - frame.start_ms >= TALK_MS and not is_unclear(text)
    return "interruption" if is_talk or wants_floor or is_answer else "unknown"


def _begin_alike(before: UtterancePartialFrame, now: UtterancePartialFrame) -> bool:
    """Whether two decodes of a growing voice agree on its first word."""
    first, same = words_of(before.said)[:1], words_of(now.said)[:1]
    return bool(first) and [word.folded for word in first] == [word.folded for word in same]


class Overlap:
    """Judges one voice after the other."""

    def __init__(self) -> None:
        self._last: UtterancePartialFrame | None = None  # of the voice that is judged
        self._kind: Kind = "unknown"
        self._decodes = 0  # of it that began with the same word, to the last
        self._has_words = False  # it said some that a listener does not
        self._hummed_ms: int | None = None  # the start of the last voice that began as a hum
        self._sustained_since_ms: int | None = None

    def is_interruption(
        self, frame: UtterancePartialFrame, *, is_statement: bool, adds_nothing: bool = False
    ) -> bool:
        """Whether the words so far are reason to stop. `adds_nothing`: they go on with an answer
        that is being replied to, and mean the same."""
        before, self._last = self._last, frame
        if before is None or before.start_ms != frame.start_ms:
            self._has_words, self._decodes = False, 1
        else:
            self._decodes = self._decodes + 1 if _begin_alike(before, frame) else 1
        self._kind = kind_of(frame, is_statement=is_statement, decodes=self._decodes)
        if adds_nothing:
            self._kind = "backchannel"
        is_heard = bool(frame.said) and frame.confidence >= SOUND_CONFIDENCE
        self._has_words |= is_heard and self._kind != "backchannel"
        if is_statement and hums(frame.said) and frame.confidence >= HUM_CONFIDENCE:
            self._hummed_ms = frame.start_ms
        is_sustained = self._sustained_since_ms == frame.start_ms
        is_empty = self.has_hummed(frame.start_ms) and not self._is_sure_of_the_floor(frame)
        if self._kind == "interruption" and is_empty and not is_sustained:
            self._kind = "unknown"
        return self._kind == "interruption" or (is_sustained and self._is_meant)

    def _is_sure_of_the_floor(self, frame: UtterancePartialFrame) -> bool:
        """ "Uh, no": heard twice, and clearly."""
        is_sure = frame.confidence >= SURE_CONFIDENCE and self._decodes >= FLOOR_DECODES
        return is_sure and takes_the_floor(frame.said)

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
