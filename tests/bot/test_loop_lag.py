"""When a loop counts as late, and what is told of its lag."""

import pytest

from bot.loop_lag import BUCKETS_MS, LagCounts, LagSummary, LagWindow, LateGate

CALM, BETWEEN, LATE = [5.0] * 20, [45.0] * 20, [90.0] * 20
ONE_HICCUP = [*[5.0] * 19, 900.0]
TENTH_LATE = [*[5.0] * 17, *[90.0] * 3]


@pytest.mark.parametrize(
    ("seconds", "is_late"),
    [
        ([LATE] * 4, False),
        ([LATE] * 5, True),
        ([TENTH_LATE] * 5, True),
        ([ONE_HICCUP] * 60, False),
        ([LATE, LATE, LATE, LATE, CALM, LATE, LATE, LATE, LATE], False),
        ([BETWEEN] * 60, False),
        ([LATE] * 5 + [CALM] * 4, True),
        ([LATE] * 5 + [BETWEEN] * 60, True),  # open at 60 ms, shut at 60 ms: it would flap
        ([LATE] * 5 + [CALM] * 5, False),
        ([LATE] * 5 + [CALM] * 5 + [LATE] * 5, True),
        ([[900.0]] * 5, True),  # stalls leave few wake-ups in a second
    ],
)
def test_only_lasting_lag_shuts_the_gate_and_only_lasting_calm_opens_it(
    seconds: list[list[float]], is_late: bool
) -> None:
    gate = LateGate()
    told = [gate.is_late for second in seconds if gate.second(second)]
    assert gate.is_late is is_late
    assert told == [True, False, True][: len(told)]


def test_without_a_limit_nothing_is_late() -> None:
    gate = LateGate(0.0)
    assert not any(gate.second([900.0]) for _ in range(60))
    assert not gate.is_late


def test_the_summary_forgets_what_is_old() -> None:
    window = LagWindow()
    assert window.summary() == LagSummary()
    window.add(0.0, 500.0)
    for tick in range(1, 201):
        window.add(tick * 0.05, 2.0)
    assert window.summary() == LagSummary(2.0, 2.0, 500.0, 2.0)
    window.add(61.0, 1.0)
    assert window.summary() == LagSummary(1.0, 1.0, 2.0, 2.0)


def test_the_histogram_counts_a_bound_into_its_own_bucket() -> None:
    counts = LagCounts()
    for lag_ms in (0.0, 1.0, 1.5, 60.0, 5_000.0):
        counts.add(lag_ms)
    by_bound = dict(zip((*BUCKETS_MS, "above"), counts.counts, strict=True))
    assert {bound: n for bound, n in by_bound.items() if n} == {1: 2, 2: 1, 60: 1, "above": 1}
    assert counts.sum_ms == 5_062.5
