"""The caller's clock, also between his packets: pure, told of arrivals, reads no clock itself.

Times `at_s` are of one monotonic clock, in seconds; positions are samples of the caller's audio.
"""

from collections import deque

WINDOW_S = 4
"""A moment is judged by the least delayed packet of so many seconds before it. Longer: a clock that
drifts is followed late (50 ppm in 4 s: 0.2 ms). Shorter: a stall of the network looks like time."""

LATER_S = 4
"""So many seconds of packets after a moment may still correct it, where it is asked for later: when
a call begins on a busy machine, its first packets are all late."""


class LineClock:
    """How much of the caller's audio the carrier had at any moment of the last seconds."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._first_seen_s: float | None = None
        self._lead_s: deque[tuple[int, float]] = deque()  # (second, clock minus arrival, at most)
        self.samples = 0

    def receive(self, samples: int, at_s: float) -> None:
        """So many samples of the caller's audio arrived."""
        self.samples += samples
        second, lead_s = int(at_s), self.samples / self._rate_hz - at_s
        if self._lead_s and self._lead_s[-1][0] >= second:
            second, best_s = self._lead_s.pop()
            lead_s = max(lead_s, best_s)
        self._lead_s.append((second, lead_s))
        while self._lead_s[0][0] <= second - WINDOW_S - LATER_S:
            self._lead_s.popleft()

    def now(self, at_s: float) -> int:
        """The present, in samples; never before what was received."""
        if self._first_seen_s is None:
            self._first_seen_s = at_s
        return max(self.samples, self.position(at_s))

    def position(self, at_s: float) -> int:
        """The same for a moment of the last `LATER_S`, by all that has arrived since."""
        since = int(at_s) - WINDOW_S
        known = [lead for second, lead in self._lead_s if second > since]
        if not known and self._lead_s:
            known = [self._lead_s[-1][1]]  # the line has been silent for longer
        best_s = max(known, default=-(self._first_seen_s or 0.0))
        return round((at_s + best_s) * self._rate_hz)
