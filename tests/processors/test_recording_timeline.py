"""Where samples land in a recording: tables, and ten simulated minutes of a real line's faults."""

import random
from collections.abc import Iterator

import numpy as np
import pytest

from processors.line_clock import LineClock
from processors.recording_timeline import LONGEST_AHEAD_S, RecordingTimeline, Stereo
from speech.stt import Pcm

RATE_HZ = 8000
PACKET = 160  # 20 ms


def pcm(samples: int, value: int = 1) -> Pcm:
    return np.full(samples, value, dtype=np.int16)


def finish(timeline: RecordingTimeline, at_s: float = 0.0) -> Stereo:
    parts = [np.zeros((0, 2), np.int16), *timeline.blocks(), *timeline.finish(at_s)]
    return np.concatenate(parts)


def caller_for(timeline: RecordingTimeline, packets: int, from_s: float = 0.0) -> float:
    """The caller's packets, each on time; returns the time of the last."""
    at_s = from_s
    for _ in range(packets):
        at_s += 0.02
        timeline.caller(pcm(PACKET), at_s)
    return at_s


def spans(channel: Pcm) -> list[tuple[int, int]]:
    """Where a channel isn't silent: (first, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (channel != 0).astype(int), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def test_bot_audio_starts_at_the_present_and_follows_itself() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    for _ in range(3):  # sent at once: the far end plays them one after the other
        timeline.bot(pcm(320, 2), now_s)
    end_s = caller_for(timeline, 50, now_s)
    assert spans(finish(timeline, end_s)[:, 1]) == [(8000, 8960)]


def test_between_two_packets_of_the_caller_the_present_goes_on() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    for n in range(1, 11):
        timeline.caller(pcm(800), n * 0.1)  # a carrier that sends 100 ms at once
    timeline.bot(pcm(320, 2), 1.07)
    timeline.caller(pcm(8000), 2.0)
    assert spans(finish(timeline, 2.0)[:, 1]) == [(8560, 8880)]


def test_the_delay_of_our_own_side_is_added() -> None:
    timeline = RecordingTimeline(RATE_HZ, bot_delay_ms=60)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(320, 2), now_s)
    assert spans(finish(timeline, caller_for(timeline, 50, now_s))[:, 1]) == [(8480, 8800)]


@pytest.mark.parametrize(
    ("late_ms", "expected"),
    [
        (0, [(8000, 8640)]),
        (15, [(8000, 8640)]),  # jitter: bridged, as a jitter buffer does
        (20, [(8000, 8640)]),
        (21, [(8000, 8320), (8488, 8808)]),  # a pause
        (500, [(8000, 8320), (12320, 12640)]),
    ],
)
def test_a_late_packet_of_the_bot_is_bridged_up_to_20_ms(
    late_ms: int, expected: list[tuple[int, int]]
) -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(320, 2), now_s)
    timeline.bot(pcm(320, 2), now_s + 0.04 + late_ms / 1000)
    assert spans(finish(timeline, caller_for(timeline, 100, now_s))[:, 1]) == expected


def test_a_late_packet_of_the_caller_does_not_shift_the_bot() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(320, 2), now_s + 0.3)  # nothing came for 300 ms
    for _ in range(50):  # and then all at once
        timeline.caller(pcm(PACKET), now_s + 0.31)
    assert spans(finish(timeline, now_s + 1)[:, 1]) == [(10400, 10720)]


def test_clear_drops_what_the_far_end_had_not_played() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(16000, 2), now_s)
    now_s = caller_for(timeline, 25, now_s)
    timeline.clear(now_s)
    timeline.bot(pcm(320, 3), now_s + 0.1)
    channel = finish(timeline, caller_for(timeline, 50, now_s))[:, 1]
    assert spans(channel) == [(8000, 12000), (12800, 13120)]
    assert set(channel[12800:13120].tolist()) == {3}


def test_clear_with_nothing_to_drop_changes_nothing() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    timeline.clear(0.0)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(320, 2), now_s)
    now_s = caller_for(timeline, 50, now_s)
    timeline.clear(now_s)
    timeline.clear(now_s)
    assert spans(finish(timeline, now_s)[:, 1]) == [(8000, 8320)]


def test_what_the_bot_had_not_played_when_the_call_ended_is_not_in_the_recording() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(80000, 2), now_s)
    assert finish(timeline, caller_for(timeline, 10, now_s)).shape == (60 * PACKET, 2)


def test_when_the_caller_falls_silent_the_owner_moves_the_clock() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    now_s = caller_for(timeline, 50)
    timeline.bot(pcm(8000, 2), now_s)
    timeline.advance_to(16000, now_s + 1)
    timeline.advance_to(9000, now_s + 1)  # never back
    assert timeline.clock_samples == 16000
    stereo = finish(timeline, now_s + 1)
    assert spans(stereo[:, 0]) == [(0, 8000)]
    assert spans(stereo[:, 1]) == [(8000, 16000)]


def test_without_any_audio_of_the_caller_the_bot_is_recorded_as_far_as_it_played() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    timeline.bot(pcm(16000, 2), 5.0)
    assert finish(timeline, 6.0).shape == (8000, 2)
    assert finish(RecordingTimeline(RATE_HZ)).shape == (0, 2)


def test_bot_audio_that_runs_ten_minutes_ahead_is_dropped() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    second = pcm(RATE_HZ, 2)
    for _ in range(LONGEST_AHEAD_S + 100):
        timeline.bot(second, 0.0)
    timeline.advance_to((LONGEST_AHEAD_S + 100) * RATE_HZ, 0.0)
    (whole,) = spans(finish(timeline)[:, 1])
    assert whole[1] <= (LONGEST_AHEAD_S + 1) * RATE_HZ


def test_blocks_come_in_order_and_lose_no_sample() -> None:
    timeline = RecordingTimeline(RATE_HZ)
    rng = random.Random(3)
    sent: list[Pcm] = []
    parts: list[Stereo] = []
    at_s = 0.0
    for n in range(300):
        packet = pcm(rng.choice([0, 1, 159, 160, 800, 9000]), n + 1)
        at_s += len(packet) / RATE_HZ
        sent.append(packet)
        timeline.caller(packet, at_s)
        parts.extend(timeline.blocks())
    parts.extend(timeline.finish(at_s))
    assert np.array_equal(np.concatenate(parts)[:, 0], np.concatenate(sent))


def test_the_clock_is_never_behind_what_was_received() -> None:
    clock = LineClock(RATE_HZ)
    rng = random.Random(4)
    at_s = 0.0
    for _ in range(2000):
        at_s += rng.choice([0.0, 0.001, 0.02, 0.3])
        clock.receive(PACKET, at_s)
        assert clock.now(at_s) >= clock.samples


def line_events(skew: float, rng: random.Random) -> Iterator[tuple[float, str, bool]]:
    """Ten minutes: (arrival in s, who, whether its first sample clicks), in order of arrival.

    The carrier's clock is off by `skew`; the bot speaks 2 to 12 s, in packets of 40 ms paced by
    our clock with a few ms of jitter, and pauses; the caller's packets arrive 30 to 48 ms late,
    and every ten seconds a stall of the network holds some of them back.
    """
    events: list[tuple[float, str, bool]] = []
    last_s = 0.0
    for n in range(30_000):
        stall_s = 0.2 if n % 500 > 490 else 0.0
        due_s = (n + 1) * 0.02 / (1 + skew)
        last_s = max(last_s, due_s + 0.030 + rng.random() * 0.018 + stall_s)
        events.append((last_s, "caller", n % 50 == 0))
    at_s = 1.0
    while at_s < 590:
        events.extend(
            (at_s + n * 0.04 + rng.random() * 0.008, "bot", n % 20 == 0)
            for n in range(rng.randint(50, 300))
        )
        at_s = events[-1][0] + rng.uniform(0.4, 3.0)
    return iter(sorted(events))


@pytest.mark.parametrize("skew", [50e-6, -50e-6])
def test_after_ten_minutes_of_skew_and_jitter_both_sides_lie_within_20_ms(skew: float) -> None:
    timeline = RecordingTimeline(RATE_HZ)
    silence, plain = pcm(PACKET, 0), pcm(320, 1)
    click, bot_click = silence.copy(), plain.copy()
    click[0] = bot_click[0] = 30000
    parts: list[Stereo] = []
    bot_due: list[float] = []
    received = 0
    caller_due: list[int] = []
    for at_s, who, clicks in line_events(skew, random.Random(7)):
        if who == "caller":
            if clicks:
                caller_due.append(received)
            received += PACKET
            timeline.caller(click if clicks else silence, at_s)
            parts.extend(timeline.blocks())
        else:
            if clicks:  # the carrier's clock then, as seen from here 30 ms later
                bot_due.append((at_s - 0.030) * (1 + skew) * RATE_HZ)
            timeline.bot(bot_click if clicks else plain, at_s)
    parts.extend(timeline.finish(600.0))
    stereo = np.concatenate(parts)
    assert np.flatnonzero(stereo[:, 0] == 30000).tolist() == caller_due
    heard = np.flatnonzero(stereo[:, 1] == 30000)
    due = np.array(bot_due[: len(heard)])
    assert len(heard) >= len(bot_due) - 5  # what came after the caller's last packet isn't heard
    assert np.abs(heard - due).max() <= 0.020 * RATE_HZ
