"""Does this line send the bot's own voice back? Decided in each call, from the greeting on.

`EchoPolicy` is pure: it is told how loud both sides were in each window of 32 ms, and asks for a
comparison of what was heard with what was played where it needs one (see `echo_likeness`). What a
window is taken for follows from the line:

    unknown   what sounds over the bot is doubtful until comparisons say whose voice it is
    clean     it is the caller; an echo that comes up later must show itself twice
    echo      it is the bot, until a comparison says that somebody else sounds; then the
              canceller's output counts

A line is clean when the bot has spoken long enough for an echo to be back, and none was.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from speech.echo_likeness import REACH_MS, Comparison, Likeness
from speech.loudness import level_db
from speech.stt import Pcm

WINDOW_MS = 32
"""As Silero's."""


class Line(Enum):
    """What is known of the line."""

    UNKNOWN = "unknown"
    CLEAN = "clean"
    ECHO = "echo"


class Verdict(Enum):
    """What a window is taken for."""

    CALLER = "caller"  # or nobody, or both: what was heard counts, less the echo
    DOUBTFUL = "doubtful"  # may be the bot: counts for no speech until more is known
    ECHO = "echo"  # it is the bot


@dataclass(frozen=True, slots=True)
class EchoThresholds:
    """Every number of the policy. Where no other source is named: speech of the tuning set and
    prompts, over mu-law, echoes of -15 to -30 dB (`benchmarks/echo.py`)."""

    bot_sounds_db: float = -60.0
    """Of full scale. An echo of less is lost in a line's noise."""

    bot_speaks_db: float = -40.0
    """Of full scale: a window that an echo of would be heard. Lower counts pauses as voice."""

    softest_db: float = -48.0
    """Against the loudest window of the bot's that it can be of: an echo of -30 dB, and what a
    word's own level falls. Higher, soft parts of a soft echo duck the bot; lower, noise is compared
    for nothing."""

    no_echo_db: float = -38.0
    """All that was heard over all that must be back by now, where there is no echo. Higher, one of
    -30 dB is overlooked; lower, a line is not known to be clean for longer."""

    over_noise_db: float = 8.0
    """Over the line's steady noise. Lower compares the noise of poor lines all the time; an echo
    that is softer, as one of -24 dB in noise at -50 dBFS, still ducks the bot."""

    noise_rises_db_s: float = 6.0
    """How fast a louder noise is believed. Faster, a long vowel is noise; slower, a fan that is
    switched on is compared for as long."""

    explained: float = 0.5
    """Of the power, to be an echo: 19 of 20 comparisons of an echo had more, 3 of 100 of a caller's
    speech. Alone it decides nothing."""

    foretold: float = 0.3
    """Of the power of what came after a comparison. No comparison of a caller's had this and
    `explained` (950); four fifths of an echo's had. Higher, and an echo is known later."""

    not_explained: float = 0.4
    """Less is the caller. Lower, he is held back longer on a line that is not known; higher, soft
    parts of an echo pass for him."""

    judged_after: int = 7
    """Windows of sound before a comparison may speak for the caller where the line is not known:
    what is shorter is explained by chance, or is the soft start of an echo. Fewer, and on a busy
    machine, whose reference has seams, an echo passes for him. A caller who is no louder than an
    echo can be is heard so much later in the bot's first second; no word of his is lost, for what
    was doubtful is kept (`TurnThresholds.idle_margin_ms`)."""

    unexplained_over_echo: int = 2
    """Comparisons in a row that speak for a caller over an echo: 256 ms, after which a comparison
    has left a seam of the reference behind. Who is louder than the echo need not wait."""

    again: int = 2
    """Windows between two comparisons where the line is known. Fewer cost more."""

    again_over_echo: int = 4
    """The same where it is known to have an echo: there, most of the cost is in these."""

    shown_when_unknown: int = 3
    """Comparisons in a row, one every window."""

    shown_when_clean: int = 2
    """Comparisons in a row that make a clean line one with an echo. One more, and an echo that
    comes up talks to the bot for so much longer."""

    established: int = 4
    """Comparisons behind which an echo is no mistake."""

    taken_back: int = 4
    """Comparisons in a row that undo it before: half a second. Fewer, and a hole in the bot's voice
    does; with more, a caller who was taken for an echo is cut for longer."""

    clean_windows: int = 8
    """Of the bot's voice, whose echo should be back and is not: 256 ms, after `REACH_MS`."""

    caller_windows: int = 24
    """Of sound that was compared and is not the bot's: then the line is clean, too."""

    loudest_echo_db: float = -9.0
    """The loudest echo that is expected, against the bot's loudest window that it can be of: -15
    dB, and a room that answers unevenly (-8.8 at most). What is louder is the caller."""

    louder_db: float = 6.0
    """The same over the loudest echo that was surely heard in this call. Less, and a loud vowel of
    the bot's passes for the caller; more hides callers who are no louder."""

    doubted_again: float = 0.7
    """Makes a caller on a line that is not known doubtful again. 1 of 100 comparisons of a caller's
    had more; lower stops callers in mid-word."""

    surely_explained: float = 0.8
    """An echo of which its level is learnt. Lower, and a caller's voice is in it."""

    lingers: int = 4
    """Windows without sound that end it: a word's dips are shorter."""

    absent_windows: int = 64
    """Of the bot's voice without its echo: 2 s, then the line is not known any more. Shorter, and a
    caller who holds the microphone shut makes the bot hear itself; longer hides callers."""


