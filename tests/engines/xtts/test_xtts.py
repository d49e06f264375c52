"""XTTS over coqui-tts's own code and a small random model: it says nothing, but as the real one."""

import asyncio
import gc
import importlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.engines.xtts import XttsSynthesizer
from speech.engines.xtts_model import Saying, XttsModel
from speech.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    VoiceUnknown,
)
from speech.registry import make_synthesizer
from speech.stt import Pcm
from speech.tts import SpeechRequest, Voice

from .conftest import CHUNK_TOKENS, FIRST_TOKENS, PIECE_TOKENS, options_of

TOKEN_SAMPLES = 1024 * 24_000 / 22_050
PAUSE_SAMPLES = 60 * 24
TWO_SENTENCES = "Your order has left the kitchen. It will be at your door in ten minutes."
LONG = "The rider is at the door now, please. " * 20
LONG_TOKENS = 20 * PIECE_TOKENS


async def heard(engine: XttsSynthesizer, text: str = "Hello.", **others: Any) -> list[Pcm]:
    request = SpeechRequest(text, others.pop("language", "en"), **others)
    async with aclosing(engine.synthesize(request)) as chunks:
        return [chunk async for chunk in chunks]


async def sound(engine: XttsSynthesizer, text: str = "Hello.", **others: Any) -> Pcm:
    return np.concatenate([np.empty(0, np.int16), *await heard(engine, text, **others)])


def tensor_bytes() -> int:
    """What all living tensors take."""
    torch: Any = importlib.import_module("torch")
    gc.collect()
    tensors = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


async def drained(chunks: AsyncIterator[Pcm]) -> None:
    async for _ in chunks:
        pass


def saying(model: XttsModel, **others: Any) -> Saying:
    voice = model.built_in_voices()["Ana"]
    return Saying("Hello there.", "en", voice, first_tokens=4, part_tokens=4, **others)


def test_a_part_comes_as_soon_as_its_tokens_are_decoded(model: XttsModel) -> None:
    before = model.steps
    parts = model.say(saying(model))
    steps = [model.steps - before for _ in parts]
    assert steps == [4, 8, 12, 12]


def test_told_to_stop_it_decodes_no_further_token_but_one(model: XttsModel) -> None:
    told: list[bool] = []
    before = model.steps
    parts = model.say(saying(model), lambda: bool(told))
    next(parts)
    told.append(True)
    assert list(parts) == []
    assert model.steps - before <= 4 + 1


async def test_the_first_chunk_is_heard_before_the_text_is_spoken(xtts: XttsSynthesizer) -> None:
    before = xtts.decode_steps
    async with aclosing(xtts.synthesize(SpeechRequest(TWO_SENTENCES, "en"))) as chunks:
        first = await anext(chunks)
        assert 0 < len(first) < FIRST_TOKENS * TOKEN_SAMPLES
        rest = [chunk async for chunk in chunks]
    assert xtts.decode_steps - before == 2 * PIECE_TOKENS
    assert len(rest) > 2 * PIECE_TOKENS // CHUNK_TOKENS
    assert all(chunk.dtype == np.int16 and chunk.ndim == 1 for chunk in (first, *rest))


async def test_a_text_lasts_as_long_as_its_tokens_and_ends_in_60_ms_of_silence(
    xtts: XttsSynthesizer,
) -> None:
    audio = await sound(xtts)
    assert abs(len(audio) - PIECE_TOKENS * TOKEN_SAMPLES) < 0.1 * 24_000
    assert np.abs(audio[-PAUSE_SAMPLES:]).max() <= 128 < np.abs(audio).max()


