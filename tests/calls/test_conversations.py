"""Whole calls of the shipped flows: by keys and by voice, on both carriers, in three languages."""

import asyncio
from collections.abc import Mapping

import pytest

from bot.simulation.caller import Clip
from bot.simulation.loopback import Loopback
from bot.simulation.simulated_calls import PlacedCall, PlannedCall
from bot.simulation.vendor_names import VendorName
from bot.simulation.vendors import VENDORS, caller, party
from telephony.call import JsonValue
from telephony.simulator.script import Pause, Press, Speak, StayOnLine, Step, WaitForPrompt
from tests.calls import short_flow
from tests.calls.conftest import NO, YES
from tests.calls.short_flow import problems_of, take

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480)]

RIDE: Mapping[str, JsonValue] = {"rider_name": "Ravi", "pickup": "A", "drop": "B", "pay": 65}
ORDER: Mapping[str, JsonValue] = {
    "restaurant_name": "Dilli",
    "order_id": "45",
    "items": ["1 thali"],
    "amount": 120,
}
HELP: Mapping[str, JsonValue] = {"status_url": "http://127.0.0.1:9/orders"}


AT_ONCE = 8
"""Calls: a slow machine of two cores also runs the tests of another worker."""

GREETED_MS = 8_500
"""By then every greeting is over: it can't be cut short, and keys in it don't count."""


def by_keys(first: str, *others: str) -> tuple[Step, ...]:
    """Presses over the first prompt that may be cut short, then after each prompt's end."""
    steps: list[Step] = [Pause(GREETED_MS), Press(first)]
    for keys in others:
        steps += [WaitForPrompt(quiet_ms=600, timeout_ms=60_000), Press(keys, gap_ms=150)]
    return (*steps, StayOnLine(timeout_ms=60_000))


def by_voice(*said: Clip) -> tuple[Step, ...]:
    """Waits for each prompt's end, then answers in words."""
    steps: list[Step] = []
    for clip in said:
        steps += [
            WaitForPrompt(quiet_ms=600, timeout_ms=60_000),
            Speak(clip.pcm, clip.sample_rate_hz, clip.text),
        ]
    return (*steps, StayOnLine(timeout_ms=60_000))


CONFIRMED: Mapping[str, JsonValue] = {"decision": "confirmed", "minutes": 25}
KEYED = [
    ("vendor_confirmation", "hi", "exotel", ORDER, ("1", "25#"), "confirmed", CONFIRMED),
    ("vendor_confirmation", "mr", "twilio", ORDER, ("1", "25#"), "confirmed", CONFIRMED),
    (
        *("vendor_confirmation", "en", "exotel", ORDER, ("2", "3"), "rejected"),
        {"decision": "rejected", "reason": "too_busy"},
    ),
    ("rider_assignment", "mr", "exotel", RIDE, ("1",), "confirmed", {"decision": "accepted"}),
    (
        *("rider_assignment", "hi", "twilio", RIDE, ("2", "1"), "rejected"),
        {"decision": "rejected", "reason": "too_far"},
    ),
    ("rider_assignment", "en", "twilio", RIDE, ("1",), "confirmed", {"decision": "accepted"}),
    ("customer_support", "hi", "twilio", HELP, ("9",), "transferred", {}),
]


def keyed_plans() -> list[PlannedCall]:
    return [
        PlannedCall(
            label=f"{flow} {language} {carrier}",
            party=short_flow.answers(*by_keys(*keys)),
            flow=flow,
            language=language,
            carrier=carrier,
            variables=variables,
            disposition=disposition,
            outcome=outcome,
        )
        for flow, language, carrier, variables, keys, disposition, outcome in KEYED
    ]


def assert_keys_and_language(call: PlacedCall) -> None:
    """Every key that was pressed is on record, and the bot kept to its language."""
    assert call.result is not None
    pressed = [key["digit"] for key in call.record["keys"]]
    assert "".join(pressed) == call.result.digits_pressed, call.plan.label
    languages = {turn["language"] for turn in call.record["turns"]}
    assert languages == {call.plan.language}, call.plan.label


ENDED_BY = {VendorName.busy: "carrier"}


