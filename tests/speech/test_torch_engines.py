"""The engines on torch, where torch is not: what they declare, refuse and ask for."""

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest

from speech.engine_table import ENGINES
from speech.errors import EngineFailed, OptionInvalid
from speech.options import read_options
from speech.registry import entry, make_synthesizer, options_of
from speech.tts import SpeechRequest, Synthesizer

NAMES = ("kokoro", "indic_parler", "chatterbox", "kyutai")


def made(name: str, **options: str) -> Synthesizer:
    """The engine, whether its packages are here or not."""
    declared = entry(name, "speaks")
    module, _, cls = declared.factory.partition(":")
    chosen = read_options(name, options_of(declared), options)
    engine: Any = getattr(importlib.import_module(module), cls)(options=chosen)
    return engine


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_is_what_its_entry_says(name: str) -> None:
    engine = made(name)
    declared = entry(name, "speaks")
    assert engine.name == name
    assert engine.languages == set(declared.languages)
    assert {voice.language for voice in engine.voices} == engine.languages
    names = [voice.name for voice in engine.voices]
    assert len(names) == len(set(names))
    assert name in declared.how_to_get_it


@pytest.mark.parametrize("name", NAMES)
async def test_before_it_is_started_it_refuses_by_name_and_speaks_nothing(name: str) -> None:
    engine = made(name)
    with pytest.raises(EngineFailed, match=f"{name} is not started"):
        await anext(engine.synthesize(SpeechRequest("Hello.", "en")))
    await engine.close()
    await engine.close()


@pytest.mark.parametrize(
    ("name", "option", "value", "says"),
    [
        ("kokoro", "device", "tpu", "option 'device'"),
        ("kokoro", "max_streams", "0", "option 'max_streams'"),
        ("kokoro", "english", "festival", "option 'english'"),
        ("indic_parler", "precision", "int8", "option 'precision'"),
        ("indic_parler", "chunk_ms", "20", "option 'chunk_ms'"),
        ("chatterbox", "variant", "classic", "option 'variant'"),
        ("chatterbox", "temperature", "nan", "option 'temperature'"),
        ("chatterbox", "speed", "2", "has no option 'speed'"),
        ("kyutai", "codebooks", "64", "option 'codebooks'"),
        ("kyutai", "guidance", "nan", "option 'guidance'"),
    ],
)
def test_a_wrong_option_is_named(name: str, option: str, value: str, says: str) -> None:
    with pytest.raises(OptionInvalid, match=says):
        made(name, **{option: value})


def test_turbo_laughs_and_multilingual_is_stirred() -> None:
    turbo, many = made("chatterbox", variant="turbo"), made("chatterbox")
    assert turbo.languages == {"en"}
    assert "laugh" in turbo.expression.sounds
    assert not many.expression.sounds
    assert "excited" in many.expression.emotions
    assert turbo.version != many.version


def test_what_an_engine_is_told_to_load_is_part_of_its_version() -> None:
    for name in NAMES:
        assert made(name).version != made(name, model="/a/folder").version


def test_an_engine_is_described_without_torch_being_imported() -> None:
    code = (
        "import json, sys\n"
        "from speech.engines.kokoro import KokoroSynthesizer\n"
        "from speech.engines.indic_parler import IndicParlerSynthesizer\n"
        "from speech.engines.chatterbox import ChatterboxSynthesizer\n"
        "made = KokoroSynthesizer(), IndicParlerSynthesizer(), ChatterboxSynthesizer()\n"
        "[len(engine.voices) for engine in made]\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'kokoro', 'chatterbox'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [], done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_where_its_packages_are_missing_the_way_to_get_them_is_named(name: str) -> None:
    declared = next(engine for engine in ENGINES if engine.name == name)
    if declared.is_installed:
        pytest.skip(f"{name} is installed here")
    with pytest.raises(Exception, match=f"make engine-{name}"):
        make_synthesizer(name)
