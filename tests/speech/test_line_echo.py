"""The bot's echo is taken out of lines that have one, and other lines are left alone."""

from itertools import groupby

import numpy as np
import pytest

from speech.echo import EchoCanceller
from speech.echo_detector import Line
from speech.errors import EngineFailed, EngineUnavailable
from speech.line_echo import HeardWindow, LineEcho
from speech.stt import Pcm
from speech.vad import SileroSession
from tests.speech.echo_lines import (
    RATE_HZ,
    WINDOW,
    bots_voice,
    over_the_line,
    reader,
    room_echo,
    talking_over,
)

MAY_DUCK = 2  # windows of speech in a row: 64 ms
MAY_INTERRUPT = 7  # 224 ms, after which words are looked for


@pytest.fixture(scope="module")
def silero() -> SileroSession:
    return SileroSession()


@pytest.fixture(scope="module")
def bot() -> Pcm:
    return bots_voice()


@pytest.fixture(scope="module")
def caller() -> Pcm:
    return reader("two_cities")[2_000:18_000]


def listened(echo: LineEcho, bot: Pcm, heard: Pcm) -> list[HeardWindow]:
    windows: list[HeardWindow] = []
    for at in range(0, len(heard), WINDOW):
        echo.played(bot[at : at + WINDOW], at_sample=at)
        windows.append(echo.listen(heard[at : at + WINDOW]))
    return windows


def speech(silero: SileroSession, windows: list[HeardWindow]) -> list[bool]:
    voice = silero.open(sample_rate_hz=RATE_HZ)
    probabilities = [voice.probability(window.voice) for window in windows]
    return [
        probability >= 0.5 and not window.is_doubtful
        for probability, window in zip(probabilities, windows, strict=True)
    ]


def longest(windows: list[bool]) -> int:
    return max((len(list(run)) for is_speech, run in groupby(windows) if is_speech), default=0)


def no_canceller(*, sample_rate_hz: int) -> EchoCanceller:
    raise EngineUnavailable(f"nothing for {sample_rate_hz} Hz is installed here")


@pytest.mark.parametrize("echo_db", [-15, -18, -24, -30])
@pytest.mark.parametrize("delay_ms", [50, 120, 200, 400])
def test_a_speakerphone_gives_the_bot_nothing_to_hear(
    silero: SileroSession, bot: Pcm, echo_db: int, delay_ms: int
) -> None:
    heard = over_the_line(room_echo(bot, level_db=echo_db, delay_ms=delay_ms))
    echo = LineEcho(sample_rate_hz=RATE_HZ)
    windows = listened(echo, bot, heard)
    assert echo.line is Line.ECHO
    assert longest(speech(silero, windows)) < MAY_DUCK
    echo.close()


@pytest.mark.parametrize("at_s", [0.2, 0.6, 2.5])
def test_on_a_clean_line_the_caller_passes_unchanged(
    silero: SileroSession, bot: Pcm, caller: Pcm, at_s: float
) -> None:
    alone = talking_over(bot, caller, at_s=at_s)
    heard = over_the_line(alone.astype(np.float64))
    echo = LineEcho(sample_rate_hz=RATE_HZ, new_canceller=no_canceller)
    windows = listened(echo, bot, heard)
    assert np.array_equal(np.concatenate([window.words for window in windows]), heard)
    untouched = [HeardWindow(window.voice, window.voice, is_doubtful=False) for window in windows]
    missed = sum(speech(silero, untouched)) - sum(speech(silero, windows))
    assert missed <= (0 if at_s > 1 else 12)
    assert longest(speech(silero, windows)) > 10


@pytest.mark.parametrize("delay_ms", [60, 200, 400])
@pytest.mark.parametrize("at_s", [0.3, 1.2, 3.0])
def test_over_an_echo_the_caller_is_heard(
    silero: SileroSession, bot: Pcm, caller: Pcm, at_s: float, delay_ms: int
) -> None:
    alone = talking_over(bot, caller, at_s=at_s)
    heard = over_the_line(alone + room_echo(bot, level_db=-18, delay_ms=delay_ms))
    windows = listened(LineEcho(sample_rate_hz=RATE_HZ), bot, heard)
    begins, ends = (round((at_s + s) * RATE_HZ) // WINDOW for s in (0, len(caller) / RATE_HZ))
    while_he_speaks = speech(silero, windows)[begins:ends]
    assert sum(while_he_speaks) > 0.5 * sum(voiced(silero, alone)[begins:ends])


def voiced(silero: SileroSession, pcm: Pcm) -> list[bool]:
    return [p >= 0.5 for p in silero.open(sample_rate_hz=RATE_HZ).push(pcm)]


def test_where_the_library_is_missing_the_bot_still_does_not_hear_itself(
    silero: SileroSession, bot: Pcm, caller: Pcm
) -> None:
    """Not long enough to be interrupted, that is. A caller who is louder is heard even so."""
    alone = talking_over(bot, caller, at_s=3.0)
    echo = room_echo(bot, level_db=-18, delay_ms=120)
    line_echo = LineEcho(sample_rate_hz=RATE_HZ, new_canceller=no_canceller)
    windows = listened(line_echo, bot, over_the_line(alone + echo))
    found = speech(silero, windows)
    begins = 3 * RATE_HZ // WINDOW
    assert longest(found[:begins]) < MAY_INTERRUPT
    assert longest(found[begins:]) > 10


class Breaks(EchoCanceller):
    """A library that breaks in mid-call."""

    frames = 0

    def clean(self, pcm: Pcm) -> Pcm:
        self.frames += 1
        if self.frames > 20:
            raise EngineFailed("AEC3 refused a frame")
        return super().clean(pcm)


def test_a_library_that_breaks_does_not_end_the_call(silero: SileroSession, bot: Pcm) -> None:
    heard = over_the_line(room_echo(bot, level_db=-18, delay_ms=120))
    windows = listened(LineEcho(sample_rate_hz=RATE_HZ, new_canceller=Breaks), bot, heard)
    assert len(windows) == len(bot) // WINDOW
    assert np.array_equal(windows[-1].words, heard[-WINDOW:])


def test_what_was_cleared_is_no_reference(bot: Pcm, caller: Pcm) -> None:
    """The bot's voice was dropped by the far end: what is heard then is not held against it."""
    echo = LineEcho(sample_rate_hz=RATE_HZ)
    echo.played(bot, at_sample=0)
    echo.clear()
    heard = over_the_line(caller[: len(caller) // WINDOW * WINDOW].astype(np.float64))
    windows = [echo.listen(heard[at : at + WINDOW]) for at in range(0, len(heard), WINDOW)]
    assert not any(window.is_doubtful for window in windows)


def test_anything_but_a_window_is_refused() -> None:
    echo = LineEcho(sample_rate_hz=RATE_HZ)
    with pytest.raises(ValueError, match="256"):
        echo.listen(np.zeros(160, np.int16))
    echo.close()
    echo.close()
