"""What follows words that may not be all, and how it is undone."""

import asyncio
from dataclasses import replace

import pytest

from bot.early_answers import EarlyAnswers, SpeechAhead
from ivr_flows.events import Heard, Played, Pressed, Started
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.loader import shipped
from processors.expecting import Verdict
from processors.frames import UtteranceHeardFrame, UtterancePartialFrame
from speech.stt import Transcript

ORDER = {"restaurant_name": "Dilli", "order_id": "45", "items": ["1 thali"], "amount": 120}


@pytest.fixture
def interpreter() -> Interpreter:
    return Interpreter(shipped("vendor_confirmation"), hearing=frozenset({"en"}))


@pytest.fixture
def asked(interpreter: Interpreter) -> State:
    """Take the order or not?"""
    state, _ = interpreter.step(interpreter.start_state(ORDER, "en"), Started())
    return state


def heard(
    text: str, start_ms: int, end_ms: int, *, whole: str | None = None
) -> UtteranceHeardFrame:
    frame = UtteranceHeardFrame(text, "en", 0.9, start_ms, end_ms, end_ms + 128, end_ms + 128)
    frame.whole_from_ms = 1000
    frame.whole = (
        None if whole is None else Transcript(whole, "en", 0.9, is_final=True, audio_ms=end_ms)
    )
    return frame


def after(interpreter: Interpreter, asked: State, text: str) -> EarlyAnswers:
    """One answer was given at 1000..1300 ms, and followed."""
    early = EarlyAnswers(interpreter)
    answer, before = early.whole(heard(text, 1000, 1300))
    assert before is None
    early.remember(heard(text, 1000, 1300), answer, asked)
    _, actions = interpreter.step(asked, answer)
    early.stepped(answer, actions)
    return early


def test_an_answer_that_goes_on_is_one_with_its_first_part(
    interpreter: Interpreter, asked: State
) -> None:
    early = after(interpreter, asked, "yes")
    early.stepped(Played(), ())
    whole, before = early.whole(heard("firm the order", 1600, 2000, whole="yes confirm the order"))
    assert whole == Heard("yes confirm the order", 0.9, "en")
    assert before is asked


def test_a_no_behind_a_yes_is_heard_together_with_it(
    interpreter: Interpreter, asked: State
) -> None:
    whole, before = after(interpreter, asked, "yes").whole(
        heard("but no", 1600, 2000, whole="yes but no")
    )
    assert (whole.text, before) == ("yes but no", asked)


@pytest.mark.parametrize(
    ("second", "start_ms"),
    [
        ("put the blue one over there", 1500),  # said to somebody else
        ("", 1500),  # a cough
    ],
)
def test_what_is_something_else_stands_alone(
    interpreter: Interpreter, asked: State, second: str, start_ms: int
) -> None:
    frame = heard(second, start_ms, start_ms + 400, whole=f"yes {second}")
    whole, before = after(interpreter, asked, "yes").whole(frame)
    assert (whole.text, before) == (second, None)


def test_an_answer_that_was_not_understood_is_heard_together_with_what_follows(
    interpreter: Interpreter, asked: State
) -> None:
    early = after(interpreter, asked, "yet")
    whole, before = early.whole(heard("can firm", 1600, 2000, whole="yes confirm"))
    assert (whole.text, before) == ("yes confirm", asked)


@pytest.mark.parametrize(
    ("more", "whole"),
    [
        ("I am not sure", "yes I am not sure"),
        ("hold on a minute", "yes hold on a minute"),
        ("no wait I have to check", "yes no wait I have to check"),
        ("later", "yes later"),
        ("who is this", "yes who is this"),
    ],
)
def test_a_doubt_behind_a_yes_takes_it_back(
    interpreter: Interpreter, asked: State, more: str, whole: str
) -> None:
    early = after(interpreter, asked, "yes")
    frame = heard(more, 1600, 2000, whole=whole)
    assert early.more(frame) == "other"
    _, before = early.whole(frame)
    assert before is asked


def test_what_goes_on_with_a_cough_does_not_go_on_with_the_answer_before_it(
    interpreter: Interpreter, asked: State
) -> None:
    early = after(interpreter, asked, "yes")
    frame = heard("cancel it", 1600, 2000, whole="cancel it")
    frame.whole_from_ms = 1450  # the cough
    assert early.more(frame) is None


def test_a_key_ends_the_wait_for_a_voice_that_goes_on(
    interpreter: Interpreter, asked: State
) -> None:
    early = after(interpreter, asked, "yes")
    early.voice_began(1600)
    assert early.is_going_on
    early.stepped(Pressed("9"), ())
    assert not early.is_going_on


