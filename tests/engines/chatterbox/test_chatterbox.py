"""Chatterbox's real code with small random weights: both models, voices, stopping, errors."""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.engines.chatterbox import ChatterboxOptions, ChatterboxSynthesizer
from speech.errors import EngineBusy, EngineFailed, EngineUnavailable, LanguageUnsupported
from speech.tts import SpeechRequest, Voice
from tests.engines import speaking_contract as contract

TEXT = "Your order is ready. It leaves at noon. Thank you."
LONG = SpeechRequest(text=TEXT * 6, language="en")
MAYA = Voice("custom:maya", "en", "Maya, of the front desk")


def reference(seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Something like a voice: a low buzz in syllables, 16 kHz."""
    at_s = np.arange(int(seconds * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * at_s) / k for k in range(1, 20))
    return (4000 * buzz * (np.sin(2 * np.pi * 3 * at_s) > -0.5)).astype(np.int16)


@pytest.fixture(scope="session")
def learned(engine: ChatterboxSynthesizer) -> bytes:
    return asyncio.run(engine.learn(reference(10.5), 16_000))


@pytest.fixture
def steps(
    engine: ChatterboxSynthesizer, chatterbox: Any, monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """A number for each token that Turbo made."""
    import transformers

    made: list[int] = []
    forward = transformers.GPT2Model.forward

    def counted(*given: Any, **named: Any) -> Any:
        made.append(1)
        return forward(*given, **named)

    monkeypatch.setattr(transformers.GPT2Model, "forward", counted)
    return made


async def test_a_piece_is_heard_before_the_next_is_made(
    engine: ChatterboxSynthesizer, steps: list[int]
) -> None:
    at: list[int] = []
    async for pcm in engine.synthesize(SpeechRequest(text=TEXT, language="en")):
        assert pcm.dtype == np.int16
        at.append(len(steps))
    assert len(at) >= 3
    assert at[0] < len(steps)


async def test_generation_ends_within_a_token_of_closing_the_stream(
    engine: ChatterboxSynthesizer, steps: list[int]
) -> None:
    spoken = engine.synthesize(LONG)
    await anext(spoken)  # the second piece is under way, sixteen are to follow
    await spoken.aclose()
    made = len(steps)
    await engine.learn(reference(10.5), 16_000)  # waits for the model's thread
    assert len(steps) - made <= 1
    await contract.stops_and_speaks_again(engine, LONG)
    await contract.is_cancelled_with_its_task(engine, LONG)


async def test_turbo_is_given_the_sounds_that_it_knows(engine: ChatterboxSynthesizer) -> None:
    assert engine.expression.sounds == {"laugh", "chuckle", "sigh", "cough"}
    assert engine.languages == {"en"}
    assert await contract.heard(engine, SpeechRequest("Oh [laugh] well. [sigh]", "en"))
    with pytest.raises(LanguageUnsupported, match="chatterbox does not speak 'hi', only en"):
        await contract.heard(engine, SpeechRequest("नमस्ते", "hi"))


async def test_multilingual_speaks_its_languages_and_no_others(
    polyglot: ChatterboxSynthesizer,
) -> None:
    assert await contract.heard(polyglot, SpeechRequest("नमस्ते, आप कैसे हैं?", "hi"))
    assert await contract.heard(polyglot, SpeechRequest("Hello.", "en", emotion="excited"))
    assert len(polyglot.languages) == 21
    assert polyglot.expression.emotions == {"calm", "neutral", "happy", "excited"}
    for language in ("mr", "zh", "he"):
        with pytest.raises(LanguageUnsupported, match=f"does not speak '{language}', only ar, "):
            await contract.heard(polyglot, SpeechRequest("x", language))


async def test_multilingual_leaves_no_hooks_behind(
    polyglot: ChatterboxSynthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    attention = transformers.models.llama.modeling_llama.LlamaAttention
    seen: list[int] = []
    forward = attention.forward

    def counted(self: Any, *given: Any, **named: Any) -> Any:
        seen.append(len(self._forward_hooks))
        return forward(self, *given, **named)

    monkeypatch.setattr(attention, "forward", counted)
    for _ in range(4):
        async with aclosing(polyglot.synthesize(SpeechRequest("Hello there.", "en"))) as spoken:
            await anext(spoken)
    await contract.heard(polyglot, SpeechRequest("Hello.", "en"))
    assert max(seen) == 1


async def test_a_voice_is_learned_held_and_released(
    engine: ChatterboxSynthesizer, learned: bytes
) -> None:
    assert 10_000 < len(learned) < 2_000_000
    engine.hold(MAYA, learned)
    assert MAYA in engine.voices
    assert await contract.heard(engine, SpeechRequest("Hello.", "en", MAYA.name))
    async with aclosing(engine.synthesize(SpeechRequest(LONG.text, "en", MAYA.name))) as spoken:
        await anext(spoken)
        engine.release(MAYA.name)
        rest = [pcm async for pcm in spoken]
    assert len(rest) < 8  # what was made already; 18 sentences were asked for
    engine.release(MAYA.name)
    assert MAYA not in engine.voices


async def test_a_voice_speaks_any_language_of_the_model(polyglot: ChatterboxSynthesizer) -> None:
    polyglot.hold(MAYA, await polyglot.learn(reference(10.5), 16_000))
    assert await contract.heard(polyglot, SpeechRequest("नमस्ते।", "hi", MAYA.name))
    polyglot.release(MAYA.name)


async def test_a_voice_is_not_learned_from_too_little(engine: ChatterboxSynthesizer) -> None:
    with pytest.raises(EngineFailed, match=r"from 10 s or more, not 9\.0"):
        await engine.learn(reference(9.0), 16_000)


async def test_bytes_that_are_no_voice_of_this_model_are_refused(
    engine: ChatterboxSynthesizer, polyglot: ChatterboxSynthesizer, learned: bytes
) -> None:
    with pytest.raises(EngineFailed, match="let this engine learn it"):
        polyglot.hold(MAYA, learned)
    for broken in (b"", b"x" * 100, learned[:-4000], learned[:4] + b"\xff" + learned[5:]):
        with pytest.raises(EngineFailed, match=r"voice|bytes"):
            engine.hold(MAYA, broken)
    with pytest.raises(LanguageUnsupported, match="'hi', only en"):
        engine.hold(Voice("custom:asha", "hi", ""), learned)
    assert MAYA not in engine.voices


async def test_two_take_turns_and_a_third_is_refused(engine: ChatterboxSynthesizer) -> None:
    request = SpeechRequest(text=TEXT, language="en")
    first, second = await asyncio.gather(
        contract.heard(engine, request), contract.heard(engine, request)
    )
    assert len(first) >= 3
    assert len(second) >= 3
    async with aclosing(engine.synthesize(LONG)) as one, aclosing(engine.synthesize(LONG)) as two:
        await anext(one)
        await anext(two)
        with pytest.raises(EngineBusy, match="chatterbox speaks 2 texts at once already"):
            await contract.heard(engine, LONG)


async def test_memory_does_not_grow_with_what_was_said(polyglot: ChatterboxSynthesizer) -> None:
    request = SpeechRequest(text="Hello there.", language="en")
    for _ in range(3):
        await contract.heard(polyglot, request)
    before_mb = contract.most_memory_mb()
    for _ in range(6):
        await contract.heard(polyglot, request)
    assert contract.most_memory_mb() - before_mb < 60


async def test_languages_voices_and_texts_that_are_wrong(engine: ChatterboxSynthesizer) -> None:
    await contract.refuses_what_it_lacks(engine, "en")
    await contract.survives_hostile_texts(engine, "en")


@pytest.mark.parametrize("variant", ["turbo", "multilingual"])
async def test_without_network_the_model_is_missed_by_name(variant: Any) -> None:
    engine = ChatterboxSynthesizer(options=ChatterboxOptions(variant=variant))
    with pytest.raises(EngineUnavailable, match="hf download ResembleAI/chatterbox"):
        await engine.start()
    with pytest.raises(EngineFailed, match="chatterbox is not started"):
        await contract.heard(engine, LONG)
    await engine.close()


def turbo_in(folder: Path) -> ChatterboxOptions:
    return ChatterboxOptions(variant="turbo", model=str(folder), device="cpu", cpu_threads=1)


def spoiled(name: str, content: bytes | None) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoiled("t3_turbo_v1.safetensors", None), "lacks t3_turbo_v1.safetensors"),
        (spoiled("ve.safetensors", b"no weights"), "do not load"),
        (spoiled("conds.pt", b"no voice"), "do not load"),
        (spoiled("tokenizer.json", b"{"), "do not load"),
    ],
)
async def test_a_broken_folder_is_named_with_what_is_wrong(
    turbo: Path, tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    made = shutil.copytree(turbo, tmp_path / "copy", copy_function=os.link)
    spoil(made)
    engine = ChatterboxSynthesizer(
        options=ChatterboxOptions(variant="turbo", model=str(made), device="cpu")
    )
    with pytest.raises(EngineUnavailable, match=says):
        await engine.start()
    await engine.close()


async def test_a_model_without_a_voice_of_its_own_speaks_once_taught(
    turbo: Path, tmp_path: Path, learned: bytes
) -> None:
    made = shutil.copytree(turbo, tmp_path / "copy", copy_function=os.link)
    (made / "conds.pt").unlink()
    engine = ChatterboxSynthesizer(
        options=ChatterboxOptions(variant="turbo", model=str(made), device="cpu")
    )
    await engine.start()
    assert engine.voices == ()
    engine.hold(MAYA, learned)
    assert await contract.heard(engine, SpeechRequest("Hello.", "en"))
    await engine.close()
