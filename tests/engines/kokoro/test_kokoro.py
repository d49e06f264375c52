"""Kokoro's real code and architecture with random weights: order, stopping, memory, errors."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.engines.kokoro import KokoroOptions, KokoroSynthesizer
from speech.errors import EngineBusy, EngineFailed, EngineUnavailable, VoiceUnknown
from speech.tts import SpeechRequest
from tests.engines import speaking_contract as contract

SENTENCES = "It is ready. It leaves at noon. Thank you."
HINDI = "वह तैयार है। धन्यवाद।"
Spoil = Callable[[Path], None]

LONG = SpeechRequest(text=SENTENCES * 8, language="en")


async def test_the_first_sentence_comes_while_the_others_are_still_to_be_made(
    engine: KokoroSynthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import kokoro

    runs = 0
    forward = kokoro.KModel.forward

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal runs
        runs += 1
        return forward(*given, **named)

    monkeypatch.setattr(kokoro.KModel, "forward", counted)
    request = SpeechRequest(text=" ".join([SENTENCES] * 3), language="en")
    at = [runs async for _ in engine.synthesize(request)]
    assert runs == 9
    assert at[0] <= 3  # the one that is heard, the one ahead of it, and one just begun


@pytest.mark.parametrize(("text", "language"), [(SENTENCES, "en"), (HINDI, "hi")])
async def test_a_text_ends_in_sixty_milliseconds_of_quiet(
    engine: KokoroSynthesizer, text: str, language: str
) -> None:
    audio = np.concatenate(
        await contract.heard(engine, SpeechRequest(text=text, language=language))
    )
    assert np.abs(audio.astype(np.int32)).max() > 64
    assert np.abs(audio[-engine.sample_rate_hz * 60 // 1000 :].astype(np.int32)).max() <= 64


async def test_it_lists_the_voices_of_its_folder_and_none_that_it_can_not_read(
    engine: KokoroSynthesizer,
) -> None:
    assert [voice.name for voice in engine.voices] == [
        "af_heart",
        "bm_george",
        "hf_alpha",
        "hm_omega",
    ]
    assert {voice.language for voice in engine.voices} == {"en", "hi"}


async def test_rate_makes_it_faster(engine: KokoroSynthesizer) -> None:
    lengths = [
        sum(map(len, await contract.heard(engine, SpeechRequest(SENTENCES, "en", rate=rate))))
        for rate in (0.5, 1.0, 2.0)
    ]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 1.3 * lengths[2]


async def test_voices_differ_and_a_voice_of_another_language_is_refused(
    engine: KokoroSynthesizer,
) -> None:
    one, other = [
        np.concatenate(await contract.heard(engine, SpeechRequest("Good morning.", "en", voice)))
        for voice in ("af_heart", "bm_george")
    ]
    assert len(one) != len(other) or not np.array_equal(one, other)
    with pytest.raises(VoiceUnknown, match="'hf_alpha' speaks hi, not en"):
        await contract.heard(engine, SpeechRequest("Hello.", "en", "hf_alpha"))
    with pytest.raises(VoiceUnknown, match="no voice for fr here"):
        await contract.heard(engine, SpeechRequest("Bonjour.", "fr"))


async def test_a_language_and_a_voice_that_it_lacks_are_refused_by_name(
    engine: KokoroSynthesizer,
) -> None:
    await contract.refuses_what_it_lacks(engine, "en")


async def test_hostile_texts_do_no_harm(engine: KokoroSynthesizer) -> None:
    await contract.survives_hostile_texts(engine, "en")


async def test_a_closed_stream_makes_no_further_sentence(engine: KokoroSynthesizer) -> None:
    await contract.stops_and_speaks_again(engine, LONG)
    await contract.is_cancelled_with_its_task(engine, LONG)


async def test_two_at_once_sound_as_each_alone(engine: KokoroSynthesizer) -> None:
    requests = [SpeechRequest(SENTENCES, "en", "af_heart"), SpeechRequest(HINDI, "hi", "hm_omega")]
    alone = [sum(map(len, await contract.heard(engine, request))) for request in requests]
    both = await asyncio.gather(*(contract.heard(engine, request) for request in requests))
    for length, chunks in zip(alone, both, strict=True):
        # The source of voiced sounds is random, and with it which of them end in silence.
        assert abs(sum(map(len, chunks)) - length) < 0.1 * length


async def test_a_third_is_refused_at_once(engine: KokoroSynthesizer) -> None:
    async with aclosing(engine.synthesize(LONG)) as one, aclosing(engine.synthesize(LONG)) as two:
        await anext(one)
        await anext(two)
        with pytest.raises(EngineBusy, match="kokoro speaks 2 texts at once already"):
            await contract.heard(engine, LONG)
    assert await contract.heard(engine, SpeechRequest("Yes.", "en"))


async def test_memory_does_not_grow_with_what_was_said(engine: KokoroSynthesizer) -> None:
    request = SpeechRequest(text=SENTENCES, language="en")
    for _ in range(2):
        await contract.heard(engine, request)
    before_mb = contract.most_memory_mb()
    for _ in range(6):
        await contract.heard(engine, request)
    assert contract.most_memory_mb() - before_mb < 60


async def test_an_engine_that_was_not_started_or_was_closed_says_so(folder: Path) -> None:
    engine = KokoroSynthesizer(options=KokoroOptions(model=str(folder)))
    with pytest.raises(EngineFailed, match="kokoro is not started"):
        await contract.heard(engine, LONG)
    await engine.start()
    await engine.close()
    await engine.close()
    with pytest.raises(EngineFailed, match="kokoro is not started"):
        await contract.heard(engine, LONG)


async def test_without_network_a_model_of_the_hub_is_missed_by_name() -> None:
    engine = KokoroSynthesizer()
    with pytest.raises(
        EngineUnavailable, match="hexgrad/Kokoro-82M is not on this machine"
    ) as said:
        await engine.start()
    assert "HF_HUB_OFFLINE unset" in str(said.value)
    assert "hf download hexgrad/Kokoro-82M" in str(said.value)
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
        (spoiled("config.json", b"{"), "do not load"),
        (spoiled("config.json", b"{}"), "do not load"),
        (spoiled("*.pth", None), "lacks its weights"),
        (spoiled("*.pth", b"PK\x03\x04"), "do not load"),
        (spoiled("voices/af_heart.pt", b"no"), "do not load"),
        (spoiled("voices/*", None), "has no voice"),
    ],
)
async def test_a_broken_folder_is_named_with_what_is_wrong(
    folder: Path, tmp_path: Path, spoil: Spoil, says: str
) -> None:
    made = shutil.copytree(folder, tmp_path / "copy", copy_function=os.link)
    spoil(made)
    engine = KokoroSynthesizer(options=KokoroOptions(model=str(made), device="cpu"))
    with pytest.raises(EngineUnavailable, match=says):
        await engine.start()
    await engine.close()


async def test_misaki_without_spacys_model_is_refused_with_the_command(folder: Path) -> None:
    options = KokoroOptions(model=str(folder), english="misaki", device="cpu")
    engine = KokoroSynthesizer(options=options)
    with pytest.raises(EngineUnavailable, match=r"pip install https://.*en_core_web_sm"):
        await engine.start()
    await engine.close()


async def test_a_gpu_that_is_not_there_is_named(folder: Path) -> None:
    engine = KokoroSynthesizer(options=KokoroOptions(model=str(folder), device="cuda:97"))
    with pytest.raises(EngineUnavailable, match="no device cuda:97"):
        await engine.start()
    await engine.close()
