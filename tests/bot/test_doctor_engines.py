"""The doctor tries the engines: real ones where they are here, and broken ones made up for it."""

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.doctor.engines import examine_engines
from bot.doctor.machine import Check, State
from bot.settings import Settings, load_settings
from speech.engine_table import EngineEntry
from speech.errors import EngineFailed, EngineUnavailable
from speech.pool import EnginePool
from speech.stt import Pcm, Transcript
from speech.tts import Expression, SpeechRequest, Voice


def entry(name: str, kind: Any, needs: tuple[str, ...] = ()) -> EngineEntry:
    return EngineEntry(
        name=name,
        kind=kind,
        languages=("en",),
        licence="MIT",
        needs="its wheel",
        how_to_get_it=f"pip install {name}",
        factory="",
        packages=needs,
    )


class Mouth:
    """Speaks so many samples, or fails."""

    name, version, sample_rate_hz = "mouth", "1", 8000
    languages = frozenset({"en"})
    voices: tuple[Voice, ...] = ()
    expression = Expression()

    def __init__(self, samples: int = 4000, failure: Exception | None = None) -> None:
        self._samples, self._failure = samples, failure
        self.is_open = False

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        if self._failure:
            raise self._failure
        yield np.ones(self._samples, np.int16)

    async def start(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


class Ear:
    """Understands always the same."""

    name, sample_rate_hz = "ear", 16000

    def __init__(self, text: str, *languages: str, failure: Exception | None = None) -> None:
        self.languages = frozenset(languages or ("en",))
        self._text, self._failure = text, failure
        self.fed = 0

    def open(self, *, language: str, sample_rate_hz: int, **more: Any) -> "Ear":
        return self

    def feed(self, pcm: Pcm) -> None:
        self.fed += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        return await self.finish()

    async def finish(self) -> Transcript:
        return Transcript(self._text, "en", 1.0, True, 500)

    def cancel(self) -> None:
        return

    async def start(self) -> None:
        if self._failure:
            raise self._failure

    async def close(self) -> None:
        return


def settings(folder: Path, **given: Any) -> Settings:
    return load_settings(env_file=None, data_dir=folder, **given)


async def found(folder: Path, mouth: Mouth, ear: Ear, **given: Any) -> dict[str, Check]:
    engines = (entry("mouth", "speaks"), entry("ear", "hears"))
    own = settings(folder, speaking={"en": "mouth"}, hearing={"en": "ear"}, **given)

    def hearing(name: str, pool: EnginePool, options: Mapping[str, str]) -> Ear:
        return ear

    checks = await examine_engines(own, engines, speaking=lambda *_: mouth, hearing=hearing)
    return {check.name: check for check in checks}


async def test_the_engines_that_are_installed_speak_and_hear(tmp_path: Path) -> None:
    checks = {check.name: check for check in await examine_engines(settings(tmp_path))}
    assert checks["engine espeak"].state is State.OK
    assert "en, hi, mr" in checks["engine espeak"].detail
    assert checks["engine moonshine"].state is State.OK
    assert checks["language en"].state is State.OK
    assert checks["language hi"].state is State.OPTIONAL
    assert "keys only" in checks["language hi"].detail


async def test_the_ear_is_played_what_the_mouth_said(tmp_path: Path) -> None:
    mouth, ear = Mouth(samples=4000), Ear("hello")
    checks = await found(tmp_path, mouth, ear)
    assert ear.fed == 4000
    assert not mouth.is_open
    assert "“hello”" in checks["engine ear"].detail
    assert checks["language en"].state is State.OK


@pytest.mark.parametrize(
    ("mouth", "told"),
    [
        (Mouth(samples=0), "silent in en"),
        (Mouth(failure=EngineFailed("the library broke")), "the library broke"),
    ],
)
async def test_an_engine_that_cannot_speak_breaks_its_language(
    tmp_path: Path, mouth: Mouth, told: str
) -> None:
    checks = await found(tmp_path, mouth, Ear("hello"))
    assert checks["engine mouth"].state is State.BROKEN
    assert told in checks["engine mouth"].detail
    assert checks["engine mouth"].fix == "pip install mouth"
    assert checks["language en"].state is State.BROKEN
    assert "CALLWRIGHT_SPEAKING__EN" in checks["language en"].fix
    assert not mouth.is_open


@pytest.mark.parametrize(
    ("ear", "told"),
    [
        (Ear("  "), "heard nothing in en"),
        (Ear("", failure=EngineUnavailable("the weights are gone")), "the weights are gone"),
    ],
)
async def test_an_ear_that_is_deaf_breaks_its_language(tmp_path: Path, ear: Ear, told: str) -> None:
    checks = await found(tmp_path, Mouth(), ear)
    assert checks["engine ear"].state is State.BROKEN
    assert told in checks["engine ear"].detail
    assert checks["language en"].state is State.BROKEN


async def test_a_language_that_nothing_speaks_cannot_be_tried_and_that_is_said(
    tmp_path: Path,
) -> None:
    checks = await found(tmp_path, Mouth(), Ear("hello", "en", "ta"))
    assert "nothing speaks it: ta" in checks["engine ear"].detail


async def test_an_engine_that_is_absent_matters_only_where_it_is_set(tmp_path: Path) -> None:
    absent = (entry("other", "speaks", ("no_such_module",)),)
    used = await examine_engines(settings(tmp_path, speaking={"en": "other"}), absent)
    unused = await examine_engines(settings(tmp_path), absent)
    assert used[0].state is State.MISSING
    assert unused[0].state is State.OPTIONAL
    assert used[0].fix == "pip install other"


async def test_a_voice_that_nobody_has_breaks_its_language_alone(tmp_path: Path) -> None:
    own = settings(tmp_path, voices={"hi": "foo"})
    checks = {check.name: check for check in await examine_engines(own)}
    assert checks["engine espeak"].state is State.OK
    assert not checks["language mr"].is_bad
    assert checks["language hi"].state is State.BROKEN
    assert "no voice 'foo' for hi" in checks["language hi"].detail
    assert checks["language hi"].fix.startswith("set CALLWRIGHT_VOICES__HI to another: there are")
    assert "espeak/hi+f2" in checks["language hi"].fix


async def test_a_voice_of_another_language_breaks_its_language(tmp_path: Path) -> None:
    own = settings(tmp_path, voices={"hi": "mr"})
    checks = {check.name: check for check in await examine_engines(own)}
    assert checks["language hi"].state is State.BROKEN


async def test_an_engine_that_nobody_knows_breaks_its_language(tmp_path: Path) -> None:
    checks = await examine_engines(settings(tmp_path, speaking={"en": "robot"}))
    (english,) = [check for check in checks if check.name == "language en"]
    assert english.state is State.BROKEN
    assert "robot" in english.detail


async def test_an_engine_that_nothing_uses_and_that_needs_weights_is_not_tried(
    tmp_path: Path,
) -> None:
    engines = (entry("mouth", "speaks"),)
    (check, *_) = await examine_engines(settings(tmp_path), engines)
    assert check.state is State.OPTIONAL
    assert "not tried, for nothing uses it" in check.detail


async def test_an_engine_is_tried_under_each_name_that_the_settings_give_it(tmp_path: Path) -> None:
    own = settings(
        tmp_path,
        speaking={"en": ("anna", "bert")},
        engines={"anna": {"engine": "mouth", "pace": "1"}, "bert": {"engine": "mouth"}},
    )
    given: list[Mapping[str, str]] = []

    def speaking(name: str, options: Mapping[str, str]) -> Mouth:
        given.append(options)
        return Mouth(samples=0 if options else 4000)

    checks = await examine_engines(own, (entry("mouth", "speaks"),), speaking=speaking)
    by_name = {check.name: check for check in checks}
    assert given == [{"pace": "1"}, {}]
    assert by_name["engine anna (mouth)"].state is State.BROKEN
    assert by_name["engine bert (mouth)"].state is State.OK
    assert "speaks (anna, bert)" in by_name["language en"].detail