def test_it_sounds_as_coqui_makes_it(folder: Path, model: XttsModel) -> None:
    voice = model.built_in_voices()["Ana"]
    ours = np.concatenate(list(model.say(saying(model, rate=1.1))))
    torch: Any = importlib.import_module("torch")
    stock: Any = importlib.import_module("TTS.tts.models.xtts")
    config: Any = importlib.import_module("TTS.tts.configs.xtts_config").XttsConfig()
    config.load_json(str(folder / "config.json"))
    theirs = stock.Xtts(config)
    theirs.load_checkpoint(config, checkpoint_dir=str(folder))
    parts = theirs.inference_stream(
        *("Hello there.", "en", torch.from_numpy(voice.style), torch.from_numpy(voice.speaker)),
        stream_chunk_size=4,
        top_k=1,
        repetition_penalty=5.0,
        speed=1.1,
    )
    expected = np.concatenate([part.numpy() for part in parts])
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(ours, expected, atol=1e-5)


async def test_closing_it_stops_the_decoding(xtts: XttsSynthesizer) -> None:
    before = xtts.decode_steps
    async with aclosing(xtts.synthesize(SpeechRequest(LONG, "en"))) as chunks:
        await anext(chunks)
    assert xtts.streams == 0
    await heard(xtts, "Yes.")  # by its end the other thread has looked, too
    stopped_at = xtts.decode_steps
    assert stopped_at - before < LONG_TOKENS // 2
    await heard(xtts, "Yes.")
    assert xtts.decode_steps - stopped_at == PIECE_TOKENS


async def test_a_cancelled_listener_stops_it_too(xtts: XttsSynthesizer) -> None:
    started = asyncio.Event()

    async def listen() -> None:
        async with aclosing(xtts.synthesize(SpeechRequest(LONG, "en"))) as chunks:
            async for _ in chunks:
                started.set()

    before = xtts.decode_steps
    listener = asyncio.ensure_future(listen())
    await started.wait()
    listener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listener
    assert xtts.streams == 0
    await heard(xtts, "Yes.")
    assert xtts.decode_steps - before < LONG_TOKENS // 2


async def test_two_streams_at_once_do_not_mix(xtts: XttsSynthesizer) -> None:
    texts = ("Hello.", "Your order has left the kitchen, and the rider is on the way to you")
    asked = [(texts[0], "Ana"), (texts[1], "Bela")]
    alone = [await sound(xtts, text, voice=voice) for text, voice in asked]
    together = await asyncio.gather(*(sound(xtts, text, voice=voice) for text, voice in asked))
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(other)
        assert np.abs(one.astype(int) - other).max() <= 2  # another order of the same sums
    assert not np.array_equal(alone[0][:4000], alone[1][:4000])


async def test_what_is_over_the_limit_is_refused_at_once(xtts: XttsSynthesizer) -> None:
    async with (
        aclosing(xtts.synthesize(SpeechRequest(LONG, "en"))) as one,
        aclosing(xtts.synthesize(SpeechRequest(LONG, "en"))) as two,
    ):
        await asyncio.gather(anext(one), anext(two))
        with pytest.raises(EngineBusy, match="xtts speaks 2 texts at once already"):
            await heard(xtts)
        assert xtts.streams == 2
    assert await heard(xtts, "Yes.")


async def test_sentences_are_joined_by_a_pause_without_a_click(xtts: XttsSynthesizer) -> None:
    audio = (await sound(xtts, TWO_SENTENCES)).astype(int)
    quiet = np.abs(audio) <= 128
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.astype(int), [0]))))
    pauses_ms = [
        (end - start) / 24
        for start, end in edges.reshape(-1, 2)
        if end - start >= 40 * 24 and end < len(audio)
    ]
    assert len(pauses_ms) == 1
    assert 50 <= pauses_ms[0] <= 80
    loudest_step = np.abs(np.diff(audio)).max()
    joint = len(audio) - 1 - PAUSE_SAMPLES
    assert np.abs(np.diff(audio[joint - 240 :])).max() <= loudest_step


