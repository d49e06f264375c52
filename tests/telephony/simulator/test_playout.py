import numpy as np
import pytest

from telephony.simulator.playout import Playout


def ramp(count, first=1):
    return np.arange(first, first + count, dtype=np.int16)


def test_audio_is_played_in_order_and_the_rest_is_silence():
    playout = Playout(1000)
    playout.push(ramp(3))
    playout.push(ramp(2, first=10))
    played = playout.advance(8)
    assert played.pcm.tolist() == [1, 2, 3, 10, 11, 0, 0, 0]
    assert played.supplied.tolist() == [True] * 5 + [False] * 3


def test_a_mark_echoes_when_the_playhead_gets_there_and_not_before():
    playout = Playout(1000)
    playout.push(ramp(5))
    assert not playout.mark("end")
    assert playout.advance(4).marks == ()
    assert playout.advance(4).marks == ("end",)


def test_a_mark_at_the_very_end_of_a_tick_belongs_to_that_tick():
    playout = Playout(1000)
    playout.push(ramp(4))
    playout.mark("end")
    assert playout.advance(4).marks == ("end",)


def test_a_mark_with_nothing_buffered_is_due_at_once():
    assert Playout(1000).mark("now")


def test_clear_drops_all_audio_and_frees_every_mark_in_order():
    playout = Playout(1000)
    playout.push(ramp(5))
    playout.mark("a")
    playout.push(ramp(5))
    playout.mark("b")
    playout.advance(2)
    assert playout.clear() == ("a", "b")
    assert playout.buffered_samples == 0
    assert not playout.advance(4).supplied.any()


def test_the_sparing_clear_finishes_the_chunk_that_has_begun():
    playout = Playout(1000)
    playout.push(ramp(5))
    playout.push(ramp(5, first=50))
    playout.advance(2)
    playout.clear_not_started()
    assert playout.advance(6).pcm.tolist() == [3, 4, 5, 0, 0, 0]


def test_the_sparing_clear_drops_a_chunk_that_has_not_begun():
    playout = Playout(1000)
    playout.push(ramp(5))
    playout.clear_not_started()
    assert not playout.advance(5).supplied.any()


def test_audio_beyond_the_capacity_is_discarded():
    playout = Playout(8)
    assert playout.push(ramp(8))
    assert not playout.push(ramp(1))
    assert playout.buffered_samples == 8


@pytest.mark.parametrize(
    ("pushed", "silent_ticks"),
    [(2, 3), (30, 0)],  # too little: it waits as long as the buffer is deep; enough: at once
)
def test_the_jitter_buffer_waits_for_its_depth_or_its_time(pushed, silent_ticks):
    playout = Playout(1000, jitter_samples=30)
    playout.push(ramp(pushed))
    ticks = 0
    while not playout.advance(10).supplied.any():
        ticks += 1
    assert ticks == silent_ticks
