"""The line's clock: every packet lands once, and gaps become silence."""

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.media_timeline import LONGEST_FILL_MS, MediaTimeline, Placement

RATE_HZ = 8000
PACKET = 160  # 20 ms


def placed(*packets: tuple[int | None, int | None], samples: int = PACKET) -> list[Placement]:
    """(chunk, timestamp_ms) of packets in the order of arrival -> where each was put."""
    timeline = MediaTimeline(RATE_HZ)
    return [timeline.place(chunk=c, timestamp_ms=t, samples=samples) for c, t in packets]


def steady(first: int, count: int) -> list[tuple[int | None, int | None]]:
    return [(n, 20 * n) for n in range(first, first + count)]


def test_packets_in_order_need_no_silence():
    assert placed(*steady(1, 50)) == [Placement("in_order", keep=True)] * 50


def test_a_lost_packet_becomes_its_length_of_silence():
    assert placed(*steady(1, 2), *steady(4, 2))[2] == Placement("gap", True, PACKET)


def test_a_lost_packet_is_known_from_the_chunk_numbers_alone():
    assert placed((1, None), (2, None), (5, None))[2] == Placement("gap", True, 2 * PACKET)


def test_a_lost_packet_is_known_from_the_timestamps_alone():
    assert placed((None, 20), (None, 40), (None, 100))[2] == Placement("gap", True, 2 * PACKET)


def test_a_pause_in_transmission_is_filled_though_no_chunk_is_missing():
    assert placed((1, 20), (2, 40), (3, 1060))[2] == Placement("gap", True, 1000 * 8)


def test_a_missing_chunk_that_took_no_time_is_not_filled():
    assert placed((1, 20), (2, 40), (4, 60))[2] == Placement("in_order", keep=True)


def test_a_duplicate_is_dropped():
    assert placed((1, 20), (2, 40), (2, 40))[2] == Placement("duplicate", keep=False)


def test_an_earlier_packet_sent_again_is_dropped():
    assert placed(*steady(1, 9), (4, 80))[-1] == Placement("duplicate", keep=False)


def test_a_packet_that_comes_after_its_silence_is_dropped_as_late():
    verdicts = placed((1, 20), (3, 60), (2, 40), (4, 80))
    assert verdicts == [
        Placement("in_order", True),
        Placement("gap", True, PACKET),
        Placement("late", False),
        Placement("in_order", True),
    ]


def test_a_long_gap_is_filled_with_two_seconds_at_most():
    assert placed((1, 20), (500, 10_000))[1].missing_samples == LONGEST_FILL_MS * RATE_HZ // 1000


def test_a_garbled_timestamp_costs_two_seconds_at_most_however_often_it_comes():
    timeline = MediaTimeline(RATE_HZ)
    filled = 0
    for n in range(1, 400):
        stamp = 20 * n + (30_000 if n % 10 == 0 else 0)
        filled += timeline.place(chunk=n, timestamp_ms=stamp, samples=PACKET).missing_samples
    assert filled <= LONGEST_FILL_MS * RATE_HZ // 1000


def test_a_garbled_chunk_number_does_not_silence_what_follows():
    for garbled in (10**9, 40, 0):
        results = placed(*steady(1, 5), (garbled, 120), *steady(7, 20))
        assert all(result.keep for result in results), garbled
        assert sum(result.missing_samples for result in results) == 0, garbled


def test_a_message_garbled_in_both_counters_costs_no_more_than_a_few_packets():
    results = placed(*steady(1, 5), (45, 900), *steady(7, 20))
    assert sum(not result.keep for result in results) <= 2


def test_a_stream_that_starts_counting_anew_is_followed():
    results = placed(*steady(500, 5), *steady(1, 20))
    assert [result.verdict for result in results[5:9]] == ["late", "late", "resync", "in_order"]
    assert all(result.keep for result in results[7:])


def test_a_chunk_number_that_never_moves_is_not_taken_for_duplicates():
    results = placed(*[(1, 20 * n) for n in range(20)])
    assert all(result.keep for result in results)


def test_timestamps_that_never_move_are_ignored():
    results = placed(*[(n, 0) for n in range(50)])
    assert all(result.keep and result.missing_samples == 0 for result in results)


def test_timestamps_in_another_unit_are_soon_ignored():
    results = placed(*[(n, 160 * n) for n in range(200)])
    assert all(result.keep for result in results)
    assert sum(result.missing_samples for result in results) <= 5 * 140 * 8
    assert all(result.missing_samples == 0 for result in results[10:])


def test_wobbling_timestamps_add_nothing():
    results = placed(*[(n, 20 * n + (n * 7) % 9) for n in range(500)])
    assert all(result.verdict == "in_order" for result in results)


def test_packets_without_any_counter_are_taken_as_they_come():
    assert all(result.verdict == "in_order" for result in placed(*[(None, None)] * 10))


def test_time_is_right_within_a_packet_after_random_loss():
    timeline = MediaTimeline(RATE_HZ)
    total = 0
    survivors = [n for n in range(3000) if (n * 2654435761) % 100 >= 7 or n in (0, 2999)]
    for n in survivors:
        placement = timeline.place(chunk=n, timestamp_ms=20 * n, samples=PACKET)
        total += placement.missing_samples + PACKET
    assert total == 3000 * PACKET


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 10**15),
            st.none() | st.integers(0, 10**15),
            st.integers(1, 50_000),
        ),
        max_size=40,
    )
)
def test_whatever_the_counters_say_a_fill_is_bounded_and_the_stream_recovers(
    wild: list[tuple[int | None, int | None, int]],
):
    timeline = MediaTimeline(RATE_HZ)
    for chunk, stamp, samples in wild:
        placement = timeline.place(chunk=chunk, timestamp_ms=stamp, samples=samples)
        assert 0 <= placement.missing_samples <= LONGEST_FILL_MS * RATE_HZ // 1000
    after = [timeline.place(chunk=c, timestamp_ms=t, samples=PACKET) for c, t in steady(7, 40)]
    assert all(result.keep for result in after[-30:])
