"""The frames that our processors say to each other, beside Pipecat's own.

Times named `_ms` without more are on the call's clock (see `call_clock.py`).
"""

from dataclasses import dataclass

from pipecat.frames.frames import DataFrame, SystemFrame

from processors.expecting import Expectation, Verdict
from speech.stt import Transcript


@dataclass
class ListenFrame(SystemFrame):
    """Upstream, flow to hearing: what is expected from the caller now. Replaces the one before."""

    language: str  # ISO 639-1
    speech: bool  # False: only keys count, nothing is recognised
    is_free_speech: bool = False
    hints: tuple[str, ...] = ()
    timeout_ms: int | None = None  # silence after which `NoInputFrame` is due; None: not counting
    expectation: Expectation | None = None  # what words are worth; None: as in free speech
    finish_key: str = ""  # this key ends a turn under way, like a number's last digit
    other_languages: tuple[str, ...] = ()  # ISO 639-1; may be spoken instead


@dataclass
class CallerVoiceFrame(SystemFrame):
    """Downstream, hearing to flow: the caller's voice came, or has gone."""

    is_heard: bool
    at_ms: int
    silent_ms: int = 0  # how long it has been away, where it has gone
    is_turn: bool = True  # False: so short yet that it may be a click


@dataclass
class SpeechSustainedFrame(SystemFrame):
    """Downstream, hearing to flow: the caller has been speaking long enough to mean it."""

    start_ms: int
    at_ms: int


@dataclass
class UtterancePartialFrame(SystemFrame):
    """Downstream, hearing to flow: what the caller said so far in a turn that isn't over."""

    text: str  # everything, as it was decoded last
    stable_text: str  # its first words, on which the last two decodes agree
    language: str
    confidence: float
    start_ms: int
    through_ms: int  # up to where the audio was decoded
    verdict: Verdict
    new_text: str | None = None  # where it may go on with the turn before: what it adds to that

    @property
    def said(self) -> str:
        """The words of this voice alone: what went before them has been answered."""
        return self.text if self.new_text is None else self.new_text


@dataclass
class UtteranceHeardFrame(SystemFrame):
    """Downstream, hearing to flow: what the caller said in one turn."""

    text: str  # "" when there was speech, but no words in it
    language: str
    confidence: float
    start_ms: int
    end_ms: int  # where the speech ended
    decided_ms: int  # when the turn was found to have ended
    transcript_ms: int  # when they were of use: known, and decided to be all; from decided_ms on
    whole: Transcript | None = None  # with the turn before, where both may be one: "yes ... but no"
    whole_from_ms: int = 0  # the start of that turn


@dataclass
class NoInputFrame(SystemFrame):
    """Downstream, hearing to flow: the time given by `ListenFrame.timeout_ms` ran out."""

    at_ms: int


@dataclass
class HearingFailedFrame(SystemFrame):
    """Downstream, hearing to flow: an utterance could not be recognised."""

    reason: str


@dataclass
class SayFrame(DataFrame):
    """Downstream, flow to speaking: speak this after what is being spoken."""

    utterance_id: int  # counts up from 1 within a call
    text: str
    language: str
    heard_text: str = ""  # its first words, heard before a false alarm: the rest is spoken
    heard_ms: int = 0  # how much of its audio that was


@dataclass
class FillerFrame(SystemFrame):
    """Downstream, flow to speaking: speak this now, unless something is being said.

    It overtakes a text whose sound is still being made.
    """

    utterance_id: int
    text: str
    language: str


@dataclass
class UtteranceStartedFrame(SystemFrame):
    """Upstream, speaking to flow: the first audio of an utterance left for the line."""

    utterance_id: int
    at_ms: int


@dataclass
class UtteranceEndedFrame(SystemFrame):
    """Upstream, speaking to flow: the far end has played an utterance, or will never."""

    utterance_id: int
    heard_text: str  # what of it the far end played; without what was heard before
    start_ms: int | None  # None: none of it was played
    end_ms: int
    is_interrupted: bool
    failure: str | None = None  # why it could not be spoken
    heard_ms: int = 0  # of the text's audio, from its beginning, whatever was heard when
