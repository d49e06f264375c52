"""Sounds that processes share in a Redis, and what happens when it does not help."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from loguru import logger
from redis.asyncio import Redis

from speech.cache import SpeechCache, VoiceLease
from speech.circuit import CircuitBreaker
from speech.errors import OptionInvalid
from speech.packed_sound import KeptSound, pack
from speech.redis_store import RedisStore
from speech.tts import SpeechRequest
from tests.conftest import RedisPlace
from tests.speech.parrot import Parrot

HELLO = SpeechRequest("hello", "en")


@pytest.fixture
async def store(redis_place: RedisPlace) -> AsyncIterator[RedisStore]:
    # Time enough for a machine that runs other tests; that it is short is tested elsewhere.
    url, prefix = redis_place
    async with RedisStore(url, prefix=prefix, timeout_s=10) as opened:
        yield opened


@pytest.fixture
async def client(redis_place: RedisPlace) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_place.url) as opened:
        yield opened


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    told: list[str] = []
    sink = logger.add(lambda message: told.append(message.record["message"]), level="INFO")
    yield told
    logger.remove(sink)


async def keys_of(client: Redis, place: RedisPlace) -> list[bytes]:
    return sorted([key async for key in client.scan_iter(f"{place.prefix}*")])


async def say(
    cache: SpeechCache, request: SpeechRequest = HELLO, *, is_prompt: bool = False
) -> np.ndarray:
    speech = cache.speak(request, sample_rate_hz=8_000, is_prompt=is_prompt)
    async with aclosing(speech) as chunks:
        return np.concatenate([chunk async for chunk in chunks])


async def test_what_one_process_said_another_plays(store: RedisStore) -> None:
    first, second = Parrot(), Parrot()
    said = await say(SpeechCache(first, redis=store))
    played = await say(SpeechCache(second, redis=store))
    np.testing.assert_array_equal(said, played)
    assert second.made == []


async def test_two_who_share_only_redis_need_no_memory(store: RedisStore) -> None:
    parrot = Parrot()
    cache = SpeechCache(parrot, redis=store, memory_bytes=0)
    await say(cache)
    await say(cache)
    assert parrot.made == ["hello"]


@pytest.mark.parametrize(
    ("is_prompt", "left_ms"), [(True, (-1, -1)), (False, (3_500_000, 3_600_000))]
)
async def test_redis_deletes_what_passes_after_an_hour_and_no_prompt(
    store: RedisStore,
    redis_place: RedisPlace,
    client: Redis,
    is_prompt: bool,
    left_ms: tuple[int, int],
) -> None:
    await say(SpeechCache(Parrot(), redis=store), is_prompt=is_prompt)
    (key,) = await keys_of(client, redis_place)
    assert left_ms[0] <= await client.pttl(key) <= left_ms[1]


async def test_a_prompt_that_was_a_passing_text_stays_in_redis(
    store: RedisStore, redis_place: RedisPlace, client: Redis
) -> None:
    cache = SpeechCache(Parrot(), redis=store)
    await say(cache)
    await say(cache, is_prompt=True)
    (key,) = await keys_of(client, redis_place)
    assert await client.pttl(key) == -1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"CWS1" + bytes(100),
        pack(KeptSound(np.zeros(9, np.int16)))[:-1],
        pack(KeptSound(np.zeros(9, np.int16), 1.0)),  # over since 1970
        bytes(200_000),
    ],
)
async def test_what_is_no_sound_is_made_anew_and_replaced(
    redis_place: RedisPlace, client: Redis, content: bytes
) -> None:
    url, prefix = redis_place
    async with RedisStore(url, prefix=prefix, timeout_s=10, max_value_bytes=100_000) as store:
        await say(SpeechCache(Parrot(), redis=store))
        (key,) = await keys_of(client, redis_place)
        await client.set(key, content)
        assert len(await say(SpeechCache(parrot := Parrot(), redis=store))) == 400
        assert parrot.made == ["hello"]
        assert await client.get(key) != content


async def test_a_value_that_is_no_text_at_all_is_a_miss(
    store: RedisStore, redis_place: RedisPlace, client: Redis
) -> None:
    await client.rpush(f"{redis_place.prefix}key", "a", "b")
    assert await store.get("key") is None


async def test_values_that_are_too_long_are_neither_stored_nor_fetched(
    redis_place: RedisPlace, client: Redis
) -> None:
    url, prefix = redis_place
    async with RedisStore(url, prefix=prefix, timeout_s=10, max_value_bytes=10) as store:
        assert not await store.put("long", bytes(11))
        assert await store.put("short", bytes(10))
        await client.set(f"{prefix}long", bytes(11))
        assert await store.get("long") is None
        assert await store.get("short") == bytes(10)


async def test_forgetting_a_voice_deletes_what_it_said_from_redis(
    store: RedisStore, redis_place: RedisPlace, client: Redis
) -> None:
    parrot = Parrot()
    parrot.held["custom:a"] = b"learned"
    cache = SpeechCache(parrot, redis=store, lease=lambda voice: VoiceLease("one", 600))
    for text in ("hello", "goodbye"):
        await say(cache, replace(HELLO, voice="custom:a", text=text))
    await say(cache)
    assert len(await keys_of(client, redis_place)) == 3
    await cache.forget("custom:a")
    assert len(await keys_of(client, redis_place)) == 1
    assert await cache.holds(HELLO, sample_rate_hz=8_000)


async def test_only_keys_that_begin_so_are_deleted(store: RedisStore) -> None:
    for key in ("a*-1", "a*-2", "ab-1", "[a]-1"):
        await store.put(key, b"x")
    assert await store.delete_all("a*-")
    assert await store.delete_all("[a]")
    assert await store.get("ab-1") == b"x"
    assert await store.has("a*-1") is False
    assert await store.has("[a]-1") is False


@asynccontextmanager
async def peer(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object],
) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that is no Redis: its URL, and a list that grows with each connection."""
    connections: list[int] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        try:
            answer(reader, writer)
            await reader.read()  # until the client goes
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"redis://:hunter2@127.0.0.1:{port}/0", connections
    finally:
        server.close()
        await server.wait_closed()


