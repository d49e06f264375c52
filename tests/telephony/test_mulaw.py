"""G.711 mu-law, against the facts of the standard."""

import numpy as np
import pytest

from telephony import mulaw


def decoded(data: bytes) -> list[int]:
    return np.frombuffer(mulaw.decode(data), dtype="<i2").tolist()


def encoded(*samples: int) -> bytes:
    return mulaw.encode(np.array(samples, dtype="<i2").tobytes())


@pytest.mark.parametrize(
    ("byte", "sample"),
    [(0xFF, 0), (0x7F, 0), (0x00, -32124), (0x80, 32124), (0xFE, 8), (0x7E, -8), (0xF0, 120)],
)
def test_the_standards_bytes_stand_for_its_samples(byte: int, sample: int):
    assert decoded(bytes([byte])) == [sample]


def test_silence_is_encoded_as_ff():
    assert encoded(0, 0) == mulaw.SILENCE * 2


def test_there_are_255_levels_and_they_are_symmetric():
    levels = set(decoded(bytes(range(256))))
    assert len(levels) == 255
    assert {-level for level in levels} == levels


def test_encoding_again_changes_only_negative_zero():
    everything = bytes(range(256))
    again = mulaw.encode(mulaw.decode(everything))
    assert [i for i in range(256) if again[i] != i] == [0x7F]


def test_every_sample_below_the_clip_is_within_half_a_step_of_its_segment():
    samples = np.arange(-mulaw.CLIP, mulaw.CLIP + 1, dtype=np.int16)
    heard = np.frombuffer(mulaw.decode(mulaw.encode(samples.astype("<i2").tobytes())), "<i2")
    magnitude = np.abs(samples.astype(np.int32))
    # A segment spans its own start in 16 steps, so half a step is a 32nd of the biased sample.
    assert (np.abs(samples.astype(np.int32) - heard) <= (magnitude + mulaw.BIAS) / 32).all()


def test_samples_beyond_the_clip_become_full_scale():
    assert encoded(32767, -32768) == b"\x80\x00"


def test_a_tone_keeps_the_signal_to_noise_ratio_of_the_standard():
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype("<i2")
    heard = np.frombuffer(mulaw.decode(mulaw.encode(tone.tobytes())), "<i2")
    noise = tone.astype(float) - heard
    assert 10 * np.log10((tone.astype(float) ** 2).sum() / (noise**2).sum()) > 35


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="multiple"):
        mulaw.encode(b"\x00\x00\x00")
