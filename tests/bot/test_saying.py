"""The bot's voice steps back while the caller speaks over it, and only then."""

from dataclasses import dataclass, field

import pytest

from bot.say_queue import SayQueue
from bot.saying import Saying
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Say
from processors.call_clock import CallClock
from processors.frames import CallerVoiceFrame, SayFrame, UtteranceEndedFrame
from tests.bot.test_flow_driver import Notes

COMES, GOES = CallerVoiceFrame(True, 1064), CallerVoiceFrame(False, 1500, silent_ms=64)


@dataclass
class Gain:
    told: list[str] = field(default_factory=list[str])

    def duck(self) -> None:
        self.told.append("duck")

    def release(self, *, silent_for_ms: float = 0.0) -> None:
        self.told.append(f"release {silent_for_ms:g}")

    def reset(self) -> None:
        self.told.append("reset")


@dataclass
class Line:
    """What was said to it."""

    spoken: list[str] = field(default_factory=list[str])
    gain: Gain = field(default_factory=Gain)

    async def speak(self, frame: SayFrame) -> None:
        self.spoken.append(frame.text)

    async def interrupt(self) -> None:
        self.spoken.append("(interrupted)")

    def saying(self) -> Saying:
        clock = CallClock()
        return Saying(
            SayQueue(),
            TurnNotes(Notes()),
            clock,
            speak=self.speak,
            interrupt=self.interrupt,
            ducking=self.gain,
        )


@pytest.fixture
def line() -> Line:
    return Line()


async def test_a_voice_over_the_bot_ducks_it_and_silence_lets_it_come_back(line: Line) -> None:
    saying = line.saying()
    await saying.say(Say("A story.", "en", "tell"))
    saying.voice(COMES)
    saying.voice(GOES)
    assert line.gain.told == ["reset", "duck", "release 64"]
    assert line.spoken == ["A story."]


async def test_what_is_said_into_silence_is_said_in_full_voice(line: Line) -> None:
    saying = line.saying()
    saying.voice(COMES)
    saying.voice(GOES)
    await saying.say(Say("A story.", "en", "tell"))
    assert line.gain.told == ["release 64", "reset"]


async def test_what_begins_while_the_caller_speaks_begins_ducked(line: Line) -> None:
    saying = line.saying()
    saying.voice(COMES)
    await saying.say(Say("A story.", "en", "tell"))
    assert line.gain.told == ["reset", "duck"]


async def test_what_follows_without_a_pause_keeps_the_gain(line: Line) -> None:
    saying = line.saying()
    await saying.say(Say("One.", "en", "tell"))
    await saying.say(Say("Two.", "en", "tell"))
    assert line.gain.told == ["reset"]


async def test_giving_way_stops_all_but_what_must_be_said(line: Line) -> None:
    saying = line.saying()
    await saying.say(Say("A story.", "en", "tell"))
    saying.voice(COMES)
    await saying.say(Say("The law.", "en", "tell", interruptible=False))
    await saying.say(Say("A song.", "en", "tell"))
    await saying.give_way()
    assert line.spoken == ["A story.", "(interrupted)", "The law."]
    assert line.gain.told == ["reset", "duck", "reset", "reset", "duck"]
    await saying.ended(UtteranceEndedFrame(2, "The law.", 0, 900, False))
    assert line.spoken[-1] == "A song."
