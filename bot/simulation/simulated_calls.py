"""Calls from the real server to simulated people, each judged by its record and its telephone."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.simulation.caller import Caller
from bot.simulation.loopback import Loopback
from telephony.call import JsonValue
from telephony.simulator.call_state import CallResult
from telephony.simulator.measure import StreamMeasures
from telephony.simulator.party import Party

CALL_TIMEOUT_S = 240.0
WATCH_EVERY_S = 0.4
"""How often a call's record is read: before a person answers the bot has been quiet for 0.6 s."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCall:
    """One call to be placed, and what must come of it."""

    label: str
    party: Party
    flow: str
    language: str
    carrier: str
    variables: Mapping[str, JsonValue]
    disposition: str
    outcome: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    caller: Caller | None = None  # who is to know what the bot says


@dataclass(frozen=True, slots=True, eq=False)
class PlacedCall:
    """How it went."""

    plan: PlannedCall
    record: Json  # as GET /api/calls/{id} shows it
    result: CallResult | None  # None: the carrier never had it
    measures: tuple[StreamMeasures, ...]

    @property
    def outcome_problems(self) -> tuple[str, ...]:
        """Why its record is not what the person meant; () when it is."""
        call = self.record["call"]
        found: list[str] = []
        if call["disposition"] != self.plan.disposition:
            found.append(f"disposition is {call['disposition']}, not {self.plan.disposition}")
        for name, meant in self.plan.outcome.items():
            if call["outcome"].get(name) != meant:
                found.append(f"{name} is {call['outcome'].get(name)!r}, not {meant!r}")
        return tuple(found)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it is not as it was meant, and what a carrier would refuse; () when all is well."""
        if self.result is None:
            return (*self.outcome_problems, "the carrier never had the call")
        return (*self.outcome_problems, *(str(wrong) for wrong in self.result.violations))


async def place(line: Loopback, plan: PlannedCall, number: str) -> PlacedCall:
    """Place a call to `number` and see it to its end on both sides."""
    line.parties[number] = plan.party
    body = {
        "to": number,
        "flow": plan.flow,
        "language": plan.language,
        "carrier": plan.carrier,
        "variables": plan.variables,
    }
    response = await line.http.post("/api/voice/call/initiate", json=body)
    response.raise_for_status()
    call_id = response.json()["call_id"]
    async with asyncio.timeout(CALL_TIMEOUT_S):
        while True:
            record: Json = (await line.http.get(f"/api/calls/{call_id}")).json()
            if plan.caller:
                plan.caller.overhear(record["turns"])
            if record["call"]["ended_at"] and record["call"]["disposition"]:
                break
            await asyncio.sleep(WATCH_EVERY_S)
    sid = record["call"]["carrier_call_id"]
    if sid is None:
        return PlacedCall(plan, record, None, ())
    carrier = line.carrier(plan.carrier)
    result = await carrier.wait_for_call(sid, timeout_s=60.0)
    measures = await asyncio.to_thread(result.measures)
    carrier.forget(sid)
    return PlacedCall(plan, record, result, measures)


async def place_all(
    line: Loopback, plans: Sequence[PlannedCall], *, at_once: int
) -> AsyncGenerator[PlacedCall]:
    """Place the calls, `at_once` at the same time; each comes out as it ends."""
    waiting = iter(enumerate(plans))
    running: set[asyncio.Task[PlacedCall]] = set()
    try:
        while True:
            while len(running) < at_once and (following := next(waiting, None)):
                index, plan = following
                number = f"+9198{index:08d}"
                running.add(asyncio.create_task(place(line, plan, number), name=plan.label))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
