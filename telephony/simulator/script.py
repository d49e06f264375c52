"""The person on the phone: a script of steps that are taken by ear; pure, counted in samples.

A step ends by what is heard on the line (`WaitForPrompt`, `BargeIn`) or by line time (`Pause`), and
never by the wall clock. Audio clips are handed in as arrays; nothing is synthesised here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telephony.simulator.phone_audio import Pcm, level_dbfs, to_line_rate
from telephony.simulator.recording import PressedKey, SaidSpan

KEYS: Final = "0123456789*#ABCD"

AUDIBLE_DBFS: Final = -45.0
"""Above this a tick of the bot's audio is speech. Synthesised prompts lie near -20 dBFS; mu-law's
smallest steps below -70. Too high, and quiet words end a prompt early."""

TAIL_MS: Final = 500
"""Bot speech already under way when the person acted is the tail of the old prompt until it has
gone on this long or has paused for TAIL_GAP_MS. Too low, and the tail passes for a new prompt."""

TAIL_GAP_MS: Final = 100


@dataclass(frozen=True, slots=True)
class WaitForPrompt:
    """Until the bot has spoken, since the person's last act, and then been quiet for `quiet_ms`."""

    quiet_ms: int = 600
    timeout_ms: int = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Speak:
    """Says a clip: int16 mono, shape (n,), at `sample_rate_hz`."""

    pcm: Pcm
    sample_rate_hz: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """Presses keys, `gap_ms` apart: 0-9 * # A-D. ValueError on any other."""

    digits: str
    gap_ms: int = 250

    def __post_init__(self) -> None:
        wrong = [digit for digit in self.digits if digit not in KEYS]
        if wrong or not self.digits:
            raise ValueError(f"a telephone has no key {wrong!r}: use some of {KEYS}")


@dataclass(frozen=True, slots=True)
class Pause:
    ms: int


@dataclass(frozen=True, slots=True, eq=False)
class BargeIn:
    """Speaks over the bot when it has been speaking for `after_ms`; a clip as in `Speak`."""

    after_ms: int
    pcm: Pcm
    sample_rate_hz: int
    text: str = ""
    timeout_ms: int = 20_000


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class StayOnLine:
    """Until the bot hangs up; after `timeout_ms` the person hangs up, and the script says so."""

    timeout_ms: int = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Converse:
    """Answers prompt after prompt, each with the steps that `answer` gives when it is over.

    None: what was asked is not known yet, so the person thinks on. Whoever makes `answer` says
    how the person learns what the bot said; an answer of `StayOnLine` ends the conversation.
    """

    answer: Callable[[], "Sequence[Step] | None"]
    quiet_ms: int = 600
    timeout_ms: int = 60_000


Step = WaitForPrompt | Speak | Press | Pause | BargeIn | HangUp | StayOnLine | Converse


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """What the person does in one tick."""

    said: Pcm
    pressed: tuple[str, ...] = ()
    hangs_up: bool = False


@dataclass(slots=True)
class _Ear:
    """Whether the bot has spoken since the person's last act, and how long it has been quiet."""

    rate_hz: int
    speaking_ms: float = 0.0  # bot speech counted since the last act
    quiet_ms: float = 0.0
    tail: bool = False
    tail_ms: float = 0.0

    def hear(self, heard: Pcm) -> None:
        tick_ms = heard.size * 1000.0 / self.rate_hz
        if level_dbfs(heard) <= AUDIBLE_DBFS:
            self.quiet_ms += tick_ms
            if self.quiet_ms >= TAIL_GAP_MS:
                self.tail = False
            return
        self.quiet_ms = 0.0
        if self.tail:
            self.tail_ms += tick_ms
            self.tail = self.tail_ms <= TAIL_MS
        else:
            self.speaking_ms += tick_ms

    def forget(self) -> None:
        """The person acted: what was said until now has been answered."""
        self.speaking_ms = 0.0
        self.tail = self.quiet_ms < TAIL_GAP_MS
        self.tail_ms = 0.0


@dataclass(slots=True)
class _Mouth:
    """A clip that is being said."""

    pcm: Pcm = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    position: int = 0

    def take(self, count: int) -> Pcm:
        part = self.pcm[self.position : self.position + count]
        self.position += part.size
        return np.pad(part, (0, count - part.size))

    @property
    def done(self) -> bool:
        return self.position >= self.pcm.size


