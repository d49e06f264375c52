"""What the business has to do with a call: it is asked, it is told, and its people are reached."""

import asyncio
import json
import time
from collections.abc import Mapping

import numpy as np
import pytest

from bot.simulation.loopback import Loopback
from bot.simulation.simulated_calls import PlannedCall
from telephony.call import JsonValue
from telephony.outcome_delivery import signature_is_valid
from telephony.simulator.script import BargeIn, Pause, Press, StayOnLine, Step, WaitForPrompt
from tests.calls.conftest import OUTCOME_SECRET
from tests.calls.http_peer import HttpPeer, http_peer
from tests.calls.short_flow import answers, new_number, planned, problems_of, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESK = "+918047491800"  # behind the name `support`, as the loopback server sets it


NO_SOUND = np.zeros(0, np.int16)
GREETED_MS = 6_500
"""By then customer_support's greeting is over, in which no key counts."""


def presses(*keys: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for key in keys:
        steps += [WaitForPrompt(quiet_ms=600, timeout_ms=45_000), Press(key, gap_ms=120)]
    return (*steps, StayOnLine(timeout_ms=60_000))


async def told(line: Loopback, peer: HttpPeer) -> str:
    """Places a call whose outcome goes to the peer; the call's id."""
    number = new_number()
    line.parties[number] = answers()
    body = {"to": number, "flow": "short", "carrier": "twilio"}
    body["outcome_url"] = f"{peer.base_url}/outcomes"
    response = await line.http.post("/api/voice/call/initiate", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["call_id"])


async def test_the_outcome_is_told_once_signed_and_again_after_an_error(line: Loopback) -> None:
    async with http_peer([(200, "")]) as content, http_peer([(500, ""), (204, "")]) as moody:
        call_ids = [await told(line, peer) for peer in (content, moody)]
        await asyncio.gather(content.until(1), moody.until(2))
        for peer, call_id in zip((content, moody), call_ids, strict=True):
            assert set(peer.requests) == {("POST", "/outcomes")}
            for body, headers in zip(peer.bodies, peer.headers, strict=True):
                told_of = json.loads(body)
                assert told_of["call_id"] == call_id
                assert told_of["disposition"] == "completed"
                assert told_of["outcome"] == {"answer": "agreed"}
                shown = headers["callwright-signature"]
                secret = OUTCOME_SECRET.encode()
                assert signature_is_valid(secret, shown, body, time.time())
                assert not signature_is_valid(secret, shown, body + b" ", time.time())
                assert not signature_is_valid(b"another", shown, body, time.time())
        assert len(content.requests) == 1
        assert len(moody.requests) == 2
        assert len({headers["callwright-delivery"] for headers in moody.headers}) == 1
        assert moody.bodies[0] == moody.bodies[1]


async def test_key_9_brings_a_person_on_the_line(line: Loopback) -> None:
    plan = planned(answers(*presses("9")), disposition="transferred")
    call = await take(line, plan)
    assert call.problems == ()
    assert call.result is not None
    assert call.result.transferred_to == DESK
    assert call.record["call"]["transfer_to"] == DESK
    assert call.record["call"]["ended_by"] == "bot"
    last = call.record["turns"][-1]
    assert (last["text"], last["heard_text"]) == ("One moment.", "One moment.")


async def test_the_call_goes_on_where_a_transfer_is_refused(line: Loopback) -> None:
    """Twilio has no such number; at Exotel a call without a flow can't be handed over."""
    plans = [
        planned(
            answers(*presses("9", "1")),
            label=carrier,
            carrier=carrier,
            outcome={"answer": "agreed"},
            variables={"desk": desk},
        )
        for carrier, desk in (("twilio", "nobody knows"), ("exotel", "support"))
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    for call in calls:
        assert call.result is not None
        failed = [event for event in call.record["events"] if event["kind"] == "transfer_failed"]
        assert len(failed) == 1, call.record["events"]
        assert call.result.transferred_to is None
        assert call.record["call"]["transfer_to"] is None
    assert problems_of(calls) == {}


ORDER_KNOWN = (200, '{"status": "on_the_way"}')
ORDER_UNKNOWN = (404, '{"error": "no such order"}')


async def test_the_business_is_asked_where_an_order_is(line: Loopback) -> None:
    async with (
        http_peer([ORDER_KNOWN]) as knows,
        http_peer([ORDER_UNKNOWN]) as not_there,
        http_peer([(200, "<html>")]) as confused,
        http_peer([ORDER_KNOWN], delay_s=60) as slow,
    ):
        cases = {
            "known": (knows, "on the way", ("2",), "completed"),
            "not there": (not_there, "can't find an order", ("2",), "completed"),
            "no JSON": (confused, "can't look up", (), "transferred"),
            "too slow": (slow, "can't look up", (), "transferred"),
        }
        plans = {
            name: help_wanted(name, peer, keys, disposition)
            for name, (peer, _, keys, disposition) in cases.items()
        }
        calls = await asyncio.gather(*(take(line, plan) for plan in plans.values()))
        assert problems_of(calls) == {}
        for call in calls:
            peer, words, _, _ = cases[call.plan.label]
            said = " ".join(turn["heard_text"] for turn in call.record["turns"])
            assert words in said, call.plan.label
            assert call.record["call"]["outcome"]["order_id"] == "4512"
            if peer is not slow:
                assert peer.requests == [("GET", "/orders/4512")]
        statuses = [call.record["call"]["outcome"].get("order_status") for call in calls]
        assert statuses == ["on_the_way", None, None, None]
        slow.delay_s = 0


def help_wanted(name: str, peer: HttpPeer, keys: tuple[str, ...], disposition: str) -> PlannedCall:
    ordered = (Pause(GREETED_MS), Press("1"), Pause(800), Press("4512#", gap_ms=120))
    # Seven seconds of words later the bot asks whether there is anything else.
    done = [step for key in keys for step in (BargeIn(7_000, NO_SOUND, 8000), Press(key))]
    variables: Mapping[str, JsonValue] = {"status_url": f"{peer.base_url}/orders"}
    return PlannedCall(
        label=name,
        party=answers(*ordered, *done, StayOnLine(timeout_ms=60_000)),
        flow="customer_support",
        language="en",
        carrier="twilio",
        variables=variables,
        disposition=disposition,
    )
