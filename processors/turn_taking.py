"""When the caller has begun, has meant it, and has finished: a pure policy on audio time.

It is fed one speech probability per window of audio, is told what the words so far are worth to
the flow (see `expecting.py`), and knows no other time. Its numbers stand in `TurnThresholds`, each
with its source.
"""

from dataclasses import dataclass, replace

from processors.expecting import Verdict

WINDOW_MS = 32
"""Silero's window: 256 samples at 8000 Hz, 512 at 16000 Hz."""


@dataclass(frozen=True, slots=True)
class TurnThresholds:
    """Every number of the policy. Where no other source is named: `benchmarks/turn_endings.py`."""

    start_probability: float = 0.5
    """Silero's own default. Higher misses soft starts on a telephone line."""

    stop_probability: float = 0.35
    """Silero's own hysteresis (start - 0.15). Equal to start, a word's dip splits it in two."""

    quiet_probability: float = 0.2
    """Above it, below `stop_probability`, a window may still be a breath or a soft consonant: an
    answer is not taken early on it. Higher takes the pause before a "t" for the end."""

    start_ms: int = 64
    """Voice that opens a turn. One window alone is often a click."""

    words_silence_ms: int = 64
    """Silence after which the words so far are decoded, at a final's priority. One window is
    inside words all the time; each one more is a later reply."""

    partial_every_ms: int = 400
    """Voice between two partial transcripts. People read captions at about this pace; less costs
    a decode each of all that was said so far."""

    complete_silence_ms: int = 128
    """Silence that ends an answer to which nothing is missing. People leave 200 ms between turns
    (Stivers et al. 2009); stops inside a word last up to 100 ms."""

    enough_silence_ms: int = 736
    """... an answer that people often go on with (a number of variable length, a bare "no").
    Pauses inside an answer last 300-700 ms: shorter cuts a part of them off."""

    open_silence_ms: int = 992
    """... words that can't be all ("twenty", "no wait", four digits of six). Longer, and callers
    who leave it at that ask whether anyone is there."""

    other_silence_ms: int = 480
    """... words that mean nothing here, or none: neither worth waiting for nor an answer."""

    free_silence_ms: int = 608
    """... free speech, of which nothing is known but its silence: between the pauses of a
    sentence (up to 600 ms) and the gap that callers take for deafness."""

    melody_silence_ms: int = 192
    """Silence in free speech after which Smart Turn is asked; it wants 200 ms of it (its notes)."""

    finished_silence_ms: int = 256
    """... free speech that sounds finished by its melody."""

    unfinished_silence_ms: int = 992
    """... free speech that sounds unfinished by its melody."""

    finished_probability: float = 0.5
    """Smart Turn's own bound between the two."""

    overlap_partial_every_ms: int = 224
    """The same while the bot speaks: words tell an interruption from a "haan". Half a syllable
    less tells nothing; more is a later stop."""

    sustained_ms: int = 576
    """Voice over the bot that is meant as an interruption, whatever its words. People stop within
    700 ms when they are talked over; coughs and "hm hm" are over sooner."""

    max_turn_ms: int = 15_000
    """A turn is ended here even if the voice goes on: a radio in the room never stops."""

    idle_margin_ms: int = 320
    """Audio kept before the start of a turn, for the soft start that the window missed."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class VoiceChanged:
    """The caller's voice came, or has been away for `words_silence_ms`."""

    is_heard: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """The caller has spoken for `sustained_ms` since `start_ms`."""

    start_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class WordsWanted:
    """The words up to `through_ms` should be known: for a partial, or, when the caller may have
    finished (`is_urgent`), for good."""

    through_ms: int
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class MelodyWanted:
    """In free speech: does it sound finished?"""

    at_ms: int


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller has finished: voice from `start_ms` to `end_ms`, decided at `at_ms`."""

    start_ms: int
    end_ms: int
    at_ms: int
    verdict: Verdict | None = None  # of the words that it was decided on; None: without any


@dataclass(frozen=True, slots=True)
class NoInput:
    """Nothing was said for the time that was given."""

    at_ms: int


TurnEvent = (
    SpeechStarted
    | VoiceChanged
    | SpeechSustained
    | WordsWanted
    | MelodyWanted
    | TurnEnded
    | NoInput
)


@dataclass(frozen=True, slots=True)
class _Voice:
    """A stretch of voice under way."""

    start_ms: int
    last_voice_ms: int
    voiced_ms: int
    words_wanted_ms: int  # when words were asked for last, or the start
    is_open: bool = False  # long enough to be a turn
    is_sustained: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is known of the words up to `through_ms`."""

    verdict: Verdict
    through_ms: int
    finished: float | None = None  # Smart Turn's probability that it is the end


