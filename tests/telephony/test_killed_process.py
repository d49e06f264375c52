"""A process that leads calls is killed: what it wrote is there, its calls are closed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from telephony.call import CallStatus, Direction, Disposition, EndedBy, NewCall
from telephony.database import Database
from telephony.delivery_queue import DeliveryQueue, DeliveryStatus
from telephony.store import CallStore, now_unix_ms
from telephony.workers import DEAD_AFTER_S, this_worker

A_CALL = NewCall(Direction.OUTBOUND, "+911", "+912", "f", "twilio")

LEADER = """
import asyncio, sys
from telephony.call import CallStatus, CarrierUpdate, Direction, NewCall
from telephony.database import Database
from telephony.records import KeyPress, Turn, Who
from telephony.store import CallStore
from telephony.workers import this_worker

async def main():
    store = CallStore(Database(sys.argv[1]), this_worker())
    await store.start()
    url = "https://example.com/"
    new = NewCall(Direction.OUTBOUND, "+911", "+912", "f", "twilio", outcome_url=url)
    queued = (await store.create_call(new)).call.id
    talking = (await store.create_call(new)).call.id
    unjudged = (await store.create_call(new)).call.id
    for call_id in (talking, unjudged):
        await store.update_status(call_id, CallStatus.DIALING)
        await store.update_status(call_id, CallStatus.IN_PROGRESS)
    await store.apply_carrier_update(unjudged, CarrierUpdate(CallStatus.COMPLETED, 3))
    await store.set_outcome(talking, outcome={"confirmed": True})
    for number in range(20):
        await store.add_turn(talking, Turn(Who.BOT, f"turn {number}", "", number * 1000))
    await store.add_key(talking, KeyPress("1", 20_000))
    print(queued, talking, unjudged, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


@asynccontextmanager
async def leader(url: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
    """A process that leads three calls: one queued, one talking, one over but not judged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LEADER,
        url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().split()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_after_kill_9_the_turns_are_there_and_the_calls_are_lost(
    database: Database, database_url: str
) -> None:
    store = CallStore(database, this_worker())
    async with leader(database_url) as (process, calls):
        assert await store.start() == ()  # its leader lives
        assert (await store.get(calls[1])).status is CallStatus.IN_PROGRESS
        process.send_signal(signal.SIGKILL)
        await process.wait()

    assert sorted(await store.start()) == sorted(calls)
    queued, talking, unjudged = [await store.get_record(call_id) for call_id in calls]
    assert [turn.text for turn in talking.turns] == [f"turn {number}" for number in range(20)]
    assert [key.digit for key in talking.keys] == ["1"]
    assert talking.call.outcome == {"confirmed": True}
    assert {queued.call.status, talking.call.status} == {CallStatus.LOST}
    assert unjudged.call.status is CallStatus.COMPLETED
    for record in (queued, talking, unjudged):
        assert record.call.disposition is Disposition.FAILED
        assert record.call.ended_by is EndedBy.LOST
        delivery = await DeliveryQueue(database, now_unix_ms).of_call(record.call.id)
        assert delivery is not None
        assert delivery.status is DeliveryStatus.PENDING
    assert await store.start() == ()  # once


@pytest.mark.parametrize(
    ("silent_s", "is_lost"), [(DEAD_AFTER_S - 1, False), (DEAD_AFTER_S + 1, True)]
)
async def test_a_worker_elsewhere_is_dead_when_its_heart_is_silent(
    database: Database, silent_s: float, is_lost: bool
) -> None:
    clock = [now_unix_ms()]
    here = this_worker()
    elsewhere = CallStore(database, replace(here, id="elsewhere", host="another"), lambda: clock[0])
    await elsewhere.start()
    call = (await elsewhere.create_call(A_CALL)).call
    clock[0] += round(silent_s * 1000)
    lost = await CallStore(database, here, lambda: clock[0]).start()
    assert lost == ((call.id,) if is_lost else ())


async def test_a_reused_process_id_is_not_taken_for_the_worker(database: Database) -> None:
    here = this_worker()
    before_reboot = replace(here, id="before", process_started=here.process_started - 1_000)
    earlier = CallStore(database, before_reboot)
    await earlier.start()
    call = (await earlier.create_call(A_CALL)).call
    assert await CallStore(database, here).start() == (call.id,)


async def test_an_adopted_call_outlives_the_worker_that_placed_it(database: Database) -> None:
    here = this_worker()
    gone = CallStore(database, replace(here, id="gone", process_started=0.0))
    await gone.start()
    call = (await gone.create_call(A_CALL)).call
    store = CallStore(database, here)
    await store.beat()
    await store.adopt(call.id)
    assert await store.start() == ()
