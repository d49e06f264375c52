"""The table of engines that are Pipecat's services, beside that of `speech/`."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial

import pytest

from bot.pipecat_engines import (
    ALL_ENGINES,
    PIPECAT_ENGINES,
    make_recognizer,
    make_synthesizer,
)
from speech.engine_table import ENGINES
from speech.errors import EngineUnavailable, OptionInvalid
from speech.pool import EnginePool
from speech.stt import Recognizer
from speech.tts import Synthesizer


async def test_each_can_be_made_and_is_what_its_entry_says() -> None:
    async with EnginePool(1) as pool:
        for declared in PIPECAT_ENGINES:
            if not declared.is_installed:
                continue
            make: Callable[[str, Mapping[str, str]], Recognizer | Synthesizer] = (
                partial(_ear, pool) if declared.kind == "hears" else make_synthesizer
            )
            made = make(declared.name, {"api_key": "key"})
            assert made.name == declared.name
            assert made.languages <= set(declared.languages)
            with pytest.raises(OptionInvalid, match="api_key"):
                make(declared.name, {})
            await made.close()


def _ear(pool: EnginePool, name: str, options: Mapping[str, str]) -> Recognizer:
    return make_recognizer(name, pool, options)


async def test_the_others_come_from_the_room_of_engines() -> None:
    async with EnginePool(1) as pool:
        assert make_recognizer("moonshine", pool).name == "moonshine"
        assert make_synthesizer("espeak").name == "espeak"
        with pytest.raises(EngineUnavailable, match="'siri'"):
            make_synthesizer("siri")
        with pytest.raises(EngineUnavailable, match="'deepgram'"):
            make_synthesizer("deepgram")  # it hears


def test_no_two_engines_have_one_name() -> None:
    names = [(engine.kind, engine.name) for engine in ALL_ENGINES]
    assert len(set(names)) == len(names) == len(ENGINES) + len(PIPECAT_ENGINES)


def test_listing_them_imports_none_of_them() -> None:
    code = (
        "import sys; import bot.pipecat_engines as t; [e.is_installed for e in t.PIPECAT_ENGINES]; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pipecat', 'deepgram')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(
    importlib.util.find_spec("deepgram") is not None, reason="deepgram-sdk is installed"
)
async def test_without_its_package_deepgram_says_how_to_get_it() -> None:
    async with EnginePool(1) as pool:
        with pytest.raises(EngineUnavailable, match=r"callwright\[deepgram\]"):
            make_recognizer("deepgram", pool, {"api_key": "key"})
