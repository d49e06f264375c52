"""How many streams a device takes: measured, by speaking that many at once. Pure."""

from collections.abc import Callable

FASTEST_PLAY = 0.8
"""The real-time factor (seconds of work for a second of speech) that each of the streams must keep.
At 1 a listener hears gaps whenever the device is held up; a fifth to spare is an estimate."""

MOST = 32
"""No more are tried: each one is a thread, and threads of one process take turns in Python."""


def streams_in_time(real_time_factor: Callable[[int], float], *, most: int = MOST) -> int:
    """The most streams at once that all keep `FASTEST_PLAY`, at least 1.

    `real_time_factor(n)` speaks n streams at once and gives the slowest one's. It is asked for 1,
    2, 4, ... and, past the first that is too slow, for what lies halfway below it.
    """
    good, tried = 1, 1
    while tried <= most and real_time_factor(tried) <= FASTEST_PLAY:
        good, tried = tried, tried * 2
    between = (good + min(tried, most + 1)) // 2
    if good > 1 and between > good and real_time_factor(between) <= FASTEST_PLAY:
        return between
    return good