def test_what_was_seen_outside_and_what_a_key_followed_is_not_taken_back(
    interpreter: Interpreter, asked: State
) -> None:
    transferred = after(interpreter, asked, "operator")
    assert transferred.whole(heard("please", 1500, 1800, whole="operator please"))[1] is None
    early = after(interpreter, asked, "yes")
    early.stepped(Pressed("2"), ())
    assert early.whole(heard("confirm", 1500, 1800, whole="yes confirm"))[1] is None


def partial(text: str, verdict: Verdict) -> UtterancePartialFrame:
    return UtterancePartialFrame(text, text, "en", 0.9, 1000, 1300, verdict)


class Kitchen:
    """Makes speech, when it is let."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.made: list[str] = []
        self.may_end = asyncio.Event()

    async def prepare(self, text: str, language: str) -> None:
        self.begun.append(text)
        await self.may_end.wait()
        self.made.append(text)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_reply_to_plausible_words_is_made_ahead_and_only_made(
    interpreter: Interpreter, asked: State
) -> None:
    kitchen = Kitchen()
    ahead = SpeechAhead(interpreter, kitchen.prepare)
    kitchen.may_end.set()
    await ahead.consider(partial("yes", "complete"), asked)
    await settled()
    assert kitchen.made == ["Thank you. In how many minutes will it be ready?"]
    await ahead.stop()


@pytest.mark.parametrize(
    ("text", "verdict"), [("yes but", "open"), ("the weather", "other"), ("operator", "complete")]
)
async def test_nothing_is_made_for_words_that_are_not_all_or_that_act_outside(
    interpreter: Interpreter, asked: State, text: str, verdict: Verdict
) -> None:
    kitchen = Kitchen()
    ahead = SpeechAhead(interpreter, kitchen.prepare)
    await ahead.consider(partial(text, verdict), asked)
    await settled()
    assert kitchen.begun == []


@pytest.mark.parametrize(
    ("whole", "rest"),
    [("yes, confirm.", "confirm."), (None, "can't harm"), ("just confirm", "can't harm")],
)
def test_the_rest_of_an_answer_reads_as_it_was_heard_with_it(
    interpreter: Interpreter, asked: State, whole: str | None, rest: str
) -> None:
    early = EarlyAnswers(interpreter)
    early.remember(heard("Yes.", 500, 900), Heard("Yes.", 0.9, "en"), asked)
    assert early.rest(heard("can't harm", 1200, 1500, whole=whole)) == rest


@pytest.mark.parametrize(
    ("whole", "nothing"),
    [("yes, confirm", True), ("yes, no wait", False), ("yes, I refuse", False)],
)
def test_the_rest_of_an_answer_that_means_the_same_adds_nothing(
    interpreter: Interpreter, asked: State, whole: str, *, nothing: bool
) -> None:
    early = EarlyAnswers(interpreter)
    frame = heard("yes", 500, 900)
    early.remember(frame, Heard("yes", 0.9, "en"), asked)
    goes_on = replace(partial(whole, "complete"), new_text=whole.removeprefix("yes, "))
    assert early.adds_nothing(goes_on) is nothing
    assert not early.adds_nothing(replace(goes_on, start_ms=5000))  # too late to belong to it
    assert not early.adds_nothing(replace(goes_on, new_text=None))


async def test_words_that_were_doubted_first_are_made_when_they_are_sure(
    interpreter: Interpreter, asked: State
) -> None:
    kitchen = Kitchen()
    ahead = SpeechAhead(interpreter, kitchen.prepare)
    await ahead.consider(partial("yes", "other"), asked)
    await ahead.consider(partial("yes", "complete"), asked)
    await settled()
    assert len(kitchen.begun) == 1
    await ahead.stop()


async def test_nothing_is_made_for_what_may_go_on_with_the_last_answer(
    interpreter: Interpreter, asked: State
) -> None:
    kitchen = Kitchen()
    ahead = SpeechAhead(interpreter, kitchen.prepare)
    await ahead.consider(replace(partial("yes twenty", "complete"), new_text="twenty"), asked)
    await settled()
    assert kitchen.begun == []


async def test_a_caller_who_goes_on_ends_the_making(interpreter: Interpreter, asked: State) -> None:
    kitchen = Kitchen()
    ahead = SpeechAhead(interpreter, kitchen.prepare)
    await ahead.consider(partial("yes", "complete"), asked)
    await settled()
    await ahead.consider(partial("yes but", "open"), asked)
    kitchen.may_end.set()
    await settled()
    assert (len(kitchen.begun), kitchen.made) == (1, [])
