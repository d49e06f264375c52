"""The canceller is told what the far end plays, and where on the caller's clock."""

from typing import TypeVar

import numpy as np
import pytest
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.tests.utils import SleepFrame, run_test

from processors.echo_placement import EchoPlacement
from processors.taps import BotTap, CallerTap
from speech.stt import Pcm

RATE_HZ = 8000
PACKET = 160  # samples: 20 ms


class Heard:
    """What may come back."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int] | str] = []

    def played(self, pcm: Pcm, *, at_sample: int) -> None:
        self.told.append((at_sample, len(pcm)))

    def clear(self) -> None:
        self.told.append("clear")


class Line:
    """A far end with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.unplayed_ms = 0.0
        self.heard = Heard()
        self.placement = EchoPlacement(
            self.heard,
            RATE_HZ,
            unplayed_ms=lambda: self.unplayed_ms,
            monotonic_s=lambda: self.now_s,
        )

    def caller(self, packets: int) -> None:
        """So many packets come, each in its time."""
        for _ in range(packets):
            self.now_s += 0.02
            self.placement.caller(audio(InputAudioRawFrame))

    def bot(self, unplayed_ms: float) -> None:
        self.unplayed_ms = unplayed_ms
        self.placement.bot(audio(OutputAudioRawFrame))


Audio = TypeVar("Audio", InputAudioRawFrame, OutputAudioRawFrame, TTSAudioRawFrame)


def audio(kind: type[Audio], samples: int = PACKET) -> Audio:
    pcm = np.zeros(samples, np.int16).tobytes()
    return kind(audio=pcm, sample_rate=RATE_HZ, num_channels=1)


@pytest.fixture
def line() -> Line:
    return Line()


def test_a_packet_lies_where_the_far_end_comes_to_it(line: Line) -> None:
    line.caller(50)
    line.bot(20)  # it holds nothing else
    line.bot(40)
    line.bot(60)
    assert line.heard.told == [(8000, 160), (8160, 160), (8320, 160)]


def test_jitter_makes_no_seams(line: Line) -> None:
    line.caller(50)
    line.bot(20)
    line.now_s += 0.013
    line.bot(30)
    line.now_s += 0.027
    line.bot(20)
    assert [start for start, _ in line.heard.told if isinstance(start, int)] == [8000, 8160, 8320]


def test_a_hole_in_the_bots_voice_is_one_in_the_reference(line: Line) -> None:
    line.caller(50)
    line.bot(20)
    line.caller(10)  # 200 ms without a packet
    line.bot(20)
    assert line.heard.told == [(8000, 160), (9600, 160)]


def test_no_utterance_lies_later_by_its_model_than_one_before(line: Line) -> None:
    line.caller(50)
    line.bot(20)
    line.now_s += 0.006  # the far end plays a little later than was thought
    line.bot(40)
    line.caller(100)
    line.bot(20)
    first, second, third = (start for start, _ in line.heard.told if isinstance(start, int))
    assert second == first + PACKET
    assert third == 150 * PACKET


def test_after_a_clear_it_begins_anew(line: Line) -> None:
    line.caller(50)
    line.bot(80)
    line.placement.clear()
    line.bot(20)
    assert line.heard.told == [(8480, 160), "clear", (8000, 160)]


async def test_the_taps_tell_it_what_passes(line: Line) -> None:
    sent = [
        audio(InputAudioRawFrame),
        audio(TTSAudioRawFrame),
        SleepFrame(sleep=0.02),
        InterruptionFrame(),
        SleepFrame(sleep=0.02),
        audio(OutputAudioRawFrame),
    ]
    await run_test(
        Pipeline([CallerTap(None, line.placement), BotTap(None, line.placement)]),
        frames_to_send=sent,
        expected_down_frames=[InputAudioRawFrame, InterruptionFrame],
        start_timeout=5.0,
    )
    assert [what if what == "clear" else "played" for what in line.heard.told] == [
        "played",
        "clear",
        "played",
    ]
