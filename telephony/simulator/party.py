"""Whom a simulated carrier reaches when it rings a number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from telephony.simulator.line_noise import Line
from telephony.simulator.phone_audio import Pcm, to_line_rate, voicemail_beep
from telephony.simulator.script import HangUp, Person, Speak, Step
from telephony.simulator.script import Pause as ScriptPause
from telephony.simulator.telephone import JITTER_BUFFER_MS


class Behaviour(StrEnum):
    ANSWERS = "answers"
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"


_VOICEMAIL_RATE_HZ: Final = 8000


@dataclass(frozen=True, slots=True, eq=False)
class Party:
    """One called (or calling) party. Times are line time."""

    behaviour: Behaviour
    steps: tuple[Step, ...] = ()
    ring_ms: int = 1_500  # until it answers; a busy or unreachable one fails after it
    patience_ms: int = 30_000  # after the last step, until this person hangs up
    line: Line = field(default_factory=Line)
    jitter_buffer_ms: int = JITTER_BUFFER_MS
    sample_rate_hz: int = 8000  # of the stream, where the carrier offers a choice (Exotel)
    greeting_ms: int = 0  # of a voicemail: its greeting with the beep
    keys_for_gather: tuple[str, ...] = ()  # what is pressed at each <Gather>, outside of a stream
    dial_status: str = "completed"  # how a <Dial> from this call ends

    @classmethod
    def answers(
        cls,
        steps: Sequence[Step],
        *,
        ring_ms: int = 1_500,
        line: Line | None = None,
        patience_ms: int = 30_000,
        sample_rate_hz: int = 8000,
    ) -> "Party":
        """A person who picks up and follows the script."""
        return cls(
            Behaviour.ANSWERS,
            tuple(steps),
            ring_ms=ring_ms,
            line=line or Line(),
            patience_ms=patience_ms,
            sample_rate_hz=sample_rate_hz,
        )

    @classmethod
    def busy(cls, *, ring_ms: int = 500) -> "Party":
        return cls(Behaviour.BUSY, ring_ms=ring_ms)

    @classmethod
    def no_answer(cls, *, ring_ms: int = 600_000) -> "Party":
        """Rings until the call's own time-out, or for `ring_ms` where that is shorter."""
        return cls(Behaviour.NO_ANSWER, ring_ms=ring_ms)

    @classmethod
    def unreachable(cls, *, ring_ms: int = 200) -> "Party":
        """The network refuses the connection: the call ends as failed."""
        return cls(Behaviour.UNREACHABLE, ring_ms=ring_ms)

    @classmethod
    def voicemail(
        cls,
        greeting: Pcm,
        sample_rate_hz: int,
        *,
        ring_ms: int = 4_000,
        record_ms: int = 60_000,
        line: Line | None = None,
    ) -> "Party":
        """A greeting clip (int16 mono), a 1 kHz beep, then it records for at most `record_ms`."""
        spoken = to_line_rate(greeting, sample_rate_hz, _VOICEMAIL_RATE_HZ)
        pause = np.zeros(_VOICEMAIL_RATE_HZ // 4, dtype=np.int16)
        clip = np.concatenate([spoken, pause, voicemail_beep(_VOICEMAIL_RATE_HZ)])
        said = Speak(clip, _VOICEMAIL_RATE_HZ, "voicemail greeting and beep")
        return cls(
            Behaviour.VOICEMAIL,
            (said, ScriptPause(record_ms), HangUp()),
            ring_ms=ring_ms,
            line=line or Line(),
            greeting_ms=clip.size * 1000 // _VOICEMAIL_RATE_HZ,
        )

    def person(self) -> Person:
        return Person(self.steps, patience_ms=self.patience_ms)


PartyBook = Mapping[str, Party] | Callable[[str], Party]
"""Who answers which number: a table, or a function of the number."""


def look_up(book: PartyBook, number: str) -> Party:
    """A number that a table does not hold is unreachable."""
    if callable(book):
        return book(number)
    return book.get(number, Party.unreachable())
