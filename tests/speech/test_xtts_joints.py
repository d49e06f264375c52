"""The joints of a neural voice's speech: parts that overlap, pieces with a pause between them."""

import numpy as np
import pytest

from speech.engines.xtts_joints import FADE_MS, FLOOR, Overlap, PieceEdges, Samples, to_pcm
from speech.stt import Pcm

RATE_HZ = 24_000


def tone(samples: int, *, amplitude: float = 0.5, start: int = 0) -> Samples:
    at = np.arange(start, start + samples)
    return (amplitude * np.sin(2 * np.pi * 220 * at / RATE_HZ)).astype(np.float32)


def steepest(samples: Samples | Pcm) -> float:
    return float(np.abs(np.diff(samples.astype(np.float64))).max())


@pytest.mark.parametrize("lengths", [[5000, 9000, 9000, 3000], [2000, 1024, 1500], [24_000]])
def test_parts_of_one_sound_join_to_that_sound(lengths: list[int]) -> None:
    overlap = Overlap(1024)
    whole = tone(30_000)
    joined: list[Samples] = []
    end = 0
    for number, length in enumerate(lengths):
        end = max(end, overlap.position + length)
        part = whole[overlap.position : end]
        joined.append(overlap.push(part, is_last=number == len(lengths) - 1))
    np.testing.assert_allclose(np.concatenate(joined), whole[:end], atol=1e-6)


def test_parts_that_differ_are_faded_into_each_other_without_a_click() -> None:
    overlap = Overlap(1024)
    first = tone(5000)
    parts = [overlap.push(first)]
    assert overlap.position == len(first) - 1024
    parts.append(overlap.push(-tone(5000, start=overlap.position), is_last=True))
    assert steepest(np.concatenate(parts)) < 1.2 * steepest(first)


def test_a_last_part_that_is_short_or_empty_loses_nothing() -> None:
    for length in (0, 10, 1024):
        overlap = Overlap(1024)
        whole = tone(4000 + length)
        parts = [overlap.push(whole[:4000])]
        rest = whole[overlap.position :] if length else whole[:0]
        parts.append(overlap.push(rest, is_last=True))
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_an_overlap_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Overlap(0)


def said(
    audio: Samples, *, is_first: bool = True, ends_sentence: bool = True, step: int = 700
) -> Pcm:
    edges = PieceEdges(sample_rate_hz=RATE_HZ, is_first=is_first, ends_sentence=ends_sentence)
    parts = [edges.push(audio[at : at + step]) for at in range(0, len(audio), step)]
    return np.concatenate([np.empty(0, np.int16), *parts, edges.finish()])


SILENCE = np.zeros(RATE_HZ, np.float32)
HISS = np.random.default_rng(1).normal(0, 0.0008, RATE_HZ).astype(np.float32)


@pytest.mark.parametrize("quiet", [SILENCE, HISS], ids=["silence", "hiss"])
@pytest.mark.parametrize(("ends_sentence", "pause_ms"), [(True, 60), (False, 50)])
def test_between_two_pieces_lies_one_short_pause(
    quiet: Samples, ends_sentence: bool, pause_ms: int
) -> None:
    one = said(np.concatenate((quiet, tone(9000), quiet)), ends_sentence=ends_sentence)
    two = said(np.concatenate((quiet, tone(9000), quiet)), is_first=False)
    audio = np.concatenate((one, two))
    loud = np.flatnonzero(np.abs(audio.astype(int)) > FLOOR)
    gaps_ms = np.diff(loud).max() / RATE_HZ * 1000
    assert pause_ms - 1 <= gaps_ms <= pause_ms + FADE_MS
    assert 50 <= gaps_ms <= 80
    assert loud[0] <= RATE_HZ * (20 + FADE_MS) // 1000


def test_a_piece_cut_off_in_mid_sound_ends_without_a_click() -> None:
    audio = said(tone(7013, amplitude=0.9))
    natural = steepest(to_pcm(tone(7013, amplitude=0.9)))
    assert steepest(np.concatenate(([0], audio))) < 1.2 * natural
    assert len(audio) == 7013 + 60 * RATE_HZ // 1000


def test_how_the_audio_is_cut_into_parts_changes_nothing() -> None:
    audio = np.concatenate((HISS[:5000], tone(5000), SILENCE[:3000], tone(5000), HISS[:900]))
    assert all(np.array_equal(said(audio, step=step), said(audio)) for step in (7, 120, 99_999))


@pytest.mark.parametrize("audio", [SILENCE, HISS, SILENCE[:0]], ids=["silence", "hiss", "empty"])
def test_a_piece_without_a_sound_is_nothing(audio: Samples) -> None:
    assert len(said(audio)) == 0


def test_what_is_no_sample_does_not_wrap_around() -> None:
    odd = np.array([2.0, -2.0, np.nan, np.inf, -np.inf, 0.5], np.float32)
    assert to_pcm(odd).tolist() == [32767, -32767, 0, 32767, -32767, 16384]
