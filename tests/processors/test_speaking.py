"""Speaking between a flow that says things and a line that returns marks."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import numpy as np
import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputTransportMessageFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from processors.call_clock import CallClock
from processors.frames import (
    FillerFrame,
    SayFrame,
    UtteranceEndedFrame,
    UtteranceStartedFrame,
)
from processors.speaking import PAUSE_MS, Speaking
from speech.errors import EngineFailed
from speech.stt import Pcm

RATE_HZ = 8000


class Tone:
    """100 ms for each letter; nothing for "…"; breaks at "!", "#", "%" and hangs at "?"."""

    async def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        if text == "broken":
            raise EngineFailed("no voice today")
        for letter in text:
            if letter == "…":
                continue
            if letter == "!":
                raise EngineFailed("no voice today")
            if letter == "#":
                raise RuntimeError("CUDA error")
            if letter == "%":
                raise TimeoutError("the engine's own")
            if letter == "?":
                await asyncio.Event().wait()
            yield np.full(RATE_HZ // 10, 1000, np.int16)


class Line(FrameProcessor):
    """The line behind Speaking: returns each mark at once when `returns_marks`."""

    def __init__(self, *, returns_marks: bool) -> None:
        super().__init__()
        self._returns_marks = returns_marks
        self._is_speaking = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and not self._is_speaking:
            self._is_speaking = True
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            self._is_speaking = False
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, OutputTransportMessageFrame) and self._returns_marks:
            await self.push_frame(
                InputTransportMessageFrame(message=frame.message), FrameDirection.UPSTREAM
            )


class LineThatStopsOnce(FrameProcessor):
    """Plays the first utterance without returning marks; what follows never reaches the air."""

    def __init__(self) -> None:
        super().__init__()
        self._has_stopped = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, TTSStoppedFrame) and not self._has_stopped:
            self._has_stopped = True
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)


def speaking(mark_timeout_ms: int = 50, *, voice_s: float = 5.0) -> Speaking:
    return Speaking(
        speaker=Tone(),
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
        packet_ms=20,
        mark_timeout_ms=mark_timeout_ms,
        voice_s=voice_s,
    )


def say(utterance_id: int, text: str) -> SayFrame:
    return SayFrame(utterance_id=utterance_id, text=text, language="en")


async def test_marks_stand_behind_the_first_packet_every_400_ms_from_there_and_at_the_end() -> None:
    down, _ = await run_test(speaking(), frames_to_send=[say(1, "abcdefghij")])
    marks = [f.message["mark"]["name"] for f in down if isinstance(f, OutputTransportMessageFrame)]
    assert marks == ["1:20", "1:420", "1:820", "1:end"]
    audio = b"".join(f.audio for f in down if isinstance(f, TTSAudioRawFrame))
    assert len(audio) == RATE_HZ * 2
    assert isinstance(down[0], TTSStartedFrame)
    # The stop flushes the last part of a packet: the last mark must stand behind it.
    assert [type(f) for f in down[-2:]] == [TTSStoppedFrame, OutputTransportMessageFrame]


@pytest.mark.parametrize("returns_marks", [True, False])
async def test_an_utterance_ends_by_its_mark_or_where_marks_stay_away_by_time(
    returns_marks: bool,
) -> None:
    pipeline = Pipeline([speaking(), Line(returns_marks=returns_marks)])
    _, up = await run_test(pipeline, frames_to_send=[say(1, "abcde"), SleepFrame(sleep=0.3)])
    ours = [f for f in up if isinstance(f, (UtteranceStartedFrame, UtteranceEndedFrame))]
    assert [type(f) for f in ours] == [UtteranceStartedFrame, UtteranceEndedFrame]
    assert isinstance(ours[1], UtteranceEndedFrame)
    assert (ours[1].heard_text, ours[1].is_interrupted) == ("abcde", False)


@pytest.mark.parametrize(("text", "told"), [("#", "CUDA error"), ("%", "own"), ("ab#", "CUDA")])
async def test_a_voice_that_breaks_its_word_has_failed_and_the_flow_is_told(
    text: str, told: str
) -> None:
    _, up = await run_test(speaking(), frames_to_send=[say(1, text), SleepFrame(sleep=0.2)])
    (ended,) = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert ended.failure is not None
    assert told in ended.failure


async def test_an_interruption_ends_what_was_being_said_and_says_so() -> None:
    _, up = await run_test(
        Pipeline([speaking(10_000), Line(returns_marks=False)]),
        frames_to_send=[
            say(1, "abcde"),
            SleepFrame(sleep=0.1),
            InterruptionFrame(),
            SleepFrame(sleep=0.1),
        ],
    )
    (ended,) = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert ended.is_interrupted


async def test_a_voice_that_breaks_is_reported_and_the_next_text_is_spoken() -> None:
    down, up = await run_test(
        Pipeline([speaking(), Line(returns_marks=True)]),
        frames_to_send=[say(1, "broken"), say(2, "abc"), SleepFrame(sleep=0.1)],
    )
    ended = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert [(f.utterance_id, f.failure) for f in ended] == [(1, "no voice today"), (2, None)]
    assert sum(len(f.audio) for f in down if isinstance(f, TTSAudioRawFrame)) == 3 * 1600


async def test_marks_of_a_clear_are_not_taken_for_playing() -> None:
    cleared = InputTransportMessageFrame(
        message={"event": "mark", "mark": {"name": "1:end"}, "cleared": True}
    )
    _, up = await run_test(
        speaking(10_000), frames_to_send=[say(1, "abc"), SleepFrame(sleep=0.1), cleared]
    )
    assert not [f for f in up if isinstance(f, UtteranceEndedFrame)]


@pytest.mark.parametrize("returns_marks", [True, False])
async def test_a_text_without_any_sound_is_over_at_once(returns_marks: bool) -> None:
    _, up = await run_test(
        Pipeline([speaking(), Line(returns_marks=returns_marks)]),
        frames_to_send=[say(1, "…"), SleepFrame(sleep=0.3)],
    )
    (ended,) = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert (ended.utterance_id, ended.failure, ended.is_interrupted) == (1, None, False)


@pytest.mark.parametrize("text", ["broken", "a!", "…"])
async def test_an_earlier_utterance_ends_by_time_whatever_becomes_of_the_next(text: str) -> None:
    _, up = await run_test(
        Pipeline([speaking(300), LineThatStopsOnce()]),
        frames_to_send=[
            say(1, "abc"),
            SleepFrame(sleep=0.1),
            say(2, text),
            SleepFrame(sleep=0.6),
        ],
    )
    ended = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert [(f.utterance_id, f.heard_text) for f in ended if f.failure is None][-1] == (1, "abc")
    assert {f.utterance_id for f in ended} == {1, 2}


def sounds(frames: Sequence[Frame]) -> dict[str | None, int]:
    """Utterance id -> ms of audio, in the order in which they began."""
    found: dict[str | None, int] = {}
    for frame in frames:
        if isinstance(frame, TTSAudioRawFrame):
            length_ms = len(frame.audio) * 500 // RATE_HZ
            found[frame.context_id] = found.get(frame.context_id, 0) + length_ms
    return found


async def test_after_a_false_alarm_only_the_rest_is_spoken_and_reported() -> None:
    rest = SayFrame(2, "abcdefg hijklm", "en", heard_text="abcdefg", heard_ms=800)
    down, up = await run_test(
        Pipeline([speaking(), Line(returns_marks=True)]),
        frames_to_send=[rest, SleepFrame(sleep=0.1)],
    )
    assert sounds(down) == {"2": 700}  # of 1400: half a syllable is said twice
    (ended,) = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert (ended.heard_text, ended.is_interrupted) == ("hijklm", False)


async def test_what_is_stopped_twice_counts_from_its_beginning() -> None:
    _, up = await run_test(
        Pipeline([speaking(10_000), Line(returns_marks=False)]),
        frames_to_send=[
            SayFrame(2, "abcdefg hijklm", "en", heard_text="abcdefg", heard_ms=800),
            SleepFrame(sleep=0.1),
            InterruptionFrame(),
            SleepFrame(sleep=0.1),
        ],
    )
    (ended,) = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert (ended.is_interrupted, ended.heard_text, ended.heard_ms) == (True, "", 700)


async def test_a_filler_overtakes_a_text_that_has_no_sound_yet() -> None:
    down, up = await run_test(
        Pipeline([speaking(voice_s=0.3), Line(returns_marks=True)]),
        frames_to_send=[
            say(1, "?never"),
            SleepFrame(sleep=0.05),
            FillerFrame(2, "ab", "en"),
            SleepFrame(sleep=0.5),
            say(3, "abc"),
            SleepFrame(sleep=0.1),
        ],
    )
    assert sounds(down) == {"2": 200 + PAUSE_MS, "3": 300}
    ended = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert [(f.utterance_id, f.heard_text) for f in ended] == [(2, "ab"), (1, ""), (3, "abc")]


async def test_a_filler_is_not_said_over_something_that_sounds() -> None:
    down, up = await run_test(
        Pipeline([speaking(10_000), Line(returns_marks=False)]),
        frames_to_send=[
            say(1, "abc"),
            SleepFrame(sleep=0.05),
            FillerFrame(2, "ab", "en"),
            SleepFrame(sleep=0.05),
        ],
    )
    assert sounds(down) == {"1": 300}
    assert [f.utterance_id for f in up if isinstance(f, UtteranceEndedFrame)] == [2]


@pytest.mark.parametrize(("text", "heard"), [("?abc", ""), ("abc def?", "abc def?")])
async def test_a_voice_that_hangs_is_given_up_and_the_next_text_is_spoken(
    text: str, heard: str
) -> None:
    down, up = await run_test(
        Pipeline([speaking(voice_s=0.1), Line(returns_marks=True)]),
        frames_to_send=[say(1, text), SleepFrame(sleep=0.4), say(2, "abc"), SleepFrame(sleep=0.1)],
    )
    ended = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert [f.utterance_id for f in ended] == [1, 2]
    assert ended[0].failure == "the voice gave nothing for 0.1 s"
    assert heard.startswith(ended[0].heard_text)
    assert sounds(down)["2"] == 300


class Late(Tone):
    """The filler's sound comes when the reply's has come."""

    async def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        await asyncio.sleep(0.15 if text == "filler" else 0.05)
        async for chunk in super().speak(text, language):
            yield chunk
            await asyncio.sleep(0.05)


async def test_a_filler_that_comes_behind_the_reply_is_left_out_and_holds_nothing_up() -> None:
    mouth = speaking(10_000)
    mouth._speaker = Late()  # pyright: ignore[reportPrivateUsage]
    down, up = await run_test(
        Pipeline([mouth, Line(returns_marks=False)]),
        frames_to_send=[
            say(2, "abcdefgh"),
            SleepFrame(sleep=0.01),
            FillerFrame(1, "filler", "en"),
            SleepFrame(sleep=0.2),
            InterruptionFrame(),
            SleepFrame(sleep=0.1),
        ],
    )
    assert "1" not in sounds(down)
    assert sounds(down)["2"] < 800  # the interruption did not wait for its end
    ended = [f for f in up if isinstance(f, UtteranceEndedFrame)]
    assert [f.utterance_id for f in ended] == [1, 2]
