"""When the caller has begun, has meant it, and has finished: a pure policy on audio time.

It is fed one speech probability per window of audio and knows no other time. Its numbers stand
in `TurnThresholds`, each with its source.
"""

from dataclasses import dataclass, replace

WINDOW_MS = 32
"""Silero's window: 256 samples at 8000 Hz, 512 at 16000 Hz."""


@dataclass(frozen=True, slots=True)
class TurnThresholds:
    """Every number of the policy."""

    start_probability: float = 0.5
    """Silero's own default. Higher misses soft starts on a telephone line."""

    stop_probability: float = 0.35
    """Silero's own hysteresis (start - 0.15). Equal to start, a word's dip splits it in two."""

    start_ms: int = 64
    """Voice that opens a turn. One window alone is often a click."""

    end_silence_ms: int = 480
    """Silence that ends a turn. Below 300, pauses inside an answer cut it in two; people leave
    200 ms between turns, so every ms above is felt as slowness."""

    sustained_ms: int = 320
    """Voice over the bot that is meant as an interruption; a cough is over sooner."""

    max_turn_ms: int = 15_000
    """A turn is ended here even if the voice goes on: a radio in the room never stops."""

    idle_margin_ms: int = 320
    """Audio kept before the start of a turn, for the soft start that the window missed."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechSustained:
    """The caller has spoken for `sustained_ms` since `start_ms`."""

    start_ms: int
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


TurnEvent = SpeechStarted | SpeechSustained | TurnEnded | NoInput


@dataclass(frozen=True, slots=True)
class _Voice:
    """A stretch of voice under way."""

    start_ms: int
    last_voice_ms: int
    voiced_ms: int
    is_open: bool = False  # long enough to be a turn
    is_sustained: bool = False


class TurnPolicy:
    """Fed window by window; answers with what that window settled."""

    def __init__(self, thresholds: TurnThresholds | None = None) -> None:
        self._t = thresholds or TurnThresholds()
        self._now_ms = 0
        self._voice: _Voice | None = None
        self._silence_since_ms: int | None = None
        self._no_input_ms: int | None = None

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

    def expect(self, no_input_ms: int | None) -> None:
        """Begin to count silence from now; None stops the counting."""
        self._no_input_ms = no_input_ms
        self._silence_since_ms = self._now_ms

    def skip(self, duration_ms: int) -> tuple[TurnEvent, ...]:
        """Audio passed unlistened: a turn under way is dropped, only time goes on."""
        self._voice = None
        self._now_ms += duration_ms
        return self._count_silence()

    def finish(self) -> tuple[TurnEvent, ...]:
        """No more audio comes: a turn under way ends here."""
        voice = self._voice
        return (self._end(voice),) if voice and voice.is_open else ()

    def window(self, probability: float) -> tuple[TurnEvent, ...]:
        """One more window of audio, with its probability of speech (0..1)."""
        start_of_window_ms = self._now_ms
        self._now_ms += WINDOW_MS
        bound = self._t.start_probability if self._voice is None else self._t.stop_probability
        if probability >= bound:
            return self._voiced(start_of_window_ms)
        return self._unvoiced()

    def _voiced(self, start_of_window_ms: int) -> tuple[TurnEvent, ...]:
        voice = self._voice or _Voice(start_of_window_ms, start_of_window_ms, 0)
        voice = replace(voice, last_voice_ms=self._now_ms, voiced_ms=voice.voiced_ms + WINDOW_MS)
        events: list[TurnEvent] = []
        if not voice.is_open and voice.voiced_ms >= self._t.start_ms:
            voice = replace(voice, is_open=True)
            events.append(SpeechStarted(voice.start_ms))
        if not voice.is_sustained and voice.voiced_ms >= self._t.sustained_ms:
            voice = replace(voice, is_sustained=True)
            events.append(SpeechSustained(voice.start_ms, self._now_ms))
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
        if self._now_ms - voice.last_voice_ms >= self._t.end_silence_ms:
            return (self._end(voice),)
        return ()

    def _end(self, voice: _Voice) -> TurnEnded:
        self._voice = None
        self._no_input_ms = None  # what was said will bring a new expectation
        return TurnEnded(voice.start_ms, voice.last_voice_ms, self._now_ms)

    def _count_silence(self) -> tuple[TurnEvent, ...]:
        if self._no_input_ms is None or self._silence_since_ms is None:
            return ()
        if self._now_ms - self._silence_since_ms < self._no_input_ms:
            return ()
        self._no_input_ms = None
        return (NoInput(self._now_ms),)
