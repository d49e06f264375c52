"""The scores of the table on turn taking, over recordings whose truth is known."""

import numpy as np
import pytest

from benchmarks.turn_scoring import (
    Overlap,
    Turn,
    Voice,
    alignment,
    first_sound_ms,
    overlap,
    percentile,
    sounds_on_after_ms,
    turn,
)
from telephony.simulator.measure import AudibleSpan
from telephony.simulator.phone_audio import Pcm, mulaw_to_pcm, pcm_to_mulaw

RATE_HZ = 8000
LENGTH_MS = 6000


def voice(seed: int = 1, lead_ms: int = 300) -> Pcm:
    """Six seconds like speech: noise in syllables, with a pause of 300 ms after each second."""
    random = np.random.default_rng(seed)
    noise = random.normal(0.0, 3000.0, RATE_HZ * LENGTH_MS // 1000)
    times_s = np.arange(noise.size) / RATE_HZ
    syllables = 0.3 + 0.7 * np.square(np.sin(2 * np.pi * 2.0 * times_s))
    noise *= np.where(times_s % 1.3 < 1.0, syllables, 0.0)
    return np.concatenate([np.zeros(RATE_HZ * lead_ms // 1000), noise]).astype(np.int16)


def with_gain(pcm: Pcm, from_ms: float, gain: float, to_ms: float = 1e9) -> Pcm:
    changed = pcm.copy()
    part = slice(int(from_ms * 8), int(min(to_ms * 8, pcm.size)))
    changed[part] = (pcm[part] * gain).astype(np.int16)
    return changed


def later(pcm: Pcm, by_ms: float) -> Pcm:
    return np.concatenate([np.zeros(round(by_ms * 8), np.int16), pcm])


def whole(pcm: Pcm) -> Voice:
    return Voice.of(pcm, np.ones(pcm.size, np.bool_), RATE_HZ)


def judged(played: Pcm, undisturbed: Pcm, onset_ms: float, until_ms: float) -> Overlap | None:
    return overlap(whole(played), whole(undisturbed), onset_ms, until_ms)


SAID = (AudibleSpan(1000, 1400), AudibleSpan(1900, 2300))  # a pause of 500 ms inside


@pytest.mark.parametrize(
    ("bot", "until_ms", "expected"),
    [
        ([(2600, 4000)], 9e9, Turn(300, None)),
        ([], 9e9, Turn(None, None)),
        ([(500, 1200), (2700, 4000)], 9e9, Turn(400, None)),  # the end of the old prompt
        ([(500, 1200)], 9e9, Turn(None, None)),
        ([(1600, 1800), (2500, 4000)], 9e9, Turn(200, 600)),  # answered in the pause
        ([(2100, 4000)], 9e9, Turn(None, 1100)),  # answered into the second half
        ([(5200, 6000)], 5000, Turn(None, None)),  # the reply to the next utterance
        ([(2300, 4000)], 9e9, Turn(0, None)),
    ],
)
def test_a_reply_is_counted_from_the_last_sound_and_one_before_it_is_a_cut(
    bot: list[tuple[float, float]], until_ms: float, expected: Turn
) -> None:
    assert turn(SAID, [AudibleSpan(*span) for span in bot], until_ms) == expected


def test_a_caller_who_was_not_audible_has_no_turn() -> None:
    with pytest.raises(ValueError, match="nothing audible"):
        turn((), [])


@pytest.mark.parametrize("shift_ms", [0, 12.5, 640])
@pytest.mark.parametrize(
    ("from_ms", "gain", "ducked_after_ms", "silent_after_ms"),
    [
        (2200.0, 0.3, 200.0, None),  # ducks
        (2200.0, 0.6, None, None),  # by 4.4 dB: not enough to be called ducked
        (2200.0, 0.0, None, 200.0),  # stops: that is no ducking
        (2080.0, 0.3, 80.0, None),
        (8000.0, 0.0, None, None),  # nothing happens
    ],
)
def test_a_fall_is_told_from_a_stop(
    shift_ms: float,
    from_ms: float,
    gain: float,
    ducked_after_ms: float | None,
    silent_after_ms: float | None,
) -> None:
    undisturbed = voice()
    played = later(with_gain(undisturbed, from_ms, gain), shift_ms)
    scored = judged(played, undisturbed, 2000 + shift_ms, 6000 + shift_ms)
    assert scored is not None
    assert scored.ducked_after_ms == (ducked_after_ms and pytest.approx(ducked_after_ms, abs=15))
    assert scored.silent_after_ms == (silent_after_ms and pytest.approx(silent_after_ms, abs=15))


def test_a_bot_that_ducks_and_then_stops_has_both_times() -> None:
    undisturbed = voice()
    played = with_gain(with_gain(undisturbed, 2150, 0.3), 2500, 0.0)
    scored = judged(played, undisturbed, 2000, 6000)
    assert scored is not None
    assert scored.ducked_after_ms == pytest.approx(150, abs=15)
    assert scored.silent_after_ms == pytest.approx(500, abs=15)


def test_a_pause_of_the_prompt_and_a_late_packet_are_no_reaction() -> None:
    undisturbed = voice()  # is silent from 2600 to 2900 ms
    played = with_gain(undisturbed, 3300, 0.0, to_ms=3320)
    scored = judged(played, undisturbed, 2500, 6000)
    assert scored is not None
    assert scored.ducked_after_ms is None
    assert not scored.is_stopped


def test_a_stop_in_a_pause_of_the_prompt_is_dated_where_the_voice_is_missed() -> None:
    undisturbed = voice()
    scored = judged(with_gain(undisturbed, 2700, 0.0), undisturbed, 2500, 6000)
    assert scored is not None
    assert scored.silent_after_ms == pytest.approx(400, abs=30)


def test_a_bot_that_stops_and_resumes_has_stopped() -> None:
    undisturbed = voice()
    played = with_gain(undisturbed, 3000, 0.0, to_ms=3400)
    scored = judged(played, undisturbed, 2500, 6000)
    assert scored is not None
    assert scored.is_stopped


def test_what_happens_after_the_window_is_not_counted() -> None:
    undisturbed = voice()
    scored = judged(with_gain(undisturbed, 4500, 0.0), undisturbed, 2000, 4400)
    assert scored is not None
    assert not scored.is_stopped


def test_another_prompt_is_not_compared() -> None:
    assert judged(voice(seed=2), voice(seed=1), 2000, 6000) is None


def test_alignment_is_exact_to_the_sample_through_the_lines_codec() -> None:
    undisturbed = voice()
    played = mulaw_to_pcm(pcm_to_mulaw(later(undisturbed, 123.0)))
    assert alignment(played, undisturbed, RATE_HZ, 2000) == 984


def test_a_silent_recording_has_no_first_sound_and_no_alignment() -> None:
    silence = np.zeros(16000, np.int16)
    assert first_sound_ms(silence, RATE_HZ) is None
    assert alignment(silence, voice(), RATE_HZ, 1000) is None
    assert first_sound_ms(voice(lead_ms=240), RATE_HZ) == pytest.approx(240, abs=10)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ((), 50, None),
        ((3.0,), 90, 3.0),
        ((1.0, 2.0, 9.0), 50, 2.0),
        (tuple(float(i) for i in range(1, 11)), 90, 9.0),
        ((1.0, float("inf")), 90, float("inf")),
    ],
)
def test_a_percentile_is_one_of_the_values(
    values: tuple[float, ...], percent: float, expected: float | None
) -> None:
    assert percentile(values, percent) == expected


def with_hole(pcm: Pcm, at_ms: int, hole_ms: int) -> Voice:
    """Nothing is sent for a while; then it goes on where it was."""
    at, hole = at_ms * 8, hole_ms * 8
    played = np.concatenate([pcm[:at], np.zeros(hole, np.int16), pcm[at:]])
    supplied = np.ones(played.size, np.bool_)
    supplied[at : at + hole] = False
    return Voice.of(played, supplied, RATE_HZ)


@pytest.mark.parametrize("at_ms", [1500, 1900, 3300])
@pytest.mark.parametrize("hole_ms", [20, 40, 120])
def test_late_packets_are_no_reaction(at_ms: int, hole_ms: int) -> None:
    scored = overlap(with_hole(voice(), at_ms, hole_ms), whole(voice()), 2200, 6000)
    assert scored == Overlap(None, None)


def test_a_longer_gap_is_a_stop_though_the_bot_goes_on_where_it_was() -> None:
    scored = overlap(with_hole(voice(), 3300, 300), whole(voice()), 3000, 6000)
    assert scored is not None
    assert scored.silent_after_ms == pytest.approx(300, abs=15)


def test_times_are_the_lines_own_behind_a_hole() -> None:
    held = with_hole(with_gain(voice(), 3300, 0.3), 3200, 100)
    scored = overlap(held, whole(voice()), 3100, 6000)
    assert scored is not None
    assert scored.ducked_after_ms == pytest.approx(300, abs=15)


def test_the_same_words_through_another_phase_of_a_resampler_are_aligned() -> None:
    undisturbed = voice()
    half_a_sample_on = ((undisturbed[:-1].astype(int) + undisturbed[1:]) // 2).astype(np.int16)
    shift = alignment(later(half_a_sample_on, 80), undisturbed, RATE_HZ, 2000)
    assert shift in {639, 640}


@pytest.mark.parametrize(
    ("after_ms", "for_ms", "expected_ms"),
    [
        (500, 200, 500),
        (900, 200, 1020),  # heard until 1000, silent for 300 ms, and a tick of the next second
        (900, 1500, 900),  # never so long without a pause
    ],
)
def test_what_sounds_over_the_bot_waits_for_a_voice_that_sounds_on(
    after_ms: int, for_ms: int, expected_ms: int
) -> None:
    assert sounds_on_after_ms(whole(voice()), after_ms, for_ms) == expected_ms
