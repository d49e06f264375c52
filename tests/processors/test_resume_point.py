"""Where the bot goes on after a false alarm, in made signals and in espeak's speech."""

import itertools
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.resume_point import FURTHEST_BACK_MS, MARGIN_MS, ResumePoint, resume_point
from speech.engines.espeak import EspeakSynthesizer
from speech.resampling import StreamResampler
from speech.silence import speech_span
from speech.stt import Pcm
from speech.tts import SpeechRequest

RATES_HZ = [8_000, 16_000, 24_000]
WORD_MS, GAP_MS = 250, 80


def tone(ms: float, sample_rate_hz: int, level: float = 8000) -> Pcm:
    time = np.arange(round(ms * sample_rate_hz / 1000)) / sample_rate_hz
    return (level * np.sin(2 * np.pi * 300 * time)).astype(np.int16)


def words_of_tone(sample_rate_hz: int, gap_ms: float = GAP_MS, noise: float = 0) -> Pcm:
    gap = np.zeros(round(gap_ms * sample_rate_hz / 1000), np.int16)
    pcm = np.concatenate([tone(WORD_MS, sample_rate_hz), gap] * 10)
    hiss = np.random.default_rng(1).normal(0, noise, len(pcm)) if noise else 0
    return (pcm + hiss).astype(np.int16)


def resume(pcm: Pcm, heard_ms: float, sample_rate_hz: int, text: str = "") -> ResumePoint:
    duration_ms = len(pcm) * 1000 / sample_rate_hz
    return resume_point(
        text, heard_ms=heard_ms, duration_ms=duration_ms, sample_rate_hz=sample_rate_hz, pcm=pcm
    )


@pytest.mark.parametrize("noise", [0, 100])
@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
@pytest.mark.parametrize("heard_in_word_ms", [0, 20, 130, WORD_MS - 1, WORD_MS + 5])
def test_it_goes_on_in_the_pause_before_the_word(
    sample_rate_hz: int, heard_in_word_ms: float, noise: float
) -> None:
    pcm = words_of_tone(sample_rate_hz, noise=noise)
    word_start_ms = 4 * (WORD_MS + GAP_MS)
    point = resume(pcm, word_start_ms + heard_in_word_ms, sample_rate_hz)
    start_ms = point.start_sample * 1000 / sample_rate_hz
    assert word_start_ms - GAP_MS < start_ms < word_start_ms


def test_after_a_words_end_it_goes_on_in_the_pause_after_it() -> None:
    pcm = words_of_tone(8_000)
    word_end_ms = 4 * (WORD_MS + GAP_MS) + WORD_MS
    start_ms = resume(pcm, word_end_ms + GAP_MS, 8_000).start_sample / 8
    assert word_end_ms < start_ms <= word_end_ms + GAP_MS


def test_a_longer_pause_is_taken_before_a_shorter_one_that_is_nearer() -> None:
    rate = 8_000
    pause, stop = np.zeros(800, np.int16), np.zeros(360, np.int16)  # 100 ms, and a t of 45 ms
    pcm = np.concatenate(
        [tone(500, rate), pause, tone(150, rate), stop, tone(150, rate), pause, tone(500, rate)]
    )
    start_ms = resume(pcm, 500 + 100 + 150 + 45 + 100, rate).start_sample / 8
    assert 500 < start_ms < 600


def test_a_short_pause_is_better_than_none() -> None:
    rate = 8_000
    pcm = np.concatenate([tone(900, rate), np.zeros(360, np.int16), tone(900, rate)])
    start_ms = resume(pcm, 1200, rate).start_sample / 8
    assert 900 < start_ms < 945


@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
def test_without_a_pause_it_goes_back_a_little(sample_rate_hz: int) -> None:
    pcm = tone(3000, sample_rate_hz)
    point = resume(pcm, 2000, sample_rate_hz)
    assert point.start_sample == (2000 - MARGIN_MS) * sample_rate_hz // 1000


def test_a_pause_further_back_than_two_words_is_not_looked_for() -> None:
    rate = 8_000
    pcm = np.concatenate([tone(1000, rate), np.zeros(800, np.int16), tone(2000, rate)])
    assert resume(pcm, 1100 + FURTHEST_BACK_MS + 50, rate).start_sample / 8 == 1650


def test_in_the_first_word_it_starts_anew() -> None:
    assert resume(tone(3000, 8_000), 400, 8_000).start_sample == 0


@pytest.mark.parametrize("heard_ms", [-5.0, 0.0])
def test_what_was_not_heard_at_all_starts_anew(heard_ms: float) -> None:
    point = resume(words_of_tone(8_000), heard_ms, 8_000, "one two three")
    assert point == ResumePoint(0, "")


