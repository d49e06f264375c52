"""Moonshine hears: real speech, spoken answers, nothing in silence, and files that are broken."""

import asyncio
import shutil
import sys
import wave
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from speech.engines.espeak import EspeakSynthesizer
from speech.engines.moonshine import MoonshineRecognizer, weights_folder
from speech.engines.moonshine_model import Piece, confidence_of, looping, text_of
from speech.engines.moonshine_options import MoonshineOptions
from speech.errors import EngineUnavailable, LanguageUnsupported, OptionInvalid
from speech.options import read_options
from speech.pool import EnginePool
from speech.resampling import resample
from speech.stt import Pcm, Transcript
from speech.tts import SpeechRequest

DICKENS = "it was the best of times it was the worst of times it was the age of wisdom"


@pytest.fixture(scope="module")
def book() -> tuple[Pcm, int]:
    """A man reading for 44 s, int16 mono, and its rate."""
    with wave.open(str(weights_folder().parent / "two_cities.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(audio.getnframes()), np.int16)
        return pcm, audio.getframerate()


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(2) as made:
        yield made


@pytest.fixture
async def moonshine(pool: EnginePool) -> MoonshineRecognizer:
    made = MoonshineRecognizer(pool)
    await made.start()
    return made


def at_rate(pcm: Pcm, from_hz: int, to_hz: int) -> Pcm:
    return (resample(pcm, from_hz, to_hz) * 32767).astype(np.int16)


def plain(text: str) -> str:
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c == " ").split())


