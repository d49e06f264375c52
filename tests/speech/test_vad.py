"""Silero: it tells speech from what is not, and each call has its own state."""

import wave
from pathlib import Path

import numpy as np
import pytest

from speech.engines.moonshine import weights_folder
from speech.errors import EngineUnavailable
from speech.pool import EnginePool, Priority
from speech.resampling import resample
from speech.vad import SileroSession


@pytest.fixture(scope="module")
def session() -> SileroSession:
    return SileroSession()


@pytest.fixture(scope="module")
def speech_8k() -> np.ndarray:
    """Six seconds of a man reading, int16 mono at 8 kHz."""
    with wave.open(str(weights_folder().parent / "two_cities.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(6 * audio.getframerate()), np.int16)
        return (resample(pcm, audio.getframerate(), 8_000) * 32767).astype(np.int16)


def noise(seconds: float, level: float, rate_hz: int = 8_000) -> np.ndarray:
    samples = np.random.default_rng(1).normal(0, level, int(seconds * rate_hz))
    return samples.astype(np.int16)


def test_speech_is_probable_and_line_noise_is_not(
    session: SileroSession, speech_8k: np.ndarray
) -> None:
    voice = session.open(sample_rate_hz=8_000)
    assert max(voice.push(noise(2, 30))) < 0.3
    assert np.mean(np.array(voice.push(speech_8k)) > 0.5) > 0.6


def test_16_khz_works_as_well(session: SileroSession, speech_8k: np.ndarray) -> None:
    speech = (resample(speech_8k, 8_000, 16_000) * 32767).astype(np.int16)
    voice = session.open(sample_rate_hz=16_000)
    assert np.mean(np.array(voice.push(speech)) > 0.5) > 0.6


@pytest.mark.parametrize("size", [1, 160, 255, 256, 257, 800])
def test_how_the_audio_is_cut_makes_no_difference(
    session: SileroSession, speech_8k: np.ndarray, size: int
) -> None:
    audio = speech_8k[:8_000]
    whole = session.open(sample_rate_hz=8_000).push(audio)
    voice = session.open(sample_rate_hz=8_000)
    parts = [p for at in range(0, len(audio), size) for p in voice.push(audio[at : at + size])]
    assert parts == whole
    assert len(whole) == len(audio) // 256


def test_one_window_at_a_time_is_the_same_as_pushing(
    session: SileroSession, speech_8k: np.ndarray
) -> None:
    audio = speech_8k[: 256 * 20]
    pushed = session.open(sample_rate_hz=8_000).push(audio)
    voice = session.open(sample_rate_hz=8_000)
    assert [voice.probability(window) for window in audio.reshape(-1, 256)] == pushed


async def test_calls_in_parallel_do_not_disturb_each_other(
    session: SileroSession, speech_8k: np.ndarray
) -> None:
    alone = session.open(sample_rate_hz=8_000).push(speech_8k)
    calls = [session.open(sample_rate_hz=8_000) for _ in range(6)]
    heard: list[list[float]] = [[] for _ in calls]
    async with EnginePool(2) as pool:
        for at in range(0, len(speech_8k), 1600):
            for call, probabilities in zip(calls, heard, strict=True):
                chunk = speech_8k[at : at + 1600]
                probabilities += await pool.run(call.push, chunk, priority=Priority.VAD)
    assert all(probabilities == alone for probabilities in heard)


def test_speech_is_noticed_after_a_minute_of_music_on_hold(
    session: SileroSession, speech_8k: np.ndarray
) -> None:
    time_s = np.arange(60 * 8_000) / 8_000
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (262, 330, 392, 523))
    voice = session.open(sample_rate_hz=8_000)
    voice.push((chord * 3_000).astype(np.int16))
    voice.push(noise(1, 30))
    assert np.mean(np.array(voice.push(speech_8k)) > 0.5) > 0.6


def test_after_a_reset_it_is_as_new(session: SileroSession, speech_8k: np.ndarray) -> None:
    voice = session.open(sample_rate_hz=8_000)
    first = voice.push(speech_8k[:5_001])
    voice.reset()
    assert voice.push(speech_8k[:5_001]) == first


@pytest.mark.parametrize("rate_hz", [0, 11_025, 24_000, 48_000])
def test_a_rate_that_the_model_does_not_know_is_refused(
    session: SileroSession, rate_hz: int
) -> None:
    with pytest.raises(ValueError, match=f"8000 or 16000, not {rate_hz}"):
        session.open(sample_rate_hz=rate_hz)


@pytest.mark.parametrize(
    "window", [np.zeros(255, np.int16), np.zeros(256, np.float32), np.zeros((1, 256), np.int16)]
)
def test_a_window_of_another_shape_or_type_is_refused(
    session: SileroSession, window: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"int16 of shape \(256,\) at 8000 Hz"):
        session.open(sample_rate_hz=8_000).probability(window)
    if len(window) != 255:
        with pytest.raises(ValueError, match="push int16"):
            session.open(sample_rate_hz=8_000).push(window)


def test_missing_or_broken_weights_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="missing: run `pip install"):
        SileroSession(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(EngineUnavailable, match="can't be loaded"):
        SileroSession(broken)
