"""The bot's gain while the caller speaks over it, sample by sample."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.ducking import DUCKED_GAIN, FALL_MS, HOLD_MS, RISE_MS, DuckingEnvelope

RATE_HZ = 8000
FALL, HOLD, RISE = (RATE_HZ * ms // 1000 for ms in (FALL_MS, HOLD_MS, RISE_MS))
FALL_SLOPE = (1 - DUCKED_GAIN) / FALL
RISE_SLOPE = (1 - DUCKED_GAIN) / RISE
LOUD = 30_000


def gains(envelope: DuckingEnvelope, samples: int) -> list[float]:
    """The gain of each of the next samples."""
    made: list[float] = []
    for _ in range(samples):
        envelope.advance(1)
        made.append(envelope.gain)
    return made


def constant(samples: int, level: int = LOUD) -> np.ndarray:
    return np.full(samples, level, np.int16)


def ducked() -> DuckingEnvelope:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.duck()
    envelope.advance(FALL)
    return envelope


def test_the_numbers_are_those_that_were_asked_for() -> None:
    assert DUCKED_GAIN == 0.3
    assert FALL_MS <= 50
    assert HOLD_MS == 300
    assert 100 <= RISE_MS <= 150


def test_the_whole_curve_sample_by_sample() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.duck()
    falling = gains(envelope, FALL)
    assert falling == pytest.approx([1 - FALL_SLOPE * n for n in range(1, FALL + 1)])
    assert falling[-1] == DUCKED_GAIN
    assert set(gains(envelope, 5 * RATE_HZ)) == {DUCKED_GAIN}
    envelope.release_at(envelope.position_samples)
    assert set(gains(envelope, HOLD)) == {DUCKED_GAIN}
    rising = gains(envelope, RISE)
    assert rising == pytest.approx([DUCKED_GAIN + RISE_SLOPE * n for n in range(1, RISE + 1)])
    assert rising[-1] == 1.0
    assert set(gains(envelope, 100)) == {1.0}


@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 22_050, 24_000, 48_000])
def test_the_times_hold_at_every_rate(sample_rate_hz: int) -> None:
    envelope = DuckingEnvelope(sample_rate_hz)
    envelope.duck()
    envelope.advance(sample_rate_hz * 50 // 1000)
    assert envelope.gain == DUCKED_GAIN
    envelope.release_at(envelope.position_samples)
    envelope.advance(sample_rate_hz * 300 // 1000)
    assert envelope.gain == DUCKED_GAIN
    envelope.advance(sample_rate_hz * 100 // 1000)
    assert DUCKED_GAIN < envelope.gain < 1.0
    envelope.advance(sample_rate_hz * 50 // 1000)
    assert envelope.gain == 1.0


def test_the_samples_that_leave_have_the_gain_of_the_curve() -> None:
    envelope, twin = DuckingEnvelope(RATE_HZ), DuckingEnvelope(RATE_HZ)
    envelope.duck()
    twin.duck()
    heard = np.concatenate([envelope.apply(constant(160)) for _ in range(4)])
    assert heard.tolist() == [round(LOUD * gain) for gain in gains(twin, 640)]


def test_a_full_gain_gives_the_same_samples_bit_for_bit() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    pcm = np.arange(-32768, 32768, dtype=np.int32).astype(np.int16)
    assert envelope.apply(pcm) is pcm
    envelope.duck()
    envelope.advance(FALL)
    envelope.release_at(envelope.position_samples)
    envelope.advance(HOLD + RISE)
    assert envelope.apply(pcm) is pcm


def test_the_loudest_samples_stay_what_they_are_and_never_wrap() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.duck()
    low = envelope.apply(constant(FALL, -32768))
    assert (np.diff(low.astype(int)) >= 0).all()
    assert low[0] == round(-32768 * (1 - FALL_SLOPE))
    assert low[-1] == round(-32768 * DUCKED_GAIN)
    envelope.release_at(0)
    envelope.advance(HOLD)
    high = envelope.apply(constant(2 * RISE, 32767))
    assert (high > 0).all()
    assert high[-1] == 32767


def test_a_second_duck_and_a_second_release_change_nothing() -> None:
    once, twice = DuckingEnvelope(RATE_HZ), DuckingEnvelope(RATE_HZ)
    for envelope, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            envelope.duck()
        envelope.advance(100)
    for _ in range(2):
        twice.release_at(twice.position_samples)
    once.release_at(once.position_samples)
    first = gains(once, HOLD // 2)
    assert gains(twice, HOLD // 2) == first
    twice.release_at(twice.position_samples)
    assert gains(twice, 2 * RATE_HZ) == gains(once, 2 * RATE_HZ)


def test_a_release_without_a_duck_changes_nothing() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.release_at(0)
    assert set(gains(envelope, RATE_HZ)) == {1.0}


def test_speaking_again_in_the_hold_keeps_the_voice_down() -> None:
    envelope = ducked()
    envelope.release_at(envelope.position_samples)
    envelope.advance(HOLD - 1)
    envelope.duck()
    assert set(gains(envelope, RATE_HZ)) == {DUCKED_GAIN}


@pytest.mark.parametrize("risen", [1, RISE // 2, RISE - 1])
def test_speaking_again_while_it_returns_goes_on_from_there(risen: int) -> None:
    envelope = ducked()
    envelope.release_at(envelope.position_samples)
    envelope.advance(HOLD + risen)
    before = envelope.gain
    assert DUCKED_GAIN < before < 1.0
    envelope.duck()
    after = gains(envelope, FALL)
    assert after[0] == pytest.approx(max(before - FALL_SLOPE, DUCKED_GAIN))
    assert after[-1] == DUCKED_GAIN


def test_a_silence_that_began_in_the_past_shortens_the_wait() -> None:
    envelope = ducked()
    envelope.advance(RATE_HZ)
    envelope.release_at(envelope.position_samples - HOLD + 10)
    assert set(gains(envelope, 10)) == {DUCKED_GAIN}
    assert gains(envelope, 1)[0] == pytest.approx(DUCKED_GAIN + RISE_SLOPE)


def test_a_silence_longer_ago_than_the_hold_returns_at_once() -> None:
    envelope = ducked()
    envelope.advance(RATE_HZ)
    envelope.release_at(0)
    assert gains(envelope, 1)[0] == pytest.approx(DUCKED_GAIN + RISE_SLOPE)


def test_a_silence_told_before_it_comes_is_waited_for() -> None:
    envelope = ducked()
    envelope.release_at(envelope.position_samples + 50)
    assert set(gains(envelope, 50 + HOLD)) == {DUCKED_GAIN}
    assert gains(envelope, 1)[0] > DUCKED_GAIN


def test_a_cough_shorter_than_the_fall_still_holds() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.duck()
    envelope.advance(FALL // 4)
    envelope.release_at(envelope.position_samples)
    made = gains(envelope, HOLD + RISE)
    assert made[FALL] == DUCKED_GAIN
    assert made[-1] == 1.0


def test_a_reset_speaks_in_full_voice_at_once() -> None:
    envelope = ducked()
    envelope.reset()
    pcm = constant(160)
    assert envelope.apply(pcm) is pcm


def test_empty_audio_and_no_time_change_nothing() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    envelope.duck()
    assert len(envelope.apply(constant(0))) == 0
    envelope.advance(0)
    assert (envelope.gain, envelope.position_samples) == (1.0, 0)


def test_what_is_not_audio_is_refused() -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    with pytest.raises(TypeError, match="float32"):
        envelope.apply(np.zeros(160, np.float32))
    with pytest.raises(TypeError, match="shape"):
        envelope.apply(np.zeros((2, 80), np.int16))
    with pytest.raises(ValueError, match="back"):
        envelope.advance(-1)
    with pytest.raises(ValueError, match="1000"):
        DuckingEnvelope(8)


def test_the_envelope_imports_no_framework() -> None:
    code = "import sys, processors.ducking; sys.exit('pipecat' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


commands = st.one_of(
    st.just(("duck", 0)),
    st.tuples(st.just("release"), st.integers(-4000, 800)),  # from now, in samples
    st.tuples(st.just("apply"), st.sampled_from([1, 7, 160, 320, 800])),
    st.tuples(st.just("advance"), st.sampled_from([0, 1, 160, 5000])),
)
sequences = st.lists(commands, max_size=30)


def run(envelope: DuckingEnvelope, command: tuple[str, int]) -> np.ndarray:
    name, value = command
    if name == "duck":
        envelope.duck()
    elif name == "release":
        envelope.release_at(envelope.position_samples + value)
    elif name == "advance":
        envelope.advance(value)
    else:
        return envelope.apply(constant(value))
    return constant(0)


@settings(deadline=None)
@given(sequences)
def test_whatever_happens_the_gain_moves_no_faster_than_a_ramp(
    sequence: list[tuple[str, int]],
) -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    for command in sequence:
        before = envelope.gain
        heard = run(envelope, command) / LOUD
        if command[0] in ("duck", "release"):
            assert envelope.gain == before, "a command alone moves nothing"
        steps = np.diff(np.concatenate([[before], heard])) if len(heard) else np.zeros(1)
        rounding = 1 / LOUD + 1e-9
        assert steps.min() >= -FALL_SLOPE - rounding
        assert steps.max() <= RISE_SLOPE + rounding
        assert DUCKED_GAIN <= envelope.gain <= 1.0


@settings(deadline=None)
@given(sequences)
def test_how_the_audio_is_cut_never_changes_what_is_heard(sequence: list[tuple[str, int]]) -> None:
    whole, cut = DuckingEnvelope(RATE_HZ), DuckingEnvelope(RATE_HZ)
    for command in sequence:
        name, value = command
        heard = run(whole, command)
        if name not in ("apply", "advance"):
            run(cut, command)
            continue
        first = value // 3
        parts = [run(cut, (name, first)), run(cut, (name, value - first))]
        assert np.array_equal(np.concatenate(parts), heard)
        assert (cut.gain, cut.position_samples) == (whole.gain, whole.position_samples)


@settings(deadline=None)
@given(sequences)
def test_whatever_happened_silence_brings_the_full_voice_back(
    sequence: list[tuple[str, int]],
) -> None:
    envelope = DuckingEnvelope(RATE_HZ)
    for command in sequence:
        run(envelope, command)
    envelope.release_at(envelope.position_samples)
    envelope.advance(800 + HOLD + RISE)
    assert envelope.gain == 1.0
