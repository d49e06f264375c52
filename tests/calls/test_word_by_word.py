"""What of the bot's words was heard: calls that are cut short, and calls that end in peace."""

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest

from bot.simulation.caller import Clip
from bot.simulation.loopback import Loopback
from telephony.simulator.script import BargeIn, HangUp, Press, StayOnLine
from tests.calls.conftest import YES
from tests.calls.short_flow import LONG_OPENING, answers, planned, problems_of, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

CARRIERS = ("twilio", "exotel")
ONE_MOMENT = "One moment, please."  # bot/filler.py
NO_SOUND = np.zeros(0, np.int16)
SAMPLE_BYTES = {"twilio": 1, "exotel": 2}


async def test_a_caller_who_hangs_up_heard_only_a_part(line: Loopback) -> None:
    leaves = answers(BargeIn(3_000, NO_SOUND, 8000), HangUp())
    plans = [
        planned(
            leaves,
            label=carrier,
            carrier=carrier,
            disposition="hung_up",
            variables={"opening": LONG_OPENING},
        )
        for carrier in CARRIERS
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        body = call.record["call"]
        assert (body["status"], body["ended_by"]) == ("completed", "caller")
        (turn,) = call.record["turns"]
        assert turn["text"].startswith(turn["heard_text"])
        assert "One potato" in turn["heard_text"]
        assert "no more than that" not in turn["heard_text"]
        assert turn["is_interrupted"]
        assert turn["end_ms"] > turn["start_ms"]


async def test_an_interruption_is_obeyed_and_leaves_the_rest_unheard(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    clip = voices[YES]
    speaks = answers(
        BargeIn(3_000, clip.pcm, clip.sample_rate_hz, clip.text), StayOnLine(timeout_ms=60_000)
    )
    presses = answers(BargeIn(3_000, NO_SOUND, 8000), Press("1"), StayOnLine(timeout_ms=60_000))
    plans = [
        planned(
            party,
            label=f"{how} {carrier}",
            carrier=carrier,
            variables={"opening": LONG_OPENING},
            outcome={"answer": "agreed"},
        )
        for how, party in (("by voice", speaks), ("by key", presses))
        for carrier in CARRIERS
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        assert call.result is not None
        bots = [turn for turn in call.record["turns"] if turn["who"] == "bot"]
        # On a busy machine the words take so long that the caller is told to wait.
        opening, goodbye = (turn for turn in bots if turn["text"] != ONE_MOMENT)
        assert opening["is_interrupted"]
        assert opening["text"].startswith(opening["heard_text"])
        assert "One potato" in opening["heard_text"]
        assert len(opening["heard_text"]) < len(opening["text"]) / 2
        assert not goodbye["is_interrupted"]
        assert goodbye["heard_text"] == goodbye["text"]
        (stream,) = call.result.streams
        assert stream.clears >= 1


async def test_a_call_ends_only_when_its_last_word_was_played(line: Loopback) -> None:
    plans = [planned(answers(), label=carrier, carrier=carrier) for carrier in CARRIERS]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        assert call.result is not None
        (stream,) = call.result.streams
        assert (stream.ended_by, stream.close_code) == ("bot", 1000)
        assert stream.recording.marks
        assert all(mark.played for mark in stream.recording.marks)
        sent_samples = stream.bot_media_bytes // SAMPLE_BYTES[call.plan.carrier]
        # The telephone's loudspeaker has sounded each sample that it was ever sent.
        assert int(stream.recording.supplied.sum()) == sent_samples