def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return None


def says_what_no_redis_says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)


def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("answer", [says_nothing, says_what_no_redis_says, hangs_up])
async def test_a_redis_that_does_not_help_is_told_once_and_left_alone(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object], warnings: list[str]
) -> None:
    async with (
        peer(answer) as (url, connections),
        RedisStore(url, timeout_s=0.05, breaker=CircuitBreaker(retry_after_s=480)) as store,
    ):
        cache = SpeechCache(parrot := Parrot(), redis=store)
        for text in ("one", "two", "three", "one"):
            assert len(await say(cache, replace(HELLO, text=text))) > 0
        await cache.forget("custom:a")
        asked = len(connections)
        await say(cache, replace(HELLO, text="four"))
        assert len(connections) == asked <= 2
    assert parrot.made == ["one", "two", "three", "four"]
    told = [warning for warning in warnings if "does not help" in warning]
    assert len(told) == 1
    assert "127.0.0.1" in told[0]
    assert not any("hunter2" in warning for warning in warnings)


async def test_no_redis_at_all_is_no_reason_to_be_silent(warnings: list[str]) -> None:
    async with RedisStore("redis://127.0.0.1:1/0", timeout_s=1) as store:
        cache = SpeechCache(parrot := Parrot(), redis=store)
        await say(cache)
        await say(cache)
    assert parrot.made == ["hello"]
    assert len([warning for warning in warnings if "does not help" in warning]) == 1


async def test_a_redis_that_was_too_slow_is_tried_again(redis_place: RedisPlace) -> None:
    url, prefix = redis_place
    breaker = CircuitBreaker(failures=1, retry_after_s=0.001)
    async with RedisStore(url, prefix=prefix, timeout_s=1e-9, breaker=breaker) as slow:
        assert not await slow.put("key", b"x")
    assert breaker.is_open
    async with RedisStore(url, prefix=prefix, timeout_s=10, breaker=breaker) as store:
        while not await store.put("key", b"x"):
            await asyncio.sleep(0.001)
        assert await store.get("key") == b"x"
    assert not breaker.is_open


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "http://localhost:6379", "redis://", "redis://host:port/0", "unix://"],
)
def test_a_wrong_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(OptionInvalid, match=r"redis://HOST:6379/0"):
        RedisStore(url)


def test_a_wrong_database_is_refused_without_the_password() -> None:
    with pytest.raises(OptionInvalid) as refused:
        RedisStore("redis://:hunter2@host/0?socket_timeout=never")
    assert "hunter2" not in str(refused.value)


class Counting(RedisStore):
    """Counts what it is asked for."""

    gets = 0

    async def get(self, key: str) -> bytes | None:
        self.gets += 1
        return await super().get(key)


async def test_a_text_that_is_new_is_looked_for_in_redis_once(redis_place: RedisPlace) -> None:
    url, prefix = redis_place
    async with Counting(url, prefix=prefix, timeout_s=10) as store:
        cache = SpeechCache(Parrot(), redis=store)
        for _ in range(3):
            assert not await cache.holds(HELLO, sample_rate_hz=8_000)
        await say(cache)
        assert store.gets == 1
        assert await cache.holds(HELLO, sample_rate_hz=8_000)
