"""How long an answer is waited for."""

from dataclasses import replace
from unittest.mock import Mock

import pytest

from bot.listening import LEAST_LEFT_MS, Listening, Use, use_of
from bot.say_queue import SayQueue, Telling
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen, Say
from ivr_flows.interpreter import Interpreter, Phase
from ivr_flows.loader import load_bytes
from processors.call_clock import CallClock
from processors.frames import UtteranceHeardFrame
from tests.calls import short_flow


def asks() -> Listen:
    return Listen("ask", timeout_ms=5000, speech=True, keys=frozenset("12"))


class Waiting:
    """A call that waits for an answer."""

    def __init__(self, phase: Phase = Phase.ASKING) -> None:
        interpreter = Interpreter(
            load_bytes(short_flow.YAML.encode(), "short.yaml"), hearing=frozenset({"en"})
        )
        self.clock = CallClock()
        self.says = SayQueue()
        self.listening = Listening(interpreter, TurnNotes(Mock()), self.clock, tells_hearing=True)
        self.listening.asked = asks()
        self._state = replace(interpreter.start_state({}, "en"), phase=phase)

    def left_ms(self, after_ms: int) -> int | None:
        self.clock.advance(after_ms * 8, 8000)
        return self.listening.frame(self._state, self.says, is_ending=False).timeout_ms


def telling(*, is_filler: bool) -> SayQueue:
    """A bot that says something."""
    says = SayQueue()
    says.handed_on(1, Telling(Say("ask", "A story.", "en"), is_filler=is_filler))
    return says


def used(says: SayQueue, text: str, confidence: float, *, has_hummed: bool) -> Use:
    frame = UtteranceHeardFrame(text, "en", confidence, 1000, 1450, 1600, 1600)
    return use_of(
        frame,
        None,
        says,
        is_ending=False,
        is_statement=True,
        is_about=False,
        has_hummed=has_hummed,
    )


@pytest.mark.parametrize(("gone_ms", "left_ms"), [(1000, 4000), (4900, LEAST_LEFT_MS)])
def test_a_cough_does_not_begin_the_time_for_an_answer_anew(gone_ms: int, left_ms: int) -> None:
    call = Waiting()
    assert call.left_ms(0) == 5000
    assert call.left_ms(gone_ms) == left_ms


def test_while_it_is_asked_elsewhere_no_answer_is_waited_for() -> None:
    call = Waiting(phase=Phase.REQUESTING)
    assert call.left_ms(9000) is None


@pytest.mark.parametrize(
    ("text", "confidence", "has_hummed", "use"),
    [
        ("Uh, no.", 0.95, True, "answer"),
        ("And then?", 0.55, True, "backchannel"),
        ("Uh, chop.", 0.9, False, "backchannel"),
        ("la la", 0.2, False, "noise"),
    ],
)
def test_what_is_said_over_a_statement_in_half_a_second(
    text: str, confidence: float, has_hummed: bool, use: Use
) -> None:
    assert used(telling(is_filler=False), text, confidence, has_hummed=has_hummed) == use


def test_doubted_words_to_a_filler_are_an_answer_all_the_same() -> None:
    assert used(telling(is_filler=True), "confirm", 0.28, has_hummed=False) == "answer"


def test_a_new_question_and_the_bots_voice_do() -> None:
    call = Waiting()
    assert call.left_ms(0) == 5000
    call.listening.asked = asks()
    assert call.left_ms(3000) == 5000
    call.says.hold(Say("ask", "Yes or no?", "en"))
    telling = call.says.next()
    assert telling is not None
    call.says.handed_on(1, telling)
    assert call.left_ms(1000) is None
    call.says.played(1, 0, "Yes or no?", 0)
    assert call.left_ms(1000) == 5000