@pytest.mark.parametrize("text", ["", "  \n", "...", "?! — ।", "\0\x1b", "\ud800", "😀"])
async def test_what_has_no_words_is_silent(xtts: XttsSynthesizer, text: str) -> None:
    before = xtts.decode_steps
    assert await heard(xtts, text) == []
    assert xtts.decode_steps == before


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("नमस्ते, आपका ऑर्डर आ गया।", "hi"),
        ("आपका order 1,250 रुपये का है", "hi"),
        ("नमस्ते", "en"),
        ("hello 😀 \ud83d wor\0ld", "en"),
        ("9" * 400, "en"),
        ("1e999 ½ ² ٣ 0x1F $1,2,3.4.5 3rd 1000000000001st", "en"),
        ("¡Hola! ¿Qué tal? 3,5 €", "es"),
        ("مرحبا", "ar"),
        ("안녕하세요", "ko"),
        ("0.000001 metri", "it"),
        ("3. patro, 1,250.5 Kč", "cs"),
    ],
)
async def test_any_text_is_spoken(xtts: XttsSynthesizer, text: str, language: str) -> None:
    async with aclosing(xtts.synthesize(SpeechRequest(text, language))) as chunks:
        assert len(await anext(chunks))


async def test_a_text_of_ten_thousand_characters_begins_as_soon_as_a_short_one(
    xtts: XttsSynthesizer,
) -> None:
    before = xtts.decode_steps
    request = SpeechRequest("The rider is at the door now, please. " * 263, "en")
    async with aclosing(xtts.synthesize(request)) as chunks:
        assert len(await anext(chunks))
    assert xtts.decode_steps - before < 100 * PIECE_TOKENS
    with pytest.raises(ValueError, match="up to 20000 characters, not 20001"):
        await heard(xtts, "a" * 20_001)


async def test_a_rate_is_brought_into_what_it_can_do(xtts: XttsSynthesizer) -> None:
    slow, slowest, fast, fastest = [
        len(await sound(xtts, rate=rate)) for rate in (0.9, 0.5, 1.1, 2.0)
    ]
    assert slow == slowest
    assert fast == fastest
    speech = PIECE_TOKENS * TOKEN_SAMPLES
    assert slow - fast == pytest.approx(speech / 0.9 - speech / 1.1, rel=0.25)
    assert xtts.expression.rates == (0.9, 1.1)
    for rate in (0.4, 2.1, float("nan")):
        with pytest.raises(ValueError, match=r"rate must be 0\.5\.\.2\.0"):
            await heard(xtts, rate=rate)


async def test_what_it_lacks_is_refused_by_name(xtts: XttsSynthesizer) -> None:
    with pytest.raises(LanguageUnsupported, match=r"does not speak 'mr', only .*en.*hi"):
        await heard(xtts, "नमस्कार", language="mr")
    with pytest.raises(VoiceUnknown, match="no voice 'nobody', only Ana, Bela"):
        await heard(xtts, voice="nobody")


def test_every_voice_is_listed_in_every_language(xtts: XttsSynthesizer) -> None:
    assert {"en", "hi"} <= xtts.languages
    assert "mr" not in xtts.languages
    for language in ("en", "hi"):
        names = [voice.name for voice in xtts.voices if voice.language == language]
        assert names == ["Ana", "Bela"]


def recording(seconds: float) -> Pcm:
    """A hum that rises and falls three times a second, as syllables do; int16 at 16 kHz."""
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    hum = sum(np.sin(2 * np.pi * 130 * harmonic * time_s) / harmonic for harmonic in range(1, 9))
    return (6000 * hum * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_s))).astype(np.int16)


async def test_a_learned_voice_is_spoken_in_until_it_is_released(xtts: XttsSynthesizer) -> None:
    learned = await xtts.learn(recording(10), 16_000)
    voice = Voice("custom:abc", "hi", "a caller")
    xtts.hold(voice, learned)
    assert voice in xtts.voices
    own = await sound(xtts, voice="custom:abc")
    assert not np.array_equal(own[:4000], (await sound(xtts, voice="Ana"))[:4000])
    request = SpeechRequest(LONG, "en", voice="custom:abc")
    async with aclosing(xtts.synthesize(request)) as chunks:
        await anext(chunks)
        xtts.release("custom:abc")
        with pytest.raises(EngineFailed, match="forget the voice 'custom:abc'"):
            await drained(chunks)
    with pytest.raises(VoiceUnknown, match="custom:abc"):
        await heard(xtts, voice="custom:abc")
    xtts.release("custom:abc")  # no error


