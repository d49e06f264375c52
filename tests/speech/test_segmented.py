"""A stream over a decode function: what is decoded when, and how it ends."""

import asyncio
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from speech.errors import DeadlineExceeded, EngineFailed
from speech.pool import EnginePool
from speech.segmented import Decoded, SegmentedStream


class Ear:
    """Decodes to the number of samples; can be held up."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, pcm: np.ndarray, sample_rate_hz: int) -> Decoded:
        self.entered.set()
        assert self.go_on.wait(30)
        self.heard.append(pcm)
        return Decoded(f"{len(pcm)} at {sample_rate_hz}", 0.5)


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(1) as made:
        yield made


def open_stream(pool: EnginePool, ear: Ear, **options: float) -> SegmentedStream:
    return SegmentedStream(pool=pool, decode=ear, language="en", sample_rate_hz=8_000, **options)


async def test_partials_see_what_was_fed_so_far_and_the_final_sees_all(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear())
    stream.feed(np.arange(800, dtype=np.int16))
    partial = await stream.partial()
    assert (partial.text, partial.is_final, partial.audio_ms) == ("800 at 8000", False, 100)
    stream.feed(np.arange(800, 1200, dtype=np.int16))
    final = await stream.finish()
    assert (final.text, final.is_final, final.audio_ms) == ("1200 at 8000", True, 150)
    assert (final.language, final.confidence) == ("en", 0.5)
    assert np.array_equal(ear.heard[-1], np.arange(1200))


async def test_nothing_is_decoded_twice(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear())
    stream.feed(np.ones(800, np.int16))
    await stream.partial()
    await stream.partial()
    assert (await stream.finish()).is_final
    assert len(ear.heard) == 1


async def test_the_callers_buffer_may_be_used_again(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear())
    buffer = np.ones(80, np.int16)
    stream.feed(buffer)
    buffer[:] = 7
    await stream.finish()
    assert ear.heard[0].max() == 1


async def test_finishing_drops_the_partial_that_waits(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear())
    ear.go_on.clear()
    blocker = asyncio.ensure_future(open_stream(pool, ear).finish())
    assert await asyncio.to_thread(ear.entered.wait, 30)
    stream.feed(np.ones(800, np.int16))
    partial = asyncio.ensure_future(stream.partial())
    await asyncio.sleep(0)
    final = asyncio.ensure_future(stream.finish())
    with pytest.raises(asyncio.CancelledError):
        await partial
    ear.go_on.set()
    assert (await final).audio_ms == 100
    await blocker
    assert [len(pcm) for pcm in ear.heard] == [0, 800]


async def test_cancelling_ends_whoever_waits_and_closes_the_stream(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear())
    ear.go_on.clear()
    stream.feed(np.ones(800, np.int16))
    final = asyncio.ensure_future(stream.finish())
    assert await asyncio.to_thread(ear.entered.wait, 30)
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await final
    ear.go_on.set()
    stream.cancel()
    for use in (stream.partial, stream.finish):
        with pytest.raises(EngineFailed, match="closed"):
            await use()
    with pytest.raises(EngineFailed, match="closed"):
        stream.feed(np.ones(8, np.int16))


async def test_an_utterance_without_audio_is_decoded_as_such(pool: EnginePool) -> None:
    final = await open_stream(pool, Ear()).finish()
    assert (final.text, final.audio_ms) == ("0 at 8000", 0)


async def test_what_is_beyond_the_limit_is_dropped(pool: EnginePool) -> None:
    stream = open_stream(pool, Ear(), max_audio_s=1.0)
    for _ in range(3):
        stream.feed(np.ones(6_000, np.int16))
    assert (await stream.finish()).audio_ms == 1000


async def test_a_decode_that_takes_too_long_misses_the_deadline(pool: EnginePool) -> None:
    stream = open_stream(pool, ear := Ear(), deadline_s=0.01)
    ear.go_on.clear()
    with pytest.raises(DeadlineExceeded):
        await stream.partial()
    ear.go_on.set()


async def test_the_engines_errors_pass_through(pool: EnginePool) -> None:
    def broken(pcm: np.ndarray, sample_rate_hz: int) -> Decoded:
        raise EngineFailed("broke")

    stream = SegmentedStream(pool=pool, decode=broken, language="en", sample_rate_hz=8_000)
    stream.feed(np.ones(8, np.int16))
    with pytest.raises(EngineFailed, match="broke"):
        await stream.partial()
    with pytest.raises(EngineFailed, match="broke"):
        await stream.finish()


@pytest.mark.parametrize(
    "wrong", [np.ones(8, np.float32), np.ones((2, 8), np.int16), np.ones(8, np.uint8)]
)
async def test_audio_of_another_shape_or_type_is_refused(
    pool: EnginePool, wrong: np.ndarray
) -> None:
    with pytest.raises(TypeError, match="int16"):
        open_stream(pool, Ear()).feed(wrong)


@pytest.mark.parametrize("rate_hz", [0, -8000, 3999, 1_000_000])
async def test_an_impossible_rate_is_refused(pool: EnginePool, rate_hz: int) -> None:
    with pytest.raises(ValueError, match="sample_rate_hz"):
        SegmentedStream(pool=pool, decode=Ear(), language="en", sample_rate_hz=rate_hz)
