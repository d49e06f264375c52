"""Custom voices: learned once, kept for an hour, spoken in only as long as the speaker agrees."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis

from speech.cache import SpeechCache
from speech.custom_voices import CustomVoices
from speech.engines.espeak import EspeakSynthesizer
from speech.errors import (
    ConsentInvalid,
    DeadlineExceeded,
    EngineFailed,
    ReferenceRefused,
    VoiceUnknown,
)
from speech.redis_store import RedisStore
from speech.stt import Pcm
from speech.tts import SpeechRequest
from tests.conftest import RedisPlace
from tests.speech.parrot import NOW_S, Clock, Parrot, consent, reading

PCM, RATE_HZ = reading(22)
OTHER, _ = reading(22, start_s=21)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(clock: Clock) -> CustomVoices:
    return CustomVoices(clock=clock)


async def add(
    shelf: CustomVoices, parrot: Parrot, pcm: Pcm = PCM, rate_hz: int = RATE_HZ, **changes: object
) -> str:
    given = consent(**changes)
    return (await shelf.add(parrot, pcm, rate_hz, given, language="en")).name


async def test_a_recording_becomes_a_voice_that_the_engine_speaks(shelf: CustomVoices) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot)
    assert name.startswith("custom:")
    assert parrot.held == {name: f"learned from {len(PCM)} samples".encode()}
    voice = await shelf.ready(name, parrot)
    assert (voice.engine, voice.language, voice.consent.speaker) == ("parrot", "en", "Asha Patil")
    assert shelf.is_ready(name, parrot)
    assert "Asha" not in parrot.voices[-1].description + voice.voice.description


async def test_the_same_recording_is_learned_once_and_another_one_is_another_voice(
    shelf: CustomVoices,
) -> None:
    parrot = Parrot()
    names = [await add(shelf, parrot, pcm) for pcm in (PCM, OTHER, PCM)]
    assert names[0] == names[2] != names[1]
    assert parrot.learned == [len(PCM), len(OTHER)]


async def test_two_who_add_it_at_once_have_it_learned_once(shelf: CustomVoices) -> None:
    parrot = Parrot()
    parrot.go_on.clear()
    both = {asyncio.ensure_future(add(shelf, parrot)) for _ in range(2)}
    await asyncio.wait_for(parrot.listening.wait(), 30)
    done, _ = await asyncio.wait(both, timeout=0.3)  # time to begin twice, for whoever would
    assert not done
    parrot.go_on.set()
    assert len(set(await asyncio.gather(*both))) == 1
    assert parrot.learned == [len(PCM)]


async def test_who_waits_learns_it_when_the_first_one_goes_away(shelf: CustomVoices) -> None:
    parrot = Parrot()
    parrot.go_on.clear()
    first = asyncio.ensure_future(add(shelf, parrot))
    await asyncio.wait_for(parrot.listening.wait(), 30)
    second = asyncio.ensure_future(add(shelf, parrot))
    first.cancel()
    parrot.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second) in parrot.held


async def test_another_version_of_the_engine_learns_it_anew(shelf: CustomVoices) -> None:
    parrot = Parrot()
    first = await add(shelf, parrot)
    parrot.version = "2"
    with pytest.raises(VoiceUnknown, match="learned by parrot 1, not by parrot 2"):
        await shelf.ready(first, parrot)
    assert await add(shelf, parrot) != first
    assert len(parrot.learned) == 2


async def test_an_engine_that_was_loaded_anew_is_shown_the_voice_again(
    shelf: CustomVoices,
) -> None:
    name = await add(shelf, Parrot())
    fresh = Parrot()
    assert not shelf.is_ready(name, fresh)
    await shelf.ready(name, fresh)
    assert name in fresh.held
    assert fresh.learned == []
    assert shelf.is_ready(name, fresh)


async def test_an_engine_that_was_started_again_is_shown_the_voice_again(
    shelf: CustomVoices,
) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot)
    parrot.held.clear()
    await shelf.ready(name, parrot)
    assert name in parrot.held


async def test_the_recording_itself_is_not_kept(shelf: CustomVoices) -> None:
    name = await add(shelf, Parrot())
    kept = (await shelf.ready(name, Parrot())).model_dump_json()
    assert len(kept) < 1_000


async def test_after_its_hour_a_voice_is_gone_from_the_engine_too(
    shelf: CustomVoices, clock: Clock
) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot)
    clock.now_s += 3_599
    assert shelf.lease(name).remaining_s == pytest.approx(1)
    clock.now_s += 1
    assert not shelf.is_ready(name, parrot)
    assert shelf.voices == ()
    with pytest.raises(VoiceUnknown, match="hour"):
        shelf.lease(name)
    with pytest.raises(VoiceUnknown, match="kept for 60 minutes; add its recording again"):
        await shelf.ready(name, parrot)
    assert parrot.held == {}


async def test_adding_it_again_begins_a_new_hour(shelf: CustomVoices, clock: Clock) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot)
    generation = shelf.lease(name).generation
    clock.now_s += 3_000
    await add(shelf, parrot)
    clock.now_s += 3_000
    assert shelf.lease(name).generation == generation
    assert len(parrot.learned) == 1


async def test_a_voice_that_is_over_is_released_when_another_is_added(
    shelf: CustomVoices, clock: Clock
) -> None:
    parrot = Parrot()
    await add(shelf, parrot)
    clock.now_s += 3_601
    other = await add(shelf, parrot, OTHER)
    assert list(parrot.held) == [other]


async def test_a_voice_ends_with_its_consent(shelf: CustomVoices, clock: Clock) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot, expires_at="2027-01-15T08:10:00Z")  # in ten minutes
    assert shelf.lease(name).remaining_s == pytest.approx(600)
    clock.now_s += 601
    with pytest.raises(ConsentInvalid, match="expired"):
        shelf.lease(name)
    assert not shelf.is_ready(name, parrot)
    with pytest.raises(ConsentInvalid, match="ask the speaker again"):
        await shelf.ready(name, parrot)
    assert parrot.held == {}


async def test_a_new_consent_takes_the_place_of_the_one_that_ended(
    shelf: CustomVoices, clock: Clock
) -> None:
    parrot = Parrot()
    name = await add(shelf, parrot, expires_at="2027-01-15T08:10:00Z")
    clock.now_s += 601
    assert await add(shelf, parrot) == name
    await shelf.ready(name, parrot)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires_at": "2027-01-10T00:00:00Z"}, "expired"),
        ({"uses": ["training"]}, "for training, not for calls"),
    ],
)
async def test_without_a_consent_that_holds_nothing_is_learned(
    shelf: CustomVoices, changes: dict[str, object], reason: str
) -> None:
    parrot = Parrot()
    with pytest.raises(ConsentInvalid, match=reason):
        await add(shelf, parrot, **changes)
    assert parrot.learned == []


async def test_a_recording_that_is_too_short_is_not_learned(shelf: CustomVoices) -> None:
    parrot = Parrot()
    with pytest.raises(ReferenceRefused, match="s of speech"):
        await add(shelf, parrot, PCM[: 5 * RATE_HZ])
    assert parrot.learned == []


async def test_an_engine_that_imitates_nobody_says_so(shelf: CustomVoices) -> None:
    with pytest.raises(VoiceUnknown, match="espeak imitates no voices"):
        await shelf.add(EspeakSynthesizer(), PCM, RATE_HZ, consent(), language="en")


async def test_an_engine_that_learns_for_ever_is_stopped(clock: Clock) -> None:
    shelf = CustomVoices(clock=clock, learn_timeout_s=0.01)
    parrot = Parrot()
    parrot.go_on.clear()
    with pytest.raises(DeadlineExceeded, match=r"within 0\.01 s"):
        await add(shelf, parrot)
    parrot.go_on.set()


async def test_a_revoked_voice_is_silent_at_once_also_in_the_cache(
    shelf: CustomVoices, clock: Clock, tmp_path: Path
) -> None:
    parrot = Parrot()
    cache = SpeechCache(parrot, folder=tmp_path, lease=shelf.lease, clock=clock)
    shelf.tell(cache.forget)
    name = await add(shelf, parrot)
    request = SpeechRequest("hello", "en", name)
    async with aclosing(cache.speak(request, sample_rate_hz=8_000)) as chunks:
        assert [len(chunk) async for chunk in chunks]
    assert len(os.listdir(tmp_path)) == 1
    await shelf.revoke(name)
    assert os.listdir(tmp_path) == []
    assert parrot.held == {}
    with pytest.raises(VoiceUnknown):
        await cache.holds(request, sample_rate_hz=8_000)
    await shelf.revoke(name)  # twice is no error


async def test_a_full_shelf_lets_go_of_the_first_one(clock: Clock) -> None:
    shelf = CustomVoices(clock=clock, max_voices=1)
    parrot = Parrot()
    first = await add(shelf, parrot)
    second = await add(shelf, parrot, OTHER)
    assert list(parrot.held) == [second]
    with pytest.raises(VoiceUnknown):
        await shelf.ready(first, parrot)


async def test_closing_takes_all_voices_from_the_engine(shelf: CustomVoices) -> None:
    parrot = Parrot()
    await add(shelf, parrot)
    await shelf.close()
    assert parrot.held == {}


@pytest.mark.parametrize("name", ["custom:", "custom:../../etc", "custom:" + "f" * 32, "custom:*"])
async def test_a_voice_that_nobody_added_is_unknown(shelf: CustomVoices, name: str) -> None:
    with pytest.raises(VoiceUnknown, match="there is no voice custom:"):
        await shelf.ready(name, Parrot())


class TestShared:
    """Two processes, one Redis."""

    @pytest.fixture
    async def store(self, redis_place: RedisPlace) -> AsyncIterator[RedisStore]:
        url, prefix = redis_place
        async with RedisStore(url, prefix=prefix, timeout_s=10) as opened:
            yield opened

    @pytest.fixture
    async def shelves(
        self, store: RedisStore, clock: Clock
    ) -> AsyncIterator[tuple[CustomVoices, CustomVoices]]:
        both = CustomVoices(redis=store, clock=clock), CustomVoices(redis=store, clock=clock)
        yield both
        for shelf in both:
            await shelf.close()

    async def test_what_one_process_learned_another_speaks(
        self, shelves: tuple[CustomVoices, CustomVoices]
    ) -> None:
        name = await add(shelves[0], Parrot())
        parrot = Parrot()
        assert await shelves[1].engine_of(name) == "parrot"
        voice = await shelves[1].ready(name, parrot)
        assert name in parrot.held
        assert voice.consent == consent()
        assert shelves[1].lease(name).generation == shelves[0].lease(name).generation
        assert await add(shelves[1], parrot) == name
        assert parrot.learned == []

    async def test_redis_keeps_it_for_an_hour(
        self, shelves: tuple[CustomVoices, CustomVoices], redis_place: RedisPlace
    ) -> None:
        name = await add(shelves[0], Parrot())
        async with Redis.from_url(redis_place.url) as client:
            assert 3_500 < await client.ttl(f"{redis_place.prefix}{name}") <= 3_600

    async def test_what_one_process_revokes_ends_in_the_other_within_seconds(
        self, shelves: tuple[CustomVoices, CustomVoices], clock: Clock
    ) -> None:
        name = await add(shelves[0], Parrot())
        parrot = Parrot()
        await shelves[1].ready(name, parrot)
        await shelves[0].revoke(name)
        clock.now_s += 6
        with pytest.raises(VoiceUnknown):
            await shelves[1].ready(name, parrot)
        assert parrot.held == {}

    async def test_a_voice_that_is_revoked_elsewhere_ends_though_nobody_asks_for_it(
        self, store: RedisStore, clock: Clock
    ) -> None:
        own = CustomVoices(redis=store, clock=clock, recheck_s=0.01)
        parrot, is_over = Parrot(), asyncio.Event()

        async def tell(name: str) -> None:
            is_over.set()

        own.tell(tell)
        name = await add(own, parrot)
        await CustomVoices(redis=store, clock=clock).revoke(name)
        await asyncio.wait_for(is_over.wait(), 10)
        assert parrot.held == {}
        with pytest.raises(VoiceUnknown):
            own.lease(name)
        await own.close()

    async def test_a_voice_that_made_room_for_others_in_redis_goes_on_where_it_is_held(
        self,
        shelves: tuple[CustomVoices, CustomVoices],
        clock: Clock,
        redis_place: RedisPlace,
    ) -> None:
        parrot = Parrot()
        name = await add(shelves[0], parrot)
        async with Redis.from_url(redis_place.url) as client:
            await client.delete(f"{redis_place.prefix}{name}")
        clock.now_s += 6
        await shelves[0].ready(name, parrot)
        assert name in parrot.held

    async def test_to_use_a_voice_keeps_it_in_a_redis_that_needs_room(
        self,
        shelves: tuple[CustomVoices, CustomVoices],
        clock: Clock,
        redis_place: RedisPlace,
    ) -> None:
        name = await add(shelves[0], Parrot())
        async with Redis.from_url(redis_place.url) as client:
            key = f"{redis_place.prefix}{name}"
            while await client.object("idletime", key) < 1:
                await asyncio.sleep(0.1)  # Redis counts in seconds
            clock.now_s += 6
            await shelves[0].ready(name, Parrot())
            assert await client.object("idletime", key) == 0

    async def test_a_revoked_voice_leaves_a_note_in_redis_and_nothing_else(
        self,
        shelves: tuple[CustomVoices, CustomVoices],
        store: RedisStore,
        clock: Clock,
        redis_place: RedisPlace,
    ) -> None:
        parrot = Parrot()
        name = await add(shelves[0], parrot)
        cache = SpeechCache(parrot, redis=store, lease=shelves[0].lease, clock=clock)
        request = SpeechRequest("hello", "en", name)
        async with aclosing(cache.speak(request, sample_rate_hz=8_000)) as chunks:
            assert [len(chunk) async for chunk in chunks]
        other = SpeechCache(Parrot(), redis=store, clock=clock)
        shelves[1].tell(other.forget)
        async with Redis.from_url(redis_place.url) as client:
            pattern = f"{redis_place.prefix}*"
            assert len([key async for key in client.scan_iter(pattern)]) == 2
            await shelves[1].revoke(name)  # a process that has never used it
            (key,) = [key async for key in client.scan_iter(pattern)]
            assert key.decode().endswith(f"revoked:{name}")
            assert await client.get(key) == b"revoked"
            assert 3_500 < await client.ttl(key) <= 3_600

    async def test_what_comes_into_redis_behind_a_revocation_is_no_voice_and_goes(
        self, shelves: tuple[CustomVoices, CustomVoices], redis_place: RedisPlace
    ) -> None:
        name = await add(shelves[0], Parrot())
        async with Redis.from_url(redis_place.url) as client:
            key = f"{redis_place.prefix}{name}"
            kept = await client.get(key)
            await shelves[0].revoke(name)
            await client.set(key, kept)
            with pytest.raises(VoiceUnknown):
                await shelves[1].ready(name, Parrot())
            assert not await client.exists(key)

    async def test_a_speaker_who_agrees_anew_is_heard_again(
        self, shelves: tuple[CustomVoices, CustomVoices], clock: Clock
    ) -> None:
        name = await add(shelves[0], Parrot())
        await shelves[0].revoke(name)
        assert await add(shelves[0], Parrot()) == name
        clock.now_s += 6
        await shelves[0].ready(name, Parrot())
        await shelves[1].ready(name, Parrot())

    async def test_a_full_shelf_gets_its_voices_back_from_redis(
        self, store: RedisStore, clock: Clock
    ) -> None:
        shelf = CustomVoices(redis=store, clock=clock, max_voices=1)
        parrot = Parrot()
        ended: list[str] = []

        async def tell(name: str) -> None:
            ended.append(name)

        shelf.tell(tell)
        first = await add(shelf, parrot)
        await add(shelf, parrot, OTHER)
        assert first not in parrot.held
        await shelf.ready(first, parrot)
        assert first in parrot.held
        assert ended == []
        assert len(parrot.learned) == 2

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: b"",
            lambda content: content[:8],
            lambda content: content[:-1],
            lambda content: content.replace(b"calls", b"train"),
            lambda content: b"CWV9" + content[4:],
        ],
    )
    async def test_a_damaged_record_is_no_voice(
        self,
        shelves: tuple[CustomVoices, CustomVoices],
        redis_place: RedisPlace,
        damage,  # type: ignore[no-untyped-def]
    ) -> None:
        name = await add(shelves[0], Parrot())
        async with Redis.from_url(redis_place.url) as client:
            key = f"{redis_place.prefix}{name}"
            await client.set(key, damage(await client.get(key)))
        with pytest.raises(VoiceUnknown):
            await shelves[1].ready(name, Parrot())

    async def test_the_record_of_one_voice_is_none_of_another(
        self, shelves: tuple[CustomVoices, CustomVoices], redis_place: RedisPlace
    ) -> None:
        name = await add(shelves[0], Parrot())
        other = "custom:" + "0" * 32
        async with Redis.from_url(redis_place.url) as client:
            await client.copy(f"{redis_place.prefix}{name}", f"{redis_place.prefix}{other}")
        with pytest.raises(VoiceUnknown):
            await shelves[1].ready(other, Parrot())


async def test_without_redis_answering_a_voice_lives_in_its_process(clock: Clock) -> None:
    async with RedisStore("redis://127.0.0.1:1/0", timeout_s=1) as away:
        shelf = CustomVoices(redis=away, clock=clock)
        parrot = Parrot()
        name = await add(shelf, parrot)
        clock.now_s += 60
        await shelf.ready(name, parrot)
        await shelf.revoke(name)
        assert parrot.held == {}


async def test_an_engine_that_does_not_take_the_voice_says_so(shelf: CustomVoices) -> None:
    class Forgetful(Parrot):
        async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
            return b"nothing"

    with pytest.raises(EngineFailed, match="no voice"):
        await add(shelf, Forgetful())
    assert shelf.voices == ()


def test_the_tests_hold_what_they_assume() -> None:
    assert NOW_S == 1_800_000_000  # 2027-01-15T08:00:00Z
    assert len(PCM) == len(OTHER) == 22 * RATE_HZ
    assert not np.array_equal(PCM, OTHER)
