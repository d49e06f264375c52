"""What one engine can't hear in time, the next one hears, from the beginning of the utterance."""

import asyncio

import numpy as np
import pytest

from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
)
from speech.hearing_chain import RecognizerChain
from speech.members import Member
from speech.stt import RecognitionStream, Transcript
from tests.speech.chained_engines import Clock, Ear, ear_member

WORDS = np.ones(100, np.int16)


async def chain_of(*ears: Ear, clock: Clock | None = None) -> RecognizerChain:
    clock = clock or Clock()
    return RecognizerChain([await ear_member(ear, clock) for ear in ears])


async def heard(chain: RecognizerChain) -> Transcript:
    return await opened(chain).finish()


def opened(chain: RecognizerChain, language: str = "en") -> RecognitionStream:
    stream = chain.open(language=language, sample_rate_hz=8000, hints=["yes"])
    stream.feed(WORDS)
    return stream


async def test_the_first_engine_hears_when_it_is_well() -> None:
    second = Ear("second")
    transcript = await heard(await chain_of(Ear("first"), second))
    assert (transcript.text, transcript.engine) == ("first", "first")
    assert not second.streams


@pytest.mark.parametrize(
    "failure",
    [
        EngineFailed("broke"),
        EngineBusy("full"),
        EngineUnavailable("gone"),
        DeadlineExceeded("late"),
        RuntimeError("CUDA out of memory"),
        ConnectionResetError("reset"),
    ],
)
async def test_another_engine_hears_what_the_first_one_fails_at(failure: Exception) -> None:
    transcript = await heard(await chain_of(Ear("first", failure), Ear("second")))
    assert (transcript.text, transcript.engine) == ("second", "second")


async def test_an_engine_that_hangs_is_left_for_the_next_and_its_work_is_dropped() -> None:
    first = Ear("first", hangs=True)
    transcript = await heard(await chain_of(first, Ear("second")))
    assert transcript.text == "second"
    assert first.streams[0].is_cancelled


async def test_the_next_engine_hears_the_utterance_from_its_beginning() -> None:
    first, second = Ear("first"), Ear("second")
    stream = opened(await chain_of(first, second))
    await stream.partial(is_urgent=True)
    first.failure = EngineFailed("broke in the middle")
    stream.feed(WORDS)
    assert (await stream.finish()).audio_ms == 2 * len(WORDS)
    assert second.streams[0].hints == ("yes",)


async def test_an_urgent_partial_goes_on_to_the_next_engine_too() -> None:
    stream = opened(await chain_of(Ear("first", EngineFailed("broke")), Ear("second")))
    transcript = await stream.partial(is_urgent=True)
    assert (transcript.text, transcript.is_final) == ("second", False)


async def test_a_partial_that_may_be_left_out_is_not_asked_of_two_engines() -> None:
    second = Ear("second")
    stream = opened(await chain_of(Ear("first", EngineFailed("broke")), second))
    with pytest.raises(EngineFailed):
        await stream.partial()
    assert not second.streams
    assert (await stream.finish()).text == "second"


async def test_an_engine_that_is_too_busy_for_a_partial_has_not_failed() -> None:
    first = Ear("first", EngineBusy("later"))
    stream = opened(await chain_of(first, Ear("second")))
    with pytest.raises(EngineBusy):
        await stream.partial()
    first.failure = None
    assert (await stream.finish()).text == "first"


async def test_after_two_failures_it_is_left_alone_and_found_again() -> None:
    clock, first = Clock(), Ear("first", EngineFailed("broke"))
    chain = await chain_of(first, Ear("second"), clock=clock)
    for _ in range(5):
        assert (await heard(chain)).text == "second"
    assert len(first.streams) == 2
    first.failure, clock.now_s = None, 10.0
    assert [(await heard(chain)).text for _ in range(3)] == ["first", "first", "first"]


async def test_one_time_out_is_enough_to_spare_the_next_caller_the_wait() -> None:
    first = Ear("first", hangs=True)
    chain = await chain_of(first, Ear("second"))
    assert [(await heard(chain)).text for _ in range(3)] == ["second"] * 3
    assert len(first.streams) == 1


async def test_when_all_fail_the_last_ones_reason_is_told() -> None:
    chain = await chain_of(Ear("first", EngineFailed("one")), Ear("second", EngineFailed("two")))
    with pytest.raises(EngineFailed, match="two"):
        await heard(chain)


async def test_when_all_are_left_alone_they_are_asked_nevertheless() -> None:
    first, second = Ear("first", EngineFailed("one")), Ear("second", EngineFailed("two"))
    chain = await chain_of(first, second)
    for _ in range(3):
        with pytest.raises(EngineFailed):
            await heard(chain)
    second.failure = None
    assert (await heard(chain)).text == "second"


async def test_an_engine_without_the_language_is_passed_over_and_has_not_failed() -> None:
    english = Ear("english", languages=frozenset({"en"}))
    chain = await chain_of(english, Ear("both"))
    assert (await opened(chain, "hi").finish()).text == "both"
    assert (await heard(chain)).text == "english"
    with pytest.raises(LanguageUnsupported, match="none of english, both understands 'mr'"):
        chain.open(language="mr", sample_rate_hz=8000)


async def test_an_engine_that_could_not_start_is_passed_over() -> None:
    absent = Ear("absent", can_start=False)
    late = Member("absent", absent, deadline_s=1.0)
    with pytest.raises(EngineUnavailable, match="absent is not there"):
        await late.start()
    chain = RecognizerChain([late, await ear_member(Ear("second"), Clock())])
    assert (await heard(chain)).text == "second"
    absent.can_start = True
    await late.start()
    assert (await heard(chain)).text == "absent"


