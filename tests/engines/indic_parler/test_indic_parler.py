"""parler-tts's real code with small random weights: streaming, stopping, memory, errors."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.engines.indic_parler import IndicParlerOptions, IndicParlerSynthesizer
from speech.errors import EngineBusy, EngineFailed, EngineUnavailable, VoiceUnknown
from speech.tts import SpeechRequest
from tests.engines import speaking_contract as contract

Spoil = Callable[[Path], None]

HINDI = "आपका ऑर्डर तैयार है। वह बारह बजे निकलेगा।"
LONG = SpeechRequest(text=HINDI * 6, language="hi", voice="Rohit")


async def test_it_streams_in_chunks_while_it_makes_them(engine: IndicParlerSynthesizer) -> None:
    chunks = await contract.heard(engine, SpeechRequest(text=HINDI, language="hi"))
    # A chunk of 200 ms is of 25 steps, the first less what overlaps the next.
    assert len(chunks) >= 6
    assert all(len(pcm) < engine.sample_rate_hz for pcm in chunks)


async def test_every_language_has_a_voice_and_speaks(engine: IndicParlerSynthesizer) -> None:
    for language in sorted(engine.languages):
        assert await contract.heard(engine, SpeechRequest(text="अ a", language=language))


async def test_generation_ends_within_a_step_of_closing_the_stream(
    engine: IndicParlerSynthesizer, parler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    forward = parler.ParlerTTSForCausalLM.forward

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal steps
        steps += 1
        return forward(*given, **named)

    monkeypatch.setattr(parler.ParlerTTSForCausalLM, "forward", counted)
    text = "नमस्ते" * 12  # one piece of 72 characters: up to 20 s, 2500 steps
    await contract.heard(engine, SpeechRequest(text=text, language="hi"))
    whole, steps = steps, 0
    async with aclosing(engine.synthesize(SpeechRequest(text=text, language="hi"))) as spoken:
        await anext(spoken)
    await contract.heard(engine, SpeechRequest(text="अ", language="hi"))  # until it is free
    short = 125 * 2 + 40  # what "अ" may take at most
    assert steps - short < whole / 4


async def test_it_is_free_at_once_after_an_interruption(engine: IndicParlerSynthesizer) -> None:
    await contract.stops_and_speaks_again(engine, LONG)
    await contract.is_cancelled_with_its_task(engine, LONG)


async def test_a_model_that_finds_no_end_is_cut(engine: IndicParlerSynthesizer) -> None:
    audio = np.concatenate(await contract.heard(engine, SpeechRequest(text="हाँ।", language="hi")))
    assert len(audio) <= engine.sample_rate_hz * 4


async def test_two_at_once_and_a_third_is_refused(engine: IndicParlerSynthesizer) -> None:
    request = SpeechRequest(text=HINDI, language="hi")
    first, second = await asyncio.gather(
        contract.heard(engine, request), contract.heard(engine, request)
    )
    assert first
    assert second
    async with aclosing(engine.synthesize(LONG)) as one, aclosing(engine.synthesize(LONG)) as two:
        await anext(one)
        await anext(two)
        with pytest.raises(EngineBusy, match="indic_parler speaks 2 texts at once already"):
            await contract.heard(engine, LONG)


async def test_memory_does_not_grow_with_what_was_said(engine: IndicParlerSynthesizer) -> None:
    request = SpeechRequest(text=HINDI, language="hi")
    for _ in range(3):
        await contract.heard(engine, request)
    before_mb = contract.most_memory_mb()
    for _ in range(6):
        await contract.heard(engine, request)
    assert contract.most_memory_mb() - before_mb < 60


async def test_languages_and_voices_that_it_lacks_are_refused(
    engine: IndicParlerSynthesizer,
) -> None:
    await contract.refuses_what_it_lacks(engine, "hi")
    with pytest.raises(VoiceUnknown, match="'Sunita' speaks mr, not hi"):
        await contract.heard(engine, SpeechRequest("नमस्ते", "hi", "Sunita"))


async def test_hostile_texts_do_no_harm(engine: IndicParlerSynthesizer) -> None:
    await contract.survives_hostile_texts(engine, "hi")


async def test_an_engine_that_was_not_started_says_so(folder: Path) -> None:
    engine = IndicParlerSynthesizer(options=IndicParlerOptions(model=str(folder)))
    with pytest.raises(EngineFailed, match="indic_parler is not started"):
        await contract.heard(engine, LONG)
    await engine.close()


async def test_without_network_the_gated_model_is_missed_with_what_to_do() -> None:
    engine = IndicParlerSynthesizer()
    with pytest.raises(EngineUnavailable, match="indic-parler-tts is not on this machine") as said:
        await engine.start()
    assert "accept the terms at https://huggingface.co/ai4bharat/indic-parler-tts" in str(
        said.value
    )
    assert "hf auth login" in str(said.value)
    await engine.close()


def without(*names: str) -> Spoil:
    def spoil(folder: Path) -> None:
        for name in names:
            found = folder / name
            shutil.rmtree(found) if found.is_dir() else found.unlink()

    return spoil


def with_text(name: str, text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).write_text(text)

    return spoil


def naming_an_encoder(name: str | None) -> Spoil:
    def spoil(folder: Path) -> None:
        without("description_tokenizer")(folder)
        config = json.loads((folder / "config.json").read_text())
        config["text_encoder"]["_name_or_path"] = name
        with_text("config.json", json.dumps(config))(folder)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (without("config.json"), "lacks config.json"),
        (without("model.safetensors"), "lacks model.safetensors"),
        (without("tokenizer_config.json"), "lacks tokenizer_config.json"),
        (with_text("config.json", "{"), "do not load"),
        (with_text("model.safetensors", "no weights"), "do not load"),
        (naming_an_encoder("google/flan-t5-large"), "google/flan-t5-large is not on this machine"),
        (naming_an_encoder(None), "names no tokenizer of descriptions"),
    ],
)
async def test_a_broken_folder_is_named_with_what_is_wrong(
    folder: Path, tmp_path: Path, spoil: Spoil, says: str
) -> None:
    made = shutil.copytree(folder, tmp_path / "copy", copy_function=os.link)
    spoil(made)
    engine = IndicParlerSynthesizer(options=IndicParlerOptions(model=str(made), device="cpu"))
    with pytest.raises(EngineUnavailable, match=says):
        await engine.start()
    await engine.close()


async def test_it_runs_in_half_precision(folder: Path) -> None:
    options = IndicParlerOptions(model=str(folder), device="cpu", precision="bf16")
    engine = IndicParlerSynthesizer(options=options)
    await engine.start()
    assert await contract.heard(engine, SpeechRequest(text="नमस्ते।", language="hi"))
    await engine.close()
