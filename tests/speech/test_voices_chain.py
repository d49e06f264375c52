"""Voices by their names in a chain of engines, each behind its cache."""

from contextlib import aclosing
from dataclasses import replace

import pytest

from speech.cache import SpeechCache
from speech.custom_voices import CustomVoices
from speech.errors import EngineFailed
from speech.members import Member
from speech.speaking_chain import Mouth, SpeechChain
from speech.tts import SpeechRequest
from speech.voice_presets import Preset, Presets
from speech.voices import VoiceShelf
from tests.speech.parrot import Clock, Parrot, consent, reading

HELLO = SpeechRequest("hello", "en")


class Asked(Parrot):
    """Remembers how it was asked, and can be hoarse."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "en", voices=("low",))
        self.asked: list[SpeechRequest] = []
        self.is_hoarse = False

    def synthesize(self, request: SpeechRequest):  # type: ignore[no-untyped-def]
        self.asked.append(request)
        if self.is_hoarse:
            raise EngineFailed("hoarse")
        return super().synthesize(request)


@pytest.fixture
def shelf() -> VoiceShelf:
    presets = Presets(
        {
            "first": {"en": {"calm": Preset(voice="low", rate=0.8)}},
            "second": {"en": {"calm": Preset(voice="polly", rate=0.9)}},
        }
    )
    return VoiceShelf(presets, custom=CustomVoices(clock=Clock()))


async def chain_of(shelf: VoiceShelf, *engines: Asked) -> SpeechChain:
    mouths: list[Mouth] = []
    for engine in engines:
        member = Member(engine.name, engine, deadline_s=30)
        await member.start()
        mouths.append(Mouth(member, SpeechCache(engine, lease=shelf.lease)))
    return SpeechChain(mouths, fit=shelf.fit)


async def say(chain: SpeechChain, voice: str) -> int:
    request = replace(HELLO, voice=voice)
    async with aclosing(chain.speak(request, sample_rate_hz=8_000)) as chunks:
        return sum([len(chunk) async for chunk in chunks])


async def test_a_preset_is_spoken_by_the_next_engine_in_its_own_words(shelf: VoiceShelf) -> None:
    first, second = Asked("first"), Asked("second")
    chain = await chain_of(shelf, first, second)
    first.is_hoarse = True
    assert await say(chain, "calm")
    assert first.asked == [replace(HELLO, voice="low", rate=0.8)]
    assert second.asked == [replace(HELLO, voice="polly", rate=0.9)]


async def test_a_pinned_voice_is_its_engines_and_another_engines_own_beats_silence(
    shelf: VoiceShelf,
) -> None:
    first, second = Asked("first"), Asked("second")
    chain = await chain_of(shelf, first, second)
    assert await say(chain, "second/low")
    assert first.asked == []
    second.is_hoarse = True
    assert await say(chain, "second/polly")
    assert first.asked == [HELLO]


async def test_a_custom_voice_is_spoken_until_it_is_revoked(shelf: VoiceShelf) -> None:
    first, second = Asked("first"), Asked("second")
    chain = await chain_of(shelf, first, second)
    name = (await shelf.add_custom(second, *reading(22), consent())).name
    assert await say(chain, name)
    assert await say(chain, name)
    assert first.asked == []
    assert second.asked == [replace(HELLO, voice=name)]
    await shelf.revoke(name)
    assert await say(chain, name)
    assert first.asked == [HELLO]
    assert second.asked == [replace(HELLO, voice=name)]
