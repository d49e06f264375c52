"""The bot's echo in one call: looked for on every line, taken out where there is one.

    echo = LineEcho(sample_rate_hz=8_000)
    echo.played(pcm, at_sample=...)     # as the bot's audio leaves for the line
    heard = echo.listen(window)         # every window of 32 ms of the caller, in order
    echo.close()

On a line without an echo the caller's audio passes as it is, not a sample later, and nothing but
`EchoDetector` runs. Once the line has one, AEC3 runs (`echo.py`), which first hears the last
`CAUGHT_UP_MS` again, so that it knows the echo by which it was woken. A caller who speaks over the
echo is decided on by its output, but recognised from what was heard: AEC3 takes parts of his words
out with the echo, which is softer than he is.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from loguru import logger

from speech.echo import LATENCY_SAMPLES, EchoCanceller
from speech.echo_detector import WINDOW_MS, EchoDetector, Line, Verdict
from speech.echo_reference import FRAMES_A_SECOND, SLACK_MS, Reference
from speech.errors import EngineFailed, EngineUnavailable
from speech.stt import Pcm

CAUGHT_UP_MS = 640
"""What the canceller hears of the past when it is woken: the echo that woke it, and the bot's voice
that it is of. Costs 10 to 20 ms of a worker's time, once; less, and more of the echo is left."""


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """A window of the caller's side."""

    words: Pcm  # int16 mono, for the recogniser
    voice: Pcm  # the same for the decision whether somebody speaks: without the bot's echo
    is_doubtful: bool  # it may be the bot all the same: no speech, whatever it sounds like


class LineEcho:
    """One call's. `played` and `clear` may be called while `listen` runs in a thread."""

    def __init__(
        self,
        *,
        sample_rate_hz: int,
        new_canceller: Callable[..., EchoCanceller] = EchoCanceller,
    ) -> None:
        """At 8000, 16000 or 24000 Hz. `new_canceller` is called where an echo is found; raises it
        EngineUnavailable, then what is echo is taken for silence, and a caller is heard over it
        only where he is the louder one.

        Raises:
            ValueError: the rate is no multiple of 4000 Hz.
        """
        self._rate_hz = sample_rate_hz
        self._new_canceller: Callable[..., EchoCanceller] | None = new_canceller
        self._window = sample_rate_hz * WINDOW_MS // 1000
        self._slack = SLACK_MS * sample_rate_hz // 1000
        self._reference = Reference(sample_rate_hz)
        self._detector = EchoDetector(sample_rate_hz=sample_rate_hz)
        self._past: deque[tuple[Pcm, Pcm]] = deque(maxlen=CAUGHT_UP_MS // WINDOW_MS)
        self._canceller: EchoCanceller | None = None
        self._fed = 0  # samples that the canceller has heard
        self._late = LATENCY_SAMPLES.get(sample_rate_hz, 0) + sample_rate_hz // FRAMES_A_SECOND
        self._reference_lock = threading.Lock()  # held for microseconds: the event loop waits
        self._lock = threading.Lock()

    @property
    def line(self) -> Line:
        """What is known of the line."""
        return self._detector.line

    def played(self, pcm: Pcm, *, at_sample: int) -> None:
        """The far end plays `pcm`, int16 mono, from `at_sample` of the caller's audio."""
        with self._reference_lock:
            self._reference.add(pcm, at_sample)

    def clear(self) -> None:
        """The far end dropped what it had not played."""
        with self._reference_lock:
            self._reference.clear(None)

    def listen(self, window: Pcm) -> HeardWindow:
        """The caller's next 32 ms, int16 mono. Runs in a thread.

        Raises:
            ValueError: it is no window.
        """
        if window.shape != (self._window,) or window.dtype != np.int16:
            raise ValueError(f"a window is int16 of shape ({self._window},)")
        with self._lock:
            with self._reference_lock:
                reference = self._reference.take(self._window)
            verdict = self._detector.window(reference, window)
            self._past.append((reference, window))
            if self._detector.line is not Line.ECHO:
                self._stop()
                return HeardWindow(window, window, verdict is not Verdict.CALLER)
            if self._canceller is None:
                cleaned = self._start()
            else:
                cleaned = self._clean(self._canceller, reference, window)
            if cleaned is None:
                return HeardWindow(window, window, verdict is not Verdict.CALLER)
            words = self._as_late() if verdict is Verdict.CALLER else cleaned
            return HeardWindow(words, cleaned, verdict is not Verdict.CALLER)

    def close(self) -> None:
        """Free the canceller's memory. Closing again does nothing."""
        with self._lock:
            self._stop()

    def _start(self) -> Pcm | None:
        """The present window without its echo; None: there is no canceller."""
        if self._new_canceller is None:
            return None
        try:
            self._canceller = self._new_canceller(sample_rate_hz=self._rate_hz)
        except (EngineUnavailable, ValueError) as error:
            logger.warning("the line has an echo, which can't be taken out: {}", error)
            self._new_canceller = None
            return None
        logger.info("the line sends the bot's voice back; it is taken out")
        self._fed = 0
        past = list(self._past)
        played = np.concatenate([reference for reference, _ in past])
        cleaned = self._clean(self._canceller, played, np.concatenate([heard for _, heard in past]))
        return None if cleaned is None else cleaned[-self._window :]

    def _clean(self, canceller: EchoCanceller, reference: Pcm, heard: Pcm) -> Pcm | None:
        # The canceller reads its reference late by the slack, which this one is already.
        canceller.played(reference, at_sample=self._fed - self._slack)
        self._fed += len(heard)
        try:
            return canceller.clean(heard)
        except EngineFailed as error:
            logger.warning("the line's echo is not taken out any more: {}", error)
            self._stop()
            self._new_canceller = None
            return None

    def _as_late(self) -> Pcm:
        """What was heard, as late as the canceller's output."""
        lately = np.concatenate([heard for _, heard in list(self._past)[-2:]])
        return lately[: -self._late][-self._window :]

    def _stop(self) -> None:
        if self._canceller is not None:
            self._canceller.close()
            self._canceller = None
