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
        HEARING__HI="gpu1,whisper",
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
    own = read(
        monkeypatch,
        HEARING__HI="groq",
        ENGINES__GROQ__API_KEY="sk-12345",
        ENGINES__GROQ__MODEL="turbo",
    )
    assert "sk-12345" in own.secret_values()
    assert "turbo" not in own.secret_values()
    assert option_secrets(own.engines) == {"sk-12345"}
    assert "sk-12345" not in repr(own) + repr(describe(own))


def test_names_in_an_order_are_read_in_small_letters_as_those_of_variables_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = read(
        monkeypatch,
        SPEAKING__EN="GPU1, espeak",
        HEARING__HI="Ear",
        ENGINES__GPU1__ENGINE="remote",
        ENGINES='{"EAR": {"engine": "openai"}}',
    )
    assert own.speaking["en"] == ("gpu1", "espeak")
    assert options_of(own.engines, "gpu1")[0] == "remote"
    assert options_of(own.engines, "ear")[0] == "openai"


def test_options_of_an_engine_that_no_language_uses_are_refused_with_the_fix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(
            monkeypatch,
            HEARING__EN="whisper",
            ENGINES__WISPER__MODEL="base",
            ENGINES__GPU7__API_KEY="sk-12345",
        )
    gpu7, wisper = str(refused.value).splitlines()
    assert gpu7.startswith("CALLWRIGHT_ENGINES__GPU7: no language hears or speaks with 'gpu7'")
    assert "did you mean CALLWRIGHT_ENGINES__WHISPER?" in wisper
    assert "sk-12345" not in str(refused.value)


def test_options_of_a_default_engine_may_stand_where_others_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = read(monkeypatch, HEARING__EN="whisper", ENGINES__MOONSHINE__MODEL="base-en")
    assert given.hearing["en"] == ("whisper",)
    assert "moonshine" in given.engines


async def test_of_a_name_for_hearing_and_speaking_the_half_that_refuses_is_named(
    tmp_path: Path,
) -> None:
    far = {"base_url": "http://127.0.0.1:9/v1", "prompt": "naan"}
    own = settings(
        tmp_path,
        hearing={"en": ("openai", "moonshine")},
        speaking={"en": ("openai", "espeak")},
        engines={"openai": far},
    )
    with pytest.raises(
        StartFailed,
        match=r"^CALLWRIGHT_ENGINES__OPENAI: .*'prompt'.* \(CALLWRIGHT_SPEAKING refuses it; "
        r"CALLWRIGHT_HEARING has the same name.* write openai_mouth for openai in "
        r"CALLWRIGHT_SPEAKING, with CALLWRIGHT_ENGINES__OPENAI_MOUTH__ENGINE=openai",
    ):
        await mouths_of(own)


async def test_one_engine_and_several_are_a_chain_so_that_failures_are_counted(
    tmp_path: Path,
) -> None:
    engines: Mapping[str, Any] = {"far": NOWHERE}
    own = settings(tmp_path, hearing={"en": ("moonshine",)})
    ears = await ears_of(own)
    assert isinstance(ears.by_language["en"], RecognizerChain)
    assert ears.by_language["en"].name == "moonshine"
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


@pytest.mark.parametrize(
    "voice", ["Ana Florence", "far/Ana Florence", f"custom:{'a' * 32}", "agent:asha"]
)
async def test_a_voice_of_a_server_that_is_down_does_not_stop_the_start(
    tmp_path: Path, voice: str
) -> None:
    far = {"far": {"engine": "remote", "base_url": "http://127.0.0.1:9"}}
    own = settings(tmp_path, speaking={"en": ("far", "espeak")}, engines=far, voices={"en": voice})
    started = {member.name: member.is_started for member in (await mouths_of(own)).members}
    assert started == {"far": False, "espeak": True}


async def test_a_learned_voice_that_is_not_there_yet_does_not_stop_the_start(
    tmp_path: Path,
) -> None:
    own = settings(tmp_path, speaking={"en": ("espeak",)}, voices={"en": f"custom:{'a' * 32}"})
    assert (await mouths_of(own)).members[0].is_started


def test_an_engine_that_does_not_know_its_language_is_found_at_the_start(tmp_path: Path) -> None:
    own = settings(tmp_path, speaking={"hi": ("espeak", "flite")})
    (fault,) = examine_flows(own)[1]
    assert fault.what == "CALLWRIGHT_SPEAKING__HI: flite speaks en only"
    assert fault.fix.startswith("choose espeak")
