"""A reply's clauses on their way to the caller's ear: what was heard of them is told."""

from dataclasses import dataclass, field

from bot.say_queue import SayQueue
from bot.saying import Saying
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Say
from processors.call_clock import CallClock
from processors.frames import (
    FillerFrame,
    SayFrame,
    UtteranceEndedFrame,
    UtteranceStartedFrame,
)
from tests.bot.test_flow_driver import Notes

FIRST = Say("It is on the way.", "en", "help", clause=1, asks=False)
SECOND = Say("Anything else?", "en", "help", clause=2)


@dataclass
class Ear:
    told_of: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    begun_with: list[int] = field(default_factory=list[int])

    def begun(self, clause: int) -> None:
        self.begun_with.append(clause)

    def told(self, clause: int, heard: str) -> None:
        self.told_of.append((clause, heard))


def saying_to(ear: Ear, queue: SayQueue) -> Saying:
    async def speak(frame: SayFrame | FillerFrame) -> None: ...

    async def interrupt() -> None: ...

    return Saying(
        queue,
        TurnNotes(Notes()),
        CallClock(),
        speak=speak,
        interrupt=interrupt,
        ducking=None,
        teller=ear,
    )


async def test_what_was_heard_of_a_clause_is_told() -> None:
    ear = Ear()
    saying = saying_to(ear, SayQueue())
    await saying.say(FIRST)
    await saying.say(SECOND)
    saying.started(UtteranceStartedFrame(1, 0))
    await saying.ended(UtteranceEndedFrame(1, "It is", 0, 400, True))
    await saying.ended(UtteranceEndedFrame(2, "", None, 400, True))
    assert ear.begun_with == [1]
    assert ear.told_of == [(1, "It is"), (2, "")]


async def test_a_clause_that_is_taken_up_again_is_told_whole() -> None:
    ear = Ear()
    saying = saying_to(ear, SayQueue())
    await saying.say(FIRST)
    await saying.give_way(100)
    await saying.ended(UtteranceEndedFrame(1, "It is", 0, 400, True, heard_ms=400))
    await saying.take_up()
    await saying.ended(UtteranceEndedFrame(2, "on the way.", 500, 900, False))
    assert ear.told_of == [(1, "It is"), (1, "It is on the way.")]


async def test_clauses_that_come_while_the_reply_gives_way_wait_with_it() -> None:
    queue = SayQueue()
    saying = saying_to(Ear(), queue)
    await saying.say(FIRST)
    await saying.give_way(100)
    await saying.say(SECOND)
    assert not queue.is_speaking
    await saying.take_up()
    assert queue.is_speaking
    queue.stop_for(200)
    queue.forget_stopped()
    await saying.cut_off()
    assert queue.is_done


def test_what_asks_nothing_is_a_statement() -> None:
    queue = SayQueue()
    assert queue.is_asking
    for number, say in enumerate((FIRST, SECOND), 1):
        queue.hold(say)
        telling = queue.next()
        assert telling is not None
        queue.handed_on(number, telling)
    assert not queue.is_asking
    queue.played(1, 400, FIRST.text, 400)
    assert queue.is_asking
