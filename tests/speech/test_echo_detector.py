"""Whether a line sends the bot's voice back is known soon, and no caller is taken for an echo."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import numpy as np
import pytest

from speech.echo_detector import (
    EchoDetector,
    EchoPolicy,
    EchoThresholds,
    Line,
    Verdict,
    level_db,
)
from speech.echo_likeness import Likeness
from speech.stt import Pcm
from tests.speech.echo_lines import (
    RATE_HZ,
    WINDOW,
    bots_voice,
    over_the_line,
    reader,
    room_echo,
    talking_over,
)

BOT_DB, ECHO_DB, NOISE_DB = -20.0, -40.0, -65.0
REACH = 21  # windows that an echo may be late
IS_ECHO = Likeness(explained=0.9, foretold=0.8, delay_ms=120)
BY_CHANCE = Likeness(explained=0.7, foretold=0.1, delay_ms=120)
IS_CALLER = Likeness(explained=0.2, foretold=0.0, delay_ms=40)


class Call:
    """A policy, and what it made of each window."""

    def __init__(self) -> None:
        self.policy = EchoPolicy()
        self.comparisons = 0

    def windows(
        self, count: int, heard_db: float, seen: Likeness = IS_CALLER, bot_db: float = BOT_DB
    ) -> list[Verdict]:
        def compare() -> Likeness:
            self.comparisons += 1
            return seen

        return [self.policy.window(bot_db, heard_db, compare) for _ in range(count)]

    @property
    def line(self) -> Line:
        return self.policy.line


@pytest.fixture
def call() -> Call:
    fresh = Call()
    fresh.windows(20, NOISE_DB, bot_db=-120.0)
    return fresh


def lengths(verdicts: Iterable[Verdict]) -> list[tuple[Verdict, int]]:
    return [(verdict, len(list(run))) for verdict, run in groupby(verdicts)]


# The policy


def test_a_line_on_which_nothing_comes_back_is_clean_within_a_second(call: Call) -> None:
    call.windows(REACH, NOISE_DB)
    assert call.line is Line.UNKNOWN
    call.windows(31 - REACH, NOISE_DB)
    assert call.line is Line.CLEAN
    assert call.comparisons == 0


def test_an_echo_counts_for_no_speech_from_its_first_window_on(call: Call) -> None:
    call.windows(5, NOISE_DB)
    verdicts = call.windows(20, ECHO_DB, IS_ECHO)
    assert lengths(verdicts) == [(Verdict.DOUBTFUL, 3), (Verdict.ECHO, 17)]
    assert call.line is Line.ECHO


def test_a_soft_caller_in_the_bots_first_second_is_doubted_for_a_fifth_of_one(call: Call) -> None:
    call.windows(5, NOISE_DB)
    verdicts = call.windows(15, ECHO_DB, IS_CALLER)
    assert lengths(verdicts) == [(Verdict.DOUBTFUL, 6), (Verdict.CALLER, 9)]


def test_who_is_as_loud_as_the_bot_is_no_echo_of_it(call: Call) -> None:
    call.windows(5, NOISE_DB)
    verdicts = call.windows(15, BOT_DB, BY_CHANCE)
    assert lengths(verdicts) == [(Verdict.DOUBTFUL, 1), (Verdict.CALLER, 14)]


def test_a_likeness_that_foretells_nothing_is_no_echo(call: Call) -> None:
    call.windows(5, NOISE_DB)
    call.windows(100, ECHO_DB, BY_CHANCE)
    assert call.line is Line.UNKNOWN


def test_a_caller_on_a_clean_line_is_never_doubted(call: Call) -> None:
    call.windows(40, NOISE_DB)
    assert set(call.windows(100, BOT_DB, IS_CALLER)) == {Verdict.CALLER}
    assert call.line is Line.CLEAN


def test_an_echo_that_comes_up_on_a_clean_line_is_found(call: Call) -> None:
    call.windows(40, NOISE_DB)
    verdicts = call.windows(10, ECHO_DB, IS_ECHO)
    assert lengths(verdicts) == [(Verdict.CALLER, 3), (Verdict.ECHO, 7)]


def test_one_comparison_makes_no_echo_of_a_clean_line(call: Call) -> None:
    call.windows(40, NOISE_DB)
    for _ in range(20):
        call.windows(2, ECHO_DB, IS_ECHO)
        call.windows(2, ECHO_DB, IS_CALLER)
    assert call.line is Line.CLEAN


def test_who_speaks_over_an_echo_is_the_caller_and_the_line_keeps_its_echo(call: Call) -> None:
    call.windows(30, ECHO_DB, IS_ECHO)
    verdicts = call.windows(40, BOT_DB, IS_CALLER)
    assert lengths(verdicts)[-1][0] is Verdict.CALLER
    assert verdicts.count(Verdict.CALLER) >= 38
    assert call.line is Line.ECHO
    assert call.windows(4, ECHO_DB, IS_ECHO)[-1] is Verdict.ECHO


def test_who_is_much_louder_than_the_echo_is_the_caller_whatever_it_looks_like(call: Call) -> None:
    call.windows(30, ECHO_DB, IS_ECHO)
    assert set(call.windows(10, ECHO_DB + 10, BY_CHANCE)) == {Verdict.CALLER}
    assert call.windows(10, ECHO_DB + 2, IS_ECHO)[-1] is Verdict.ECHO


def test_an_echo_that_was_a_mistake_is_taken_back_within_a_second(call: Call) -> None:
    call.windows(8, ECHO_DB, IS_ECHO)
    assert call.line is Line.ECHO
    call.windows(30, ECHO_DB, IS_CALLER)
    assert call.line is not Line.ECHO


def test_an_echo_that_stays_away_while_the_bot_speaks_is_forgotten(call: Call) -> None:
    call.windows(40, ECHO_DB, IS_ECHO)
    call.windows(50, NOISE_DB)
    assert call.line is Line.ECHO
    call.windows(50, NOISE_DB)
    assert call.line is Line.CLEAN


def test_an_echo_is_not_forgotten_while_the_bot_is_silent(call: Call) -> None:
    call.windows(40, ECHO_DB, IS_ECHO)
    call.windows(1000, NOISE_DB, bot_db=-120.0)
    assert call.line is Line.ECHO


def test_what_sounds_long_after_the_bot_is_not_even_compared(call: Call) -> None:
    call.windows(5, NOISE_DB)
    call.windows(REACH + 1, NOISE_DB, bot_db=-120.0)
    before = call.comparisons
    assert set(call.windows(30, BOT_DB, IS_ECHO, bot_db=-120.0)) == {Verdict.CALLER}
    assert call.comparisons == before


@pytest.mark.parametrize("noise_db", [-65.0, -50.0, -40.0])
def test_steady_noise_is_neither_an_echo_nor_compared(noise_db: float) -> None:
    call = Call()
    call.windows(20, noise_db, bot_db=-120.0)
    assert set(call.windows(100, noise_db)) == {Verdict.CALLER}
    assert call.line is Line.CLEAN
    assert call.comparisons == 0


# On speech


@pytest.fixture(scope="module")
def bot() -> Pcm:
    return bots_voice()


@pytest.fixture(scope="module")
def callers() -> Sequence[Pcm]:
    """Forty pieces of 1.5 s of two people who read."""
    pieces: list[Pcm] = []
    for file in ("two_cities", "beckett"):
        read = reader(file)
        step = (len(read) - 12_000) // 20
        pieces += [read[at : at + 12_000] for at in range(0, step * 20, step)]
    return pieces


def judged(
    played: Pcm, heard: Pcm, *, window: int = WINDOW, rate_hz: int = RATE_HZ
) -> tuple[list[Verdict], list[Line]]:
    detector = EchoDetector(sample_rate_hz=rate_hz)
    verdicts: list[Verdict] = []
    lines: list[Line] = []
    for at in range(0, len(played) - window + 1, window):
        verdicts.append(detector.window(played[at : at + window], heard[at : at + window]))
        lines.append(detector.line)
    return verdicts, lines


def loud_windows(pcm: Pcm) -> list[bool]:
    return [level_db(pcm[at : at + WINDOW]) > -52 for at in range(0, len(pcm) - 255, WINDOW)]


def first(values: Sequence[object], holds: Callable[[object], bool]) -> int:
    return next(index for index, value in enumerate(values) if holds(value))


@pytest.mark.parametrize("echo_db", [-15, -18, -24, -30])
@pytest.mark.parametrize("delay_ms", [50, 120, 200, 400])
def test_an_echo_is_found_before_it_can_duck_the_bot(bot: Pcm, echo_db: int, delay_ms: int) -> None:
    heard = over_the_line(room_echo(bot, level_db=echo_db, delay_ms=delay_ms))
    verdicts, lines = judged(bot, heard)
    begins = first(loud_windows(heard), bool)
    assert first(lines, lambda line: line is Line.ECHO) - begins <= 16, "half a second"
    assert Line.ECHO is lines[-1]
    before = verdicts[begins : begins + 16]
    runs = [count for verdict, count in lengths(before) if verdict is Verdict.CALLER]
    assert max(runs, default=0) < 2, "64 ms of speech duck the bot"


@pytest.mark.parametrize("at_s", [0.2, 0.6, 2.5])
def test_no_caller_is_taken_for_an_echo(bot: Pcm, callers: Sequence[Pcm], at_s: float) -> None:
    taken = doubted = 0
    for seed, caller in enumerate(callers):
        alone = talking_over(bot, caller, at_s=at_s)
        verdicts, lines = judged(bot, over_the_line(alone.astype(np.float64), seed=seed))
        taken += Line.ECHO in lines
        doubted = max(doubted, sum(verdict is not Verdict.CALLER for verdict in verdicts))
    assert taken == 0
    assert doubted <= (0 if at_s > 1 else 16), "half a second of the bot's first"


def test_a_caller_over_an_echo_is_not_taken_for_it(bot: Pcm, callers: Sequence[Pcm]) -> None:
    heard_of: list[float] = []
    echo = room_echo(bot, level_db=-18, delay_ms=200)
    for seed, caller in enumerate(callers):
        alone = talking_over(bot, caller, at_s=2.5)
        verdicts, lines = judged(bot, over_the_line(alone + echo, seed=seed))
        assert lines[-1] is Line.ECHO
        loud = [level_db(alone[at : at + WINDOW]) > -30 for at in range(0, len(alone), WINDOW)]
        his = [verdict for verdict, is_his in zip(verdicts, loud, strict=True) if is_his]
        heard_of.append(his.count(Verdict.CALLER) / len(his))
    assert min(heard_of) > 0.7
    assert float(np.median(heard_of)) > 0.9


def test_who_takes_the_handset_up_has_a_clean_line_again(bot: Pcm) -> None:
    echo = over_the_line(room_echo(bot, level_db=-18, delay_ms=120))
    silence = over_the_line(np.zeros(len(bot)))
    _, lines = judged(np.tile(bot, 2), np.concatenate((echo, silence)))
    assert lines[len(bot) // WINDOW - 1] is Line.ECHO
    assert lines[-1] is Line.CLEAN


def test_who_switches_the_loudspeaker_on_later_has_an_echo_from_then_on(bot: Pcm) -> None:
    echo = over_the_line(room_echo(bot, level_db=-18, delay_ms=120))
    silence = over_the_line(np.zeros(len(bot)))
    _, lines = judged(np.tile(bot, 2), np.concatenate((silence, echo)))
    half = len(bot) // WINDOW
    assert lines[half - 1] is Line.CLEAN
    assert first(lines[half:], lambda line: line is Line.ECHO) <= 30


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_other_rates_are_the_same(rate_hz: int) -> None:
    bot = bots_voice(rate_hz)
    echo = room_echo(bot, level_db=-18, delay_ms=200, rate_hz=rate_hz)
    caller = talking_over(bot, reader("two_cities", rate_hz), at_s=0.3, rate_hz=rate_hz)
    window = rate_hz * 32 // 1000
    _, with_echo = judged(bot, echo.astype(np.int16), window=window, rate_hz=rate_hz)
    _, with_caller = judged(bot, caller, window=window, rate_hz=rate_hz)
    assert with_echo[-1] is Line.ECHO
    assert Line.ECHO not in with_caller


def test_the_numbers_hang_together() -> None:
    limits = EchoThresholds()
    assert limits.not_explained < limits.explained
    assert limits.softest_db < limits.no_echo_db < -30
    assert limits.bot_sounds_db < limits.bot_speaks_db


def test_a_rate_that_is_no_multiple_of_4000_hz_is_refused() -> None:
    with pytest.raises(ValueError, match="4000"):
        EchoDetector(sample_rate_hz=11_025)