class Person:
    """Takes a script's steps. After the last one the person stays on the line for `patience_ms`.

    A person outlives a stream: after a redirect the next telephone goes on with the rest.
    """

    def __init__(self, steps: Sequence[Step], *, patience_ms: int = 30_000) -> None:
        self._steps: list[Step] = [*steps, StayOnLine(patience_ms)]
        self._index = 0
        self._rate_hz = 8000
        self._ear = _Ear(8000)
        self._now_samples = 0
        self._step_since_ms = 0.0
        self._mouth: _Mouth | None = None
        self._said_from = 0
        self._keys_left = ""
        self._next_key_ms = 0.0
        self.spoken: list[SaidSpan] = []
        self.pressed: list[PressedKey] = []
        self.problems: list[str] = []

    def pick_up(self, sample_rate_hz: int) -> None:
        """A stream begins, at its rate; the sample clock starts again at 0."""
        self._rate_hz = sample_rate_hz
        self._ear = _Ear(sample_rate_hz)
        self._now_samples = 0
        self._mouth = None
        self._keys_left = ""
        self._step_since_ms = 0.0
        self.spoken, self.pressed = [], []

    @property
    def hung_up(self) -> bool:
        return self._index >= len(self._steps)

    def tick(self, heard: Pcm) -> Act:
        """One tick of line time: what the loudspeaker played in it, and what the person does."""
        self._ear.hear(heard)
        act = self._act(heard.size)
        self._now_samples += heard.size
        return act

    def _act(self, count: int) -> Act:
        silence = np.zeros(count, dtype=np.int16)
        if self._mouth is not None:
            return Act(self._say_on(self._mouth, count))
        if self._keys_left:
            return Act(silence, self._press_on())
        while not self.hung_up:
            step = self._steps[self._index]
            match step:
                case Speak():
                    return Act(self._start_clip(step, count))
                case BargeIn():
                    if self._ear.speaking_ms < step.after_ms and not self._timed_out(step):
                        return Act(silence)
                    return Act(self._start_clip(step, count))
                case Press():
                    self._keys_left, self._next_key_ms = step.digits, self._now_ms
                    return Act(silence, self._press_on())
                case WaitForPrompt():
                    spoke = self._ear.speaking_ms > 0 and self._ear.quiet_ms >= step.quiet_ms
                    if not spoke and not self._timed_out(step):
                        return Act(silence)
                    self._next_step()
                case Converse():
                    if not self._converse(step):
                        return Act(silence)
                case Pause():
                    if self._now_ms - self._step_since_ms < step.ms:
                        return Act(silence)
                    self._next_step(forget=False)
                case StayOnLine():
                    if not self._timed_out(step):
                        return Act(silence)
                    self._index = len(self._steps)
                case HangUp():
                    self._index = len(self._steps)
        return Act(silence, hangs_up=True)

    def _converse(self, step: Converse) -> bool:
        """Whether there is something to do now: an answer, or the time is up."""
        spoke = self._ear.speaking_ms > 0 and self._ear.quiet_ms >= step.quiet_ms
        if spoke:
            answer = step.answer()
            if answer is not None:
                self._steps[self._index : self._index] = answer
                return True
        if self._timed_out(step):
            self._next_step()
            return True
        return False

    @property
    def _now_ms(self) -> float:
        return self._now_samples * 1000.0 / self._rate_hz

    def _timed_out(self, step: WaitForPrompt | BargeIn | StayOnLine | Converse) -> bool:
        if self._now_ms - self._step_since_ms < step.timeout_ms:
            return False
        what = f"step {self._index + 1}, {type(step).__name__}"
        self.problems.append(f"{what}: nothing came within {step.timeout_ms} ms")
        return True

    def _next_step(self, *, forget: bool = True) -> None:
        self._index += 1
        self._step_since_ms = self._now_ms
        if forget:
            self._ear.forget()

    def _start_clip(self, step: Speak | BargeIn, count: int) -> Pcm:
        self._mouth = _Mouth(to_line_rate(step.pcm, step.sample_rate_hz, self._rate_hz))
        self._said_from = self._now_samples
        return self._say_on(self._mouth, count)

    def _say_on(self, mouth: _Mouth, count: int) -> Pcm:
        said = mouth.take(count)
        if mouth.done:
            step = self._steps[self._index]
            text = step.text if isinstance(step, Speak | BargeIn) else ""
            end = self._said_from + mouth.pcm.size
            self.spoken.append(SaidSpan(self._said_from, end, text, isinstance(step, BargeIn)))
            self._mouth = None
            self._next_step()
        return said

    def _press_on(self) -> tuple[str, ...]:
        if self._now_ms < self._next_key_ms:
            return ()
        step = self._steps[self._index]
        digit, self._keys_left = self._keys_left[0], self._keys_left[1:]
        self.pressed.append(PressedKey(digit, self._now_samples))
        if isinstance(step, Press):
            self._next_key_ms += step.gap_ms
        if not self._keys_left:
            self._next_step()
        return (digit,)
