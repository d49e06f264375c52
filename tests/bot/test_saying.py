"""The bot's voice steps back while the caller speaks over it, and only then."""

from dataclasses import dataclass, field

import pytest

from bot.say_queue import SayQueue
from bot.saying import Saying
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Say
from processors.call_clock import CallClock
from processors.frames import CallerVoiceFrame, FillerFrame, SayFrame, UtteranceEndedFrame
from tests.bot.test_flow_driver import Notes

LONG = "A long and sad story."
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
    frames: list[SayFrame | FillerFrame] = field(default_factory=list[SayFrame | FillerFrame])
    gain: Gain = field(default_factory=Gain)

    async def speak(self, frame: SayFrame | FillerFrame) -> None:
        self.frames.append(frame)
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
    await saying.give_way(1000)
    assert line.spoken == ["A story.", "(interrupted)", "The law."]
    assert line.gain.told == ["reset", "duck", "reset", "reset", "duck"]
    await saying.ended(UtteranceEndedFrame(2, "The law.", 0, 900, False))
    assert line.spoken[-1] == "A song."


async def test_a_false_alarm_brings_back_what_it_stopped_from_where_it_was(line: Line) -> None:
    saying = line.saying()
    await saying.say(Say(LONG, "en", "tell"))
    await saying.say(Say("A song.", "en", "tell"))
    await saying.give_way(1000)
    await saying.ended(UtteranceEndedFrame(1, "A long", 0, 900, True, heard_ms=850))
    await saying.ended(UtteranceEndedFrame(2, "", None, 900, True))
    await saying.take_up()
    story, song = line.frames[2:]
    assert isinstance(story, SayFrame)
    assert (story.text, story.heard_text, story.heard_ms) == (LONG, "A long", 850)
    assert isinstance(song, SayFrame)
    assert (song.text, song.heard_ms) == ("A song.", 0)
    await saying.give_way(5000)
    await saying.ended(UtteranceEndedFrame(3, "and sad", 4000, 4900, True, heard_ms=1700))
    await saying.take_up()
    rest = line.frames[4]
    assert isinstance(rest, SayFrame)
    assert (rest.text, rest.heard_text, rest.heard_ms) == (LONG, "A long and sad", 1700)


async def test_what_was_heard_to_its_last_word_is_not_taken_up(line: Line) -> None:
    saying = line.saying()
    await saying.say(Say("A story.", "en", "tell"))
    await saying.give_way(1000)
    await saying.ended(UtteranceEndedFrame(1, "A story.", 0, 900, True, heard_ms=850))
    await saying.take_up()
    assert line.spoken == ["A story.", "(interrupted)"]


async def test_a_filler_that_was_stopped_is_not_taken_up(line: Line) -> None:
    saying = line.saying()
    await saying.fill(Say("One moment.", "en", "tell"))
    await saying.say(Say("A story.", "en", "tell"))
    await saying.give_way(1000)
    await saying.take_up()
    assert line.spoken == ["One moment.", "A story.", "(interrupted)", "A story."]
