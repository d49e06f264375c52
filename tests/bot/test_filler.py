"""When a silence is filled, and when not."""

import asyncio
from collections.abc import Callable

import pytest

from bot.filler import FILLER_AFTER_MS, Fillers, SilencePolicy, filler
from processors.call_clock import CallClock

Told = Callable[[SilencePolicy], None]
RATE_HZ = 8000


def spoke(at_ms: int) -> Told:
    return lambda policy: policy.turn_ended(at_ms, is_heard=False)


def pressed(at_ms: int) -> Told:
    return lambda policy: policy.turn_ended(at_ms, is_heard=True)


def stepped(*, is_owing: bool) -> Told:
    return lambda policy: policy.stepped(is_owing=is_owing)


def bot_ended(at_ms: int) -> Told:
    return lambda policy: policy.bot_ended(at_ms)


HEARD, SETTLED, BOT = SilencePolicy.heard, SilencePolicy.settled, SilencePolicy.bot_began


@pytest.mark.parametrize(
    ("told", "due_ms"),
    [
        ((), None),
        ((spoke(1000),), 1000 + FILLER_AFTER_MS),  # the words take their time
        ((spoke(1000), HEARD, stepped(is_owing=True)), 1000 + FILLER_AFTER_MS),  # a request
        ((spoke(1000), stepped(is_owing=False)), 1000 + FILLER_AFTER_MS),  # of something before
        ((spoke(1000), HEARD, stepped(is_owing=False)), None),  # nothing is to be said
        ((spoke(1000), SETTLED), None),  # a cough, or the caller goes on
        ((spoke(1000), HEARD, BOT), None),  # answered
        ((spoke(1000), HEARD, BOT, bot_ended(3000)), None),
        ((pressed(1000), stepped(is_owing=True)), 1000 + FILLER_AFTER_MS),
        ((pressed(1000), stepped(is_owing=False)), None),  # the first digit of a number
        ((BOT, pressed(1000), stepped(is_owing=True)), None),  # a prompt goes on meanwhile
        ((BOT, pressed(1000), bot_ended(3000)), 3000 + FILLER_AFTER_MS),
        ((spoke(1000), SETTLED, spoke(1700)), 1700 + FILLER_AFTER_MS),
    ],
)
def test_a_silence_is_due_when_something_is_owed(
    told: tuple[Told, ...], due_ms: int | None
) -> None:
    policy = SilencePolicy()
    for tell in told:
        tell(policy)
    assert policy.due_ms == due_ms


async def test_a_silence_is_filled_once_by_the_time_of_the_callers_audio() -> None:
    clock, said = CallClock(), 0

    async def fill() -> None:
        nonlocal said
        said += 1

    async def hear(ms: int) -> None:
        for _ in range(ms // 20):
            clock.advance(RATE_HZ // 50, RATE_HZ)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    fillers = Fillers(clock, fill)
    running = asyncio.create_task(fillers.run())
    await hear(1000)
    fillers.tell().turn_ended(1000, is_heard=False)
    await hear(FILLER_AFTER_MS - 100)
    assert said == 0
    await hear(10_000)
    assert said == 1
    running.cancel()


@pytest.mark.parametrize("language", ["en", "hi", "mr"])
def test_the_languages_of_the_flows_have_a_filler(language: str) -> None:
    say = filler(language)
    assert say is not None
    assert (say.language, say.interruptible) == (language, True)


def test_a_language_without_a_filler_stays_silent() -> None:
    assert filler("ta") is None


def test_what_was_said_before_a_slow_tool_does_not_settle_what_is_owed() -> None:
    policy = SilencePolicy()
    policy.turn_ended(1_000, is_heard=True)
    policy.bot_began()
    policy.owe(2_000)
    assert policy.due_ms is None
    policy.bot_ended(2_400)
    assert policy.due_ms == 2_400 + FILLER_AFTER_MS
    policy.owe(3_000)
    assert policy.due_ms == 2_400 + FILLER_AFTER_MS
