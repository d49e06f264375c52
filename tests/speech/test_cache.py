"""Speech is made once: hits and misses, what is kept and what isn't, memory and disk."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech.cache import SpeechCache
from speech.errors import EngineFailed, VoiceUnknown
from speech.packed_sound import KeptSound
from speech.resampling import StreamResampler
from speech.sound_store import SoundStore
from speech.tts import SpeechRequest, Voice

HELLO = SpeechRequest("hello", "en")


class Organ:
    """A synthesizer that plays a tone of 50 ms for each letter, one chunk a letter."""

    name = "organ"
    version = "1"
    languages = frozenset({"en"})
    voices = (Voice("pipe", "en", "a pipe"),)

    def __init__(self, sample_rate_hz: int = 16_000) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.made: list[str] = []
        self.closed_early = 0
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.breaks_after: int | None = None

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[np.ndarray, None]:
        if request.voice not in (None, "pipe"):
            raise VoiceUnknown(f"no voice {request.voice!r}")
        self.made.append(request.text)
        self.asked.set()
        samples = self.sample_rate_hz // 20
        try:
            for index in range(len(request.text)):
                await self.go_on.wait()
                if index == self.breaks_after:
                    raise EngineFailed("out of breath")
                time_s = (np.arange(samples) + index * samples) / self.sample_rate_hz
                yield (8_000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
        except GeneratorExit:
            self.closed_early += 1
            raise

    async def start(self) -> None: ...

    async def close(self) -> None: ...


async def heard(
    cache: SpeechCache, request: SpeechRequest = HELLO, rate_hz: int = 8_000
) -> list[np.ndarray]:
    async with aclosing(cache.speak(request, sample_rate_hz=rate_hz)) as chunks:
        return [chunk async for chunk in chunks]


async def test_the_second_time_it_comes_in_one_piece_and_nothing_is_synthesised() -> None:
    cache = SpeechCache(organ := Organ())
    first, second = await heard(cache), await heard(cache)
    assert len(first) > 1
    assert len(second) == 1
    assert np.array_equal(np.concatenate(first), second[0])
    assert organ.made == ["hello"]
    assert (cache.stats.hits, cache.stats.misses) == (1, 1)


@pytest.mark.parametrize("engine_hz", [8_000, 16_000, 22_050, 24_000])
@pytest.mark.parametrize("line_hz", [8_000, 16_000])
async def test_no_tail_is_lost_in_resampling(engine_hz: int, line_hz: int) -> None:
    cache = SpeechCache(Organ(engine_hz))
    sound = np.concatenate(await heard(cache, SpeechRequest("x" * 20, "en"), line_hz))
    assert len(sound) == pytest.approx(20 * (engine_hz // 20) * line_hz / engine_hz, abs=2)
    last = sound[-line_hz // 50 :].astype(float)
    assert np.sqrt((last**2).mean()) > 4_000  # the tone goes on to the end


async def test_audio_is_streamed_before_the_engine_has_finished() -> None:
    cache = SpeechCache(organ := Organ(8_000))
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as chunks:
        await anext(chunks)
        organ.go_on.clear()
        next_chunk = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        assert not next_chunk.done()
        organ.go_on.set()
        assert len(await next_chunk) == 400


@pytest.mark.parametrize(
    "other",
    [
        replace(HELLO, text="hallo"),
        replace(HELLO, voice="pipe"),
        replace(HELLO, language="de"),
        replace(HELLO, rate=1.1),
    ],
)
async def test_all_that_changes_the_sound_is_in_the_key(other: SpeechRequest) -> None:
    cache = SpeechCache(organ := Organ())
    await heard(cache)
    await heard(cache, other)
    assert len(organ.made) == 2


async def test_another_line_rate_or_engine_version_is_made_anew(tmp_path: Path) -> None:
    organ = Organ()
    await heard(SpeechCache(organ, folder=tmp_path))
    await heard(SpeechCache(organ, folder=tmp_path), rate_hz=16_000)
    organ.version = "2"
    await heard(SpeechCache(organ, folder=tmp_path))
    assert len(organ.made) == 3


async def test_what_was_aborted_is_not_kept_and_the_engine_is_stopped() -> None:
    cache = SpeechCache(organ := Organ())
    async with aclosing(cache.speak(HELLO, sample_rate_hz=8_000)) as chunks:
        await anext(chunks)
    assert organ.closed_early == 1
    assert cache.stats.entries == 0
    assert len(np.concatenate(await heard(cache))) == 2_000
    assert organ.made == ["hello", "hello"]


async def test_what_failed_is_not_kept_and_the_error_passes_through() -> None:
    cache = SpeechCache(organ := Organ())
    organ.breaks_after = 3
    with pytest.raises(EngineFailed, match="out of breath"):
        await heard(cache)
    with pytest.raises(VoiceUnknown):
        await heard(cache, replace(HELLO, voice="nobody"))
    organ.breaks_after = None
    assert len(np.concatenate(await heard(cache))) == 2_000


async def test_two_who_ask_at_once_have_it_made_once() -> None:
    cache = SpeechCache(organ := Organ())
    organ.go_on.clear()
    both = asyncio.gather(heard(cache), heard(cache))
    await asyncio.wait_for(organ.asked.wait(), 30)
    organ.go_on.set()
    first, second = await both
    assert np.array_equal(np.concatenate(first), np.concatenate(second))
    assert organ.made == ["hello"]


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    cache = SpeechCache(organ := Organ(8_000), memory_bytes=3 * 4_000)
    for text in ("aaaaa", "bbbbb", "ccccc", "aaaaa", "ddddd"):  # 4000 bytes each
        await heard(cache, SpeechRequest(text, "en"))
    assert cache.stats.memory_bytes == 12_000
    organ.made.clear()
    for text in ("aaaaa", "ccccc", "ddddd", "bbbbb"):
        await heard(cache, SpeechRequest(text, "en"))
    assert organ.made == ["bbbbb"]
    await heard(cache, SpeechRequest("e" * 100, "en"))
    assert cache.stats.memory_bytes <= 12_000


async def test_what_is_on_disk_survives_a_restart(tmp_path: Path) -> None:
    first = np.concatenate(await heard(SpeechCache(Organ(), folder=tmp_path / "sounds")))
    cache = SpeechCache(organ := Organ(), folder=tmp_path / "sounds")
    (second,) = await heard(cache)
    assert np.array_equal(first, second)
    assert organ.made == []
    assert cache.stats.hits == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:7],
        lambda content: content[:-1],
        lambda content: content + b"\0\0",
        lambda content: b"RIFF" + content[4:],
        lambda content: content[:-2] + bytes([content[-2] ^ 1]) + content[-1:],
    ],
)
async def test_a_damaged_file_is_made_anew_and_replaced(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    await heard(SpeechCache(Organ(), folder=tmp_path))
    file = tmp_path / os.listdir(tmp_path)[0]
    good = file.read_bytes()
    file.write_bytes(damage(good))
    sound = np.concatenate(await heard(SpeechCache(organ := Organ(), folder=tmp_path)))
    assert len(sound) == 2_000
    assert organ.made == ["hello"]
    # The resampler rounds by how its memory lies, so the new file need not be the old one's twin.
    assert len(file.read_bytes()) == len(good)
    again = np.concatenate(await heard(SpeechCache(silent := Organ(), folder=tmp_path)))
    assert silent.made == []
    np.testing.assert_array_equal(again, sound)


async def test_a_folder_that_can_not_be_written_does_not_stop_speech(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = SpeechCache(Organ(), folder=tmp_path / "file" / "sounds")
    assert len(np.concatenate(await heard(cache))) == 2_000
    assert len(await heard(cache)) == 1


async def test_prewarming_makes_all_and_reports_what_failed() -> None:
    cache = SpeechCache(organ := Organ())
    wrong = SpeechRequest("bye", "en", "nobody")
    failed = await cache.prewarm(
        [HELLO, wrong, SpeechRequest("ok", "en"), HELLO], sample_rate_hz=8_000
    )
    assert [request for request, _ in failed] == [wrong]
    assert isinstance(failed[0][1], VoiceUnknown)
    organ.made.clear()
    assert len(await heard(cache)) == 1
    assert organ.made == []


async def test_an_empty_text_yields_nothing_and_is_kept_as_such() -> None:
    cache = SpeechCache(organ := Organ(8_000))
    silence = SpeechRequest("", "en")
    assert await heard(cache, silence) == []
    assert await heard(cache, silence) == []
    assert organ.made == [""]


def test_the_disk_is_bounded_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    store = SoundStore(tmp_path, max_bytes=10 * 2_020)
    sound = KeptSound(np.arange(1_000, dtype=np.int16))
    for index in range(10):
        store.write(f"key{index}", sound)
    for index, file in enumerate(sorted(tmp_path.iterdir())):
        os.utime(file, (index, index))
    kept = store.read("key0")  # used: no longer the oldest
    assert kept is not None
    np.testing.assert_array_equal(kept.pcm, sound.pcm)
    store.write("key10", sound)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 10 * 2_020
    assert store.read("key1") is None
    assert store.read("key0") is not None
    assert store.read("key10") is not None


def test_a_sound_larger_than_the_whole_store_is_not_written(tmp_path: Path) -> None:
    SoundStore(tmp_path, max_bytes=100).write("key", KeptSound(np.zeros(1_000, np.int16)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [1, 3, 441, 22_050])
def test_a_stream_resampler_gives_the_same_however_it_is_fed(size: int) -> None:
    tone = (8_000 * np.sin(np.arange(22_050) * 0.1)).astype(np.int16)
    whole = StreamResampler(22_050, 8_000)
    expected = np.concatenate([whole.push(tone), whole.finish()])
    stream = StreamResampler(22_050, 8_000)
    parts = [stream.push(tone[at : at + size]) for at in range(0, len(tone), size)]
    got = np.concatenate([*parts, stream.finish()])
    assert len(got) == len(expected) == 8_000
    assert np.abs(got.astype(int) - expected.astype(int)).max() <= 2
