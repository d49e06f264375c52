"""Hearing between made audio and a recogniser that says what it was given."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    TextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from processors.call_clock import CallClock
from processors.detectors import EndOfTurn, Listened
from processors.expecting import Verdict
from processors.frames import (
    CallerVoiceFrame,
    HearingFailedFrame,
    ListenFrame,
    NoInputFrame,
    SpeechSustainedFrame,
    UtteranceHeardFrame,
    UtterancePartialFrame,
)
from processors.hearing import ENDED_TURN, Hearing
from speech.errors import DeadlineExceeded, EngineFailed
from speech.loudness import level_db
from speech.stt import Pcm, RecognitionStream, Transcript

RATE_HZ = 8000


class Loudness:
    """A voice activity detector for square waves, which lets others work as the pool's does."""

    async def __call__(self, window: Pcm) -> Listened:
        for _ in range(10):
            await asyncio.sleep(0)
        is_voice = bool(np.abs(window).max() > 1000)
        return Listened(float(is_voice), level_db(window), window)

    async def pass_over(self, window: Pcm) -> None: ...


@dataclass
class LengthRecognizer:
    """Hears how long the audio was, and keeps count."""

    failure: Exception | None = None
    name: str = "length"
    languages: frozenset[str] = frozenset({"en"})
    sample_rate_hz: int = RATE_HZ
    decoded: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])  # ms, urgent
    hints: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    gate: asyncio.Event | None = None  # that a final waits for
    cancelled: list[int] = field(default_factory=list[int])  # samples of each

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        self.hints.append(tuple(hints))
        return LengthStream(self, language)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class LengthStream:
    def __init__(self, ear: LengthRecognizer, language: str) -> None:
        self._ear = ear
        self._samples = 0
        self._language = language

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        if self._ear.failure:
            raise self._ear.failure
        duration_ms = self._samples * 1000 // RATE_HZ
        self._ear.decoded.append((duration_ms, is_urgent))
        return Transcript(f"for {duration_ms}", self._language, 0.9, False, duration_ms)

    async def finish(self) -> Transcript:
        if self._ear.gate is not None:
            await self._ear.gate.wait()
        transcript = await self.partial(is_urgent=True)
        if self._ear.decoded[-2:-1] == self._ear.decoded[-1:]:
            self._ear.decoded.pop()  # engines don't decode the same twice
        return replace(transcript, is_final=True)

    def cancel(self) -> None:
        self._ear.cancelled.append(self._samples)


@dataclass(frozen=True, slots=True)
class Always:
    """Thinks the same of all words."""

    verdict: Verdict

    def judge(self, text: str, confidence: float) -> Verdict:
        return self.verdict


def listening(verdict: Verdict = "other", **more: Any) -> ListenFrame:
    return ListenFrame(language="en", speech=True, expectation=Always(verdict), **more)


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


async def all_frames(
    sent: Sequence[Frame],
    listen: ListenFrame,
    recognizer: LengthRecognizer | None = None,
    end_of_turn: EndOfTurn | None = None,
) -> list[Frame]:
    """What comes out of a call whose flow expects `listen` from the start."""
    hearing = Hearing(
        voice_activity=Loudness(),
        recognizer_for={"en": recognizer or LengthRecognizer()}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
        end_of_turn=end_of_turn,
    )
    await hearing.process_frame(listen, FrameDirection.UPSTREAM)
    down, _ = await run_test(
        hearing, frames_to_send=[*sent, SleepFrame(sleep=0.05)], start_timeout=5.0
    )
    return list(down)


async def hear(
    drawing: str,
    listen: ListenFrame | None = None,
    recognizer: LengthRecognizer | None = None,
) -> list[Frame]:
    """The same without the partials and without what only ducks the bot."""
    frames = await all_frames(audio(drawing), listen or listening(), recognizer)
    return [f for f in frames if not isinstance(f, UtterancePartialFrame | CallerVoiceFrame)]


def ms(frame: UtteranceHeardFrame) -> int:
    return int(frame.text.removeprefix("for "))


async def test_a_turn_becomes_one_utterance_with_its_place_and_its_margins() -> None:
    (heard,) = [
        f for f in await hear("." * 50 + "#" * 10 + "." * 50) if isinstance(f, UtteranceHeardFrame)
    ]
    assert abs(heard.start_ms - 1000) <= 32
    assert abs(heard.end_ms - 1200) <= 32
    assert 200 <= ms(heard) <= 200 + 320 + 64 + 64
    assert heard.decided_ms <= heard.transcript_ms