async def test_a_closed_stream_takes_no_more_audio() -> None:
    stream = opened(await chain_of(Ear("first"), Ear("second")))
    await stream.finish()
    with pytest.raises(EngineFailed, match="closed"):
        stream.feed(WORDS)


def test_a_chain_without_engines_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an engine"):
        RecognizerChain([])


async def test_an_engine_that_is_full_is_not_left_alone() -> None:
    first = Ear("first", EngineBusy("full"))
    chain = await chain_of(first, Ear("second"))
    assert [(await heard(chain)).text for _ in range(4)] == ["second"] * 4
    first.failure = None
    assert (await heard(chain)).text == "first"


async def test_a_stand_in_that_failed_once_long_ago_is_there_when_it_is_needed() -> None:
    clock = Clock()
    first, second = Ear("first", EngineFailed("one")), Ear("second", EngineFailed("two"))
    chain = await chain_of(first, second, clock=clock)
    for _ in range(2):
        with pytest.raises(EngineFailed):
            await heard(chain)
    first.failure = second.failure = None
    for _ in range(20):
        clock.now_s += 10
        assert (await heard(chain)).text == "first"
    first.failure = EngineFailed("again")
    assert (await heard(chain)).text == "second"


async def test_two_who_find_out_at_once_that_an_engine_failed_leave_the_next_one_in() -> None:
    first = Ear("first", EngineFailed("broke"))
    stream = opened(await chain_of(first, Ear("second"), Ear("third")))
    passing, urgent = await asyncio.gather(
        stream.partial(), stream.partial(is_urgent=True), return_exceptions=True
    )
    assert isinstance(passing, EngineFailed)
    assert isinstance(urgent, Transcript)
    assert urgent.text == "second"


async def test_words_in_passing_that_come_late_are_left_out_and_nobody_is_blamed() -> None:
    first = Ear("first", hangs=True)
    stream = opened(await chain_of(first, Ear("second")))
    with pytest.raises(EngineBusy, match="no words in"):
        await stream.partial()
    first.hangs = False
    assert (await stream.finish()).text == "first"


SLOW_S = 0.15  # three times the members' deadline


async def test_one_behind_which_nobody_is_well_has_all_the_time_that_the_call_has() -> None:
    slow = await ear_member(Ear("slow", takes_s=SLOW_S), Clock())
    down = await ear_member(Ear("down", EngineUnavailable("gone")), Clock())
    chain = RecognizerChain([down, slow])
    assert [(await heard(chain)).text for _ in range(3)] == ["slow"] * 3
    assert (await heard(RecognizerChain([slow, down]))).text == "slow"
    assert (slow.failures, down.failures) == (0, 1)


async def test_an_engine_that_never_started_stands_in_for_nobody() -> None:
    member = await ear_member(Ear("slow", takes_s=SLOW_S), Clock())
    absent = Member("absent", Ear("absent", can_start=False), deadline_s=0.05)
    assert (await heard(RecognizerChain([member, absent]))).text == "slow"
    assert member.failures == 0


@pytest.mark.parametrize("count", [1, 2])
async def test_the_last_engine_that_breaks_its_word_fails_as_engines_do(count: int) -> None:
    ears = [Ear(f"ear{number}", TimeoutError("its own")) for number in range(count)]
    chain = await chain_of(*ears)
    with pytest.raises(EngineFailed, match=f"ear{count - 1} broke: TimeoutError"):
        await heard(chain)
    with pytest.raises(EngineFailed, match="its own"):
        await opened(chain).partial(is_urgent=True)
    with pytest.raises(EngineFailed, match="its own"):
        await opened(chain).partial()


async def test_failures_of_an_engine_alone_are_counted_and_its_audio_is_not_kept() -> None:
    ear = Ear("only")
    member = await ear_member(ear, Clock())
    chain = RecognizerChain([member])
    transcript = await heard(chain)
    assert (transcript.text, transcript.engine, transcript.audio_ms) == ("only", "", len(WORDS))
    ear.failure = EngineFailed("broke")
    with pytest.raises(EngineFailed, match="broke"):
        await heard(chain)
    assert member.failures == 1
    stream = opened(chain)
    stream.feed(WORDS)
    assert ear.streams[-1].samples == 2 * len(WORDS)  # fed through at once
    stream.cancel()
    assert ear.streams[-1].is_cancelled


async def on_trial(first: Ear) -> tuple[Member[Ear], RecognizerChain]:
    """A chain whose first engine failed and may be tried now."""
    clock = Clock()
    member = await ear_member(first, clock)
    member.failed(EngineUnavailable("down"))
    clock.now_s = 10.0
    return member, RecognizerChain([member, await ear_member(Ear("second"), clock)])


async def test_a_trial_that_is_dropped_is_the_next_utterances() -> None:
    first = Ear("first", hangs=True)
    member, chain = await on_trial(first)
    stream = opened(chain)
    with pytest.raises(EngineBusy):
        await stream.partial()
    stream.cancel()
    first.hangs = False
    assert (await heard(chain)).text == "first"
    assert not member.is_left_alone


async def test_a_trial_that_is_dropped_after_words_in_passing_has_gone_well() -> None:
    member, chain = await on_trial(Ear("first"))
    stream = opened(chain)
    await stream.partial()
    stream.cancel()
    assert not member.is_left_alone


async def test_a_trial_that_found_no_place_is_the_next_utterances() -> None:
    first = Ear("first", EngineBusy("full"))
    _, chain = await on_trial(first)
    assert (await heard(chain)).text == "second"
    first.failure = None
    assert (await heard(chain)).text == "first"
