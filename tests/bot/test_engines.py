"""The engines that the settings choose: their names, options, order, and what is said of faults."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.engine_settings import option_secrets, options_of
from bot.engines import Ears, Mouths, open_ears, open_mouths
from bot.errors import SettingsError, StartFailed
from bot.flow_settings import examine_flows
from bot.settings import Settings, describe, load_settings
from speech.hearing_chain import RecognizerChain
from speech.pool import EnginePool
from speech.tts import SpeechRequest

NOWHERE = {"engine": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "whisper-1"}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(f"CALLWRIGHT_{name}", value)
    return load_settings(env_file=None)


def settings(folder: Path, **given: Any) -> Settings:
    return load_settings(env_file=None, data_dir=folder, **given)


async def ears_of(own: Settings) -> Ears:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(EnginePool(1))
        return await open_ears(own, pool, stack)


async def mouths_of(own: Settings) -> Mouths:
    async with AsyncExitStack() as stack:
        return await open_mouths(own, stack)


def test_engines_behind_commas_stand_in_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    own = read(monkeypatch, HEARING__HI="gpu1, whisper ,", SPEAKING__EN="flite,espeak")
    assert own.hearing == {"en": ("moonshine",), "hi": ("gpu1", "whisper")}
    assert own.speaking["en"] == ("flite", "espeak")


def test_no_engine_means_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, HEARING__EN="none").hearing == {}


@pytest.mark.parametrize(
    ("value", "told"), [(",", "name an engine"), ("flite, flite", "flite is named twice")]
)
def test_an_order_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=rf"CALLWRIGHT_SPEAKING: at en: {told}"):
        read(monkeypatch, SPEAKING__EN=value)


def test_an_engine_has_options_and_may_have_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = read(
        monkeypatch,
        ENGINES__GPU1__ENGINE="remote",
        ENGINES__GPU1__BASE_URL="http://gpu1:8090",
        ENGINES='{"whisper": {"beam_size": 5, "short_window": true}}',
    )
    assert options_of(own.engines, "gpu1") == ("remote", {"base_url": "http://gpu1:8090"})
    assert options_of(own.engines, "whisper") == (
        "whisper",
        {"beam_size": "5", "short_window": "true"},
    )
    assert options_of(own.engines, "espeak") == ("espeak", {})


def test_an_engines_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    own = read(monkeypatch, ENGINES__GROQ__API_KEY="sk-12345", ENGINES__GROQ__MODEL="turbo")
    assert "sk-12345" in own.secret_values()
    assert "turbo" not in own.secret_values()
    assert option_secrets(own.engines) == {"sk-12345"}
    assert "sk-12345" not in repr(own) + repr(describe(own))


async def test_an_engine_alone_is_used_itself_and_several_are_a_chain(tmp_path: Path) -> None:
    engines: Mapping[str, Any] = {"far": NOWHERE}
    own = settings(tmp_path, hearing={"en": ("moonshine",)})
    assert (await ears_of(own)).by_language["en"].name == "moonshine"
    own = settings(tmp_path, hearing={"en": ("far", "moonshine")}, engines=engines)
    ears = await ears_of(own)
    assert isinstance(ears.by_language["en"], RecognizerChain)
    assert ears.by_language["en"].name == "far, moonshine"


async def test_a_server_that_is_down_at_the_start_does_not_keep_calls_away(tmp_path: Path) -> None:
    far = {"far": NOWHERE}
    own = settings(tmp_path, hearing={"en": ("far", "moonshine")}, engines=far)
    started = {member.name: member.is_started for member in (await ears_of(own)).members}
    assert started == {"far": False, "moonshine": True}


async def test_a_language_without_any_engine_that_starts_stops_the_start(tmp_path: Path) -> None:
    own = settings(tmp_path, hearing={"en": ("far",)}, engines={"far": NOWHERE})
    with pytest.raises(StartFailed, match=r"CALLWRIGHT_HEARING: .*127\.0\.0\.1:9"):
        await ears_of(own)


async def test_an_option_that_does_not_exist_is_named(tmp_path: Path) -> None:
    own = settings(tmp_path, speaking={"en": ("espeak",)}, engines={"espeak": {"pace": "2"}})
    with pytest.raises(StartFailed, match=r"CALLWRIGHT_ENGINES__ESPEAK: .*no option 'pace'"):
        await mouths_of(own)


async def test_engines_of_the_same_kind_may_stand_in_for_each_other(tmp_path: Path) -> None:
    mouths = await mouths_of(settings(tmp_path, speaking={"en": ("espeak", "flite")}))
    assert [member.name for member in mouths.members] == ["espeak", "flite"]
    request = SpeechRequest("Hello.", "en")
    assert await mouths.by_language["en"].prewarm([request], sample_rate_hz=8000) == []


async def test_a_voice_that_one_engine_of_the_order_has_is_enough(tmp_path: Path) -> None:
    own = settings(tmp_path, speaking={"en": ("espeak", "flite")}, voices={"en": "slt"})
    await mouths_of(own)
    own = settings(tmp_path, speaking={"en": ("espeak", "flite")}, voices={"en": "nobody"})
    with pytest.raises(StartFailed, match="no voice 'nobody' for en"):
        await mouths_of(own)


def test_an_engine_that_does_not_know_its_language_is_found_at_the_start(tmp_path: Path) -> None:
    own = settings(tmp_path, speaking={"hi": ("espeak", "flite")})
    (fault,) = examine_flows(own)[1]
    assert fault.what == "CALLWRIGHT_SPEAKING__HI: flite speaks en only"
    assert fault.fix.startswith("choose espeak")
