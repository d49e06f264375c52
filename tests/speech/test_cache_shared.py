"""Several who want the same at once: it is made once, and each hears it as it comes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from speech.cache import SpeechCache
from speech.errors import EngineFailed
from speech.stt import Pcm
from speech.tts import SpeechRequest
from tests.speech.parrot import Clock
from tests.speech.test_cache import HELLO, Organ, heard

SAMPLES = 2_000  # of HELLO at 8 kHz


async def test_a_second_asker_hears_at_once_what_is_there_of_it() -> None:
    cache = SpeechCache(organ := Organ(8_000))
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as first:
        began = [await anext(first), await anext(first)]
        organ.go_on.clear()  # the engine takes its time
        async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as second, asyncio.timeout(1):
            again = [await anext(second), await anext(second)]
            organ.go_on.set()
            rest = [chunk async for chunk in second]
    np.testing.assert_array_equal(np.concatenate(again), np.concatenate(began))
    assert len(np.concatenate([*again, *rest])) == SAMPLES
    assert organ.made == ["hello"]
    assert (cache.stats.hits, cache.stats.misses) == (1, 1)


async def test_one_who_takes_it_slowly_holds_nobody() -> None:
    cache = SpeechCache(organ := Organ())
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as slow:
        first = await anext(slow)
        async with asyncio.timeout(1):
            assert len(np.concatenate(await heard(cache))) == SAMPLES
        rest = [chunk async for chunk in slow]
    assert len(np.concatenate([first, *rest])) == SAMPLES
    assert organ.made == ["hello"]


async def test_what_the_first_gives_up_goes_on_for_the_second_and_is_kept() -> None:
    cache = SpeechCache(organ := Organ())
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as chunks:
        await anext(chunks)
        second = asyncio.ensure_future(heard(cache))
        await asyncio.sleep(0)
    assert len(np.concatenate(await second)) == SAMPLES
    assert (organ.made, organ.closed_early, cache.stats.entries) == (["hello"], 0, 1)


async def test_one_who_is_cancelled_while_it_is_made_takes_it_from_nobody() -> None:
    cache = SpeechCache(organ := Organ())
    organ.go_on.clear()
    first, second = asyncio.ensure_future(heard(cache)), asyncio.ensure_future(heard(cache))
    await organ.asked.wait()
    first.cancel()
    await asyncio.wait([first])
    organ.go_on.set()
    assert len(np.concatenate(await second)) == SAMPLES
    assert organ.made == ["hello"]


async def test_when_all_have_left_the_engine_is_stopped_and_the_next_has_it_made_anew() -> None:
    cache = SpeechCache(organ := Organ())
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as first:
        await anext(first)
        async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as second:
            await anext(second)
    assert (organ.closed_early, cache.stats.entries) == (1, 0)
    assert len(np.concatenate(await heard(cache))) == SAMPLES
    assert organ.made == ["hello", "hello"]


async def test_its_failure_is_told_to_all_and_the_next_has_it_made_anew() -> None:
    cache = SpeechCache(organ := Organ())
    organ.breaks_after = 2
    told = await asyncio.gather(heard(cache), heard(cache), return_exceptions=True)
    assert [type(each) for each in told] == [EngineFailed, EngineFailed]
    assert organ.made == ["hello"]
    organ.breaks_after = None
    assert len(np.concatenate(await heard(cache))) == SAMPLES


async def test_a_passing_text_that_becomes_a_prompt_while_it_is_made_is_kept_for_ever() -> None:
    cache = SpeechCache(organ := Organ(), clock=(clock := Clock()))
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as passing:
        await anext(passing)
        assert await cache.prewarm([HELLO], sample_rate_hz=8_000) == []
    clock.now_s += 7_200
    assert await cache.holds(HELLO, sample_rate_hz=8_000)
    assert organ.made == ["hello"]


async def test_without_a_place_to_keep_it_each_has_it_made_for_himself() -> None:
    cache = SpeechCache(organ := Organ(), memory_bytes=0)
    await asyncio.gather(heard(cache), heard(cache))
    assert organ.made == ["hello", "hello"]


@pytest.mark.parametrize("failure", [RuntimeError("CUDA"), TimeoutError("its own")])
async def test_an_engine_that_breaks_its_word_is_reported_by_prewarming(failure: Exception) -> None:
    class Wordless(Organ):
        async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
            for _ in request.text:
                raise failure
            yield np.zeros(1, np.int16)

    ((_, told),) = await SpeechCache(Wordless()).prewarm([HELLO], sample_rate_hz=8_000)
    assert isinstance(told, EngineFailed)
    assert told.__cause__ is failure
