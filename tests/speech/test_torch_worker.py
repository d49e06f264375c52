"""A model's thread and the event loop: order, backpressure, stopping, failing, refusing."""

import asyncio
import threading
from contextlib import aclosing

import numpy as np
import pytest

from speech.engines.torch_worker import MOST_UNREAD_CHUNKS, ModelThreads, Outlet
from speech.errors import EngineBusy, EngineFailed, LanguageUnsupported
from speech.stt import Pcm


def chunk(value: int) -> Pcm:
    return np.full(10, value, np.int16)


@pytest.fixture
async def threads():
    made = ModelThreads("trial", threads=2, at_once=2)
    yield made
    await made.close()


async def test_chunks_come_in_their_order_while_the_model_still_works(
    threads: ModelThreads,
) -> None:
    heard_first = threading.Event()

    def speak(outlet: Outlet) -> None:
        outlet.put(chunk(1))
        assert heard_first.wait(10), "the first chunk was not handed over before the second"
        outlet.put(chunk(2))

    heard: list[int] = []
    async for pcm in threads.stream(speak):
        heard.append(int(pcm[0]))
        heard_first.set()
    assert heard == [1, 2]


async def test_closing_the_stream_stops_the_model_within_a_chunk(threads: ModelThreads) -> None:
    made: list[int] = []
    goes_on = threading.Event()
    ended = threading.Event()

    def speak(outlet: Outlet) -> None:
        try:
            for number in range(1000):
                if number:
                    assert goes_on.wait(10)
                made.append(number)
                outlet.put(chunk(number))
        finally:
            ended.set()

    async with aclosing(threads.stream(speak)) as spoken:
        await anext(spoken)
    goes_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert made == [0, 1]


async def test_a_model_stops_between_two_chunks_where_it_asks(threads: ModelThreads) -> None:
    asked = threading.Event()
    seen: list[bool] = []
    ended = threading.Event()

    def speak(outlet: Outlet) -> None:
        outlet.put(chunk(0))
        assert asked.wait(10)
        seen.append(outlet.is_stopped)
        ended.set()
        outlet.check()
        seen.append(False)

    async with aclosing(threads.stream(speak)) as spoken:
        await anext(spoken)
    asked.set()
    assert await asyncio.to_thread(ended.wait, 10)
    await threads.close()
    assert seen == [True]


async def test_a_reader_that_stands_still_holds_the_model_back(threads: ModelThreads) -> None:
    made: list[int] = []
    full = threading.Event()

    def speak(outlet: Outlet) -> None:
        for number in range(3 * MOST_UNREAD_CHUNKS):
            if number == MOST_UNREAD_CHUNKS + 1:
                full.set()
            made.append(number)
            outlet.put(chunk(number))

    heard: list[int] = []
    async with aclosing(threads.stream(speak)) as spoken:
        heard.append(int((await anext(spoken))[0]))
        assert await asyncio.to_thread(full.wait, 10)
        assert len(made) <= MOST_UNREAD_CHUNKS + 2  # those unread, one read, one in its hands
        heard.extend([int(pcm[0]) async for pcm in spoken])
    assert heard == list(range(3 * MOST_UNREAD_CHUNKS))


@pytest.mark.parametrize(
    "failure", [RuntimeError("out of memory"), AssertionError("too long"), KeyError("x")]
)
async def test_what_breaks_in_the_model_is_an_engine_failure(
    threads: ModelThreads, failure: Exception
) -> None:
    def speak(outlet: Outlet) -> None:
        outlet.put(chunk(7))
        raise failure

    spoken = threads.stream(speak)
    assert int((await anext(spoken))[0]) == 7
    with pytest.raises(EngineFailed, match="trial broke on this text") as caught:
        await anext(spoken)
    assert caught.value.__cause__ is failure


async def test_our_own_errors_pass_as_they_are(threads: ModelThreads) -> None:
    def speak(outlet: Outlet) -> None:
        raise LanguageUnsupported("not that one")

    with pytest.raises(LanguageUnsupported, match="not that one"):
        await anext(threads.stream(speak))


async def test_two_utterances_at_once_keep_apart(threads: ModelThreads) -> None:
    both = threading.Barrier(2, timeout=10)

    async def heard(value: int) -> list[int]:
        def speak(outlet: Outlet) -> None:
            for _ in range(5):
                both.wait()
                outlet.put(chunk(value))

        return [int(pcm[0]) async for pcm in threads.stream(speak)]

    assert await asyncio.gather(heard(1), heard(2)) == [[1] * 5, [2] * 5]


async def test_more_than_it_takes_are_refused_at_once_with_the_fix(threads: ModelThreads) -> None:
    with threads.admitted(), threads.admitted():
        refused = pytest.raises(EngineBusy, match=r"speaks 2 texts at once already: .*max_streams")
        with refused, threads.admitted():
            pytest.fail("a third was admitted")
        assert threads.speaking == 2
    with threads.admitted():
        assert threads.speaking == 1


async def test_closing_the_engine_ends_what_it_is_saying() -> None:
    threads = ModelThreads("trial", threads=1, at_once=2)
    started = threading.Event()

    def speak(outlet: Outlet) -> None:
        while True:
            outlet.put(chunk(1))
            started.set()

    async def never() -> list[Pcm]:
        return [pcm async for pcm in threads.stream(lambda outlet: outlet.put(chunk(9)))]

    speaking = threads.stream(speak)
    await anext(speaking)
    assert await asyncio.to_thread(started.wait, 10)
    waiting = asyncio.ensure_future(never())
    await asyncio.sleep(0)
    await threads.close()
    with pytest.raises(EngineFailed, match="closed while it spoke"):
        await waiting
    with pytest.raises(EngineFailed, match="closed while it spoke"):
        _ = [pcm async for pcm in speaking]
    await threads.close()
    with pytest.raises(EngineFailed, match="trial is closed"):
        await anext(threads.stream(speak))


async def test_work_runs_off_the_loop_and_its_errors_pass(threads: ModelThreads) -> None:
    assert await threads.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
