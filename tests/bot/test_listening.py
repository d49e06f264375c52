"""How long an answer is waited for."""

from unittest.mock import Mock

import pytest

from bot.listening import LEAST_LEFT_MS, Listening
from bot.say_queue import SayQueue
from bot.turn_notes import TurnNotes
from ivr_flows.actions import Listen, Say
from ivr_flows.interpreter import Interpreter
from ivr_flows.loader import load_bytes
from processors.call_clock import CallClock
from tests.calls import short_flow


def asks() -> Listen:
    return Listen("ask", timeout_ms=5000, speech=True, keys=frozenset("12"))


class Waiting:
    """A call that waits for an answer."""

    def __init__(self) -> None:
        interpreter = Interpreter(
            load_bytes(short_flow.YAML.encode(), "short.yaml"), hearing=frozenset({"en"})
        )
        self.clock = CallClock()
        self.says = SayQueue()
        self.listening = Listening(interpreter, TurnNotes(Mock()), self.clock, tells_hearing=True)
        self.listening.asked = asks()
        self._state = interpreter.start_state({}, "en")

    def left_ms(self, after_ms: int) -> int | None:
        self.clock.advance(after_ms * 8, 8000)
        return self.listening.frame(self._state, self.says, is_ending=False).timeout_ms


@pytest.mark.parametrize(("gone_ms", "left_ms"), [(1000, 4000), (4900, LEAST_LEFT_MS)])
def test_a_cough_does_not_begin_the_time_for_an_answer_anew(gone_ms: int, left_ms: int) -> None:
    call = Waiting()
    assert call.left_ms(0) == 5000
    assert call.left_ms(gone_ms) == left_ms


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
