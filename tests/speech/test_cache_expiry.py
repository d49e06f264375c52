"""What is kept for ever and what for an hour, and what goes when its voice goes."""

import asyncio
import os
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech.cache import SpeechCache, VoiceLease
from speech.errors import VoiceUnknown
from speech.packed_sound import KeptSound, pack, unpack
from speech.sound_store import SoundStore
from speech.tts import SpeechRequest
from tests.speech.parrot import NOW_S, Clock, Parrot

HELLO = SpeechRequest("hello", "en")
SOUND = np.arange(100, dtype=np.int16)
CUSTOM = replace(HELLO, voice="custom:a")


async def say(
    cache: SpeechCache, request: SpeechRequest = HELLO, *, is_prompt: bool = False
) -> int:
    """How many samples were heard."""
    speech = cache.speak(request, sample_rate_hz=8_000, is_prompt=is_prompt)
    async with aclosing(speech) as chunks:
        return sum([len(chunk) async for chunk in chunks])


def files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


async def test_a_passing_text_is_made_again_after_an_hour() -> None:
    cache = SpeechCache(parrot := Parrot(), clock=(clock := Clock()))
    await say(cache)
    clock.now_s += 3_599
    await say(cache)
    assert parrot.made == ["hello"]
    clock.now_s += 1
    assert not await cache.holds(HELLO, sample_rate_hz=8_000)
    assert cache.stats.entries == 0
    await say(cache)
    assert parrot.made == ["hello", "hello"]


async def test_a_prompt_is_kept_for_ever_in_memory_and_on_disk(tmp_path: Path) -> None:
    clock = Clock()
    cache = SpeechCache(parrot := Parrot(), folder=tmp_path, clock=clock)
    assert await cache.prewarm([HELLO], sample_rate_hz=8_000) == []
    clock.now_s += 10 * 365 * 86_400
    assert await say(cache) == 400
    again = SpeechCache(parrot, folder=tmp_path, clock=clock)
    assert await say(again) == 400
    assert parrot.made == ["hello"]


async def test_a_passing_text_expires_on_disk_too_and_is_deleted_there(tmp_path: Path) -> None:
    clock = Clock()
    parrot = Parrot()
    await say(SpeechCache(parrot, folder=tmp_path, clock=clock))
    clock.now_s += 3_599
    await say(SpeechCache(parrot, folder=tmp_path, clock=clock))
    assert parrot.made == ["hello"]
    clock.now_s += 1
    late = SpeechCache(parrot, folder=tmp_path, clock=clock)
    assert not await late.holds(HELLO, sample_rate_hz=8_000)
    assert files(tmp_path) == []


async def test_what_a_flow_says_is_kept_for_ever_even_if_a_call_said_it_first(
    tmp_path: Path,
) -> None:
    clock = Clock()
    cache = SpeechCache(parrot := Parrot(), folder=tmp_path, clock=clock)
    await say(cache)
    await say(cache, is_prompt=True)
    assert [Path(file).suffix for file in files(tmp_path)] == [".pcm"]
    clock.now_s += 7_200
    await say(cache)
    await say(SpeechCache(parrot, folder=tmp_path, clock=clock))
    assert parrot.made == ["hello"]


async def test_a_text_that_only_a_call_will_say_is_prepared_for_an_hour() -> None:
    cache = SpeechCache(parrot := Parrot(), clock=(clock := Clock()))
    await cache.prewarm([HELLO], sample_rate_hz=8_000, is_prompt=False)
    clock.now_s += 3_601
    await say(cache)
    assert parrot.made == ["hello", "hello"]


def test_what_is_over_is_swept_from_the_disk_though_nobody_asks_for_it(tmp_path: Path) -> None:
    store = SoundStore(tmp_path, max_bytes=1 << 20, clock=(clock := Clock()))
    quiet = KeptSound(SOUND)
    store.write("prompt", quiet)
    store.write("passing", replace(quiet, expires_at_s=NOW_S + 60))
    clock.now_s += 400
    store.write("other", replace(quiet, expires_at_s=NOW_S + 4_000))
    assert files(tmp_path) == ["other.until", "prompt.pcm"]


