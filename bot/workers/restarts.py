"""When a worker that died is started again."""

HEALTHY_AFTER_S = 60.0
"""One that lived so long died of something rare: it is started at once. Shorter, and one that
breaks at its first call would be restarted for ever without a pause."""

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


class Restarts:
    """Of one worker: at once after a long life, after ever longer waits when lives are short."""

    def __init__(self) -> None:
        self._short_lives = 0

    def wait_s(self, lived_s: float) -> float:
        """How long to wait, after a life of `lived_s`, before the next."""
        if lived_s >= HEALTHY_AFTER_S:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        if self._short_lives == 1:
            return 0.0
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (self._short_lives - 2))
