"""Calls for which there is no room, at a server with one place."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from bot.app import Server, open_server
from bot.outbound import Outbound
from bot.settings import load_settings
from telephony.call import CallStatus, Direction, NewCall

pytestmark = pytest.mark.asyncio(loop_scope="module")

DESK = "+918047491800"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One place, and a number for those who find it taken; no carrier: loopback may post."""
    with pytest.MonkeyPatch.context() as environment:
        for name in tuple(os.environ):
            if name.upper().startswith("CALLWRIGHT_"):
                environment.delenv(name)
        folder: Path = tmp_path_factory.mktemp("data")
        settings = load_settings(
            env_file=None,
            data_dir=folder,
            hearing={"en": "none"},
            max_calls=1,
            overflow_number=DESK,
        )
    async with open_server(settings, "http://localhost") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client, at a server whose place is free."""
    transport = httpx.ASGITransport(server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    for call in (await server.services.store.list()).calls:
        server.live.release(call.id)
    server.live.set_late(False)


def rings(number: int) -> dict[str, str]:
    """What Twilio posts for a call to us."""
    return {
        "CallSid": f"CA{number:032x}",
        "AccountSid": "AC" + "0" * 32,
        "From": "+919812345678",
        "To": "+14155550100",
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


async def answer(http: httpx.AsyncClient, number: int) -> str:
    reply = await http.post("/telephony/twilio/answer", data=rings(number))
    assert reply.status_code == 200
    return reply.text


async def record(http: httpx.AsyncClient, sid: str) -> dict[str, Any]:
    page = (await http.get("/api/calls", params={"limit": 200})).json()
    return next(call for call in page["calls"] if call["carrier_call_id"] == sid)


async def test_who_finds_no_room_is_put_through_to_the_number_for_that(
    http: httpx.AsyncClient,
) -> None:
    assert "<Stream" in await answer(http, 1)
    assert "<Stream" in await answer(http, 1)  # Twilio asks again: the same call
    assert f"<Number>{DESK}</Number>" in await answer(http, 2)
    call = await record(http, f"CA{2:032x}")
    assert (call["status"], call["disposition"]) == ("completed", "transferred")
    assert "CALLWRIGHT_MAX_CALLS is 1" in call["failure_reason"]


async def test_exotels_flow_goes_on_to_that_number_too(http: httpx.AsyncClient) -> None:
    fields = {"CallSid": "first", "CallFrom": "0981", "CallTo": "0804"}
    assert (await http.get("/telephony/exotel/admit", params=fields)).status_code == 200
    url = (await http.get("/telephony/exotel/stream-url", params=fields)).json()["url"]
    assert re.search(r"call_id=[0-9a-f]{32}", url)
    second = {**fields, "CallSid": "second"}
    assert (await http.get("/telephony/exotel/admit", params=second)).status_code == 302
    assert (await http.get("/telephony/exotel/stream-url", params=second)).status_code == 503
    assert (await http.get("/telephony/exotel/passthru", params=second)).status_code == 302
    connect = (await http.get("/telephony/exotel/connect", params=second)).json()
    assert connect["destination"]["numbers"] == [DESK]


async def test_a_late_loop_takes_no_more_calls_and_keeps_its_promises(
    http: httpx.AsyncClient, server: Server
) -> None:
    assert "<Stream" in await answer(http, 3)
    server.live.set_late(True)
    assert "<Stream" in await answer(http, 3)
    server.live.release((await record(http, f"CA{3:032x}"))["call_id"])
    assert "<Number>" in await answer(http, 4)
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "late")
    server.live.set_late(False)
    assert (await http.get("/readyz")).status_code == 200


async def test_the_measurements_are_in_prometheus_own_words(
    http: httpx.AsyncClient, server: Server
) -> None:
    assert "<Stream" in await answer(http, 5)
    before = server.live.refused.total()
    assert "<Number>" in await answer(http, 6)
    reply = await http.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(reply.text)}
    refused = families["callwright_refused_calls"].samples
    assert sum(sample.value for sample in refused) == before + 1
    assert families["callwright_max_calls"].samples[0].value == 1
    assert families["callwright_reserved_calls"].samples[0].value == 1
    assert families["process_resident_memory_bytes"].samples[0].value > 50e6
    assert families["callwright_speech_cache_misses"].samples[0].value > 0
    engines = {
        (sample.labels["kind"], sample.labels["engine"]): sample.value
        for sample in families["callwright_engine_left_alone"].samples
    }
    assert engines == {("speaks", "espeak"): 0}
    assert families["callwright_event_loop_lag_seconds"].type == "histogram"
    priorities = {s.labels["priority"] for s in families["callwright_model_run_seconds"].samples}
    assert priorities == {"vad", "final", "partial", "prewarm"}


async def test_strangers_see_no_measurements(http: httpx.AsyncClient) -> None:
    elsewhere = {"X-Forwarded-For": "203.0.113.7"}
    assert (await http.get("/metrics", headers=elsewhere)).status_code == 403
    assert (await http.get("/healthz", headers=elsewhere)).status_code == 200


async def test_there_is_nothing_to_hang_up_that_is_not_there(http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/calls/none/hang-up")).status_code == 404
    assert "<Stream" in await answer(http, 7)
    call_id = (await record(http, f"CA{7:032x}"))["call_id"]
    assert (await http.post(f"/api/calls/{call_id}/hang-up")).status_code == 409  # no carrier


async def asked_for(server: Server, *numbers: str) -> list[str]:
    """Calls that nobody has dialled; there is no carrier, so that dialling fails at once."""
    store = server.services.store
    new = [NewCall(Direction.OUTBOUND, to, "+1", "customer_support", "twilio") for to in numbers]
    return [(await store.create_call(one)).call.id for one in new]


async def until_status(server: Server, call_id: str, status: CallStatus) -> None:
    async with asyncio.timeout(20):
        while (await server.services.store.get(call_id)).status is not status:
            await asyncio.sleep(0.05)


async def test_a_call_is_dialled_when_there_is_a_place_for_it(server: Server) -> None:
    outbound = Outbound(server.services, server.live)
    first, second, third = await asked_for(server, "+911", "+912", "+913")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbound.run())
        with server.live.place():
            outbound.place(first)
            outbound.place(second)
            outbound.place(third)
            for call_id in (first, second, third):  # reading lets the dialer have its turns
                assert (await server.services.store.get(call_id)).status is CallStatus.QUEUED
        for call_id in (first, second, third):  # each leaves its place to the next
            await until_status(server, call_id, CallStatus.FAILED)
        running.cancel()
    assert server.live.board.occupied().total == 0


async def test_who_still_waits_when_the_server_stops_is_not_dialled(server: Server) -> None:
    """The last test of this module: its server takes no calls any more."""
    outbound = Outbound(server.services, server.live)
    (waiting,) = await asked_for(server, "+914")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbound.run())
        with server.live.place():
            outbound.place(waiting)
            draining = tasks.create_task(server.live.drain(timeout_s=20))
            await until_status(server, waiting, CallStatus.CANCELED)
        await draining
        running.cancel()
    assert "stopped before there was room" in str(
        (await server.services.store.get(waiting)).failure_reason
    )
