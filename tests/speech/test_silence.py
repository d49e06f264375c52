"""Finding the speech in audio, cutting it, and giving synthesised speech its end."""

import numpy as np
import pytest

from speech.silence import OnsetTrimmer, TailTrimmer, speech_span, split_at_pauses

RATE = 16_000


def tone(seconds: float, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(np.arange(int(seconds * RATE)) * 0.3)).astype(np.float32)


def quiet(seconds: float, level: float = 0.0) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 1, int(seconds * RATE))
    return (level * noise).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 1e-4, 5e-4])
@pytest.mark.parametrize("level", [0.9, 0.1, 0.06])
def test_the_span_is_the_sound_with_its_margin(noise: float, level: float) -> None:
    clip = np.concatenate([quiet(1, noise), tone(0.5, level), quiet(2, noise)])
    start, end = speech_span(clip, RATE, margin_ms=50)
    assert start == pytest.approx(0.95 * RATE, abs=0.011 * RATE)
    assert end == pytest.approx(1.55 * RATE, abs=0.011 * RATE)


@pytest.mark.parametrize(
    "clip", [quiet(0), quiet(0.005), quiet(3), quiet(3, 5e-4), np.zeros(159, np.float32)]
)
def test_silence_and_line_noise_have_no_span(clip: np.ndarray) -> None:
    assert speech_span(clip, RATE) == (0, 0)


def test_a_short_word_in_a_long_silence_is_found() -> None:
    clip = np.concatenate([quiet(20, 3e-4), tone(0.2), quiet(20, 3e-4)])
    start, end = speech_span(clip, RATE)
    assert 19.9 * RATE <= start < end <= 20.3 * RATE


def test_a_click_does_not_hide_the_word_after_it() -> None:
    clip = np.concatenate([tone(0.005, 1.0), quiet(0.5), tone(0.4, 0.02), quiet(0.5)])
    start, end = speech_span(clip, RATE)
    assert start <= 0.5 * RATE
    assert end >= 0.9 * RATE


def test_parts_are_cut_in_the_pause_and_nothing_is_lost() -> None:
    clip = np.concatenate([tone(7), quiet(0.4), tone(9), quiet(0.4), tone(7)])
    parts = split_at_pauses(clip, RATE, longest_s=10, shortest_s=5)
    assert np.array_equal(np.concatenate(parts), clip)
    ends = np.cumsum([len(part) for part in parts])[:-1] / RATE
    assert 7.0 <= ends[0] <= 7.4
    assert 16.4 <= ends[1] <= 16.8


def test_speech_without_any_pause_is_still_cut_within_the_limit() -> None:
    parts = split_at_pauses(tone(61), RATE, longest_s=10, shortest_s=5)
    assert sum(map(len, parts)) == 61 * RATE
    assert max(map(len, parts)) <= 10 * RATE


def test_a_short_clip_is_one_part() -> None:
    assert len(split_at_pauses(tone(3), RATE, longest_s=10, shortest_s=5)) == 1
    assert len(split_at_pauses(quiet(0), RATE, longest_s=10, shortest_s=5)) == 1


def spoken(chunks: list[np.ndarray]) -> np.ndarray:
    trimmer = TailTrimmer(sample_rate_hz=8_000, lead_ms=20, tail_ms=60)
    return np.concatenate([*(trimmer.push(chunk) for chunk in chunks), trimmer.finish()])


@pytest.mark.parametrize("size", [1, 7, 160, 100_000])
def test_lead_and_tail_are_the_same_however_the_audio_is_cut(size: int) -> None:
    word, gap = np.full(800, 5000, np.int16), np.zeros(400, np.int16)
    audio = np.concatenate([np.zeros(4000, np.int16), word, gap, word, np.zeros(8000, np.int16)])
    chunks = [audio[at : at + size] for at in range(0, len(audio), size)]
    zeros = np.zeros(160, np.int16), np.zeros(480, np.int16)
    assert np.array_equal(spoken(chunks), np.concatenate([zeros[0], word, gap, word, zeros[1]]))


def test_a_tail_that_is_too_short_is_filled_up() -> None:
    word = np.full(800, -5000, np.int16)
    assert np.array_equal(spoken([word]), np.concatenate([word, np.zeros(480, np.int16)]))


def test_the_loudest_negative_sample_is_not_silence() -> None:
    assert len(spoken([np.full(10, -32768, np.int16)])) == 490


def test_nothing_but_silence_becomes_nothing() -> None:
    assert len(spoken([np.zeros(9000, np.int16)])) == 0
    assert len(spoken([])) == 0


def loud(*parts: tuple[float, float]) -> np.ndarray:
    """int16 noise: (seconds, level in dB below full scale) one after the other, at 8 kHz."""
    noise = np.random.default_rng(1)
    pieces = [noise.normal(0, 32768 * 10 ** (db / 20), int(s * 8000)) for s, db in parts]
    return np.clip(np.concatenate(pieces), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("cut", [80, 333, 5000])
def test_a_prompt_begins_with_its_first_audible_sound(cut: int) -> None:
    sound = loud((0.08, -55), (0.5, -20))
    trimmer = OnsetTrimmer(sample_rate_hz=8000)
    pushed = [trimmer.push(sound[at : at + cut]) for at in range(0, len(sound), cut)]
    heard = np.concatenate([*pushed, trimmer.finish()])
    assert np.array_equal(heard, sound[560:]), "10 ms stay before it"


def test_what_is_audible_at_once_loses_nothing() -> None:
    sound = loud((0.3, -20))
    assert np.array_equal(OnsetTrimmer(sample_rate_hz=8000).push(sound), sound)


def test_a_long_soft_start_is_trimmed_so_far_and_no_further() -> None:
    sound = loud((1.0, -55))
    heard = OnsetTrimmer(sample_rate_hz=8000, longest_ms=200).push(sound)
    assert len(heard) == len(sound) - 1600 + 80


def test_a_short_soft_sound_is_kept_whole() -> None:
    sound = loud((0.1, -55))
    trimmer = OnsetTrimmer(sample_rate_hz=8000)
    assert not len(trimmer.push(sound))
    assert np.array_equal(trimmer.finish(), sound)
    assert not len(trimmer.finish())