@pytest.mark.parametrize(
    ("pcm", "match"),
    [
        (np.zeros(16_000 * 12, np.int16), r"0\.0 s of speech"),
        (recording(1.5), r"1\.[456] s of speech .* at least 3 s"),
        (np.empty(0, np.int16), r"0\.0 s of speech"),
    ],
)
async def test_too_little_speech_teaches_no_voice(
    xtts: XttsSynthesizer, pcm: Pcm, match: str
) -> None:
    with pytest.raises(EngineFailed, match=match):
        await xtts.learn(pcm, 16_000)


async def test_memory_returns_when_texts_end_or_are_cut_off(xtts: XttsSynthesizer) -> None:
    async def one_of_each() -> None:
        async with aclosing(xtts.synthesize(SpeechRequest(TWO_SENTENCES, "en"))) as chunks:
            await anext(chunks)
        await heard(xtts, "Yes.")

    await one_of_each()
    before = tensor_bytes()
    for _ in range(2):
        await one_of_each()
    assert tensor_bytes() <= before


async def test_closed_in_mid_text_it_says_so_and_frees_the_weights(folder: Path) -> None:
    before = tensor_bytes()
    engine = make_synthesizer("xtts", {"model": str(folder), "device": "cpu", "max_streams": "1"})
    assert isinstance(engine, XttsSynthesizer)
    with pytest.raises(EngineFailed, match="not started"):
        await heard(engine)
    await engine.start()
    async with aclosing(engine.synthesize(SpeechRequest(LONG, "en"))) as chunks:
        await anext(chunks)
        await engine.close()
        with pytest.raises(EngineFailed, match="closed"):
            await drained(chunks)
    await engine.close()
    del chunks
    assert tensor_bytes() <= before
    with pytest.raises(EngineFailed, match="not started, or closed"):
        await heard(engine)


async def test_half_precision_speaks_as_long_as_full(folder: Path) -> None:
    engine = XttsSynthesizer(options=options_of(folder, precision="bfloat16"))
    await engine.start()
    try:
        assert engine.version.endswith("bfloat16")
        audio = await sound(engine)
        assert abs(len(audio) - PIECE_TOKENS * TOKEN_SAMPLES) < 0.1 * 24_000
        assert await engine.learn(recording(4), 16_000)
    finally:
        await engine.close()


async def test_auto_measures_how_many_keep_up(folder: Path) -> None:
    engine = XttsSynthesizer(options=options_of(folder, max_streams="auto"))
    await engine.start()
    try:
        assert engine.max_streams >= 1
        assert await heard(engine, "Yes.")
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"model": "/no/such/folder"}, "there is no folder /no/such/folder.*config.json"),
        ({"model": "download"}, "non-commercial.*accept_licence"),
        ({"device": "cuda:7"}, "no device cuda:7"),
        ({"default_voice": "Zoe"}, "no voice 'Zoe', only Ana, Bela"),
        ({"speakers_folder": "/no/speakers"}, "no folder /no/speakers"),
    ],
)
async def test_what_is_missing_is_named_with_the_fix(
    folder: Path, options: dict[str, str], match: str
) -> None:
    engine = XttsSynthesizer(options=options_of(folder, **options))
    with pytest.raises(EngineUnavailable, match=match):
        await engine.start()
    await engine.close()


@pytest.mark.parametrize("broken", ["config.json", "vocab.json", "model.pth"])
def test_a_damaged_folder_is_named(folder: Path, tmp_path: Path, broken: str) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / broken).unlink()
    with pytest.raises(EngineUnavailable, match=f"no {broken} in"):
        asyncio.run(XttsSynthesizer(options=options_of(tmp_path)).start())
    (tmp_path / broken).write_bytes(b"{ not this")
    with pytest.raises(EngineUnavailable, match="no XTTS v2 model that loads on cpu"):
        asyncio.run(XttsSynthesizer(options=options_of(tmp_path)).start())
