"""Whether to ask something that failed lately: a circuit breaker. Pure: it is told the time."""

LONGEST_WAIT_S = 480.0
"""A server that is down for hours is asked again within eight minutes of its return."""


class CircuitBreaker:
    """Counts one peer's failures in a row; after some it is left alone for a while, then tried by
    one request, and left alone twice as long if that fails too. Times are in s of one clock."""

    def __init__(self, *, failures: int = 2, retry_after_s: float = 15.0) -> None:
        """Set up, closed: the peer may be asked.

        Args:
            failures: in a row, after which it is left alone. One may be the request's own fault;
                with more, several callers in turn wait for a peer that is down.
            retry_after_s: how long it is left alone first. Shorter, and callers wait for it again
                and again; longer, and a server that was started anew stays unused.
        """
        if failures < 1:
            raise ValueError(f"failures must be at least 1, not {failures}")
        if retry_after_s <= 0:
            raise ValueError(f"retry_after_s must be more than 0, not {retry_after_s}")
        self._limit = failures
        self._first_wait_s = retry_after_s
        self._failures = 0
        self._wait_s = retry_after_s
        self._open_until_s: float | None = None
        self._trial_until_s: float | None = None  # until then one request finds out

    @property
    def is_open(self) -> bool:
        """Whether the peer is being left alone, or on trial."""
        return self._open_until_s is not None

    def may_try(self, now_s: float) -> bool:
        """Whether to ask the peer now. Who is told so says how it went.

        On trial only the first is told so; should it never say how it went, another is after as
        long again.
        """
        if self._open_until_s is None:
            return True
        if now_s < self._open_until_s:
            return False
        if self._trial_until_s is not None and now_s < self._trial_until_s:
            return False
        self._trial_until_s = now_s + self._wait_s
        return True

    def failed(
        self, now_s: float, *, is_certain: bool = False, retry_after_s: float | None = None
    ) -> None:
        """The peer failed. `is_certain`: it is down or slow, whatever was asked of it.

        `retry_after_s`: how long it said itself that it wants to be left alone.
        """
        was_on_trial = self._trial_until_s is not None
        self._trial_until_s = None
        self._failures += 1
        if not (was_on_trial or is_certain or retry_after_s or self._failures >= self._limit):
            return
        if was_on_trial:
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._open_until_s = now_s + min(retry_after_s or self._wait_s, LONGEST_WAIT_S)

    def let_go(self) -> None:
        """The request on trial ended before it found out: the next one does."""
        self._trial_until_s = None

    def succeeded(self) -> None:
        """The peer did what was asked of it."""
        self._failures = 0
        self._wait_s = self._first_wait_s
        self._open_until_s = self._trial_until_s = None
