"""How late the event loop is: every call's audio waits as long as the loop does.

The policies are told times and lags; `LoopLag` is the clock around them.
"""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TICK_S = 0.05
"""Between two measurements: each is one wake-up, and twenty a second see what a call's packets,
fifty a second, would."""

BUCKETS_MS = (1, 2, 5, 10, 20, 40, 60, 100, 200, 500, 1000)
"""Bounds of the histogram. 60 ms is what a telephone's jitter buffer hides."""

LATE_MS = 60.0
"""The usual limit. A second is a late one when a tenth of its wake-ups come later than this: the
far end's jitter buffer (60 ms) runs dry, so the bot's voice has holes in every call. Judged by the
worst wake-up alone, a machine that did other work beside eight good calls was taken for
overloaded."""

CALM_SHARE = 0.5
"""A second is calm again below this share of the limit; between the two nothing changes, or the
gate would flap."""

SUSTAINED_S = 5
"""So many late seconds in a row close the gate, so many calm ones open it: one collection of
garbage or one slow disk is not overload."""


@dataclass(frozen=True, slots=True)
class LagSummary:
    """The lag of the last seconds, in milliseconds."""

    max_10s_ms: float = 0.0
    p99_10s_ms: float = 0.0
    max_60s_ms: float = 0.0
    p99_60s_ms: float = 0.0


class LagWindow:
    """The measurements of the last minute."""

    def __init__(self) -> None:
        self._measured: deque[tuple[float, float]] = deque()  # (at, lag), the oldest first

    def add(self, at_s: float, lag_ms: float) -> None:
        """Take a measurement, later than those before."""
        self._measured.append((at_s, lag_ms))
        while self._measured[0][0] <= at_s - 60.0:
            self._measured.popleft()

    def summary(self) -> LagSummary:
        """Worst and P99, counted back from the last measurement."""
        if not self._measured:
            return LagSummary()
        newest_s = self._measured[-1][0]
        minute = sorted(lag for _, lag in self._measured)
        last = sorted(lag for at_s, lag in self._measured if at_s > newest_s - 10.0)
        return LagSummary(last[-1], _p99(last), minute[-1], _p99(minute))


def _p99(ordered: list[float]) -> float:
    return ordered[int(0.99 * (len(ordered) - 1) + 0.5)]


class LagCounts:
    """A histogram over the life of the process."""

    def __init__(self) -> None:
        self.sum_ms = 0.0
        self._counts = [0] * (len(BUCKETS_MS) + 1)

    def add(self, lag_ms: float) -> None:
        """Count a measurement."""
        self._counts[bisect_left(BUCKETS_MS, lag_ms)] += 1
        self.sum_ms += lag_ms

    @property
    def counts(self) -> tuple[int, ...]:
        """How many fell into each bucket; the last is for those above the highest bound."""
        return tuple(self._counts)


class LateGate:
    """Whether new calls should stay away: the loop has been late for seconds on end."""

    def __init__(self, limit_ms: float = LATE_MS) -> None:
        """`limit_ms`: what a late second's lag is above; 0: no second is late."""
        self.is_late = False
        self._limit_ms = limit_ms
        self._in_a_row = 0

    def second(self, lags_ms: Sequence[float]) -> bool:
        """Take the lags of one more second; returns whether that changed `is_late`."""
        p90_ms = sorted(lags_ms)[int(0.9 * (len(lags_ms) - 1) + 0.5)]
        if self.is_late:
            is_for_a_change = p90_ms < CALM_SHARE * self._limit_ms
        else:
            is_for_a_change = p90_ms > self._limit_ms > 0.0
        self._in_a_row = self._in_a_row + 1 if is_for_a_change else 0
        if self._in_a_row < SUSTAINED_S:
            return False
        self.is_late = not self.is_late
        self._in_a_row = 0
        return True


class LoopLag:
    """Measures the loop that runs it; `run` is owned by the server."""

    def __init__(
        self, gate: LateGate, on_second: Callable[[], None], on_late: Callable[[bool], None]
    ) -> None:
        """`on_second` is called about once a second; `on_late` when the gate closes or opens."""
        self.window = LagWindow()
        self.counts = LagCounts()
        self.gate = gate
        self._on_second = on_second
        self._on_late = on_late

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        second, second_ends_s = list[float](), loop.time() + 1.0
        while True:
            due_s = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            now_s = loop.time()
            lag_ms = max(0.0, now_s - due_s) * 1000
            self.window.add(now_s, lag_ms)
            self.counts.add(lag_ms)
            second.append(lag_ms)
            if now_s >= second_ends_s:
                if self.gate.second(second):
                    self._on_late(self.gate.is_late)
                self._on_second()
                second, second_ends_s = [], now_s + 1.0