async def heard(moonshine: MoonshineRecognizer, pcm: Pcm, rate_hz: int) -> Transcript:
    stream = moonshine.open(language="en", sample_rate_hz=rate_hz)
    for at in range(0, len(pcm), rate_hz // 50):
        stream.feed(pcm[at : at + rate_hz // 50])
    return await stream.finish()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
async def test_real_speech_is_understood_at_every_line_rate(
    moonshine: MoonshineRecognizer, book: tuple[Pcm, int], rate_hz: int
) -> None:
    pcm, from_hz = book
    got = await heard(moonshine, at_rate(pcm[: 7 * from_hz], from_hz, rate_hz), rate_hz)
    assert DICKENS in plain(got.text)
    assert got.confidence > 0.7
    assert got.is_final
    assert got.language == "en"
    assert got.audio_ms == 7_000


async def test_a_clip_longer_than_the_model_takes_is_heard_to_its_end(
    moonshine: MoonshineRecognizer, book: tuple[Pcm, int]
) -> None:
    pcm, from_hz = book
    line = at_rate(pcm[: 20 * from_hz], from_hz, 8_000)
    text = plain((await heard(moonshine, line, 8_000)).text)
    once = len(text.split())
    assert once > 35
    twice = plain((await heard(moonshine, np.concatenate([line, line]), 8_000)).text)
    assert len(twice.split()) == pytest.approx(2 * once, rel=0.1)
    assert twice.count("best of times") == 2


async def test_partials_grow_into_the_final(
    moonshine: MoonshineRecognizer, book: tuple[Pcm, int]
) -> None:
    pcm, from_hz = book
    line = at_rate(pcm[: 6 * from_hz], from_hz, 8_000)
    stream = moonshine.open(language="en", sample_rate_hz=8_000, hints=["wisdom"])
    assert (await stream.partial()).text == ""
    stream.feed(line[:24_000])
    partial = await stream.partial()
    stream.feed(line[24_000:])
    final = await stream.finish()
    assert not partial.is_final
    assert "best of times" in plain(partial.text)
    assert len(final.text) > len(partial.text)


async def test_twelve_calls_at_once_hear_what_one_hears(
    moonshine: MoonshineRecognizer, book: tuple[Pcm, int]
) -> None:
    pcm, from_hz = book
    clips = [
        at_rate(pcm[start * from_hz : (start + 3) * from_hz], from_hz, 8_000)
        for start in range(0, 24, 2)
    ]
    alone = [(await heard(moonshine, clip, 8_000)).text for clip in clips]
    together = await asyncio.gather(*(heard(moonshine, clip, 8_000) for clip in clips))
    assert [transcript.text for transcript in together] == alone


async def test_silence_around_the_words_changes_nothing(
    moonshine: MoonshineRecognizer, book: tuple[Pcm, int]
) -> None:
    pcm, from_hz = book
    line = at_rate(pcm[: 3 * from_hz], from_hz, 8_000)
    silence = np.zeros(8_000, np.int16)
    bare = await heard(moonshine, line, 8_000)
    padded = await heard(moonshine, np.concatenate([silence, line, silence, silence]), 8_000)
    assert "best of times" in plain(bare.text)
    assert padded.text == bare.text


async def test_a_spoken_number_of_minutes_is_understood(moonshine: MoonshineRecognizer) -> None:
    espeak = EspeakSynthesizer()
    request = SpeechRequest("twenty five minutes", "en", "en-us")
    async with aclosing(espeak.synthesize(request)) as chunks:
        voice = np.concatenate([chunk async for chunk in chunks])
    await espeak.close()
    line = at_rate(voice, espeak.sample_rate_hz, 8_000)
    got = await heard(moonshine, line, 8_000)
    assert plain(got.text) in ("twenty five minutes", "25 minutes")


@pytest.mark.parametrize(
    "pcm",
    [
        np.empty(0, np.int16),
        np.zeros(1, np.int16),
        np.zeros(8_000 * 5, np.int16),
        np.full(8_000, 3_000, np.int16)[:700],
        np.random.default_rng(0).normal(0, 12, 8_000 * 5).astype(np.int16),
    ],
    ids=["nothing", "one sample", "silence", "88 ms", "line noise"],
)
async def test_where_nobody_speaks_there_are_no_words(
    moonshine: MoonshineRecognizer, pcm: Pcm
) -> None:
    got = await heard(moonshine, pcm, 8_000)
    assert (got.text, got.confidence) == ("", 0.0)


@pytest.mark.parametrize("level", [300, 3_000, 30_000])
async def test_loud_noise_ends_and_never_in_a_loop(
    moonshine: MoonshineRecognizer, level: int
) -> None:
    noise = np.random.default_rng(2).normal(0, level, 8_000 * 20)
    clipped = np.clip(noise, -32_768, 32_767).astype(np.int16)
    assert len((await heard(moonshine, clipped, 8_000)).text.split()) < 100


async def test_other_languages_are_refused_with_what_it_knows(
    moonshine: MoonshineRecognizer,
) -> None:
    with pytest.raises(LanguageUnsupported, match="'hi', only en"):
        moonshine.open(language="hi", sample_rate_hz=8_000)


async def test_before_its_start_and_after_its_close_it_says_so(pool: EnginePool) -> None:
    moonshine = MoonshineRecognizer(pool)
    with pytest.raises(EngineUnavailable, match="start"):
        moonshine.open(language="en", sample_rate_hz=8_000)
    await moonshine.start()
    await moonshine.close()
    with pytest.raises(EngineUnavailable, match="start"):
        moonshine.open(language="en", sample_rate_hz=8_000)


@pytest.mark.parametrize("broken", ["encoder_model.ort", "decoder_model_merged.ort"])
async def test_a_missing_or_broken_file_is_named_with_the_way_to_get_it(
    pool: EnginePool, tmp_path: Path, broken: str
) -> None:
    folder = Path(shutil.copytree(weights_folder(), tmp_path / "tiny-en"))
    (folder / broken).write_bytes(b"not a model" * 9)
    with pytest.raises(EngineUnavailable, match=rf"{broken} can't be loaded.*moonshine-voice==0"):
        await MoonshineRecognizer(pool, folder=folder).start()
    (folder / broken).unlink()
    with pytest.raises(EngineUnavailable, match=rf"{broken} is missing.*moonshine-voice==0"):
        await MoonshineRecognizer(pool, folder=folder).start()


@pytest.mark.parametrize("content", [b"", b"\x05<unk>", b"\xff", b"\x00" * 40_000, b"\x80\x80"])
async def test_a_wrong_tokenizer_is_named(pool: EnginePool, tmp_path: Path, content: bytes) -> None:
    folder = Path(shutil.copytree(weights_folder(), tmp_path / "tiny-en"))
    (folder / "tokenizer.bin").write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.bin holds \d+ tokens"):
        await MoonshineRecognizer(pool, folder=folder).start()


async def test_the_larger_model_is_looked_for_where_the_wheels_downloader_puts_it(
    pool: EnginePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, book: tuple[Pcm, int]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    base = read_options("moonshine", MoonshineOptions, {"model": "base-en"})
    with pytest.raises(EngineUnavailable, match=r"base-en is not in .*--stt --language en") as no:
        await MoonshineRecognizer(pool, options=base).start()
    downloader = "moonshine_voice/download.moonshine.ai/model/base-en/quantized/base-en"
    folder = tmp_path / downloader
    assert str(folder) in str(no.value)
    shutil.copytree(weights_folder(), folder)  # the same files by the same names
    moonshine = MoonshineRecognizer(pool, options=base)
    await moonshine.start()
    pcm, from_hz = book
    line = at_rate(pcm[: 3 * from_hz], from_hz, 8_000)
    assert "best of times" in plain((await heard(moonshine, line, 8_000)).text)
    (folder / "tokenizer.bin").unlink()
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.bin.*--model-arch 1"):
        await MoonshineRecognizer(pool, options=base).start()


async def test_a_folder_is_taken_from_the_options_and_a_wrong_model_is_named(
    pool: EnginePool, tmp_path: Path
) -> None:
    here = MoonshineOptions(folder=str(weights_folder()))
    await MoonshineRecognizer(pool, options=here).start()
    nowhere = MoonshineOptions(folder=str(tmp_path / "nowhere"))
    with pytest.raises(EngineUnavailable, match=r"option folder, .*nowhere, is no folder"):
        await MoonshineRecognizer(pool, options=nowhere).start()
    swapped = Path(shutil.copytree(weights_folder(), tmp_path / "swapped"))
    shutil.copy(swapped / "encoder_model.ort", swapped / "decoder_model_merged.ort")
    with pytest.raises(EngineUnavailable, match="is no merged decoder of Moonshine"):
        await MoonshineRecognizer(pool, folder=swapped).start()
    with pytest.raises(OptionInvalid, match="moonshine: option 'model'"):
        read_options("moonshine", MoonshineOptions, {"model": "medium-streaming-en"})


async def test_the_wheels_own_library_is_never_imported(moonshine: MoonshineRecognizer) -> None:
    assert moonshine.name == "moonshine"
    assert "moonshine_voice" not in sys.modules


@pytest.mark.parametrize(
    ("tokens", "dropped"),
    [
        ([], 0),
        ([5], 0),
        ([5, 5, 5], 0),  # "no no no"
        ([5, 5, 5, 5], 3),
        ([1, 2, 1, 2, 1, 2], 0),
        ([9, 1, 2, 1, 2, 1, 2, 1, 2], 6),
        ([1, 2, 3, 4, 5, 6, 7, 8] * 4, 24),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9] * 4, 0),
        (list(range(60)), 0),
    ],
)
def test_a_loop_is_noticed_at_its_fourth_round(tokens: list[int], dropped: int) -> None:
    assert looping(tokens) == dropped


def test_text_and_confidence_come_from_the_tokens() -> None:
    word, dot = Piece("\u2581yes".encode(), 0.81), Piece(b".", 0.01)
    half = Piece("\u2581नम".encode()[:-1], 0.25)
    assert text_of([word, dot]) == "yes."
    assert text_of([half, word]) == "न yes"
    assert confidence_of([word, word, dot]) == pytest.approx(0.81)
    assert confidence_of([dot]) == confidence_of([]) == 0.0
