"""Two processes on one port: calls and their control meet wherever they land."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from bot.simulation.loopback import Loopback, loopback
from bot.simulation.simulated_calls import PlacedCall, place
from telephony.simulator.carrier_twilio import AUTH_TOKEN
from telephony.simulator.script import StayOnLine, WaitForPrompt
from telephony.simulator.twilio_signature import sign
from tests.calls.raw_telephone import PATIENT_NUMBER, RawTelephone
from tests.calls.short_flow import answers, new_number, planned, problems_of, take

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480)]

MAX_CALLS = 6
STAYS = (WaitForPrompt(quiet_ms=300), StayOnLine(timeout_ms=60_000))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(
    flows_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Loopback]:
    """A server of two workers, both of which serve."""
    settings = {
        "CALLWRIGHT_WORKERS": "2",
        "CALLWRIGHT_MAX_CALLS": str(MAX_CALLS),
        "CALLWRIGHT_FLOWS_DIR": str(flows_dir),
        "CALLWRIGHT_DEFAULT_FLOW": "short",
        "CALLWRIGHT_NUMBERS": f'{{"{PATIENT_NUMBER}": {{"flow": "patient"}}}}',
        "CALLWRIGHT_HEARING": '{"en": "none"}',
        "CALLWRIGHT_TIMEOUTS__SHUTDOWN_S": "5",
    }
    async with loopback(tmp_path_factory.mktemp("pair"), settings) as line:
        await until_both_take_calls(line)
        yield line
        workers = [psutil.Process(pid) for pid in pids(line).values()]
    assert not any(worker.is_running() for worker in workers)


async def figures(line: Loopback, name: str) -> dict[int, float]:
    """A figure of `/metrics` by worker."""
    text = (await line.http.get("/metrics")).text
    found = re.findall(rf'^{name}{{(?:.*,)?worker="(\d)"}} (\S+)$', text, re.MULTILINE)
    return {int(worker): float(value) for worker, value in found}


async def running(line: Loopback) -> dict[int, float]:
    return await figures(line, "callwright_running_calls")


async def until_both_take_calls(line: Loopback) -> None:
    async with asyncio.timeout(90):
        while await figures(line, "callwright_takes_calls") != {0: 1.0, 1: 1.0}:
            await asyncio.sleep(0.1)


async def until_running(line: Loopback, wanted: Mapping[int, int]) -> None:
    async with asyncio.timeout(40):
        while await running(line) != wanted:
            await asyncio.sleep(0.1)


def pids(line: Loopback) -> dict[int, int]:
    """The processes that lead calls, by worker."""
    found: dict[int, int] = {}
    for process in psutil.Process(line.pid).children():
        if match := re.search(r'"worker": (\d)', " ".join(process.cmdline())):
            found[int(match[1])] = process.pid
    return found


@asynccontextmanager
async def at_each_worker(line: Loopback) -> AsyncIterator[dict[int, httpx.AsyncClient]]:
    """A client for each worker, on a connection that it keeps."""
    clients: dict[int, httpx.AsyncClient] = {}
    async with AsyncExitStack() as stack, asyncio.timeout(30):
        while len(clients) < 2:
            client = httpx.AsyncClient(base_url=line.base_url, trust_env=False, timeout=30.0)
            await stack.enter_async_context(client)
            clients[(await client.get("/healthz")).json()["worker"]] = client
        yield clients


async def call_id_of(line: Loopback, number: str) -> str:
    async with asyncio.timeout(20):
        while not (calls := (await line.http.get("/api/calls", params={"to": number})).json())[
            "calls"
        ]:
            await asyncio.sleep(0.05)
    return str(calls["calls"][0]["call_id"])


@pytest.mark.parametrize("carrier", ["twilio", "exotel"])
async def test_a_call_is_hung_up_by_the_worker_that_does_not_lead_it(
    pair: Loopback, carrier: str
) -> None:
    plan = planned(
        answers(*STAYS), carrier=carrier, disposition="failed", variables={"opening": "Hello " * 40}
    )
    numbers = new_number(), new_number()
    placed: list[asyncio.Task[PlacedCall]] = []
    async with at_each_worker(pair) as clients, asyncio.TaskGroup() as tasks:
        await until_running(pair, {0: 0, 1: 0})
        placed.append(tasks.create_task(place(pair, plan, numbers[0])))
        async with asyncio.timeout(30):
            while sum((led := await running(pair)).values()) < 1:
                await asyncio.sleep(0.05)
        first = next(worker for worker, calls in led.items() if calls)
        placed.append(tasks.create_task(place(pair, plan, numbers[1])))
        await until_running(pair, {0: 1, 1: 1})  # the second went to the other worker
        for number, not_leader in zip(numbers, (1 - first, first), strict=True):
            call_id = await call_id_of(pair, number)
            asked = await clients[not_leader].post(f"/api/calls/{call_id}/hang-up")
            assert asked.status_code == 202, asked.text
    for task in placed:
        call = task.result()
        assert call.problems == ()
        assert call.record["call"]["ended_by"] == "operator"
        again = await pair.http.post(f"/api/calls/{call.record['call']['call_id']}/hang-up")
        assert again.status_code == 409


async def test_calls_of_both_carriers_are_led_to_their_end_half_on_each_worker(
    pair: Loopback,
) -> None:
    await until_running(pair, {0: 0, 1: 0})
    seen: list[dict[int, float]] = []
    async with asyncio.TaskGroup() as tasks:
        calls = [
            tasks.create_task(take(pair, planned(answers(), label=f"{c}{n}", carrier=c)))
            for n in range(2)
            for c in ("twilio", "exotel")
        ]
        while not all(call.done() for call in calls):
            seen.append(await running(pair))
            await asyncio.sleep(0.2)
    assert problems_of([call.result() for call in calls]) == {}
    assert {0: 2.0, 1: 2.0} in seen


def inbound(sid: str) -> dict[str, str]:
    """What Twilio posts when a number of ours is called."""
    return {
        "CallSid": sid,
        "AccountSid": "AC" + "0" * 32,
        "From": "+919812345678",
        "To": PATIENT_NUMBER,
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


async def signed(client: httpx.AsyncClient, path: str, fields: Mapping[str, str]) -> httpx.Response:
    signature = sign(AUTH_TOKEN, f"{client.base_url}{path}".replace("//t", "/t"), fields)
    return await client.post(path, data=dict(fields), headers={"X-Twilio-Signature": signature})


async def test_a_burst_is_answered_up_to_the_places_and_the_rest_hears_a_busy_tone(
    pair: Loopback,
) -> None:
    await until_running(pair, {0: 0, 1: 0})
    refused_before = await refused(pair)
    sids = [f"CA{number:032x}" for number in range(0xB0, 0xB0 + 3 * MAX_CALLS)]
    async with at_each_worker(pair) as clients:
        replies = await asyncio.gather(
            *(
                signed(clients[n % 2], "/telephony/twilio/answer", inbound(sid))
                for n, sid in enumerate(sids)
            )
        )
        assert {reply.status_code for reply in replies} == {200}
        answered = [reply.text for reply in replies if "<Stream" in reply.text]
        busy = [reply.text for reply in replies if '<Reject reason="busy"' in reply.text]
        assert (len(answered), len(busy)) == (MAX_CALLS, 2 * MAX_CALLS)
        async with asyncio.timeout(10):  # workers tell of themselves every second
            while await refused(pair) - refused_before != 2 * MAX_CALLS:
                await asyncio.sleep(0.1)
        ready = await pair.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "full")
        for path, status in (("admit", 302), ("stream-url", 503)):
            exotel = {"CallSid": f"full-{path}", "From": "0981", "To": "0804"}
            asked = await pair.http.get(f"/telephony/exotel/{path}", params=exotel)
            assert asked.status_code == status
        page = (await pair.http.get("/api/calls", params={"status": "busy", "limit": 200})).json()
        of_burst = [call for call in page["calls"] if call["carrier_call_id"] in sids]
        assert len(of_burst) == 2 * MAX_CALLS
        assert {call["disposition"] for call in of_burst} == {"busy"}
        # Who was answered hangs up before the stream: the place is free at once.
        ids = [re.search(r'name="call_id" value="(\w+)"', text) for text in answered]
        first = ids[0]
        assert first is not None
        sid = next(s for s, r in zip(sids, replies, strict=True) if r.text == answered[0])
        over = {**inbound(sid), "CallStatus": "completed"}
        path = f"/telephony/twilio/status?call_id={first[1]}"
        assert (await signed(clients[1], path, over)).status_code == 204
        one_more = await signed(clients[0], "/telephony/twilio/answer", inbound("CA" + "e" * 32))
        assert "<Stream" in one_more.text
        for found in (*ids[1:], re.search(r'name="call_id" value="(\w+)"', one_more.text)):
            assert found is not None
            call = (await pair.http.get(f"/api/calls/{found[1]}")).json()["call"]
            over = {**inbound(call["carrier_call_id"]), "CallStatus": "completed"}
            path = f"/telephony/twilio/status?call_id={found[1]}"
            assert (await signed(clients[0], path, over)).status_code == 204
    assert (await pair.http.get("/readyz")).status_code == 200


async def refused(line: Loopback) -> float:
    text = (await line.http.get("/metrics")).text
    found = re.findall(r"^callwright_refused_calls_total\{.*\} (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


async def test_kill_9_of_a_worker_costs_its_own_calls_only(pair: Loopback) -> None:
    await until_running(pair, {0: 0, 1: 0})
    phones: dict[int, RawTelephone] = {}
    async with asyncio.TaskGroup() as tasks:
        for count in (1, 2):
            phone = RawTelephone("exotel", to=PATIENT_NUMBER)
            tasks.create_task(lenient(phone, pair.base_url))
            await phone.answered.wait()
            async with asyncio.timeout(20):
                while (
                    sum((led := await figures(pair, "callwright_running_calls")).values()) < count
                ):
                    await asyncio.sleep(0.05)
            phones[next(w for w, calls in led.items() if calls and w not in phones)] = phone
        os.kill(pids(pair)[1], signal.SIGKILL)
        during = await take(pair, planned(answers(), label="while one is dead"))
        assert during.problems == ()
        phones[0].press("1")
    survived = await record_of(pair, phones[0], until="ended_at")
    assert (survived["disposition"], survived["outcome"]) == ("completed", {"answer": "agreed"})
    lost = await record_of(pair, phones[1], until="ended_at")
    assert (lost["status"], lost["ended_by"]) == ("lost", "lost")
    await until_both_take_calls(pair)  # it was started again
    after = await asyncio.gather(
        *(take(pair, planned(answers(), label=f"after {n}")) for n in range(2))
    )
    assert problems_of(after) == {}


async def lenient(phone: RawTelephone, base_url: str) -> None:
    """The call of a telephone whose server may be killed."""
    with contextlib.suppress(OSError):
        await phone.call(base_url)


async def record_of(line: Loopback, phone: RawTelephone, *, until: str) -> dict[str, Any]:
    async with asyncio.timeout(40):
        while True:
            page = (await line.http.get("/api/calls", params={"limit": 200})).json()
            for call in page["calls"]:
                if call["carrier_call_id"] == phone.call_sid and call[until]:
                    return call
            await asyncio.sleep(0.2)


async def test_workers_whose_parent_is_killed_stop_too(tmp_path: Path) -> None:
    settings = {"CALLWRIGHT_WORKERS": "2", "CALLWRIGHT_HEARING": '{"en": "none"}'}
    async with loopback(tmp_path, settings) as line:
        await until_both_take_calls(line)
        workers = [psutil.Process(pid) for pid in pids(line).values()]
        os.kill(line.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while any(worker.is_running() for worker in workers):
                await asyncio.sleep(0.1)
    assert "the process that started this worker is gone" in (tmp_path / "server.log").read_text()