_REACH = -(-REACH_MS // WINDOW_MS)  # windows


class EchoPolicy:
    """The line and each window of one call."""

    def __init__(self, thresholds: EchoThresholds | None = None) -> None:
        self.thresholds = thresholds or EchoThresholds()
        self.line = Line.UNKNOWN
        self._verdict = Verdict.CALLER
        self._bot_db: deque[float] = deque(maxlen=_REACH + 1)
        self._noise_db: float | None = None
        self._loud = 0  # windows of the sound that is going on
        self._quiet = 0  # windows since it
        self._shown = 0  # comparisons that speak for an echo
        self._against = 0  # ... for the caller
        self._unexplained = 0  # ... in a row, over an echo
        self._absent = 0  # windows of the bot's voice without its echo
        self._echo_db: float | None = None  # the loudest so far, against the bot's loudest
        self._back_db: list[float] = []  # the bot's voice that must have come back by now
        self._heard_power = 0.0

    def window(self, played_db: float, heard_db: float, compare: Callable[[], Likeness]) -> Verdict:
        """What the next window of the caller's side is taken for. Levels are of full scale."""
        limits = self.thresholds
        is_loud = self._is_over_noise(heard_db)
        leaves_db = self._bot_db[0] if len(self._bot_db) == self._bot_db.maxlen else -np.inf
        self._bot_db.append(played_db)
        loudest_db = max(self._bot_db)
        if loudest_db < limits.bot_sounds_db:
            self._begin_anew()
            return Verdict.CALLER
        is_loud = is_loud and heard_db - loudest_db > limits.softest_db
        self._learn_of_silence(leaves_db, heard_db, is_loud=is_loud)
        if not is_loud:
            self._quiet += 1
            if self._quiet > limits.lingers:
                self._loud = 0
            return self._verdict  # Silero remembers for longer what it heard
        self._loud, self._quiet = self._loud + 1, 0
        match self.line:
            case Line.UNKNOWN:
                self._find_out(compare, heard_db - loudest_db)
            case Line.CLEAN:
                self._watch(compare)
            case Line.ECHO:
                self._confirm(compare, heard_db - loudest_db)
        return self._verdict

    def _find_out(self, compare: Callable[[], Likeness], over_bot_db: float) -> None:
        limits = self.thresholds
        if self._loud == 1:
            self._verdict = Verdict.DOUBTFUL
        if self._loud < 2:
            return
        seen = compare()
        if self._speaks_for_echo(seen):
            self._shown += 1
            if self._shown >= limits.shown_when_unknown:
                self._becomes(Line.ECHO)
            return
        self._shown = 0
        is_unexplained = seen.explained < limits.not_explained
        if over_bot_db > limits.loudest_echo_db:
            self._verdict = Verdict.CALLER
        elif seen.explained >= limits.doubted_again:
            self._verdict = Verdict.DOUBTFUL
        elif is_unexplained and self._loud >= limits.judged_after:
            self._verdict = Verdict.CALLER
        if is_unexplained and self._verdict is Verdict.CALLER:
            self._against += 1
            if self._against >= limits.caller_windows:
                self._becomes(Line.CLEAN)

    def _watch(self, compare: Callable[[], Likeness]) -> None:
        self._verdict = Verdict.CALLER
        if self._loud % self.thresholds.again:
            return
        self._shown = self._shown + 1 if self._speaks_for_echo(compare()) else 0
        if self._shown >= self.thresholds.shown_when_clean:
            self._becomes(Line.ECHO)

    def _confirm(self, compare: Callable[[], Likeness], over_bot_db: float) -> None:
        limits = self.thresholds
        if self._loud == 1:
            self._verdict = Verdict.ECHO
        if not self._loud % limits.again_over_echo:
            self._judge(compare(), over_bot_db)
        learnt_db = limits.loudest_echo_db if self._echo_db is None else self._echo_db
        if over_bot_db > min(learnt_db + limits.louder_db, limits.loudest_echo_db):
            self._verdict = Verdict.CALLER

    def _judge(self, seen: Likeness, over_bot_db: float) -> None:
        limits = self.thresholds
        is_unexplained = seen.explained < limits.not_explained
        if seen.explained >= limits.explained:
            self._verdict = Verdict.ECHO
        self._unexplained = self._unexplained + 1 if is_unexplained else 0
        if self._unexplained >= limits.unexplained_over_echo:
            self._verdict = Verdict.CALLER
        if self._speaks_for_echo(seen):
            self._shown, self._absent, self._against = self._shown + 1, 0, 0
            if seen.explained >= limits.surely_explained:
                before_db = over_bot_db if self._echo_db is None else self._echo_db
                self._echo_db = max(before_db, over_bot_db)
        elif is_unexplained and self._shown < limits.established:
            self._against += 1
            if self._against >= limits.taken_back:
                self._becomes(Line.UNKNOWN)

    def _speaks_for_echo(self, seen: Likeness) -> bool:
        limits = self.thresholds
        return seen.explained >= limits.explained and seen.foretold >= limits.foretold

    def _becomes(self, line: Line) -> None:
        self.line = line
        self._verdict = Verdict.ECHO if line is Line.ECHO else Verdict.CALLER
        self._shown = self._against = self._unexplained = self._absent = 0
        self._back_db, self._heard_power = [], 0.0
        self._echo_db = None

    def _learn_of_silence(self, leaves_db: float, heard_db: float, *, is_loud: bool) -> None:
        """What the bot said and nobody sent back."""
        limits = self.thresholds
        if is_loud:
            self._heard_power += 10 ** (heard_db / 10)
        is_due = leaves_db > limits.bot_speaks_db
        if self.line is Line.ECHO:
            self._absent += is_due and not is_loud
            if self._absent >= limits.absent_windows:
                self._becomes(Line.UNKNOWN)
        elif self.line is Line.UNKNOWN and is_due:
            self._back_db.append(leaves_db)
            back = sum(10 ** (db / 10) for db in self._back_db)
            is_less = self._heard_power < back * 10 ** (limits.no_echo_db / 10)
            if len(self._back_db) >= limits.clean_windows and is_less:
                self._becomes(Line.CLEAN)

    def _is_over_noise(self, heard_db: float) -> bool:
        limits = self.thresholds
        rise_db = limits.noise_rises_db_s * WINDOW_MS / 1000
        before_db = heard_db if self._noise_db is None else self._noise_db + rise_db
        self._noise_db = max(min(heard_db, before_db), limits.bot_sounds_db - 20)
        return heard_db > self._noise_db + limits.over_noise_db

    def _begin_anew(self) -> None:
        """The bot has been silent for long: what it says next is judged by itself."""
        self._verdict = Verdict.CALLER
        self._loud = self._quiet = 0
        self._back_db, self._heard_power = [], 0.0


class EchoDetector:
    """The same on audio. Takes windows of 32 ms of int16 mono at 8000, 16000 or 24000 Hz."""

    def __init__(self, *, sample_rate_hz: int, thresholds: EchoThresholds | None = None) -> None:
        """Raises ValueError where the rate is no multiple of 4000 Hz."""
        self._policy = EchoPolicy(thresholds)
        self._comparison = Comparison(sample_rate_hz)
        self._silent_windows = _REACH + 1

    @property
    def line(self) -> Line:
        """What is known of the line."""
        return self._policy.line

    def window(self, played: Pcm, heard: Pcm) -> Verdict:
        """What the next window of the caller's side is taken for; both are of the same time."""
        played_db = level_db(played)
        if played_db > self._policy.thresholds.bot_sounds_db:
            self._silent_windows = 0
        elif self._silent_windows <= _REACH:
            self._silent_windows += 1
            if self._silent_windows > _REACH:
                self._comparison.forget()
        if self._silent_windows <= _REACH:
            self._comparison.add(played, heard)
        return self._policy.window(played_db, level_db(heard), self._comparison.compare)
