"""Calls by Pipecat's own runner over the carriers' protocols: `python -m bot -t twilio|exotel`."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import httpx
import pytest

from telephony.call import Call
from telephony.database import Database
from telephony.simulator.clock import LineClock
from telephony.simulator.script import Person, Press, StayOnLine, WaitForPrompt
from telephony.simulator.stream_exotel import ExotelStream, ExotelVariant
from telephony.simulator.stream_messages import StreamProtocol
from telephony.simulator.stream_twilio import TwilioStream
from telephony.simulator.telephone import Telephone
from telephony.store import CallStore
from telephony.workers import this_worker

FLOW = """
name: short
title: A question
languages: [en]
start: question
give_up: sorry
variables:
  decision: {outcome: true}
nodes:
  question:
    type: menu
    prompt: {en: "Press 1 for tea."}
    choices:
      tea: {keys: ["1"], set: {decision: tea}, then: bye, phrases: {en: [tea please]}}
    no_input: {then: sorry}
    no_match: {then: sorry}
  bye: {type: hangup, disposition: confirmed, prompt: {en: "Good."}}
  sorry: {type: hangup, disposition: failed, prompt: {en: "Sorry."}}
"""


def streams(carrier: str) -> StreamProtocol:
    if carrier == "twilio":
        return TwilioStream("AC1", "CA1", "MZ1", {})
    return ExotelStream("A1", "C1", "S1", "+911", "+912", 8000, {}, ExotelVariant())


async def last_call(database_path: Path) -> Call:
    database = Database(f"sqlite+aiosqlite:///{database_path}")
    store = CallStore(database, this_worker())
    try:
        async with asyncio.timeout(20.0):
            while True:
                page = await store.list()
                if page.calls and page.calls[0].is_settled:
                    return page.calls[0]
                await asyncio.sleep(0.1)
    finally:
        await database.close()


@pytest.mark.parametrize("carrier", ["twilio", "exotel"])
async def test_a_telephone_completes_a_call_by_the_runner(carrier: str, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "short.yaml").write_text(FLOW, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {
        **{name: value for name, value in os.environ.items() if "CALLWRIGHT_" not in name},
        "CALLWRIGHT_DATA_DIR": str(tmp_path / "data"),
        "CALLWRIGHT_FLOWS_DIR": str(tmp_path / "flows"),
        "CALLWRIGHT_DEFAULT_FLOW": "short",
    }
    command = [sys.executable, "-m", "bot", "-t", carrier, "--port", str(port)]
    if carrier == "twilio":
        command += ["--proxy", "bot.example.com"]
    runner = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until_serving(f"http://localhost:{port}/docs")
        person = Person([WaitForPrompt(), Press("1"), StayOnLine()])
        telephone = Telephone(streams(carrier), person, clock=LineClock())
        result = await telephone.call(f"ws://localhost:{port}/ws")
        call = await last_call(tmp_path / "data" / "callwright.db")
    finally:
        runner.kill()
        await runner.wait()
    assert (result.ended_by, result.violations) == ("bot", ())
    assert (call.carrier, call.disposition, call.outcome) == (
        carrier,
        "confirmed",
        {"decision": "tea"},
    )


async def until_serving(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(60.0):
        while True:
            try:
                if (await http.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def test_a_start_that_fails_says_why_in_one_line_and_ends_with_status_1(
    tmp_path: Path,
) -> None:
    env = {
        **{name: value for name, value in os.environ.items() if "CALLWRIGHT_" not in name},
        "CALLWRIGHT_DATA_DIR": str(tmp_path),
        "CALLWRIGHT_DEFAULT_FLOW": "nope",
    }
    command = [sys.executable, "-m", "bot", "-t", "exotel", "--port", "0"]
    runner = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60.0):
        _, said = await runner.communicate()
    assert runner.returncode == 1
    *_, last = said.decode().splitlines()
    assert last.startswith('CALLWRIGHT_DEFAULT_FLOW: there is no flow "nope"; choose one of')
    assert b"Traceback" not in said
