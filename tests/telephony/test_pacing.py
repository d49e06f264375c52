"""When packets leave: told the time, never reading it."""

from itertools import pairwise

import pytest

from telephony.pacing import PlayoutSchedule


def departures(
    schedule: PlayoutSchedule, count: int, packet_s: float, late_s: dict[int, float] | None = None
) -> list[float]:
    """Times at which `count` packets leave, when packet n is held up by `late_s[n]` seconds."""
    now, left = 0.0, list[float]()
    for n in range(count):
        now += schedule.delay_s(now, packet_s) + (late_s or {}).get(n, 0.0)
        schedule.sent(now, packet_s)
        left.append(round(now, 6))
    return left


def test_the_lead_leaves_at_once_and_the_rest_in_real_time():
    left = departures(PlayoutSchedule(lead_s=0.08), 8, 0.02)
    assert left == [0, 0, 0, 0, 0.02, 0.04, 0.06, 0.08]


def test_ten_thousand_packets_do_not_drift():
    assert departures(PlayoutSchedule(lead_s=0.08), 10_000, 0.02)[-1] == pytest.approx(199.92)


def test_a_late_packet_is_caught_up_with_as_long_as_the_far_end_still_plays():
    left = departures(PlayoutSchedule(lead_s=0.08), 10, 0.02, {5: 0.05})
    assert left[5:] == [0.09, 0.09, 0.09, 0.1, 0.12]


def test_after_the_far_end_ran_dry_playout_starts_anew_with_the_next_packet():
    schedule = PlayoutSchedule(lead_s=0.08)
    departures(schedule, 4, 0.02)
    assert schedule.delay_s(10.0, 0.02) == 0
    schedule.sent(10.0, 0.02)
    assert schedule.unplayed_s(10.0) == pytest.approx(0.02)


def test_no_two_packets_come_closer_than_the_least_spacing():
    left = departures(PlayoutSchedule(lead_s=0.2, least_spacing=0.9), 40, 0.1)
    gaps = [b - a for a, b in pairwise(left)]
    assert min(gaps) == pytest.approx(0.09)
    assert left[-1] == pytest.approx(40 * 0.1 - 0.2)


def test_a_late_packet_is_not_made_good_by_a_burst_where_bursts_are_forbidden():
    left = departures(PlayoutSchedule(lead_s=0.2, least_spacing=0.9), 40, 0.1, {20: 0.08})
    assert min(b - a for a, b in pairwise(left)) == pytest.approx(0.09)
    assert left[-1] == pytest.approx(40 * 0.1 - 0.2)


def test_after_clear_the_next_packet_may_leave_at_once():
    schedule = PlayoutSchedule(lead_s=0.08)
    departures(schedule, 4, 0.02)
    assert schedule.delay_s(0.0, 0.02) > 0
    schedule.cleared(0.0)
    assert schedule.delay_s(0.0, 0.02) == 0
    assert schedule.unplayed_s(0.0) == 0


def test_a_packet_longer_than_the_lead_waits_for_the_one_before_it_only():
    assert departures(PlayoutSchedule(lead_s=0.08), 3, 0.2) == [0, 0.2, 0.4]


@pytest.mark.parametrize("wrong", [{"lead_s": 0}, {"lead_s": 1, "least_spacing": 2}])
def test_a_schedule_that_can_not_work_is_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=r"lead_s|least_spacing"):
        PlayoutSchedule(**wrong)