class TurnPolicy:
    """Fed window by window; answers with what that window settled."""

    def __init__(self, thresholds: TurnThresholds | None = None) -> None:
        self._t = thresholds or TurnThresholds()
        self._now_ms = 0
        self._probability = 0.0  # of the last window
        self._voice: _Voice | None = None
        self._judged: _Judged | None = None
        self._silence_since_ms: int | None = None
        self._no_input_ms: int | None = None
        self._is_heard = False
        self.bot_speaks = False
        """Whether a voice now speaks over the bot's: its words are wanted sooner."""

    @property
    def thresholds(self) -> TurnThresholds:
        """The numbers in use."""
        return self._t

    @property
    def now_ms(self) -> int:
        """The end of the last window."""
        return self._now_ms

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is open."""
        return self._voice is not None and self._voice.is_open

    @property
    def last_voice_ms(self) -> int:
        """Where the last voice ended of a turn under way; else where the last window did."""
        return self._now_ms if self._voice is None else self._voice.last_voice_ms

    def expect(self, no_input_ms: int | None) -> None:
        """Begin to count silence from now; None stops the counting."""
        self._no_input_ms = no_input_ms
        self._silence_since_ms = self._now_ms

    def judged(
        self, verdict: Verdict, through_ms: int, *, finished: float | None = None
    ) -> tuple[TurnEvent, ...]:
        """The words of the audio up to `through_ms` are known, and what they are worth.

        `finished`: Smart Turn's probability that it is the end, where it was asked.
        """
        voice = self._voice
        if voice is None or not voice.is_open or through_ms <= voice.start_ms:
            return ()  # of a turn that is over
        self._judged = _Judged(verdict, through_ms, finished)
        return self._end_if_due(voice)

    def skip(self, duration_ms: int) -> tuple[TurnEvent, ...]:
        """Audio passed unlistened: a turn under way is dropped, only time goes on."""
        self._voice = None
        self._now_ms += duration_ms
        return (*self._hear(is_heard=False), *self._count_silence())

    def finish(self) -> tuple[TurnEvent, ...]:
        """A key, or the end of the audio: a turn under way ends here."""
        voice = self._voice
        return (self._end(voice),) if voice and voice.is_open else ()

    def window(self, probability: float) -> tuple[TurnEvent, ...]:
        """One more window of audio, with its probability of speech (0..1)."""
        start_of_window_ms = self._now_ms
        self._now_ms += WINDOW_MS
        self._probability = probability
        bound = self._t.start_probability if self._voice is None else self._t.stop_probability
        if probability >= bound:
            return self._voiced(start_of_window_ms)
        return self._unvoiced()

    def _voiced(self, start_of_window_ms: int) -> tuple[TurnEvent, ...]:
        start_ms = start_of_window_ms
        voice = self._voice or _Voice(start_ms, start_ms, 0, start_ms)
        voice = replace(voice, last_voice_ms=self._now_ms, voiced_ms=voice.voiced_ms + WINDOW_MS)
        events: list[TurnEvent] = []
        if not voice.is_open and voice.voiced_ms >= self._t.start_ms:
            voice = replace(voice, is_open=True)
            self._judged = None
            events.append(SpeechStarted(voice.start_ms))
        if voice.is_open:
            events += self._hear(is_heard=True)
        if not voice.is_sustained and voice.voiced_ms >= self._t.sustained_ms:
            voice = replace(voice, is_sustained=True)
            events.append(SpeechSustained(voice.start_ms, self._now_ms))
        every_ms = self._t.overlap_partial_every_ms if self.bot_speaks else self._t.partial_every_ms
        if voice.is_open and self._now_ms - voice.words_wanted_ms >= every_ms:
            voice = replace(voice, words_wanted_ms=self._now_ms)
            events.append(WordsWanted(self._now_ms, is_urgent=False))
        self._voice = voice
        if voice.is_open and self._now_ms - voice.start_ms >= self._t.max_turn_ms:
            events.append(self._end(voice))
        return tuple(events)

    def _unvoiced(self) -> tuple[TurnEvent, ...]:
        voice = self._voice
        if voice is None:
            return self._count_silence()
        if not voice.is_open:
            self._voice = None
            return self._count_silence()
        silence_ms = self._now_ms - voice.last_voice_ms
        due_ms = self._t.words_silence_ms
        if silence_ms >= due_ms > silence_ms - WINDOW_MS:
            self._voice = replace(voice, words_wanted_ms=self._now_ms)
            silent = self._hear(is_heard=False)
            wanted = WordsWanted(self._now_ms, is_urgent=True)
            return (*silent, wanted, *self._end_if_due(voice))
        melody_ms = self._t.melody_silence_ms
        if silence_ms >= melody_ms > silence_ms - WINDOW_MS and self._is_free(voice):
            return (MelodyWanted(self._now_ms), *self._end_if_due(voice))
        return self._end_if_due(voice)

    def _hear(self, *, is_heard: bool) -> tuple[TurnEvent, ...]:
        if is_heard is self._is_heard:
            return ()
        self._is_heard = is_heard
        return (VoiceChanged(is_heard, self._now_ms),)

    def _is_free(self, voice: _Voice) -> bool:
        judged = self._judged
        is_known = judged is not None and judged.through_ms >= voice.last_voice_ms
        return judged is not None and is_known and judged.verdict == "free"

    def _end_if_due(self, voice: _Voice) -> tuple[TurnEvent, ...]:
        silence_ms = self._now_ms - voice.last_voice_ms
        return (self._end(voice),) if silence_ms >= self._wanted_ms(voice) else ()

    def _wanted_ms(self, voice: _Voice) -> int:
        """The silence that ends the turn, by what is known of its words.

        While the last words aren't known, waiting costs nothing: without them there is no reply.
        """
        t, judged = self._t, self._judged
        if judged is None or judged.through_ms < voice.last_voice_ms:
            return t.open_silence_ms
        match judged.verdict:
            case "complete":
                is_quiet = self._probability <= t.quiet_probability
                return t.complete_silence_ms + (0 if is_quiet else 2 * WINDOW_MS)
            case "enough":
                return t.enough_silence_ms
            case "open":
                return t.open_silence_ms
            case "other":
                return t.other_silence_ms
            case "free":
                return self._wanted_free_ms(judged.finished)

    def _wanted_free_ms(self, finished: float | None) -> int:
        t = self._t
        if finished is None:
            return t.free_silence_ms
        is_finished = finished >= t.finished_probability
        return t.finished_silence_ms if is_finished else t.unfinished_silence_ms

    def _end(self, voice: _Voice) -> TurnEnded:
        judged, self._judged = self._judged, None
        self._voice = None
        self._no_input_ms = None  # what was said will bring a new expectation
        is_known = judged is not None and judged.through_ms >= voice.last_voice_ms
        verdict = judged.verdict if judged is not None and is_known else None
        return TurnEnded(voice.start_ms, voice.last_voice_ms, self._now_ms, verdict)

    def _count_silence(self) -> tuple[TurnEvent, ...]:
        if self._no_input_ms is None or self._silence_since_ms is None:
            return ()
        if self._now_ms - self._silence_since_ms < self._no_input_ms:
            return ()
        self._no_input_ms = None
        return (NoInput(self._now_ms),)
