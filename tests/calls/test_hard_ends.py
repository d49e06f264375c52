"""Sockets that are refused, and a server that is killed: the reason is told, others go on."""

import asyncio
import io
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bot.live_calls import HANDSHAKES_PER_CALL
from bot.simulation.loopback import Loopback, loopback
from telephony.simulator.script import Pause, Press, StayOnLine
from tests.calls.raw_telephone import PATIENT_NUMBER, RawTelephone
from tests.calls.short_flow import LONG_OPENING, answers, new_number

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAX_CALLS = 4


def settings(flows_dir: Path) -> dict[str, str]:
    return {
        "CALLWRIGHT_FLOWS_DIR": str(flows_dir),
        "CALLWRIGHT_DEFAULT_FLOW": "short",
        "CALLWRIGHT_NUMBERS": f'{{"{PATIENT_NUMBER}": {{"flow": "patient"}}}}',
        "CALLWRIGHT_MAX_CALLS": str(MAX_CALLS),
        "CALLWRIGHT_TIMEOUTS__HANDSHAKE_S": "1",
        "CALLWRIGHT_HEARING": '{"en": "none"}',
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict(
    flows_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Loopback, Path]]:
    """A server with few places and little patience, and its data folder."""
    folder = tmp_path_factory.mktemp("strict")
    async with loopback(folder, settings(flows_dir)) as running:
        yield running, folder


async def closed(socket: ClientConnection) -> tuple[int | None, str]:
    """How the server closed the socket."""
    try:
        async with asyncio.timeout(20):
            async for _ in socket:
                pass
    except ConnectionClosed:
        pass
    return socket.close_code, socket.close_reason or ""


async def record_of(line: Loopback, telephone: RawTelephone) -> dict[str, Any] | None:
    page = (await line.http.get("/api/calls", params={"limit": 200})).json()
    for call in page["calls"]:
        if call["carrier_call_id"] == telephone.call_sid:
            return (await line.http.get(f"/api/calls/{call['call_id']}")).json()
    return None


async def running_calls(line: Loopback) -> int:
    return (await line.http.get("/healthz")).json()["running_calls"]


async def test_a_socket_that_breaks_the_rules_is_closed_and_nobody_else_suffers(
    strict: tuple[Loopback, Path],
) -> None:
    line, folder = strict
    url = line.base_url.replace("http", "ws", 1)
    good = RawTelephone("twilio", to=PATIENT_NUMBER, keys="")
    big, twice = RawTelephone("exotel"), RawTelephone("twilio")
    big.noise.append("x" * ((1 << 20) + 1))
    twice.noise.append(json.dumps({**twice.real("start")}))
    big.noise_per_packet = twice.noise_per_packet = 1
    async with asyncio.TaskGroup() as tasks:
        other = tasks.create_task(good.call(line.base_url))
        await good.answered.wait()
        # One at a time, so that the places are never all taken.
        for telephone in (big, twice):
            await telephone.call(line.base_url)
        for path in ("twilio", "exotel"):
            async with connect(f"{url}/telephony/{path}/stream", proxy=None) as mute:
                code, reason = await closed(mute)
                assert (code, reason.startswith("No start message within 1 s")) == (1008, True)
        good.press("1")
        await other
    assert (big.close_code, twice.close_code) == (1009, 1002)
    assert "limit is 1048576" in big.close_reason
    assert "second start" in twice.close_reason
    log = (folder / "server.log").read_text(encoding="utf-8")
    for telephone in (big, twice):
        assert telephone.close_reason in log
        record = await record_of(line, telephone)
        assert record is not None
        assert (record["call"]["status"], record["call"]["ended_by"]) == ("completed", "carrier")
    assert "No start message within 1 s" in log
    record = await record_of(line, good)
    assert record is not None
    assert record["call"]["outcome"] == {"answer": "agreed"}
    assert record["call"]["disposition"] == "completed"


