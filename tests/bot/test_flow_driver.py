"""The driver of a flow between a caller's ear and mouth that the test plays."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    ClientConnectedFrame,
    Frame,
    InputDTMFFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from bot.ending import CallEnding
from bot.flow_driver import FlowDriver
from ivr_flows.actions import Action, Request, Say
from ivr_flows.events import Event, Failed, Responded, Started
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.loader import load_bytes
from processors.call_clock import CallClock
from processors.expecting import Verdict
from processors.frames import (
    CallerVoiceFrame,
    SayFrame,
    SpeechSustainedFrame,
    UtteranceEndedFrame,
    UtteranceHeardFrame,
    UtterancePartialFrame,
)
from processors.hearing import ENDED_TURN
from speech.stt import Transcript
from telephony.call import Disposition, EndedBy, JsonValue
from telephony.records import CallEvent, KeyPress, PartialTurn, Turn

FLOW = """\
name: door
title: One question
languages: [en]
start: ask
give_up: sorry

variables:
  answer: {outcome: true}

nodes:
  ask:
    type: menu
    tries: 2
    timeout_s: 30
    prompt: {en: "Yes or no?"}
    choices:
      agreed: {keys: ["1"], builtin: "yes", set: {answer: agreed}, then: goodbye}
      person: {keys: ["9"], phrases: {en: [person]}, then: person}
    no_input: {then: sorry}
    no_match: {then: sorry}
  goodbye:
    type: hangup
    disposition: confirmed
    prompt: {en: "Goodbye."}
  person:
    type: transfer
    to: "+919700000001"
    prompt: {en: "One moment."}
    failed: sorry
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry."}
"""

GREETING = FLOW.replace("start: ask", "start: greeting").replace(
    "nodes:\n",
    """nodes:
  greeting:
    type: say
    prompt: {barge_in: false, en: "Hello."}
    then: ask
