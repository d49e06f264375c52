"""Calls whose line sends the bot's voice back: it does not stop for itself, only for the caller."""

import asyncio
from collections.abc import Mapping

import pytest

from bot.simulation.caller import Clip
from bot.simulation.loopback import Loopback
from telephony.simulator.line_noise import Line
from telephony.simulator.party import Party
from telephony.simulator.script import BargeIn, StayOnLine, Step
from tests.calls.conftest import YES
from tests.calls.short_flow import AGREES, LONG_OPENING, planned, problems_of, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINES = (("twilio", 8000), ("exotel", 8000), ("exotel", 16000))


def on_a_speakerphone(rate_hz: int, *steps: Step) -> Party:
    line = Line(noise_dbfs=-65.0, echo_db=-18.0, echo_delay_ms=120)
    return Party.answers(steps, ring_ms=100, line=line, sample_rate_hz=rate_hz)


async def test_on_a_speakerphone_the_bot_says_all_it_has_to_say(line: Loopback) -> None:
    plans = [
        planned(
            on_a_speakerphone(rate_hz, *AGREES),
            label=f"{carrier} {rate_hz}",
            carrier=carrier,
            variables={"opening": LONG_OPENING},
            outcome={"answer": "agreed"},
        )
        for carrier, rate_hz in LINES
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        assert call.result is not None
        opening = call.record["turns"][0]
        assert not opening["is_interrupted"]
        assert opening["heard_text"] == opening["text"]
        assert [turn["who"] for turn in call.record["turns"]].count("caller") == 0
        assert call.result.streams[0].clears == 0


async def test_who_speaks_over_the_bot_on_a_speakerphone_stops_it(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    clip = voices[YES]
    steps = (BargeIn(3_000, clip.pcm, clip.sample_rate_hz, clip.text), StayOnLine(60_000))
    plans = [
        planned(
            on_a_speakerphone(rate_hz, *steps),
            label=f"{carrier} {rate_hz}",
            carrier=carrier,
            variables={"opening": LONG_OPENING},
            outcome={"answer": "agreed"},
        )
        for carrier, rate_hz in LINES
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        assert call.record["turns"][0]["is_interrupted"]
