"""Hearing between made audio and a recogniser that says what it was given."""

from collections.abc import Sequence

import numpy as np
import pytest
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    TextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from processors.call_clock import CallClock
from processors.frames import (
    HearingFailedFrame,
    ListenFrame,
    NoInputFrame,
    SpeechSustainedFrame,
    UtteranceHeardFrame,
)
from processors.hearing import Hearing
from speech.errors import EngineFailed
from speech.stt import Pcm, RecognitionStream, Transcript

RATE_HZ = 8000


async def loudness(window: Pcm) -> float:
    """A voice activity detector for square waves."""
    return 1.0 if np.abs(window).max() > 1000 else 0.0


class LengthStream:
    """Hears how long the audio was."""

    def __init__(self, language: str, failure: Exception | None) -> None:
        self._samples = 0
        self._language = language
        self._failure = failure

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    async def partial(self) -> Transcript:
        return await self.finish()

    async def finish(self) -> Transcript:
        if self._failure:
            raise self._failure
        duration_ms = self._samples * 1000 // RATE_HZ
        return Transcript(f"{duration_ms}", self._language, 0.9, True, duration_ms)

    def cancel(self) -> None:
        pass


class LengthRecognizer:
    name = "length"
    languages = frozenset({"en"})
    sample_rate_hz = RATE_HZ

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def open(
        self, *, language: str, sample_rate_hz: int, hints: Sequence[str] = ()
    ) -> RecognitionStream:
        return LengthStream(language, self._failure)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


def audio(drawing: str) -> list[Frame]:
    """Packets of 20 ms: # voice, . silence."""
    return [
        InputAudioRawFrame(
            audio=np.full(160, 8000 if mark == "#" else 0, np.int16).tobytes(),
            sample_rate=RATE_HZ,
            num_channels=1,
        )
        for mark in drawing
    ]


async def hear(
    drawing: str,
    listen: ListenFrame | None = None,
    recognizer: LengthRecognizer | None = None,
) -> list[Frame]:
    """What comes out of a call whose flow expects `listen` from the start."""
    expectation = listen or ListenFrame(language="en", speech=True)
    ears = {"en": recognizer or LengthRecognizer()}
    hearing = Hearing(
        probability=loudness,
        recognizer_for=ears.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(expectation, FrameDirection.UPSTREAM)
    down, _ = await run_test(
        hearing, frames_to_send=[*audio(drawing), SleepFrame(sleep=0.05)], start_timeout=5.0
    )
    return list(down)


async def test_a_turn_becomes_one_utterance_with_its_place_and_its_margins() -> None:
    (heard,) = [
        f for f in await hear("." * 50 + "#" * 10 + "." * 50) if isinstance(f, UtteranceHeardFrame)
    ]
    assert abs(heard.start_ms - 1000) <= 32
    assert abs(heard.end_ms - 1200) <= 32
    assert 200 <= int(heard.text) <= 200 + 320 + 120 + 64
    assert heard.decided_ms <= heard.transcript_ms


async def test_a_long_voice_is_reported_as_sustained_before_it_ends() -> None:
    frames = await hear("#" * 30 + "." * 40)
    assert [type(f) for f in frames] == [SpeechSustainedFrame, UtteranceHeardFrame]


async def test_audio_never_travels_further_than_hearing() -> None:
    frames = await hear("." * 20 + "#" * 20)
    assert not any(isinstance(f, InputAudioRawFrame) for f in frames)


async def test_where_only_keys_count_nothing_is_recognised_but_time_goes_on() -> None:
    keys_only = ListenFrame(language="hi", speech=False, timeout_ms=500)
    assert [type(f) for f in await hear("#" * 60, keys_only)] == [NoInputFrame]


async def test_silence_is_reported_after_the_time_that_was_given() -> None:
    listen = ListenFrame(language="en", speech=True, timeout_ms=640)
    (no_input,) = await hear("." * 100, listen)
    assert isinstance(no_input, NoInputFrame)
    assert no_input.at_ms == 640


@pytest.mark.parametrize(
    "failure", [EngineFailed("it broke"), RuntimeError("it broke"), ValueError("x"), MemoryError()]
)
async def test_an_ear_that_breaks_is_reported_and_the_next_turn_is_tried(
    failure: Exception,
) -> None:
    frames = await hear(
        "#" * 10 + "." * 30 + "#" * 10 + "." * 30, recognizer=LengthRecognizer(failure)
    )
    assert all(f.reason for f in frames if isinstance(f, HearingFailedFrame))
    assert [type(f) for f in frames] == [HearingFailedFrame, HearingFailedFrame]


async def test_two_turns_come_out_in_the_order_they_were_said() -> None:
    frames = await hear("#" * 10 + "." * 30 + "#" * 25 + "." * 30)
    lengths = [int(f.text) for f in frames if isinstance(f, UtteranceHeardFrame)]
    assert len(lengths) == 2
    assert lengths[0] < lengths[1]


@pytest.mark.parametrize("packet_samples", [1, 7, 160, 255, 257, 800, 4000])
async def test_the_size_of_packets_does_not_change_what_is_heard(packet_samples: int) -> None:
    pcm = np.zeros(8000, np.int16)
    pcm[1600:3200] = 8000
    down: list[Frame] = []
    hearing = Hearing(
        probability=loudness,
        recognizer_for={"en": LengthRecognizer()}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(ListenFrame(language="en", speech=True), FrameDirection.UPSTREAM)
    packets = [
        InputAudioRawFrame(
            audio=pcm[i : i + packet_samples].tobytes(), sample_rate=RATE_HZ, num_channels=1
        )
        for i in range(0, len(pcm), packet_samples)
    ]
    received, _ = await run_test(
        hearing, frames_to_send=[*packets, SleepFrame(sleep=0.05)], start_timeout=5.0
    )
    down.extend(received)
    (heard,) = [f for f in down if isinstance(f, UtteranceHeardFrame)]
    assert (heard.start_ms, heard.end_ms) == (192, 416)


async def test_what_was_said_right_before_the_stream_ended_comes_ahead_of_its_stop() -> None:
    hearing = Hearing(
        probability=loudness,
        recognizer_for={"en": LengthRecognizer()}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(ListenFrame(language="en", speech=True), FrameDirection.UPSTREAM)
    stops = [
        InputTransportMessageFrame(message={"event": "stop", "reason": reason})
        for reason in ("callended", "disconnected")
    ]
    down, _ = await run_test(
        hearing, frames_to_send=[*audio("." * 50 + "#" * 10), *stops], start_timeout=5.0
    )
    assert [type(f) for f in down] == [
        UtteranceHeardFrame,
        InputTransportMessageFrame,
        InputTransportMessageFrame,
    ]


async def test_other_frames_pass() -> None:
    hearing: FrameProcessor = Hearing(
        probability=loudness,
        recognizer_for=lambda _: None,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await run_test(hearing, frames_to_send=[TextFrame(text="hi")], expected_down_frames=[TextFrame])
