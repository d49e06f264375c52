"""When the garbage of calls is collected."""

import gc

import pytest

from bot.garbage import CALLS_A_COLLECTION, CollectionRule, GarbagePauses


@pytest.mark.parametrize(
    ("live_after_each", "collections"),
    [
        ([0], 1),
        ([0, 0, 0], 3),
        ([5] * (CALLS_A_COLLECTION - 1), 0),
        ([5] * CALLS_A_COLLECTION, 1),
        ([5] * (3 * CALLS_A_COLLECTION), 3),
        ([5, 5, 0, *[5] * (CALLS_A_COLLECTION - 1)], 1),  # counted anew after each
    ],
)
def test_it_waits_for_silence_or_for_enough(live_after_each: list[int], collections: int) -> None:
    rule = CollectionRule()
    assert sum(rule.is_due(live) for live in live_after_each) == collections


def test_each_collection_is_counted_by_its_generation() -> None:
    pauses = GarbagePauses()
    pauses.watch()
    gc.collect(0)
    gc.collect()
    pauses.close()
    before = list(pauses.pauses)
    gc.collect()
    assert pauses.pauses == before
    assert before[0] >= 1
    assert before[2] >= 1
    assert 0.0 < pauses.longest_s <= sum(pauses.paused_s)
