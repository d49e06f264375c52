"""How soon a worker that died is started again."""

import pytest

from bot.workers.restarts import HEALTHY_AFTER_S, LONGEST_WAIT_S, Restarts


@pytest.mark.parametrize(
    ("lives_s", "waits_s"),
    [
        ([3600.0, 3600.0, 3600.0], [0, 0, 0]),
        ([5.0], [0]),
        ([5.0, 5.0, 5.0, 5.0, 5.0], [0, 1, 2, 4, 8]),
        ([5.0, 5.0, 5.0, HEALTHY_AFTER_S, 5.0, 5.0], [0, 1, 2, 0, 0, 1]),
        ([0.0] * 12, [0, 1, 2, 4, 8, 16, *[LONGEST_WAIT_S] * 6]),
    ],
)
def test_short_lives_make_it_wait_longer(lives_s: list[float], waits_s: list[float]) -> None:
    restarts = Restarts()
    assert [restarts.wait_s(lived_s) for lived_s in lives_s] == waits_s