async def test_a_long_voice_is_reported_as_sustained_before_it_ends() -> None:
    frames = await hear("#" * 40 + "." * 40)
    assert [type(f) for f in frames] == [SpeechSustainedFrame, UtteranceHeardFrame]


async def test_the_voice_is_told_as_it_comes_and_goes() -> None:
    frames = await all_frames(
        audio("." * 50 + "#" * 10 + "." * 15 + "#" * 5 + "." * 50), listening()
    )
    told = [frame for frame in frames if isinstance(frame, CallerVoiceFrame)]
    voices = [(frame.is_heard, frame.is_turn) for frame in told]
    assert voices == [(True, False), (True, True), (False, True), (True, True), (False, True)]
    for frame, at_ms in zip(told, (1032, 1064, 1264, 1532, 1664), strict=True):
        assert abs(frame.at_ms - at_ms) <= 40
    assert [frame.silent_ms for frame in told] == [0, 0, 64, 0, 64]


async def test_words_are_wanted_sooner_while_the_bot_speaks() -> None:
    said = audio("." * 50 + "#" * 30 + "." * 50)
    counts: list[int] = []
    for before in ([], [BotStartedSpeakingFrame()]):
        frames = await all_frames([*before, *said], listening())
        counts.append(sum(isinstance(frame, UtterancePartialFrame) for frame in frames))
    assert counts[1] > counts[0]


async def test_audio_never_travels_further_than_hearing() -> None:
    frames = await hear("." * 20 + "#" * 20)
    assert not any(isinstance(f, InputAudioRawFrame) for f in frames)


async def test_where_only_keys_count_nothing_is_recognised_but_time_goes_on() -> None:
    keys_only = ListenFrame(language="hi", speech=False, timeout_ms=500)
    assert [type(f) for f in await hear("#" * 60, keys_only)] == [NoInputFrame]


async def test_silence_is_reported_after_the_time_that_was_given() -> None:
    listen = listening(timeout_ms=640)
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


@pytest.mark.parametrize(
    "drawing",
    ["." * 20 + "#" * 40, "#" * 10 + "." * 40 + "#" * 60 + "." * 40],
    ids=["open", "queued"],
)
async def test_an_utterance_that_is_not_at_its_end_when_the_call_breaks_off_is_let_go(
    drawing: str,
) -> None:
    recognizer = LengthRecognizer(gate=asyncio.Event())  # the first final is never there
    frames = await all_frames(audio(drawing), listening(), recognizer)
    assert not any(isinstance(frame, UtteranceHeardFrame) for frame in frames)
    assert len(recognizer.cancelled) == 1


async def test_two_turns_come_out_in_the_order_they_were_said() -> None:
    frames = await hear("#" * 10 + "." * 30 + "#" * 25 + "." * 30)
    lengths = [ms(f) for f in frames if isinstance(f, UtteranceHeardFrame)]
    assert len(lengths) == 2
    assert lengths[0] < lengths[1]


