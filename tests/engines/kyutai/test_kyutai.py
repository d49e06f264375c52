"""Kyutai's real code and architecture with random weights: order, stopping, memory, errors."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.engines.kyutai import KyutaiOptions, KyutaiSynthesizer
from speech.errors import EngineBusy, EngineFailed, EngineUnavailable, VoiceUnknown
from speech.tts import SpeechRequest
from tests.engines import speaking_contract as contract

SENTENCES = "Good morning. This is a call about your order. Thank you."
LONG = SpeechRequest(text=SENTENCES * 6, language="en")
FRAME_SAMPLES = 1_920  # 80 ms at 24 kHz
Spoil = Callable[[Path], None]


def options(folder: Path, **more: Any) -> KyutaiOptions:
    """Those of the small model."""
    given = {"model": str(folder), "voices": str(folder / "voices"), "codebooks": 8}
    return KyutaiOptions.model_validate(given | {"device": "cpu", "cpu_threads": 1} | more)


async def test_a_frame_is_heard_while_the_next_is_still_to_be_made(
    engine: KyutaiSynthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moshi.models import MimiModel

    decoded = 0
    decode = MimiModel.decode

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal decoded
        decoded += 1
        return decode(*given, **named)

    monkeypatch.setattr(MimiModel, "decode", counted)
    request = SpeechRequest(text="Good morning, this is a call about your order", language="en")
    at = [decoded async for _ in engine.synthesize(request)]
    assert decoded > 20
    assert at[0] < decoded / 2
    assert at == sorted(at)


async def test_it_sounds_at_its_codecs_rate_in_both_languages(engine: KyutaiSynthesizer) -> None:
    assert engine.sample_rate_hz == 24_000
    for language, text in (("en", SENTENCES), ("fr", "Bonjour, tout est prêt.")):
        chunks = await contract.heard(engine, SpeechRequest(text, language))
        audio = np.concatenate(chunks).astype(np.int32)
        assert len(audio) > 8 * FRAME_SAMPLES
        assert np.abs(audio).max() > 64


async def test_it_lists_the_voices_of_its_folder_by_language(engine: KyutaiSynthesizer) -> None:
    assert [(voice.name, voice.language) for voice in engine.voices] == [
        ("cml-tts/fr/10087_11650_000028-0002.wav", "fr"),
        ("vctk/p225_023.wav", "en"),
        ("vctk/p228_023.wav", "en"),
    ]
    with pytest.raises(VoiceUnknown, match=r"'vctk/p225_023\.wav' speaks en, not fr"):
        await contract.heard(engine, SpeechRequest("Bonjour.", "fr", "vctk/p225_023.wav"))


async def test_a_language_and_a_voice_that_it_lacks_are_refused_by_name(
    engine: KyutaiSynthesizer,
) -> None:
    await contract.refuses_what_it_lacks(engine, "en")


async def test_hostile_texts_do_no_harm(engine: KyutaiSynthesizer) -> None:
    await contract.survives_hostile_texts(engine, "en")


async def test_markup_in_a_text_makes_no_pause(engine: KyutaiSynthesizer) -> None:
    hostile = SpeechRequest('Yes <break time="3600s"/> no.', "en")
    audio = np.concatenate(await contract.heard(engine, hostile))
    assert len(audio) < 60 * engine.sample_rate_hz


async def test_a_closed_stream_makes_no_further_frame(engine: KyutaiSynthesizer) -> None:
    await contract.stops_and_speaks_again(engine, LONG)
    await contract.is_cancelled_with_its_task(engine, LONG)


async def test_two_at_once_take_turns_and_a_third_is_refused(engine: KyutaiSynthesizer) -> None:
    request = SpeechRequest(SENTENCES, "en")
    both = await asyncio.gather(*(contract.heard(engine, request) for _ in range(2)))
    assert all(sum(map(len, chunks)) > 8 * FRAME_SAMPLES for chunks in both)
    async with aclosing(engine.synthesize(LONG)) as one, aclosing(engine.synthesize(LONG)) as two:
        await anext(one)
        waiting = asyncio.ensure_future(anext(two))
        await asyncio.sleep(0)
        with pytest.raises(EngineBusy, match="kyutai speaks 2 texts at once already"):
            await contract.heard(engine, LONG)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert await contract.heard(engine, SpeechRequest("Yes.", "en"))


async def test_memory_does_not_grow_with_what_was_said(engine: KyutaiSynthesizer) -> None:
    request = SpeechRequest(text=SENTENCES, language="en")
    for _ in range(2):
        await contract.heard(engine, request)
    before_mb = contract.most_memory_mb()
    for _ in range(4):
        await contract.heard(engine, request)
    assert contract.most_memory_mb() - before_mb < 60


async def test_an_engine_that_was_not_started_or_was_closed_says_so(folder: Path) -> None:
    engine = KyutaiSynthesizer(options=options(folder))
    with pytest.raises(EngineFailed, match="kyutai is not started"):
        await contract.heard(engine, LONG)
    await engine.start()
    await engine.close()
    await engine.close()
    with pytest.raises(EngineFailed, match="kyutai is not started"):
        await contract.heard(engine, LONG)


async def test_without_network_a_model_and_a_voice_of_the_hub_are_missed_by_name(
    folder: Path,
) -> None:
    engine = KyutaiSynthesizer()
    with pytest.raises(EngineUnavailable, match=r"hf download kyutai/tts-1\.6b-en_fr"):
        await engine.start()
    await engine.close()
    engine = KyutaiSynthesizer(options=options(folder, voices="kyutai/tts-voices"))
    with pytest.raises(EngineUnavailable, match="hf download kyutai/tts-voices"):
        await engine.start()
    await engine.close()


def spoiled(name: str, content: bytes | None) -> Spoil:
    """Take a file of a folder of links away, or put another in its place."""

    def spoil(folder: Path) -> None:
        for file in folder.glob(name):
            file.unlink()
            if content is not None:
                file.write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoiled("config.json", None), "lacks config.json"),
        (spoiled("config.json", b"{"), "none of a Kyutai model"),
        (spoiled("config.json", b"[]"), "none of a Kyutai model"),
        (spoiled("dsm_tts.safetensors", None), r"lacks dsm_tts\.safetensors"),
        (spoiled("dsm_tts.safetensors", b"no"), "do not load"),
        (spoiled("mimi.safetensors", b"no"), "do not load"),
        (spoiled("tokenizer.model", b"no"), "do not load"),
        (spoiled("voices/vctk/*", b"no"), "the voice .* does not load"),
        (spoiled("voices/*/**/*.safetensors", None), "has no file that ends in .1e68beda@240"),
    ],
)
async def test_a_broken_folder_is_named_with_what_is_wrong(
    folder: Path, tmp_path: Path, spoil: Spoil, says: str
) -> None:
    made = shutil.copytree(folder, tmp_path / "copy", copy_function=os.link)
    spoil(made)
    engine = KyutaiSynthesizer(options=options(made))
    with pytest.raises(EngineUnavailable, match=says):
        await engine.start()
    await engine.close()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"device": "cuda:9"}, "there is no device cuda:9"),
        ({"guidance": 2.2}, "option 'guidance' is 2.2; the model knows 1, 1.5, 2"),
        ({"codebooks": 32}, "do not load: .*n_q=32"),
    ],
)
async def test_an_option_that_the_model_or_machine_can_not_do_is_named(
    folder: Path, more: dict[str, Any], says: str
) -> None:
    engine = KyutaiSynthesizer(options=options(folder, **more))
    with pytest.raises(EngineUnavailable, match=says):
        await engine.start()
    await engine.close()
