"""How many calls a machine takes where nobody says."""

import pytest

from bot.capacity import CALLS_PER_CORE, default_max_calls, model_threads


@pytest.mark.parametrize(
    ("cores", "workers", "used_cores"),
    [(1, 1, 1), (2, 1, 2), (2, 2, 2), (16, 1, 2), (16, 4, 8), (16, 16, 16)],
)
def test_calls_are_for_the_cores_that_the_workers_can_use(
    cores: int, workers: int, used_cores: int
) -> None:
    assert default_max_calls(cores, workers) == used_cores * CALLS_PER_CORE


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(1, 1, 1), (8, 1, 8), (2, 2, 2), (16, 4, 4), (16, 16, 2)]
)
def test_workers_share_the_cores_out(cores: int, workers: int, threads: int) -> None:
    assert model_threads(cores, workers) == threads
