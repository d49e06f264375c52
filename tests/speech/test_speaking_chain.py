"""What one engine can't say in time, the next one says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from speech import speaking_chain
from speech.cache import SpeechCache
from speech.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    SpeechError,
    VoiceUnknown,
)
from speech.members import START_AGAIN_S, Member, start_again
from speech.speaking_chain import SpeechChain
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice
from tests.speech.chained_engines import Clock, Mouth, mouth_member

HELLO = SpeechRequest("hello", "en")
RATE_HZ = 8000


async def chain_of(*mouths: Mouth, clock: Clock | None = None, keeps: bool = False) -> SpeechChain:
    clock, memory_bytes = clock or Clock(), 1 << 20 if keeps else 0
    return SpeechChain(
        [
            speaking_chain.Mouth(
                await mouth_member(mouth, clock), SpeechCache(mouth, memory_bytes=memory_bytes)
            )
            for mouth in mouths
        ]
    )


async def levels(chain: SpeechChain, request: SpeechRequest = HELLO) -> list[int]:
    """The levels that sound, in their order, without repetition."""
    found: list[int] = []
    async with aclosing(chain.speak(request, sample_rate_hz=RATE_HZ)) as chunks:
        async for chunk in chunks:
            for level in np.unique(chunk):
                if not found or found[-1] != level:
                    found.append(int(level))
    return found


async def test_the_first_engine_speaks_when_it_is_well() -> None:
    second = Mouth("second", 2000)
    assert await levels(await chain_of(Mouth("first", 1000), second)) == [1000]
    assert not second.asked


@pytest.mark.parametrize("failure", [EngineFailed("broke"), OSError("reset"), RuntimeError("CUDA")])
async def test_another_engine_says_what_the_first_one_fails_at(failure: Exception) -> None:
    chain = await chain_of(Mouth("first", 1000, failure), Mouth("second", 2000))
    assert await levels(chain) == [2000]


async def test_an_engine_that_hangs_before_its_first_sound_is_left_in_its_deadline() -> None:
    chain = await chain_of(Mouth("first", 1000, hangs=True), Mouth("second", 2000))
    assert await levels(chain) == [2000]


async def test_what_broke_off_is_said_again_by_the_next_engine() -> None:
    broken = Mouth("first", 1000, EngineFailed("killed"), good=3)
    assert await levels(await chain_of(broken, Mouth("second", 2000))) == [1000, 2000]


async def test_what_hangs_in_the_middle_is_said_again_by_the_next_engine() -> None:
    hung = Mouth("first", 1000, hangs=True, good=3)
    assert await levels(await chain_of(hung, Mouth("second", 2000))) == [1000, 2000]


async def test_after_two_failures_it_is_left_alone_and_found_again() -> None:
    clock, first = Clock(), Mouth("first", 1000, EngineFailed("broke"))
    chain = await chain_of(first, Mouth("second", 2000), clock=clock)
    for _ in range(5):
        assert await levels(chain) == [2000]
    assert len(first.asked) == 2
    first.failure, clock.now_s = None, 10.0
    assert await levels(chain) == [1000]
    assert await levels(chain) == [1000]


async def test_what_an_engine_said_once_it_says_again_while_it_is_down() -> None:
    first = Mouth("first", 1000)
    chain = await chain_of(first, Mouth("second", 2000), keeps=True)
    assert await levels(chain) == [1000]
    first.failure = EngineFailed("broke")
    for text in ("a", "b", "c"):
        assert await levels(chain, replace(HELLO, text=text)) == [2000]
    assert await levels(chain) == [1000]
    assert await chain.holds(HELLO, sample_rate_hz=RATE_HZ)
    # A sound out of the cache is no sign that the engine is back.
    assert await levels(chain, replace(HELLO, text="d")) == [2000]
    assert len(first.asked) == 3


async def test_a_voice_of_one_engine_is_the_next_ones_own_choice() -> None:
    first = Mouth("first", 1000, voices=(Voice("anna", "en", ""),))
    second = Mouth("second", 2000)
    chain = await chain_of(first, second)
    await levels(chain, replace(HELLO, voice="anna"))
    assert first.asked[0].voice == "anna"
    first.failure = EngineFailed("broke")
    await levels(chain, replace(HELLO, voice="anna"))
    assert second.asked[0].voice is None


async def test_an_engine_is_asked_for_what_it_can_do_only() -> None:
    actor = Mouth(
        "actor",
        1000,
        expression=Expression(frozenset({"laugh"}), frozenset({"happy"}), (0.9, 1.1), True),
    )
    reader = Mouth("reader", 2000)
    chain = await chain_of(actor, reader)
    wanted = SpeechRequest(
        "Well [laugh] done [sigh]", "en", rate=2.0, emotion="happy", pitch_semitones=2.0
    )
    await levels(chain, wanted)
    assert actor.asked == [
        SpeechRequest("Well [laugh] done", "en", rate=1.1, emotion="happy", pitch_semitones=2.0)
    ]
    actor.failure = EngineFailed("broke")
    await levels(chain, wanted)
    assert reader.asked == [SpeechRequest("Well done", "en")]


async def test_a_voice_that_pins_its_engine_comes_first_and_another_beats_silence() -> None:
    first, second = Mouth("first", 1000), Mouth("second", 2000)
    clock = Clock()
    chain = SpeechChain(
        [
            speaking_chain.Mouth(await mouth_member(mouth, clock), SpeechCache(mouth))
            for mouth in (first, second)
        ],
        fit=lambda request, name, _: request if name == "second" else None,
    )
    assert await levels(chain, replace(HELLO, voice="anna")) == [2000]
    second.failure = EngineFailed("broke")
    assert await levels(chain, replace(HELLO, text="Bye", voice="anna")) == [1000]
    assert (second.asked[0].voice, first.asked[0].voice) == ("anna", None)


async def test_a_language_that_none_speaks_is_refused_by_name() -> None:
    chain = await chain_of(Mouth("first", 1), Mouth("second", 2))
    with pytest.raises(LanguageUnsupported, match="none of first, second speaks 'mr'"):
        await levels(chain, SpeechRequest("नमस्कार", "mr"))


async def test_a_language_that_the_first_lacks_is_said_by_the_next() -> None:
    first = Mouth("first", 1000, languages=frozenset({"en"}))
    assert await levels(
        await chain_of(first, Mouth("second", 2000)), SpeechRequest("हाँ", "hi")
    ) == [2000]
    assert not first.asked


async def test_a_voice_that_the_first_lacks_is_said_by_the_next_and_is_no_failure() -> None:
    first = Mouth("first", 1000, VoiceUnknown("no such voice"))
    chain = await chain_of(first, Mouth("second", 2000))
    for _ in range(4):
        assert await levels(chain) == [2000]
    assert len(first.asked) == 4


async def test_when_all_fail_the_last_ones_reason_is_told_and_they_are_asked_again() -> None:
    first, second = Mouth("first", 1000), Mouth("second", 2000)
    first.failure, second.failure = EngineFailed("one"), EngineFailed("two")
    chain = await chain_of(first, second)
    for _ in range(3):
        with pytest.raises(EngineFailed, match="two"):
            await levels(chain)
    second.failure = None
    assert await levels(chain) == [2000]


async def test_prewarming_tells_what_could_not_be_made() -> None:
    bad = EngineFailed("broke")
    chain = await chain_of(Mouth("first", 1000, bad))
    found: list[tuple[SpeechRequest, SpeechError]] = await chain.prewarm(
        [HELLO], sample_rate_hz=RATE_HZ
    )
    assert found == [(HELLO, bad)]


async def test_an_engine_that_is_started_after_the_calls_is_used_then() -> None:
    first = Mouth("first", 1000, can_start=False)
    late = Member("first", first, deadline_s=0.05)
    second = await mouth_member(Mouth("second", 2000), Clock())
    chain = SpeechChain(
        [
            speaking_chain.Mouth(late, SpeechCache(first)),
            speaking_chain.Mouth(second, SpeechCache(second.engine, memory_bytes=0)),
        ]
    )
    assert await levels(chain) == [2000]
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(start_again([late, second], every_s=START_AGAIN_S / 10_000))
        await asyncio.sleep(0)
        first.can_start = True
    assert await levels(chain, replace(HELLO, text="again")) == [1000]


async def test_an_engine_that_is_full_is_not_left_alone() -> None:
    first = Mouth("first", 1000, EngineBusy("full"))
    chain = await chain_of(first, Mouth("second", 2000))
    for _ in range(4):
        assert await levels(chain) == [2000]
    first.failure = None
    assert await levels(chain) == [1000]


async def test_a_stand_in_that_failed_once_long_ago_is_there_when_it_is_needed() -> None:
    clock = Clock()
    first, second = Mouth("first", 1000), Mouth("second", 2000)
    first.failure, second.failure = EngineFailed("one"), EngineFailed("two")
    chain = await chain_of(first, second, clock=clock)
    for _ in range(2):
        with pytest.raises(EngineFailed):
            await levels(chain)
    first.failure = second.failure = None
    for _ in range(20):
        clock.now_s += 10
        assert await levels(chain) == [1000]
    first.failure = EngineFailed("again")
    assert await levels(chain) == [2000]


async def test_a_stand_in_that_is_left_alone_still_bounds_the_wait_for_the_first() -> None:
    clock, second = Clock(), Mouth("second", 2000, EngineFailed("two"))
    first = Mouth("first", 1000, EngineFailed("one"))
    chain = await chain_of(first, second, clock=clock)
    for _ in range(2):
        with pytest.raises(EngineFailed):
            await levels(chain)
    second.failure, first.failure, first.hangs, clock.now_s = None, None, True, 9.0
    assert await levels(chain) == [2000]


async def test_a_voice_that_is_over_is_said_in_the_engines_own() -> None:
    class Forgetful(Mouth):
        async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
            if request.voice is not None:
                self.asked.append(request)
                raise VoiceUnknown("the hour is over")
            async with aclosing(super().synthesize(request)) as chunks:
                async for chunk in chunks:
                    yield chunk

    mouth = Forgetful("only", 1000, voices=(Voice("custom:1", "en", ""),))
    chain = await chain_of(mouth)
    assert await levels(chain, replace(HELLO, voice="custom:1")) == [1000]
    assert [request.voice for request in mouth.asked] == ["custom:1", None]


SLOW_S = 0.15  # three times the members' deadline


async def test_one_behind_which_nobody_is_well_has_all_the_time_that_the_call_has() -> None:
    slow = Mouth("slow", 2000, takes_s=SLOW_S)
    chain = await chain_of(Mouth("down", 1000, EngineUnavailable("gone")), slow)
    for text in ("a", "b", "c"):
        assert await levels(chain, replace(HELLO, text=text)) == [2000]
    slow, down = Mouth("slow", 2000, takes_s=SLOW_S), Mouth("down", 1000, EngineUnavailable("gone"))
    chain = await chain_of(slow, down)
    assert chain.mouths[1].member.may_try()
    chain.mouths[1].member.failed(EngineUnavailable("gone"))
    assert await levels(chain) == [2000]
    assert not down.asked


async def test_an_engine_that_never_started_stands_in_for_nobody() -> None:
    slow, absent = Mouth("slow", 1000, takes_s=SLOW_S), Mouth("absent", 2000, can_start=False)
    late = Member("absent", absent, deadline_s=0.05)
    member = await mouth_member(slow, Clock())
    chain = SpeechChain(
        [
            speaking_chain.Mouth(member, SpeechCache(slow)),
            speaking_chain.Mouth(late, SpeechCache(absent)),
        ]
    )
    assert await levels(chain) == [1000]
    assert member.failures == 0


async def test_the_last_engine_that_breaks_its_word_fails_as_engines_do() -> None:
    chain = await chain_of(Mouth("first", 1, EngineFailed("one")), Mouth("second", 2, OSError("x")))
    with pytest.raises(EngineFailed, match="second broke: OSError"):
        await levels(chain)
    ((_, told),) = await chain.prewarm([HELLO], sample_rate_hz=RATE_HZ)
    assert isinstance(told, EngineFailed)


async def test_an_engines_own_time_out_is_its_failure_and_the_next_one_speaks() -> None:
    own = TimeoutError("its own")
    with pytest.raises(EngineFailed, match="its own"):
        await levels(await chain_of(Mouth("only", 1000, own)))
    assert await levels(await chain_of(Mouth("first", 1000, own), Mouth("second", 2000))) == [2000]


async def test_prompts_are_made_without_haste_and_only_a_hang_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, second = Mouth("slow", 1000, takes_s=SLOW_S), Mouth("second", 2000)
    chain = await chain_of(slow, second, keeps=True)
    assert await chain.prewarm([HELLO], sample_rate_hz=RATE_HZ) == []
    assert not second.asked
    member = chain.mouths[0].member
    assert (member.failures, member.is_left_alone) == (0, False)
    assert await levels(chain) == [1000]
    monkeypatch.setattr(speaking_chain, "PROMPT_S", 0.05)
    slow.hangs = True
    assert await chain.prewarm([replace(HELLO, text="b")], sample_rate_hz=RATE_HZ) == []
    assert [request.text for request in second.asked] == ["b"]
    assert (member.failures, member.is_left_alone) == (1, True)


async def test_what_is_made_for_a_call_is_made_in_the_calls_time() -> None:
    slow = Mouth("slow", 1000, takes_s=SLOW_S)
    chain = await chain_of(slow, Mouth("second", 2000), keeps=True)
    await chain.prewarm([HELLO], sample_rate_hz=RATE_HZ, is_prompt=False)
    assert chain.mouths[0].member.is_left_alone


async def test_prompts_are_made_anew_when_an_engine_starts_late() -> None:
    first, second = Mouth("first", 1000, can_start=False), Mouth("second", 2000)
    late = Member("first", first, deadline_s=0.05)
    well = await mouth_member(second, Clock())
    cache = SpeechCache(first)
    chain = SpeechChain(
        [speaking_chain.Mouth(late, cache), speaking_chain.Mouth(well, SpeechCache(second))]
    )
    rendered = asyncio.Event()

    async def render() -> None:
        await chain.prewarm([HELLO], sample_rate_hz=RATE_HZ)
        rendered.set()

    await render()
    assert not await cache.holds(HELLO, sample_rate_hz=RATE_HZ)
    rendered.clear()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(start_again([late, well], every_s=0.01, then=render))
        await asyncio.sleep(0.05)
        assert not rendered.is_set()
        first.can_start = True
    assert rendered.is_set()
    assert [request.text for request in first.asked] == ["hello"]


async def on_trial(clock: Clock, first: Mouth) -> SpeechChain:
    """A chain whose first engine failed, is well again, and may be tried now."""
    chain = await chain_of(first, Mouth("second", 2000), clock=clock)
    chain.mouths[0].member.failed(EngineUnavailable("down"))
    clock.now_s += 10
    return chain


async def cut_off(chain: SpeechChain, after: int) -> None:
    """Interrupt it after so many chunks."""
    async with aclosing(chain.speak(HELLO, sample_rate_hz=RATE_HZ)) as chunks:
        for _ in range(after):
            await anext(chunks)
        if not after:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(chunks)


async def test_a_trial_that_the_caller_interrupts_has_gone_well() -> None:
    chain = await on_trial(Clock(), Mouth("first", 1000))
    await cut_off(chain, after=1)
    assert not chain.mouths[0].member.is_left_alone


async def test_a_trial_that_ends_before_its_first_sound_is_the_next_callers() -> None:
    first = Mouth("first", 1000, hangs=True)
    chain = await on_trial(Clock(), first)
    await cut_off(chain, after=0)
    first.hangs = False
    assert await levels(chain) == [1000]
    assert not chain.mouths[0].member.is_left_alone


@pytest.mark.parametrize("failure", [EngineBusy("full"), VoiceUnknown("no such voice")])
async def test_a_trial_that_tells_nothing_is_the_next_callers(failure: SpeechError) -> None:
    first = Mouth("first", 1000, failure)
    chain = await on_trial(Clock(), first)
    assert await levels(chain) == [2000]
    first.failure = None
    assert await levels(chain) == [1000]


async def test_an_engine_that_always_breaks_off_is_left_alone() -> None:
    chain = await chain_of(
        Mouth("first", 1000, EngineFailed("killed"), good=3), Mouth("second", 2000)
    )
    assert [await levels(chain) for _ in range(3)] == [[1000, 2000], [1000, 2000], [2000]]