""",
)


@dataclass
class Notes:
    """A journal that is read by the test."""

    outcomes: list[Mapping[str, JsonValue]] = field(default_factory=list[Mapping[str, JsonValue]])
    heard: list[str] = field(default_factory=list[str])
    partials: list[str | None] = field(default_factory=list[str | None])
    keys: list[str] = field(default_factory=list[str])
    kinds: list[str] = field(default_factory=list[str])  # of the events
    turns: dict[int, Turn] = field(default_factory=dict[int, Turn])  # the bot's

    def bot_turn(self, utterance_id: int, turn: Turn) -> None:
        self.turns[utterance_id] = turn

    def caller_partial(self, partial: PartialTurn | None) -> None:
        self.partials.append(partial and partial.text)

    def caller_turn(self, turn: Turn) -> None:
        self.heard.append(turn.text)

    def key(self, key: KeyPress) -> None:
        self.keys.append(key.digit)

    def outcome(self, variables: Mapping[str, JsonValue]) -> None:
        self.outcomes.append(variables)

    def language(self, language: str) -> None: ...

    def event(self, event: CallEvent) -> None:
        self.kinds.append(event.kind)


class Mouth(FrameProcessor):
    """Speaks behind the driver: a text is played at once, those in `never_played` never are."""

    def __init__(self, never_played: frozenset[str]) -> None:
        super().__init__()
        self._never_played = never_played
        self.said: list[str] = []
        self.stopped = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        match frame:
            case SayFrame():
                self.said.append(frame.text)
                if frame.text not in self._never_played:
                    await self.push_frame(
                        UtteranceEndedFrame(frame.utterance_id, frame.text, 0, 100, False),
                        FrameDirection.UPSTREAM,
                    )
            case InterruptionFrame():
                self.said.append("(interrupted)")
            case InputTransportMessageFrame():
                self.stopped.set()
            case _:
                pass


class Reader(Interpreter):
    """Reads three texts out when the call begins, whatever its flow says."""

    def step(self, state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
        if not isinstance(event, Started):
            return state, ()
        return state, (
            Say("A story.", "en", "ask"),
            Say("The law.", "en", "ask", interruptible=False),
            Say("A song.", "en", "ask"),
        )


@dataclass
class Told:
    endings: list[CallEnding]
    said: list[str]
    notes: Notes


async def refuse(to: str) -> str | None:
    return "nobody is there"


async def no_request(request: Request) -> Responded | Failed:
    return Failed("request", "there is no network")


async def no_sound(text: str, language: str) -> None: ...


async def drive(
    *frames: Frame,
    never_played: frozenset[str] = frozenset(),
    transfer: Callable[[Mouth, str], Awaitable[str | None]] | None = None,
    disconnect_is_hang_up: bool = False,
    interpreter_of: type[Interpreter] = Interpreter,
    flow: str = FLOW,
) -> Told:
    """A call that begins, and what happens in it."""
    interpreter = interpreter_of(load_bytes(flow.encode(), "door.yaml"), hearing=frozenset({"en"}))
    endings: list[CallEnding] = []
    notes, mouth = Notes(), Mouth(never_played)

    async def ended(ending: CallEnding) -> None:
        endings.append(ending)

    async def hand_over(to: str) -> str | None:
        return await transfer(mouth, to) if transfer else await refuse(to)

    driver = FlowDriver(
        interpreter=interpreter,
        state=interpreter.start_state({}, "en"),
        journal=notes,
        clock=CallClock(),
        request=no_request,
        transfer=hand_over,
        prepare=no_sound,
        on_end=ended,
        disconnect_is_hang_up=disconnect_is_hang_up,
    )
    sent = [ClientConnectedFrame(), SleepFrame(sleep=0.05), *frames, SleepFrame(sleep=0.05)]
    await run_test(Pipeline([driver, mouth]), frames_to_send=sent, start_timeout=5.0)
    return Told(endings, mouth.said, notes)


def key(digit: str) -> InputDTMFFrame:
    return InputDTMFFrame(button=KeypadEntry(digit))


def heard(
    text: str, start_ms: int = 0, end_ms: int = 400, *, whole: str | None = None
) -> UtteranceHeardFrame:
    times = (start_ms, end_ms, end_ms + 500, end_ms + 550)
    transcript = (
        None if whole is None else Transcript(whole, "en", 0.95, is_final=True, audio_ms=end_ms)
    )
    return UtteranceHeardFrame(text, "en", 0.95, *times, transcript, whole_from_ms=1000)


def stop(reason: str = "callended") -> InputTransportMessageFrame:
    return InputTransportMessageFrame(message={"event": "stop", "reason": reason})


@pytest.mark.parametrize("answer", [key("1"), heard("yes")], ids=["key", "word"])
async def test_an_answer_directly_before_the_hang_up_counts_and_nothing_more_is_said(
    answer: Frame,
) -> None:
    told = await drive(answer, stop())
    assert told.notes.outcomes[-1] == {"answer": "agreed"}
    assert told.endings == [CallEnding(Disposition.CONFIRMED, EndedBy.CALLER, reason="callended")]
    assert "Goodbye." not in told.said[2:]


async def test_a_transfer_that_the_caller_did_not_wait_for_was_none() -> None:
    told = await drive(
        key("9"), SleepFrame(sleep=0.05), stop(), never_played=frozenset({"One moment."})
    )
    assert told.said[-2:] == ["One moment.", "(interrupted)"]
    assert told.endings == [CallEnding(Disposition.HUNG_UP, EndedBy.CALLER, reason="callended")]


@pytest.mark.parametrize("failure", [None, "nobody is there"])
async def test_a_stream_that_ends_during_the_transfer_waits_for_its_result(
    failure: str | None,
) -> None:
    async def slow(mouth: Mouth, to: str) -> str | None:
        await mouth.stopped.wait()
        await asyncio.sleep(0.2)  # the call's pipeline is being taken down meanwhile
        return failure

    told = await drive(key("9"), SleepFrame(sleep=0.05), stop("stopped"), transfer=slow)
    if failure is None:
        assert told.endings == [
            CallEnding(Disposition.TRANSFERRED, EndedBy.BOT, transfer_to="+919700000001")
        ]
    else:
        assert [ending.transfer_to for ending in told.endings] == [None]
        assert told.endings[0].disposition is Disposition.FAILED
    assert "Sorry." not in told.said


@pytest.mark.parametrize(
    ("reason", "is_hang_up", "disposition", "by"),
    [
        ("callended", False, "hung_up", "caller"),
        ("disconnected", True, "hung_up", "caller"),
        ("disconnected", False, "failed", "carrier"),
        ("MessageTooLarge", False, "failed", "carrier"),
        ("stopped", False, "hung_up", "carrier"),
    ],
)
async def test_only_who_hangs_up_has_hung_up(
    reason: str, is_hang_up: bool, disposition: str, by: str
) -> None:
    told = await drive(stop(reason), disconnect_is_hang_up=is_hang_up)
    assert told.endings == [CallEnding(Disposition(disposition), EndedBy(by), reason=reason)]


async def test_a_line_that_breaks_behind_the_flow_s_end_keeps_its_disposition() -> None:
    told = await drive(
        key("1"),
        SleepFrame(sleep=0.05),
        stop("disconnected"),
        never_played=frozenset({"Goodbye."}),
    )
    assert told.endings == [
        CallEnding(Disposition.CONFIRMED, EndedBy.CARRIER, reason="disconnected")
    ]


async def test_speaking_over_a_prompt_does_not_drop_the_one_that_must_be_said() -> None:
    told = await drive(
        SpeechSustainedFrame(0, 320),
        SleepFrame(sleep=0.05),
        never_played=frozenset({"A story."}),
        interpreter_of=Reader,
    )
    assert told.said == ["A story.", "(interrupted)", "The law.", "A song."]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "counts"),
    [(0, 90, False), (20, 150, False), (60, 160, True), (110, 500, True)],
)
async def test_what_is_said_to_a_greeting_is_no_answer_to_the_question_behind_it(
    start_ms: int, end_ms: int, counts: bool
) -> None:
    """The mouth says that each prompt was over at 100 ms; the greeting can't be cut short."""
    told = await drive(heard("yes", start_ms, end_ms), flow=GREETING)
    assert (told.notes.outcomes == [{"answer": "agreed"}]) is counts
    assert told.notes.heard == (["yes"] if counts else [])


