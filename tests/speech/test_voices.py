"""The voice shelf: which engine speaks as whom, and how it is asked."""

from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from speech.cache import SpeechCache, VoiceLease
from speech.custom_voices import CustomVoices
from speech.engines.espeak import EspeakSynthesizer
from speech.errors import VoiceUnknown
from speech.tts import SpeechRequest
from speech.voice_presets import Preset, Presets, load_presets
from speech.voices import VoiceChoice, VoiceShelf
from tests.speech.parrot import Clock, Parrot, consent, reading

PRESETS = Presets(
    {
        "parrot": {"en": {"calm": Preset(voice="polly", rate=0.9, emotion="calm")}},
        "fast": {"en": {"calm": Preset(voice="kea", pitch=2)}},
        "crow": {"en": {"loud": Preset(voice="none that it has")}},
    }
)
HELLO = SpeechRequest("hello", "en")


@pytest.fixture
def engines() -> dict[str, Parrot]:
    """Two settings of one engine, and another engine."""
    return {
        "parrot": Parrot(),
        "fast": Parrot(voices=("kea",)),
        "crow": Parrot("crow", "en", voices=("vctk/p225.wav",)),
    }


async def test_a_preset_is_spoken_by_every_engine_in_its_order(engines: dict[str, Parrot]) -> None:
    assert await VoiceShelf(PRESETS).resolve("calm", "en", engines) == (
        VoiceChoice("parrot", "polly", 0.9, emotion="calm"),
        VoiceChoice("fast", "kea", pitch_semitones=2.0),
        VoiceChoice("crow", None),
    )


async def test_no_name_leaves_each_engine_its_own_choice(engines: dict[str, Parrot]) -> None:
    shelf = VoiceShelf(PRESETS)
    for name in (None, ""):
        found = await shelf.resolve(name, "hi", engines)
        assert found == (VoiceChoice("parrot", None), VoiceChoice("fast", None))


@pytest.mark.parametrize(
    ("name", "member", "voice"),
    [
        ("crow/polly", "crow", "polly"),
        ("fast/kea", "fast", "kea"),
        ("crow/vctk/p225.wav", "crow", "vctk/p225.wav"),
        ("vctk/p225.wav", "crow", "vctk/p225.wav"),
        ("kea", "fast", "kea"),
    ],
)
async def test_a_voice_pins_its_engine(
    engines: dict[str, Parrot], name: str, member: str, voice: str
) -> None:
    found = await VoiceShelf(PRESETS).resolve(name, "en", engines)
    assert found == (VoiceChoice(member, voice),)


@pytest.mark.parametrize("name", ["nobody", "crow/kea", "raven/polly", "crow/", "/", "kea/"])
async def test_an_unknown_voice_is_told_with_those_there_are(
    engines: dict[str, Parrot], name: str
) -> None:
    with pytest.raises(VoiceUnknown) as unknown:
        await VoiceShelf(PRESETS).resolve(name, "en", engines)
    for known in (repr(name), "calm, loud", "parrot/polly", "fast/kea", "crow/vctk/p225.wav"):
        assert known in str(unknown.value)


async def test_a_language_that_nobody_speaks_is_named(engines: dict[str, Parrot]) -> None:
    with pytest.raises(VoiceUnknown, match="no engine speaks mr here"):
        await VoiceShelf(PRESETS).resolve("calm", "mr", engines)


async def test_a_preset_of_a_speech_server_is_asked_for_by_its_name(
    engines: dict[str, Parrot],
) -> None:
    server = Parrot("remote", voices=("calm",))
    found = await VoiceShelf(PRESETS).resolve("calm", "en", {"far": server, **engines})
    assert found[:2] == (
        VoiceChoice("far", "calm"),
        VoiceChoice("parrot", "polly", 0.9, emotion="calm"),
    )


async def test_a_preset_of_a_voice_that_its_engine_lacks_leaves_it_its_own_choice(
    engines: dict[str, Parrot],
) -> None:
    shelf = VoiceShelf(PRESETS)
    assert (await shelf.resolve("loud", "en", engines))[-1] == VoiceChoice("crow", None)
    (fault,) = shelf.faults(engines)
    assert "the voice loud of crow for en" in fault
    assert "'none that it has'" in fault