def vendor_plan(name: VendorName, carrier: str, voices: Mapping[str, Clip]) -> PlannedCall:
    vendor = VENDORS[name]
    # Silence on the short flow: on the shipped one it takes a minute.
    is_silent = name is VendorName.silent
    who = caller(vendor, voices, speaks=True)
    return PlannedCall(
        label=f"{name} {carrier}",
        party=party(vendor, voices, who),
        flow=short_flow.NAME if is_silent else "vendor_confirmation",
        language="en",
        carrier=carrier,
        variables={} if is_silent else ORDER,
        disposition=vendor.disposition,
        outcome=vendor.outcome,
        caller=who,
    )


async def until_recorded(line: Loopback, call_id: str) -> None:
    """A machine is known by the carrier's word, maybe before the recording is closed."""
    async with asyncio.timeout(20):
        while True:
            record = (await line.http.get(f"/api/calls/{call_id}")).json()
            if record["call"]["has_recording"]:
                return
            await asyncio.sleep(0.1)


async def assert_ending(line: Loopback, call: PlacedCall, name: VendorName) -> None:
    """The record's end is that of the vendor."""
    body, is_answered = call.record["call"], name is not VendorName.busy
    assert body["ended_by"] == ENDED_BY.get(name, "bot"), call.plan.label
    assert body["status"] == ("completed" if is_answered else "busy"), call.plan.label
    if is_answered:
        await until_recorded(line, body["call_id"])
    assert bool(call.record["turns"]) is is_answered, call.plan.label


async def test_shipped_flows_reach_their_outcome_by_keys_and_with_every_kind_of_vendor(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    """Eight at once: the longest call takes half a minute, the test a little more than one."""
    carriers = dict.fromkeys(VendorName, ("twilio",))
    carriers |= dict.fromkeys((VendorName.confirms, VendorName.busy), ("twilio", "exotel"))
    of_vendors = [(name, carrier) for name in VendorName for carrier in carriers[name]]
    by_key = keyed_plans()
    places = asyncio.Semaphore(AT_ONCE)

    async def take_one(plan: PlannedCall) -> PlacedCall:
        async with places:
            return await take(line, plan)

    async def ring(name: VendorName, carrier: str) -> PlacedCall:
        call = await take_one(vendor_plan(name, carrier, voices))
        return call if not call.problems else await take_one(vendor_plan(name, carrier, voices))

    keyed = (take_one(plan) for plan in by_key)
    rung = (ring(name, carrier) for name, carrier in of_vendors)
    calls = await asyncio.gather(*keyed, *rung)
    assert problems_of(calls) == {}
    for call in calls[: len(by_key)]:
        assert_keys_and_language(call)
    for call, (name, _) in zip(calls[len(by_key) :], of_vendors, strict=True):
        await assert_ending(line, call, name)


async def test_words_are_heard_where_keys_are_offered(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    yes, no = voices[YES], voices[NO]
    plans = [
        short_flow.planned(
            short_flow.answers(*by_voice(clip)),
            label=f"{clip.text} {carrier}",
            carrier=carrier,
            outcome={"answer": answer},
        )
        for carrier in ("twilio", "exotel")
        for clip, answer in ((yes, "agreed"), (no, "refused"))
    ]
    calls = await asyncio.gather(*(take(line, plan) for plan in plans))
    assert problems_of(calls) == {}
    for call in calls:
        turn = next(turn for turn in call.record["turns"] if turn["who"] == "caller")
        assert turn["text"]
        assert 0.0 < turn["confidence"] <= 1.0
        (reply,) = [turn for turn in call.record["turns"] if turn["latency"]]
        points = [
            reply["latency"][f"{name}_ms"]
            for name in ("speech_end", "turn_decided", "transcript", "reply_ready", "first_audio")
        ]
        assert points == sorted(points)


async def test_what_a_caller_says_is_seen_while_he_says_it(
    line: Loopback, voices: Mapping[str, Clip]
) -> None:
    seen: list[str] = []

    async def watch() -> None:
        while True:
            running = await line.http.get("/api/calls", params={"status": "in_progress"})
            for call in running.json()["calls"]:
                record = (await line.http.get(f"/api/calls/{call['call_id']}")).json()
                if record["partial"]:
                    seen.append(record["partial"]["text"])
            await asyncio.sleep(0.1)

    plan = short_flow.planned(
        short_flow.answers(*by_voice(voices[NO])), outcome={"answer": "refused"}
    )
    watching = asyncio.create_task(watch())
    call = await take(line, plan)
    watching.cancel()
    assert problems_of([call]) == {}
    assert any("no" in text.lower() for text in seen), seen
    assert call.record["partial"] is None