ASKS_TWICE = FLOW.replace("then: goodbye}", "then: sure}").replace(
    "  goodbye:",
    """\
  sure:
    type: menu
    timeout_s: 30
    prompt: {en: "Are you sure?"}
    choices:
      sure: {keys: ["1"], builtin: "yes", then: goodbye}
      unsure: {keys: ["2"], builtin: "no", set: {answer: refused}, then: sorry}
    no_input: {then: sorry}
    no_match: {then: sorry}
  goodbye:""",
)


async def test_a_caller_who_goes_on_to_another_answer_is_heard_as_one_from_the_state_before() -> (
    None
):
    told = await drive(
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        heard("hold on", 1700, 2100, whole="yes hold on"),
        flow=ASKS_TWICE,
        never_played=frozenset({"Are you sure?"}),
    )
    assert told.said == ["Yes or no?", "Are you sure?", "(interrupted)", "Yes or no?"]
    assert told.notes.outcomes == [{"answer": "agreed"}, {"answer": None}]
    assert told.notes.heard == ["yes", "hold on"]


async def test_more_of_the_same_answer_leaves_the_reply_alone() -> None:
    told = await drive(
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        heard("please", 1700, 2100, whole="yes please"),
        flow=ASKS_TWICE,
        never_played=frozenset({"Are you sure?"}),
    )
    assert told.said == ["Yes or no?", "Are you sure?"]
    assert told.notes.heard == ["yes", "please"]


async def test_more_of_the_same_answer_brings_back_a_reply_that_it_cut_off() -> None:
    told = await drive(
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        SpeechSustainedFrame(1700, 2276),
        SleepFrame(sleep=0.05),
        heard("please", 1700, 2300, whole="yes please"),
        flow=ASKS_TWICE,
        never_played=frozenset({"Are you sure?"}),
    )
    assert told.said == ["Yes or no?", "Are you sure?", "(interrupted)", "Are you sure?"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            heard("hold on", 1700, 2100, whole="yes hold on"),
            ["Yes or no?", "Goodbye.", "(interrupted)", "Yes or no?"],
        ),
        (heard("please", 1700, 2100, whole="yes please"), ["Yes or no?", "Goodbye."]),
        (heard("", 1700, 2100, whole="yes "), ["Yes or no?", "Goodbye."]),
        (heard("hold on", 2300, 2700), ["Yes or no?", "Goodbye."]),  # too late
    ],
)
async def test_an_answer_that_ends_the_call_can_be_taken_back_while_the_goodbye_is_said(
    more: UtteranceHeardFrame, said: list[str]
) -> None:
    told = await drive(
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        more,
        never_played=frozenset({"Goodbye."}),
    )
    assert told.said == said
    assert told.endings == []


async def test_the_call_is_not_ended_while_the_caller_goes_on_behind_the_goodbye() -> None:
    goodbye = UtteranceEndedFrame(2, "Goodbye.", 1500, 1900, False)
    speaks = (
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        CallerVoiceFrame(True, 1764),
        goodbye,
        SleepFrame(sleep=0.05),
    )
    mute = frozenset({"Goodbye."})
    assert (await drive(*speaks, never_played=mute)).endings == []
    other = await drive(
        *speaks, heard("hold on", 1700, 2200, whole="yes hold on"), never_played=mute
    )
    assert (other.said[2:], other.endings) == (["Yes or no?"], [])
    for same in (
        heard("please", 1700, 2200, whole="yes please"),
        heard("", 1700, 2200, whole="yes "),
    ):
        ended = await drive(*speaks, same, never_played=mute)
        assert [ending.disposition for ending in ended.endings] == [Disposition.CONFIRMED]