def test_a_request_is_fitted_to_each_engine(engines: dict[str, Parrot]) -> None:
    shelf = VoiceShelf(PRESETS)
    asked = replace(HELLO, voice="calm", rate=1.2)
    assert shelf.fit(asked, "parrot", engines["parrot"]) == SpeechRequest(
        "hello", "en", "polly", pytest.approx(1.08), "calm"
    )
    assert shelf.fit(HELLO, "crow", engines["crow"]) == HELLO
    pinned = replace(HELLO, voice="fast/kea")
    assert shelf.fit(pinned, "parrot", engines["parrot"]) is None
    assert shelf.fit(pinned, "fast", engines["fast"]) == replace(HELLO, voice="kea")
    bare = replace(HELLO, voice="kea")
    assert shelf.fit(bare, "parrot", engines["parrot"]) == HELLO
    assert shelf.fit(bare, "fast", engines["fast"]) == bare


@pytest.mark.parametrize("kind", ["custom:" + "0" * 32, "agent:A1"])
async def test_a_shelf_without_such_voices_says_so(engines: dict[str, Parrot], kind: str) -> None:
    shelf = VoiceShelf(PRESETS)
    with pytest.raises(VoiceUnknown, match="voices of that kind are not kept here"):
        await shelf.resolve(kind, "en", engines)
    assert shelf.fit(replace(HELLO, voice=kind), "crow", engines["crow"]) is None
    with pytest.raises(VoiceUnknown, match="no custom voices are taken"):
        await shelf.add_custom(engines["crow"], np.zeros(9, np.int16), 16_000, consent())
    await shelf.revoke(kind)


async def test_a_voice_that_a_speech_server_keeps_is_spoken_there_and_not_kept_here(
    engines: dict[str, Parrot],
) -> None:
    server = Parrot("remote", voices=("custom:abc",))
    shelf = VoiceShelf(PRESETS)
    found = await shelf.resolve("custom:abc", "en", {**engines, "remote": server})
    assert found == (VoiceChoice("remote", "custom:abc"),)
    cache = SpeechCache(server, lease=shelf.lease)
    asked = replace(HELLO, voice="custom:abc")
    assert await cache.prewarm([asked, asked], sample_rate_hz=8_000) == []
    assert server.made == ["hello", "hello"]
    assert cache.stats.entries == 0


async def test_a_custom_voice_is_its_engines_alone_until_it_is_revoked(
    engines: dict[str, Parrot],
) -> None:
    shelf = VoiceShelf(PRESETS, custom=CustomVoices(clock=Clock()))
    crow = engines["crow"]
    name = (await shelf.add_custom(crow, *reading(22), consent())).name
    assert await shelf.resolve(name, "en", engines) == (VoiceChoice("crow", name),)
    asked = replace(HELLO, voice=name)
    assert shelf.fit(asked, "crow", crow) == asked
    assert shelf.fit(asked, "parrot", engines["parrot"]) is None
    with pytest.raises(VoiceUnknown, match="needs the engine crow; here are: parrot"):
        await shelf.resolve(name, "hi", engines)  # which the crow doesn't speak

    cache = SpeechCache(crow, lease=shelf.lease)
    async with aclosing(cache.speak(asked, sample_rate_hz=8_000)) as chunks:
        assert [len(chunk) async for chunk in chunks]
    await shelf.revoke(name)
    assert shelf.fit(asked, "crow", crow) is None
    with pytest.raises(VoiceUnknown):
        await cache.holds(asked, sample_rate_hz=8_000)
    with pytest.raises(VoiceUnknown, match="add its recording again"):
        await shelf.resolve(name, "en", engines)


def test_an_engines_own_voice_may_be_played_for_ever() -> None:
    assert VoiceShelf(PRESETS).lease("polly") == VoiceLease("", None)


async def test_the_shipped_presets_are_heard_and_differ() -> None:
    engine = EspeakSynthesizer()
    shelf = VoiceShelf(load_presets())
    heard: dict[str, bytes] = {}
    try:
        for name in ("professional", "friendly", "technical"):
            asked = SpeechRequest("Your order is on its way.", "en", name)
            fitted = shelf.fit(asked, "espeak", engine)
            assert fitted is not None
            async with aclosing(engine.synthesize(fitted)) as chunks:
                heard[name] = b"".join([chunk.tobytes() async for chunk in chunks])
    finally:
        await engine.close()
    assert len({sound for sound in heard.values() if len(sound) > 20_000}) == 3
    assert len(heard["technical"]) > len(heard["friendly"])