@pytest.mark.parametrize("heard_ms", [2000, 2400, 2500, 9000])
def test_when_only_silence_is_left_nothing_is_said_again(heard_ms: float) -> None:
    pcm = np.concatenate([tone(2000, 8_000), np.zeros(4000, np.int16)])
    assert resume(pcm, heard_ms, 8_000).start_sample == len(pcm)


def test_the_last_word_is_not_taken_for_silence_when_little_of_it_is_left() -> None:
    assert resume(tone(2000, 8_000), 1995, 8_000).start_sample == (1995 - MARGIN_MS) * 8


def test_without_the_audio_it_goes_back_a_little() -> None:
    point = resume_point(
        "one two three four", heard_ms=1000, duration_ms=2000, sample_rate_hz=8_000
    )
    assert point == ResumePoint((1000 - MARGIN_MS) * 8, "one two")
    end = resume_point("one", heard_ms=2000, duration_ms=2000, sample_rate_hz=8_000)
    assert end == ResumePoint(16_000, "one")


def test_the_heard_text_is_what_was_heard_and_not_what_is_said_again() -> None:
    text = "one two six ten nil mix fox box cow dog"
    pcm = words_of_tone(8_000)
    assert resume(pcm, len(pcm) / 8 / 2, 8_000, text).heard_text == "one two six ten nil"


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="1000"):
        resume_point("", heard_ms=1, duration_ms=2, sample_rate_hz=8)


@pytest.mark.parametrize("pcm", [np.zeros(0, np.int16), np.zeros(8000, np.int16), tone(10, 8000)])
def test_audio_without_speech_is_survived(pcm: Pcm) -> None:
    assert 0 <= resume(pcm, 5, 8_000).start_sample <= len(pcm)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 20_000)), max_size=8),
    st.integers(-100, 4000),
    st.sampled_from(RATES_HZ),
)
def test_whatever_the_audio_nothing_unheard_is_left_out(
    parts: list[tuple[int, int]], heard_ms: int, sample_rate_hz: int
) -> None:
    pcm = np.concatenate(
        [np.zeros(0, np.int16), *(tone(ms, sample_rate_hz, level) for ms, level in parts)]
    )
    start = resume(pcm, heard_ms, sample_rate_hz).start_sample
    heard = min(max(0, heard_ms * sample_rate_hz // 1000), len(pcm))
    assert heard - FURTHEST_BACK_MS * sample_rate_hz // 1000 <= start
    left_out = pcm[heard:start]
    assert np.abs(left_out.astype(int)).max(initial=0) <= 20_000 / 10 ** (35 / 20)
    assert 0 <= start <= heard or start == len(pcm)


@pytest.fixture
async def espeak() -> AsyncIterator[EspeakSynthesizer]:
    synthesizer = EspeakSynthesizer()
    await synthesizer.start()
    yield synthesizer
    await synthesizer.close()


async def spoken(espeak: EspeakSynthesizer, text: str, language: str, sample_rate_hz: int) -> Pcm:
    """`text` at the line's rate, without the silence around it."""
    chunks = [pcm async for pcm in espeak.synthesize(SpeechRequest(text, language))]
    resampler = StreamResampler(espeak.sample_rate_hz, sample_rate_hz)
    pcm = np.concatenate([*(resampler.push(chunk) for chunk in chunks), resampler.finish()])
    start, end = speech_span(pcm.astype(np.float32) / 32768, sample_rate_hz, margin_ms=0)
    return pcm[start:end]


WORDS = [
    ("en", "hello your meal will arrive now in one hour"),
    ("hi", "हाँ मैं अभी आई यहाँ नमन हमारी"),
    ("mr", "हो मी आलो मामा नाव लवून"),
]


@pytest.mark.parametrize("sample_rate_hz", RATES_HZ)
@pytest.mark.parametrize(("language", "text"), WORDS)
async def test_words_said_one_by_one_are_found_again(
    espeak: EspeakSynthesizer, language: str, text: str, sample_rate_hz: int
) -> None:
    gap = np.zeros(100 * sample_rate_hz // 1000, np.int16)
    words = [await spoken(espeak, word, language, sample_rate_hz) for word in text.split()]
    pcm = np.concatenate([part for word in words for part in (word, gap)])
    starts = list(itertools.accumulate((len(word) + len(gap) for word in words), initial=0))
    for number in range(1, len(words)):
        for share in (0.1, 0.5, 0.9):
            heard = starts[number] + int(share * len(words[number]))
            point = resume(pcm, heard * 1000 / sample_rate_hz, sample_rate_hz)
            assert starts[number] - len(gap) <= point.start_sample <= starts[number]