def test_for_room_what_passes_goes_before_prompts(tmp_path: Path) -> None:
    one = KeptSound(SOUND)
    size = len(pack(one))
    store = SoundStore(tmp_path, max_bytes=4 * size, clock=Clock())
    for name in ("a", "b"):
        store.write(f"prompt-{name}", one)
    for name, left_s in (("late", 900), ("soon", 60)):
        store.write(name, replace(one, expires_at_s=NOW_S + left_s))
    store.write("prompt-c", one)
    assert files(tmp_path) == ["prompt-a.pcm", "prompt-b.pcm", "prompt-c.pcm"]


@pytest.mark.parametrize("expires_at_s", [None, NOW_S + 0.25])
def test_a_sound_and_its_end_survive_packing(expires_at_s: float | None) -> None:
    sound = unpack(pack(KeptSound(SOUND, expires_at_s)))
    assert sound is not None
    assert sound.expires_at_s == expires_at_s
    assert sound.pcm.tolist() == list(range(100))


def test_a_changed_end_is_noticed() -> None:
    content = bytearray(pack(KeptSound(SOUND, NOW_S)))
    content[18] ^= 1
    assert unpack(bytes(content)) is None


class Leases:
    """What the voice shelf tells the cache."""

    def __init__(self) -> None:
        self.of: dict[str, VoiceLease] = {"custom:a": VoiceLease("one", 600.0)}

    def __call__(self, voice: str) -> VoiceLease:
        if voice not in self.of:
            raise VoiceUnknown(f"{voice} is over")
        return self.of[voice]


def parrot_with_voice() -> Parrot:
    parrot = Parrot()
    parrot.held["custom:a"] = b"learned"
    return parrot


async def test_what_a_custom_voice_said_ends_with_its_lease_even_a_prompt(tmp_path: Path) -> None:
    clock = Clock()
    cache = SpeechCache(parrot := parrot_with_voice(), folder=tmp_path, lease=Leases(), clock=clock)
    await say(cache, CUSTOM, is_prompt=True)
    await say(cache, CUSTOM, is_prompt=True)
    assert parrot.made == ["hello"]
    assert [Path(file).suffix for file in files(tmp_path)] == [".until"]
    clock.now_s += 601
    await say(cache, CUSTOM)
    assert parrot.made == ["hello", "hello"]


async def test_a_voice_that_was_taken_back_is_not_heard_from_the_cache(tmp_path: Path) -> None:
    leases = Leases()
    cache = SpeechCache(parrot_with_voice(), folder=tmp_path, lease=leases)
    await say(cache, CUSTOM)
    leases.of.clear()
    with pytest.raises(VoiceUnknown, match="is over"):
        await say(cache, CUSTOM)
    with pytest.raises(VoiceUnknown):
        await cache.holds(CUSTOM, sample_rate_hz=8_000)


async def test_a_voice_that_was_learned_anew_says_nothing_of_its_former_life() -> None:
    leases = Leases()
    cache = SpeechCache(parrot := parrot_with_voice(), lease=leases)
    await say(cache, CUSTOM)
    leases.of["custom:a"] = VoiceLease("two", 600.0)
    await say(cache, CUSTOM)
    assert parrot.made == ["hello", "hello"]


async def test_forgetting_a_voice_deletes_what_it_said_and_nothing_else(tmp_path: Path) -> None:
    cache = SpeechCache(parrot_with_voice(), folder=tmp_path, lease=Leases())
    await say(cache, CUSTOM)
    await say(cache, replace(CUSTOM, text="goodbye"))
    await say(cache, HELLO)
    assert len(files(tmp_path)) == 3
    await cache.forget("custom:a")
    assert cache.stats.entries == 1
    assert cache.stats.memory_bytes == 800
    assert len(files(tmp_path)) == 1
    assert await cache.holds(HELLO, sample_rate_hz=8_000)


@pytest.mark.parametrize("after", [{}, {"custom:a": VoiceLease("two", 600.0)}])
async def test_what_is_said_while_its_voice_is_taken_back_is_not_kept(
    tmp_path: Path, after: dict[str, VoiceLease]
) -> None:
    leases = Leases()
    cache = SpeechCache(parrot := parrot_with_voice(), folder=tmp_path, lease=leases)
    parrot.go_on.clear()
    saying = asyncio.ensure_future(say(cache, CUSTOM))
    await asyncio.wait_for(parrot.speaking.wait(), 30)
    leases.of = after
    await cache.forget("custom:a")
    parrot.go_on.set()
    await saying
    assert cache.stats.entries == 0
    assert files(tmp_path) == []
