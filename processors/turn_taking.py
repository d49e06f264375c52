"""When the caller has begun, has meant it, and has finished: a pure policy on audio time.

It is fed one speech probability per window of audio, is told what the words so far are worth to
the flow (see `expecting.py`), and knows no other time. Its numbers stand in `TurnThresholds`
(`turn_thresholds.py`), each with its source.
"""

from dataclasses import dataclass, replace

from processors.expecting import Verdict
from processors.turn_thresholds import GOES_ON_MS, WINDOW_MS, TurnThresholds


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class VoiceChanged:
    """The caller's voice came, or has been away for `words_silence_ms`."""

    is_heard: bool
    at_ms: int
    is_turn: bool = True  # False: one window, which may be a click


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
    last_voice_ms: int  # the end of the last window that was no silence
    likely_ms: int  # ... of the last one that Silero called speech, however soft
    voiced_ms: int
    words_wanted_ms: int  # when words were asked for last, or the start
    loud_db: float  # the voice's loud windows, below full scale
    is_open: bool = False  # long enough to be a turn
    is_sustained: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is known of the words up to `through_ms`."""

    verdict: Verdict
    through_ms: int


class TurnPolicy:
    """Fed window by window; answers with what that window settled."""

    def __init__(self, thresholds: TurnThresholds | None = None) -> None:
        self._t = thresholds or TurnThresholds()
        self._now_ms = 0
        self._probability = 0.0  # of the last window
        self._voice: _Voice | None = None
        self._judged: _Judged | None = None
        self._melody: tuple[float, int] | None = None  # Smart Turn's probability, through when
        self._silence_since_ms: int | None = None
        self._no_input_ms: int | None = None
        self._told = (False, False)  # whether a voice is heard, and whether it is a turn
        self._turn_ended_ms: int | None = None  # where the last turn's voice ended
        self._pause_ms = 0  # after which this caller goes on: their longest of late
        self._has_paused = False  # in the turn under way
        self.bot_speaks = False
        """Whether a voice now speaks over the bot's: its words are wanted sooner."""
        self.is_free_speech = False
        """Whether nothing in particular is expected: the melody is asked for."""

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

    def judged(self, verdict: Verdict, through_ms: int) -> tuple[TurnEvent, ...]:
        """The words of the audio up to `through_ms` are known, and what they are worth."""
        voice = self._voice
        if voice is None or not voice.is_open or through_ms <= voice.start_ms:
            return ()  # of a turn that is over
        self._judged = _Judged(verdict, through_ms)
        return self._end_if_due(voice)

    def sounded(self, finished: float, through_ms: int) -> tuple[TurnEvent, ...]:
        """Smart Turn's probability that the speech up to `through_ms` is all."""
        voice = self._voice
        if voice is None or not voice.is_open or through_ms <= voice.start_ms:
            return ()
        self._melody = (finished, through_ms)
        return self._end_if_due(voice)

    def skip(self, duration_ms: int) -> tuple[TurnEvent, ...]:
        """Audio passed unlistened: a turn under way is dropped, only time goes on."""
        self._voice = None
        self._now_ms += duration_ms
        return (*self._went(), *self._count_silence())

    def finish(self) -> tuple[TurnEvent, ...]:
        """A key, or the end of the audio: a turn under way ends here."""
        voice = self._voice
        return (self._end(voice),) if voice and voice.is_open else ()

    def window(self, probability: float, level_db: float = 0.0) -> tuple[TurnEvent, ...]:
        """One more window of audio: its probability of speech (0..1), and its level below full
        scale."""
        start_of_window_ms = self._now_ms
        self._now_ms += WINDOW_MS
        self._probability = probability
        voice = self._voice
        bound = self._t.start_probability if voice is None else self._t.stop_probability
        if probability < bound:
            if voice is None and self.bot_speaks and probability >= self._t.duck_probability:
                return (*self._came(is_turn=False), *self._count_silence())
            return self._unvoiced(voice)
        if voice is None:
            voice = _Voice(
                start_of_window_ms, self._now_ms, self._now_ms, 0, start_of_window_ms, level_db
            )
        faded_db = voice.loud_db - self._t.fade_db_per_s * WINDOW_MS / 1000
        voice = replace(voice, likely_ms=self._now_ms, loud_db=max(faded_db, level_db))
        if level_db < voice.loud_db - self._t.soft_db:
            return self._unvoiced(voice)
        return self._voiced(voice)

    def _voiced(self, voice: _Voice) -> tuple[TurnEvent, ...]:
        if voice.is_open:
            self._paused(self._now_ms - WINDOW_MS - voice.last_voice_ms)
        voice = replace(voice, last_voice_ms=self._now_ms, voiced_ms=voice.voiced_ms + WINDOW_MS)
        events: list[TurnEvent] = []
        if not voice.is_open and voice.voiced_ms >= self._t.start_ms:
            voice = replace(voice, is_open=True)
            self._judged = self._melody = None
            if self._turn_ended_ms is not None:
                self._paused(voice.start_ms - self._turn_ended_ms)
            events.append(SpeechStarted(voice.start_ms))
        events += self._came(is_turn=voice.is_open)
        if not voice.is_sustained and self._lasts(voice):
            voice = replace(voice, is_sustained=True)
            events.append(SpeechSustained(voice.start_ms, self._now_ms))
        if voice.is_open and self._now_ms - voice.words_wanted_ms >= self._partial_ms(voice):
            voice = replace(voice, words_wanted_ms=self._now_ms)
            events.append(WordsWanted(self._now_ms, is_urgent=False))
        self._voice = voice
        if voice.is_open and self._now_ms - voice.start_ms >= self._t.max_turn_ms:
            events.append(self._end(voice))
        return tuple(events)

    def _lasts(self, voice: _Voice) -> bool:
        is_long = self._now_ms - voice.start_ms >= self._t.sustained_ms
        return is_long and voice.voiced_ms >= self._t.sustained_voice_ms

    def _paused(self, pause_ms: int) -> None:
        """The caller went on after so long; after more than GOES_ON_MS it is a new turn."""
        if self.is_free_speech and not self.bot_speaks and WINDOW_MS < pause_ms <= GOES_ON_MS:
            self._has_paused |= 2 * pause_ms >= self._pause_ms
            self._pause_ms = max(self._pause_ms, pause_ms)

    def _partial_ms(self, voice: _Voice) -> int:
        """Voice between the last request for words and the next."""
        if not self.bot_speaks:
            return self._t.partial_every_ms
        is_first = voice.words_wanted_ms == voice.start_ms
        return self._t.overlap_words_ms if is_first else self._t.overlap_partial_every_ms

    def _unvoiced(self, voice: _Voice | None) -> tuple[TurnEvent, ...]:
        if voice is None or not voice.is_open:
            self._voice = None
            return (*self._went(), *self._count_silence())
        self._voice = voice
        silence_ms = self._now_ms - voice.last_voice_ms
        due_ms = self._t.words_silence_ms
        if silence_ms >= due_ms > silence_ms - WINDOW_MS:
            self._voice = replace(voice, words_wanted_ms=self._now_ms)
            silent = self._went()
            wanted = WordsWanted(self._now_ms, is_urgent=True)
            return (*silent, wanted, *self._end_if_due(voice))
        ending = self._end_if_due(voice)
        return ending or ((MelodyWanted(self._now_ms),) if self._asks_melody(voice) else ())

    def _asks_melody(self, voice: _Voice) -> bool:
        silence_ms = self._now_ms - voice.last_voice_ms
        is_time = any(
            silence_ms >= at > silence_ms - WINDOW_MS for at in self._t.melody_silences_ms
        )
        return is_time and self.is_free_speech and not self._is_finished(voice)

    def _came(self, *, is_turn: bool) -> tuple[TurnEvent, ...]:
        told, self._told = self._told, (True, is_turn)
        return () if told == self._told else (VoiceChanged(True, self._now_ms, is_turn),)

    def _went(self) -> tuple[TurnEvent, ...]:
        (was_heard, is_turn), self._told = self._told, (False, False)
        return (VoiceChanged(False, self._now_ms, is_turn),) if was_heard else ()

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
                soft_ms = voice.likely_ms - voice.last_voice_ms
                is_quiet = self._probability <= t.quiet_probability
                unlikely_ms = t.complete_unlikely_ms + (0 if is_quiet else WINDOW_MS)
                return max(t.complete_silence_ms, soft_ms + unlikely_ms)
            case "likely":
                return t.likely_silence_ms
            case "enough":
                return t.enough_silence_ms
            case "open":
                return t.open_silence_ms
            case "other":
                return t.other_silence_ms
            case "free":
                if not self._is_finished(voice):
                    return t.free_silence_ms
                is_short = voice.last_voice_ms - voice.start_ms < t.short_ms
                least_ms = t.short_silence_ms if is_short else t.finished_silence_ms
                after_pause_ms = self._pause_ms + t.pause_margin_ms
                return max(least_ms, min(after_pause_ms, t.free_silence_ms))

    def _is_finished(self, voice: _Voice) -> bool:
        if self._melody is None:
            return False
        finished, through_ms = self._melody
        return through_ms >= voice.last_voice_ms and finished >= self._t.finished_probability

    def _end(self, voice: _Voice) -> TurnEnded:
        self._voice = self._judged = self._melody = None
        self._turn_ended_ms = voice.last_voice_ms
        if not self._has_paused:
            self._pause_ms //= 2  # a habit is forgotten as it was learnt
        self._has_paused = False
        self._no_input_ms = None  # what was said will bring a new expectation
        return TurnEnded(voice.start_ms, voice.last_voice_ms, self._now_ms)

    def _count_silence(self) -> tuple[TurnEvent, ...]:
        if self._no_input_ms is None or self._silence_since_ms is None:
            return ()
        if self._now_ms - self._silence_since_ms < self._no_input_ms:
            return ()
        self._no_input_ms = None
        return (NoInput(self._now_ms),)
