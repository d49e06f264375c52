"""The engines by name: what there is, what is missing, and nothing loaded to find out."""

import subprocess
import sys

import pytest

from speech.engine_table import ENGINES, EngineEntry
from speech.errors import EngineUnavailable
from speech.pool import EnginePool
from speech.registry import entry, make_recognizer, make_synthesizer


async def test_every_engine_that_is_installed_can_be_made_and_is_what_its_entry_says() -> None:
    async with EnginePool(1) as pool:
        for declared in ENGINES:
            if not declared.is_installed:
                continue
            if declared.kind == "hears":
                made = make_recognizer(declared.name, pool)
            else:
                made = make_synthesizer(declared.name)
            assert made.name == declared.name
            assert made.languages == set(declared.languages)
            await made.close()


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(EngineUnavailable, match=r"'siri'; there are: .*espeak, flite"):
        make_synthesizer("siri")
    with pytest.raises(EngineUnavailable, match=r"there are: .*moonshine"):
        entry("espeak", "hears")


def test_what_is_missing_is_named_with_the_way_to_get_it() -> None:
    declared = EngineEntry(
        name="oracle",
        kind="speaks",
        languages=("el",),
        licence="none",
        needs="a priestess",
        how_to_get_it="go to Delphi",
        factory="delphi:Oracle",
        packages=("no_such_package_delphi",),
        programs=("no-such-program-pythia",),
    )
    assert declared.missing() == ("no_such_package_delphi", "no-such-program-pythia")
    assert not declared.is_installed


def test_listing_the_engines_imports_none_of_them() -> None:
    code = (
        "import sys; from speech.registry import ENGINES, options_of\n"
        "[engine.missing() for engine in ENGINES]\n"
        "print([name for name in sys.modules if name.split('.')[0] in "
        "('onnxruntime', 'espeakng_loader', 'moonshine_voice', 'pipecat', 'torch') "
        "or name.startswith('speech.engines.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
