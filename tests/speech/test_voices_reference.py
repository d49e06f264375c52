"""Whether a voice can be made of a recording: speech is measured, not the recording's length."""

import numpy as np
import pytest

from speech.errors import ReferenceRefused
from speech.reference_audio import judge, measure
from speech.stt import Pcm
from speech.vad import SileroSession
from tests.speech.parrot import reading


@pytest.fixture(scope="module")
def silero() -> SileroSession:
    return SileroSession()


@pytest.fixture(params=["with silero", "by level"])
def vad(request: pytest.FixtureRequest, silero: SileroSession) -> SileroSession | None:
    return silero if request.param == "with silero" else None


def louder(pcm: Pcm, gain: float) -> Pcm:
    return np.clip(pcm.astype(np.float64) * gain, -32_768, 32_767).astype(np.int16)


def noisy(pcm: Pcm, snr_db: float) -> Pcm:
    speech = pcm.astype(np.float64)
    level = np.sqrt((speech**2).mean()) / 10 ** (snr_db / 20)
    return louder(speech + np.random.default_rng(1).normal(0, level, len(pcm)), 1.0)


def test_a_reading_of_twenty_seconds_is_enough(vad: SileroSession | None) -> None:
    measured = measure(*reading(22), vad=vad)
    assert 10 < measured.speech_s < 22
    assert measured.total_s == pytest.approx(22)
    judge(measured)


def test_silence_does_not_count(vad: SileroSession | None) -> None:
    pcm, rate_hz = reading(8)
    long = np.concatenate([pcm, np.zeros(30 * rate_hz, np.int16)])
    with pytest.raises(ReferenceRefused, match=r"has \d\.\d s of speech in 38\.0 s; at least 10 s"):
        judge(measure(long, rate_hz, vad=vad))


@pytest.mark.parametrize("level", [3_000, 100, 0])
def test_noise_and_silence_are_no_speech(vad: SileroSession | None, level: int) -> None:
    pcm = np.random.default_rng(2).normal(0, level, 20 * 16_000).astype(np.int16)
    assert measure(pcm, 16_000, vad=vad).speech_s < 0.5


def test_a_tone_is_no_speech(vad: SileroSession | None) -> None:
    pcm = (8_000 * np.sin(np.arange(20 * 16_000) * 0.2)).astype(np.int16)
    assert measure(pcm, 16_000, vad=vad).speech_s < 0.5


def test_a_noisy_recording_is_refused_with_what_was_measured(silero: SileroSession) -> None:
    pcm, rate_hz = reading(22)
    measured = measure(noisy(pcm, 4), rate_hz, vad=silero)
    assert measured.snr_db < 15
    with pytest.raises(ReferenceRefused, match=r"1\d dB over the noise; at least 15 dB"):
        judge(measured)


def test_a_torn_recording_is_refused_even_if_it_was_turned_down(vad: SileroSession | None) -> None:
    pcm, rate_hz = reading(22)
    torn = louder(pcm, 20)
    for recording in (torn, louder(torn, 0.4)):
        with pytest.raises(ReferenceRefused, match=r"\d\.\d\d% of the samples are clipped"):
            judge(measure(recording, rate_hz, vad=vad))


def test_speech_that_only_was_loud_is_not_called_clipped(vad: SileroSession | None) -> None:
    pcm, rate_hz = reading(22)
    judge(measure(louder(pcm, 32_000 / np.abs(pcm.astype(int)).max()), rate_hz, vad=vad))


def test_speech_from_across_the_room_is_refused(silero: SileroSession) -> None:
    pcm, rate_hz = reading(22)
    with pytest.raises(ReferenceRefused, match=r"at -5\d dB; at least -45 dB.*nearer"):
        judge(measure(louder(pcm, 0.1), rate_hz, vad=silero))


def test_every_reason_is_told(silero: SileroSession) -> None:
    pcm, rate_hz = reading(5)
    with pytest.raises(ReferenceRefused) as refused:
        judge(measure(louder(noisy(pcm, 4), 40), rate_hz, vad=silero))
    assert len(str(refused.value).splitlines()) >= 2


@pytest.mark.parametrize("samples", [0, 1, 100, 511, 512, 513])
def test_almost_nothing_is_no_speech(vad: SileroSession | None, samples: int) -> None:
    measured = measure(np.full(samples, 9_000, np.int16), 16_000, vad=vad)
    assert measured.speech_s == 0
    with pytest.raises(ReferenceRefused, match=r"0\.0 s of speech"):
        judge(measured)


@pytest.mark.parametrize(
    ("pcm", "rate_hz", "reason"),
    [
        (np.zeros((16_000, 2), np.int16), 16_000, "one"),
        (np.zeros(16_000, np.float32), 16_000, "int16"),
        (np.zeros(16_000, np.int16), 4_000, "4000 Hz"),
        (np.zeros(16_000, np.int16), 0, "0 Hz"),
        (np.zeros(16_000, np.int16), 400_000, "400000 Hz"),
        (np.zeros(601 * 8_000, np.int16), 8_000, "601 s long; cut it to 600 s"),
    ],
)
def test_other_audio_is_refused(pcm: Pcm, rate_hz: int, reason: str) -> None:
    with pytest.raises(ReferenceRefused, match=reason):
        measure(pcm, rate_hz)