async def test_what_is_said_later_answers_the_next_question() -> None:
    told = await drive(
        heard("yes", 1000, 1400),
        SleepFrame(sleep=0.05),
        heard("yes", 3000, 3400),
        flow=ASKS_TWICE,
    )
    assert told.said == ["Yes or no?", "Are you sure?", "Goodbye."]


async def test_a_key_that_ended_a_spoken_answer_is_recorded_and_is_none_itself() -> None:
    finish = key("1")
    finish.metadata[ENDED_TURN] = True
    told = await drive(finish, flow=ASKS_TWICE)
    assert (told.said, told.notes.keys) == (["Yes or no?"], ["1"])


TELLS = FLOW.replace("start: ask", "start: tell").replace(
    "nodes:\n",
    """nodes:
  tell:
    type: say
    prompt: {en: "A story."}
    then: ask
""",
)


def partial(
    text: str, verdict: Verdict, confidence: float = 0.9, *, start_ms: int = 1000
) -> UtterancePartialFrame:
    return UtterancePartialFrame(text, text, "en", confidence, start_ms, start_ms + 400, verdict)


@pytest.mark.parametrize(
    ("text", "verdict", "said", "heard_as"),
    [
        ("haan", "complete", ["A story.", "Yes or no?"], "backchannel"),
        ("wait", "open", ["A story.", "Yes or no?", "(interrupted)"], "barge_in"),
        ("so the", "other", ["A story.", "Yes or no?"], "backchannel"),  # and then nothing
    ],
)
async def test_over_a_statement_a_haan_is_no_answer_and_a_wait_stops_it(
    text: str, verdict: Verdict, said: list[str], heard_as: str
) -> None:
    told = await drive(
        partial(text, verdict),
        SleepFrame(sleep=0.02),
        heard(text, 1000, 1400),
        flow=TELLS,
        never_played=frozenset({"A story.", "Yes or no?"}),
    )
    assert told.said[: len(said)] == said
    assert told.notes.outcomes == []
    assert told.notes.kinds == [heard_as]


async def test_what_the_caller_is_saying_is_shown_until_it_is_said() -> None:
    told = await drive(
        partial("It is", "other"),
        SleepFrame(sleep=0.02),
        partial("It is the oven", "other"),
        SleepFrame(sleep=0.02),
        heard("It is the oven.", 1000, 1900),
    )
    assert told.notes.partials == ["It is", "It is the oven", None]


async def test_a_short_word_that_moved_no_statement_is_not_answered_behind_it() -> None:
    told = await drive(
        partial("Uh, chop.", "other", 0.45),  # an "achha" to an English ear
        SleepFrame(sleep=0.02),
        heard("Uh, chop.", 1000, 1400),
        flow=TELLS,
        never_played=frozenset({"A story.", "Yes or no?"}),
    )
    assert told.said == ["A story.", "Yes or no?"]
    assert told.notes.kinds == ["backchannel"]


@pytest.mark.parametrize(("digit", "answers"), [("1", False), ("5", True)])
async def test_what_is_said_to_a_question_that_a_key_has_answered_answers_no_other(
    digit: str, answers: bool
) -> None:
    flow = FLOW.replace("then: goodbye}", "then: again}", 1).replace(
        "  goodbye:\n",
        """  again:
    type: menu
    tries: 2
    timeout_s: 30
    prompt: {en: "And today?"}
    choices:
      now: {keys: ["2"], builtin: "yes", then: goodbye}
    no_input: {then: sorry}
    no_match: {then: sorry}
  goodbye:
""",
        1,
    )
    told = await drive(
        key(digit),
        SleepFrame(sleep=0.05),
        partial("yes", "complete", start_ms=0),
        heard("yes", 0, 400),
        SleepFrame(sleep=0.05),
        flow=flow,
    )
    assert told.said[-1] == "And today?"
    assert ("not_heard" in told.notes.kinds) is not answers


async def test_over_the_question_a_yes_is_its_answer_at_once() -> None:
    told = await drive(
        partial("yes", "complete"),
        SleepFrame(sleep=0.02),
        heard("yes", 1000, 1400),
        never_played=frozenset({"Yes or no?"}),
    )
    assert told.said == ["Yes or no?", "(interrupted)", "Goodbye."]
    assert told.notes.outcomes == [{"answer": "agreed"}]


async def test_a_voice_that_began_in_a_greeting_does_not_stop_the_question_behind_it() -> None:
    """The mouth says that each prompt was over at 100 ms."""
    told = await drive(
        SpeechSustainedFrame(-400, 176),
        SleepFrame(sleep=0.05),
        flow=GREETING,
        never_played=frozenset({"Yes or no?"}),
    )
    assert told.said == ["Hello.", "Yes or no?"]