async def test_sockets_that_say_nothing_keep_no_caller_out(
    strict: tuple[Loopback, Path],
) -> None:
    line, _ = strict
    url = line.base_url.replace("http", "ws", 1)
    caller = RawTelephone("twilio", to=PATIENT_NUMBER, keys="1")
    async with AsyncExitStack() as sockets:
        for _ in range(MAX_CALLS * HANDSHAKES_PER_CALL + 2):  # more than have room
            mute = connect(f"{url}/telephony/twilio/stream", proxy=None)
            await sockets.enter_async_context(mute)
        await caller.call(line.base_url)
    record = await record_of(line, caller)
    assert record is not None
    assert record["call"]["outcome"] == {"answer": "agreed"}


async def test_a_call_over_the_limit_is_refused_and_those_within_go_on(
    strict: tuple[Loopback, Path],
) -> None:
    line, folder = strict
    async with asyncio.timeout(20):
        while await running_calls(line):  # of another test
            await asyncio.sleep(0.05)
    within = [RawTelephone("twilio", to=PATIENT_NUMBER) for _ in range(MAX_CALLS)]
    over = RawTelephone("exotel")
    async with asyncio.TaskGroup() as tasks:
        for telephone in within:
            tasks.create_task(telephone.call(line.base_url))
        for telephone in within:
            await telephone.answered.wait()
        ready = await line.http.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "full")
        assert (await line.http.get("/healthz")).status_code == 200
        await over.call(line.base_url)
        body = {"to": new_number(), "flow": "short", "carrier": "twilio"}
        placed = await line.http.post("/api/voice/call/initiate", json=body)
        for telephone in within:
            telephone.press("2")
    assert (placed.status_code, placed.json()["type"]) == (503, "urn:callwright:full")
    assert int(placed.headers["retry-after"]) > 0
    assert over.close_code == 1013
    assert f"CALLWRIGHT_MAX_CALLS is {MAX_CALLS}" in over.close_reason
    assert over.close_reason in (folder / "server.log").read_text(encoding="utf-8")
    for telephone in within:
        record = await record_of(line, telephone)
        assert record is not None
        assert record["call"]["outcome"] == {"answer": "refused"}
    assert await record_of(line, over) is None


async def test_what_was_said_before_kill_9_is_on_record_and_the_call_is_closed_as_lost(
    flows_dir: Path, tmp_path: Path
) -> None:
    number = new_number()
    body = {"to": number, "flow": "short", "carrier": "twilio"}
    body["variables"] = {"opening": LONG_OPENING}
    async with loopback(tmp_path, settings(flows_dir)) as line:
        line.parties[number] = answers(Pause(6_000), Press("5"), StayOnLine())
        call_id = (await line.http.post("/api/voice/call/initiate", json=body)).json()["call_id"]
        async with asyncio.timeout(20):
            while not (before := (await line.http.get(f"/api/calls/{call_id}")).json())["keys"]:
                await asyncio.sleep(0.05)
        os.kill(line.pid, signal.SIGKILL)
        await until_gone(line)
    texts = [turn["text"] for turn in before["turns"]]
    assert turns_in(tmp_path / "callwright.db", call_id)[: len(texts)] == texts
    async with loopback(tmp_path, settings(flows_dir)) as line:
        after = (await line.http.get(f"/api/calls/{call_id}")).json()
        call = after["call"]
        assert (call["status"], call["disposition"], call["ended_by"]) == ("lost", "failed", "lost")
        assert "died" in call["failure_reason"]
        assert call["ended_at"] is not None
        assert [turn["text"] for turn in after["turns"]][: len(texts)] == texts
        assert after["turns"][0]["text"].startswith("One potato")
        assert [key["digit"] for key in after["keys"]] == ["5"]
        assert call["has_recording"]
        heard = await line.http.get(f"/api/calls/{call_id}/recording")
        assert heard.status_code == 200, heard.text
        _, bot = soundfile.read(io.BytesIO(heard.content), dtype="int16")[0].T
        assert abs(bot).max() > 1_000  # all but its last seconds
        assert (await line.http.get("/healthz")).json()["running_calls"] == 0


async def until_gone(line: Loopback) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await line.http.get("/healthz")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)


def turns_in(database: Path, call_id: str) -> list[str]:
    """The texts of a call's turns, read as any program would that finds the file."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT text FROM turns WHERE call_id = ? ORDER BY start_ms", [call_id]
        )
        return [str(text) for (text,) in rows]
