"""What is heard where packets were lost."""

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.concealment import LONGEST_MS, Concealer

RATE_HZ = 8000
PACKET = 160


def voice(first: int, samples: int) -> NDArray[np.float64]:
    """A buzz of 127 Hz with harmonics, which goes on from call to call."""
    time = np.arange(first, first + samples) / RATE_HZ
    return sum((np.sin(2 * np.pi * 127 * k * time) / k for k in range(1, 9)), np.zeros(samples))


def packet(first: int, samples: int = PACKET) -> bytes:
    return (4000 * voice(first, samples)).astype("<i2").tobytes()


def heard(lost: int) -> NDArray[np.float64]:
    """100 ms of the voice, then a gap of so many samples, then a packet."""
    concealer = Concealer(RATE_HZ)
    for first in range(0, 800, PACKET):
        assert concealer.next(packet(first), 0) == packet(first)
    return np.frombuffer(concealer.next(packet(800 + lost), lost), "<i2").astype(np.float64)


def test_a_lost_packet_of_a_voice_goes_on_as_the_voice_did() -> None:
    truth = np.frombuffer(packet(800, 2 * PACKET), "<i2").astype(np.float64)
    mine = heard(PACKET)
    assert len(mine) == 2 * PACKET
    error_db = 20 * np.log10(np.std(mine[:80] - truth[:80]) / np.std(truth[:80]))
    assert error_db < -20  # before it begins to fade
    assert np.corrcoef(mine, truth)[0, 1] > 0.95


def test_it_fades_and_after_60_ms_there_is_silence() -> None:
    mine = heard(5 * PACKET)
    levels = [np.abs(mine[at : at + 80]).max() for at in range(0, 5 * PACKET, 80)]
    assert levels == sorted(levels, reverse=True)
    silent = LONGEST_MS * RATE_HZ // 1000
    assert not mine[silent : 5 * PACKET].any()
    assert mine[:silent].any()
    assert (mine[5 * PACKET :] == np.frombuffer(packet(800 + 5 * PACKET), "<i2")).all()


@pytest.mark.parametrize("lost", [PACKET, 2 * PACKET])
def test_neither_end_of_a_short_gap_clicks(lost: int) -> None:
    steps = np.abs(np.diff(np.concatenate((np.frombuffer(packet(640), "<i2"), heard(lost)))))
    usual = np.abs(np.diff(np.frombuffer(packet(0, 800), "<i2").astype(np.float64))).max()
    assert steps.max() <= 1.2 * usual


def test_before_anything_was_heard_a_gap_is_silence() -> None:
    concealer = Concealer(RATE_HZ)
    mine = np.frombuffer(concealer.next(packet(0), PACKET), "<i2")
    assert not mine[:PACKET].any()


def test_a_packet_that_is_shorter_than_the_fade_is_taken_whole() -> None:
    concealer = Concealer(RATE_HZ)
    for first in range(0, 800, PACKET):
        concealer.next(packet(first), 0)
    assert len(concealer.next(packet(960, 8), PACKET)) == 2 * (PACKET + 8)