@pytest.mark.parametrize("packet_samples", [1, 7, 160, 255, 257, 800, 4000])
async def test_the_size_of_packets_does_not_change_what_is_heard(packet_samples: int) -> None:
    pcm = np.zeros(8000, np.int16)
    pcm[1600:3200] = 8000
    down: list[Frame] = []
    hearing = Hearing(
        voice_activity=Loudness(),
        recognizer_for={"en": LengthRecognizer()}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(listening(), FrameDirection.UPSTREAM)
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
        voice_activity=Loudness(),
        recognizer_for={"en": LengthRecognizer()}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(listening(), FrameDirection.UPSTREAM)
    stops = [
        InputTransportMessageFrame(message={"event": "stop", "reason": reason})
        for reason in ("callended", "disconnected")
    ]
    down, _ = await run_test(
        hearing, frames_to_send=[*audio("." * 50 + "#" * 10), *stops], start_timeout=5.0
    )
    passing = (UtterancePartialFrame, CallerVoiceFrame)
    assert [type(f) for f in down if not isinstance(f, passing)] == [
        UtteranceHeardFrame,
        InputTransportMessageFrame,
        InputTransportMessageFrame,
    ]


class Hung(Loudness):
    """A voice activity detector that gives no answer any more."""

    asked = 0

    async def __call__(self, window: Pcm) -> Listened:
        self.asked += 1
        raise DeadlineExceeded("no result within 3 s")


async def test_voice_activity_that_hangs_is_told_once_and_never_waited_for_again() -> None:
    voice = Hung()
    hearing = Hearing(
        voice_activity=voice,
        recognizer_for=lambda _: LengthRecognizer(),
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(listening(), FrameDirection.UPSTREAM)
    down, _ = await run_test(hearing, frames_to_send=audio("." * 10), start_timeout=5.0)
    failed = [frame for frame in down if isinstance(frame, HearingFailedFrame)]
    assert [frame.reason for frame in failed] == ["no result within 3 s"]
    assert voice.asked == 1  # the windows and keys behind it are minutes late otherwise


class NoTable:
    """Can't say what words are worth."""

    def judge(self, text: str, confidence: float) -> Verdict:
        raise KeyError("a table")


@pytest.mark.parametrize("is_ear", [True, False])
async def test_what_nobody_should_raise_is_told_and_the_next_turn_is_tried(is_ear: bool) -> None:
    failure = AssertionError("a table")
    ear = LengthRecognizer(failure=failure if is_ear else None)
    expects = Always("complete") if is_ear else NoTable()
    drawing = "." * 30 + "#" * 10 + "." * 100
    frames = await all_frames(
        [*audio(drawing), *audio(drawing)],
        ListenFrame(language="en", speech=True, expectation=expects),
        ear,
    )
    failed = [frame for frame in frames if isinstance(frame, HearingFailedFrame)]
    assert len(failed) == 2
    assert all("a table" in frame.reason for frame in failed)


class HungEcho(Hung):
    """Counts who still asks."""

    passed = 0

    async def pass_over(self, window: Pcm) -> None:
        self.passed += 1


async def test_once_voice_activity_hangs_keys_wait_for_it_no_more() -> None:
    voice = HungEcho()
    hearing = Hearing(
        voice_activity=voice,
        recognizer_for=lambda _: LengthRecognizer(),
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    by_keys = ListenFrame(language="en", speech=False)
    await hearing.process_frame(by_keys, FrameDirection.UPSTREAM)
    await hearing.process_frame(audio("....")[0], FrameDirection.DOWNSTREAM)
    frames = audio("." * 8)
    await run_test(hearing, frames_to_send=frames, start_timeout=5.0)
    assert voice.passed > 0
    before = voice.passed
    await hearing.process_frame(listening(), FrameDirection.UPSTREAM)
    for frame in frames:
        await hearing.process_frame(frame, FrameDirection.DOWNSTREAM)
    await hearing.process_frame(by_keys, FrameDirection.UPSTREAM)
    for frame in frames:
        await hearing.process_frame(frame, FrameDirection.DOWNSTREAM)
    assert voice.passed == before


async def test_other_frames_pass() -> None:
    hearing: FrameProcessor = Hearing(
        voice_activity=Loudness(),
        recognizer_for=lambda _: None,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await run_test(hearing, frames_to_send=[TextFrame(text="hi")], expected_down_frames=[TextFrame])


async def test_the_words_are_known_while_the_caller_speaks_and_never_decoded_twice() -> None:
    ear = LengthRecognizer()
    frames = await all_frames(audio("." * 50 + "#" * 50 + "." * 50), listening(), ear)
    partials = [frame for frame in frames if isinstance(frame, UtterancePartialFrame)]
    (heard,) = [frame for frame in frames if isinstance(frame, UtteranceHeardFrame)]
    assert [is_urgent for _, is_urgent in ear.decoded] == [False, False, True]
    assert [f"for {ms}" for ms, _ in ear.decoded] == [partial.text for partial in partials]
    assert heard.text == partials[-1].text
    assert partials[0].stable_text == ""
    assert partials[1].stable_text == "for"  # the number of milliseconds has grown
    assert partials[-1].through_ms == heard.end_ms + 64


async def test_a_pause_is_decoded_and_what_follows_belongs_to_the_same_turn() -> None:
    ear = LengthRecognizer()
    frames = await hear("." * 50 + "#" * 10 + "." * 10 + "#" * 10 + "." * 50, None, ear)
    (heard,) = [frame for frame in frames if isinstance(frame, UtteranceHeardFrame)]
    assert 600 <= ms(heard) <= 600 + 320 + 64 + 64
    assert [is_urgent for _, is_urgent in ear.decoded].count(True) == 2


@pytest.mark.parametrize(("verdict", "silence_ms"), [("complete", 128), ("open", 1056)])
async def test_what_the_flow_thinks_of_the_words_decides_when_the_turn_ends(
    verdict: Verdict, silence_ms: int
) -> None:
    (heard,) = await hear("." * 50 + "#" * 10 + "." * 80, listening(verdict))
    assert isinstance(heard, UtteranceHeardFrame)
    assert 0 <= heard.decided_ms - heard.end_ms - silence_ms <= 32 + 20


@pytest.mark.parametrize(("pause", "goes_on"), [(20, True), (50, False)])
async def test_a_turn_soon_behind_another_is_heard_alone_and_with_it(
    pause: int, goes_on: bool
) -> None:
    """Windows of 20 ms; the first turn ends after 128 ms of silence."""
    drawing = "." * 50 + "#" * 10 + "." * pause + "#" * 20 + "." * 50
    frames = await hear(drawing, listening("complete"))
    first, second = [frame for frame in frames if isinstance(frame, UtteranceHeardFrame)]
    assert first.whole is None
    assert (second.whole is not None) is goes_on
    if second.whole is not None:
        assert second.whole.audio_ms > ms(second) + 200


@dataclass(frozen=True, slots=True)
class Melody:
    """Always sounds the same."""

    probability: float | None

    async def finished(self, pcm: Pcm, *, sample_rate_hz: int) -> float:
        if self.probability is None:
            raise EngineFailed("it is deaf")
        return self.probability


@pytest.mark.parametrize(
    ("probability", "silence_ms"), [(0.9, 512), (0.1, 736), (None, 736)], ids=["yes", "no", "deaf"]
)
async def test_in_free_speech_the_melody_decides_and_where_it_fails_silence(
    probability: float | None, silence_ms: int
) -> None:
    sent = audio("." * 50 + "#" * 10 + "." * 80)
    frames = await all_frames(
        sent, listening("free", is_free_speech=True), None, Melody(probability)
    )
    (heard,) = [frame for frame in frames if isinstance(frame, UtteranceHeardFrame)]
    assert 0 <= heard.decided_ms - heard.end_ms - silence_ms <= 32 + 20


async def test_the_key_that_finishes_a_number_ends_it_and_follows_its_words() -> None:
    other, finish, again = (InputDTMFFrame(button=KeypadEntry(key)) for key in "5##")
    spoken = audio("." * 20 + "#" * 20)
    sent = [*spoken, other, finish, *audio("." * 5), SleepFrame(sleep=0.05), again]
    frames = await all_frames(sent, listening("open", finish_key="#"))
    told = [
        (type(frame).__name__, frame.metadata.get(ENDED_TURN))
        for frame in frames
        if isinstance(frame, InputDTMFFrame | UtteranceHeardFrame)
    ]
    assert told == [
        ("InputDTMFFrame", None),
        ("UtteranceHeardFrame", None),
        ("InputDTMFFrame", True),
        ("InputDTMFFrame", None),
    ]


async def test_what_is_expected_anew_is_listened_for_from_the_turns_first_sound() -> None:
    ear = LengthRecognizer()
    hearing = Hearing(
        voice_activity=Loudness(),
        recognizer_for={"en": ear}.get,
        clock=CallClock(),
        sample_rate_hz=RATE_HZ,
    )
    await hearing.process_frame(listening(hints=("one",)), FrameDirection.UPSTREAM)
    expects_anew = Turning(hearing, listening(hints=("two",)))
    down, _ = await run_test(
        Pipeline([expects_anew, hearing]),
        frames_to_send=[*audio("." * 50 + "#" * 40 + "." * 40), SleepFrame(sleep=0.05)],
        start_timeout=5.0,
    )
    (heard,) = [frame for frame in down if isinstance(frame, UtteranceHeardFrame)]
    assert ear.hints == [("one",), ("two",)]
    assert ms(heard) >= 800


class Turning(FrameProcessor):
    """The flow expects something else after 1.6 s."""

    def __init__(self, hearing: Hearing, listen: ListenFrame) -> None:
        super().__init__()
        self._hearing = hearing
        self._listen = listen
        self._packets = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._packets += 1
            if self._packets == 80:
                await asyncio.sleep(0.05)  # what was sent before is heard before
                await self._hearing.process_frame(self._listen, FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)
