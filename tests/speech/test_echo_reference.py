"""Where the bot's audio lies on the call's clock, and what is taken for its echo."""

import numpy as np

from speech.echo_reference import LEARNING_MS, RELEARNING_MS, SLACK_MS, EchoGuard, Reference
from speech.stt import Pcm

RATE_HZ = 8_000
SLACK = SLACK_MS * RATE_HZ // 1000


def level(value: int, samples: int = 80) -> Pcm:
    return np.full(samples, value, np.int16)


def read(reference: Reference, samples: int) -> Pcm:
    return np.concatenate([reference.take(80) for _ in range(samples // 80)])


def test_audio_lies_where_it_was_played_and_silence_around_it() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5), 800)
    heard = read(reference, 1_600)
    assert np.flatnonzero(heard).tolist() == list(range(800 + SLACK, 880 + SLACK))


def test_audio_without_a_place_follows_what_was_played_before() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5), None)
    reference.add(level(6), None)
    heard = read(reference, 800)
    assert heard[SLACK : SLACK + 160].tolist() == [5] * 80 + [6] * 80


def test_a_packet_up_to_20_ms_late_tears_no_hole() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5), None)
    read(reference, 160)
    reference.add(level(6), None)  # 10 ms late
    assert read(reference, 160).tolist() == [5] * 80 + [6] * 80


def test_after_a_pause_audio_without_a_place_begins_at_the_present() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5), None)
    read(reference, 1_600)
    reference.add(level(6), None)
    assert np.flatnonzero(read(reference, 800)).tolist() == list(range(SLACK, SLACK + 80))


def test_what_comes_far_too_late_is_left_out_and_moves_nothing() -> None:
    reference = Reference(RATE_HZ)
    read(reference, 1_600)
    reference.add(level(5, 800), 800 - SLACK)
    reference.add(level(6), 1_600)
    assert np.flatnonzero(read(reference, 800)).tolist() == list(range(SLACK, SLACK + 80))


def test_overlapping_audio_is_played_once() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5, 160), 0)
    reference.add(level(6, 160), 80)
    assert read(reference, 480)[SLACK : SLACK + 240].tolist() == [5] * 160 + [6] * 80


def test_clear_takes_back_what_was_not_played() -> None:
    reference = Reference(RATE_HZ)
    reference.add(level(5, 800), 0)
    reference.add(level(6, 800), 800)
    reference.clear(400)
    reference.add(level(7), 480)
    heard = read(reference, 2_000)
    assert heard[SLACK : SLACK + 560].tolist() == [5] * 400 + [0] * 80 + [7] * 80
    assert not heard[SLACK + 560 :].any()


def test_while_the_line_is_unknown_a_soft_sound_is_taken_for_echo_and_a_loud_one_is_not() -> None:
    guard = EchoGuard()
    assert guard.hears(level(4_000))
    assert guard.gain(level(900), level(900)) == 0  # -13 dB
    assert guard.gain(level(2_000), level(2_000)) == 1  # -6 dB
    assert guard.gain(level(100), level(100)) == 1  # the soft part of a word
    for _ in range(20):
        guard.gain(level(100), level(100))
    assert guard.gain(level(100), level(100)) == 0


def test_once_the_echo_is_known_to_be_faint_a_softer_caller_is_heard() -> None:
    guard = EchoGuard()
    guard.hears(level(4_000))
    assert guard.gain(level(900), level(900)) == 0
    guard.gain(level(200), level(5))  # -26 dB was taken out
    assert guard.gain(level(900), level(900)) == 1


def test_an_echo_that_was_taken_out_once_stays_out_when_the_library_fails() -> None:
    guard = EchoGuard()
    guard.hears(level(4_000))
    guard.gain(level(400), level(5))
    assert guard.gain(level(500), level(500)) == 0


def test_without_the_bots_voice_the_guard_hides_nobody() -> None:
    guard = EchoGuard()
    assert not guard.hears(level(0))
    assert guard.gain(level(20), level(20)) == 1


def test_a_bot_that_has_spoken_long_enough_needs_no_guard() -> None:
    guard = EchoGuard()
    for _ in range(LEARNING_MS // 10):
        guard.hears(level(4_000))
    assert guard.gain(level(100), level(100)) == 1


def test_on_a_line_with_an_echo_the_guard_returns_with_each_utterance() -> None:
    for level_of_echo, hides in ((400, True), (None, False)):
        guard = EchoGuard()
        for _ in range(LEARNING_MS // 10):
            guard.hears(level(4_000))
            if level_of_echo:
                guard.gain(level(level_of_echo), level(5))
        guard.begin_anew()
        guard.hears(level(4_000))
        assert (guard.gain(level(300), level(300)) == 0) is hides
        for _ in range(RELEARNING_MS // 10):
            guard.hears(level(4_000))
        assert guard.gain(level(300), level(300)) == 1
