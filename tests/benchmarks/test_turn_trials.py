"""From the recording of a call to its scores, and from scores to the table."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from benchmarks import noises
from benchmarks.turn_scoring import Overlap, Turn
from benchmarks.turn_table import (
    NEVER,
    cut_off,
    ducks_ms,
    latencies_ms,
    silences_ms,
    stopped,
    table,
    uncompared,
    unreached,
)
from benchmarks.turn_trials import AnswerTrial, Findings, OverTrial, overlap_of, turns_of, voice_of
from benchmarks.utterances import Kind
from telephony.simulator.phone_audio import Pcm
from telephony.simulator.recording import SaidSpan, StreamRecording

RATE_HZ = 8000


def sounding(duration_ms: int, *spans: tuple[int, int]) -> Pcm:
    made = np.zeros(duration_ms * 8, np.int16)
    for start_ms, end_ms in spans:
        made[start_ms * 8 : end_ms * 8] = noises.white(end_ms - start_ms, -20, seed=start_ms)
    return made


def recording(said: Pcm, played: Pcm, *spoken: SaidSpan) -> StreamRecording:
    supplied = np.ones(said.size, np.bool_)
    return StreamRecording(RATE_HZ, said, said, played, supplied, spoken)


def span(start_ms: int, end_ms: int, text: str) -> SaidSpan:
    return SaidSpan(start_ms * 8, end_ms * 8, text)


def test_each_utterance_of_a_call_is_scored_by_its_own_reply() -> None:
    said = sounding(9000, (1000, 1500), (3000, 3400), (4000, 4300), (6000, 6500))
    played = sounding(9000, (100, 500), (1900, 2400), (3700, 3900), (4900, 5400))
    spoken = (span(1000, 1500, "a"), span(3000, 4300, "b"), span(6000, 6500, "c"))
    assert turns_of(recording(said, played, *spoken)) == {
        "a": Turn(400, None),
        "b": Turn(600, 700),  # answered in the pause, and again
        "c": Turn(None, None),
    }


def test_silence_that_was_said_has_no_turn() -> None:
    quiet = np.zeros(16000, np.int16)
    assert turns_of(recording(quiet, quiet, span(500, 900, "nothing"))) == {}


def test_an_overlap_is_judged_from_the_clip_until_two_seconds_after_it() -> None:
    prompt = sounding(9000, (200, 9000))
    whole = voice_of(recording(prompt, prompt))
    said = sounding(9000, (2000, 2500))
    stops_at_3_s = np.concatenate([prompt[: 3000 * 8], np.zeros(6000 * 8, np.int16)])
    stops_at_5_s = np.concatenate([prompt[: 5000 * 8], np.zeros(4000 * 8, np.int16)])
    early = overlap_of(recording(said, stops_at_3_s, span(2000, 2500, "x")), whole)
    late = overlap_of(recording(said, stops_at_5_s, span(2000, 2500, "x")), whole)
    assert early is not None
    assert early.silent_after_ms == pytest.approx(1000, abs=15)
    assert late == Overlap(None, None)


def findings() -> Findings:
    answers = [
        AnswerTrial(Kind.SHORT, "yes", Turn(300, None)),
        AnswerTrial(Kind.SHORT, "no", Turn(None, None)),
        AnswerTrial(Kind.SHORT, "one", None),
        AnswerTrial(Kind.SENTENCE, "a sentence", Turn(500, 200)),
        AnswerTrial(Kind.PAUSED, "four ... five", Turn(500, 900)),
        AnswerTrial(Kind.PAUSED, "six ... five", Turn(500, None)),
    ]
    overs = [
        OverTrial(Kind.INTERRUPTION, "wait", Overlap(90, 400)),
        OverTrial(Kind.INTERRUPTION, "stop", None),
        OverTrial(Kind.BACKCHANNEL, "hmm", Overlap(None, None)),
        OverTrial(Kind.COUGH, "cough", Overlap(None, 500)),
        OverTrial(None, "echo", Overlap(None, 700)),
    ]
    return Findings(answers, overs, [120.0, None], calls=3)


def test_a_missing_reply_is_slower_than_any_and_a_cut_turn_is_not_a_fast_one() -> None:
    assert latencies_ms(findings(), Kind.SHORT) == [300, NEVER]
    assert latencies_ms(findings(), Kind.SENTENCE) == []
    assert unreached(findings()) == 1


def test_shares_are_of_what_could_be_judged() -> None:
    assert cut_off(findings(), [Kind.PAUSED]) == (1, 2)
    assert stopped(findings(), [Kind.COUGH, Kind.BACKCHANNEL, None]) == (2, 3)
    assert ducks_ms(findings()) == [90, NEVER]
    assert silences_ms(findings()) == [400]
    assert uncompared(findings()) == 1


def test_the_table_has_a_column_for_each_peer_and_holds_the_goals() -> None:
    console = Console(width=140, file=StringIO())
    with console.capture() as printed:
        console.print(table([("stock", findings()), ("ours", Findings())]))
    text = printed.get()
    assert "stock" in text
    assert "ours" in text
    assert "never / never" in text
    assert "0.30 / 0.50 s" in text
    assert "50 % (1 of 2)" in text
