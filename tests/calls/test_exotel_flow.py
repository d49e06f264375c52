"""Exotel with a flow of its dashboard: Voicebot, then Connect; its streams coded in mu-law."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.simulation.loopback import Loopback, loopback
from tests.calls.raw_telephone import RawTelephone

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESK = "+918047491800"  # behind the name `support`, as the loopback server sets it


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def flow_line(
    flows_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Loopback]:
    """A server whose Exotel calls run through a flow."""
    settings = {
        "CALLWRIGHT_FLOWS_DIR": str(flows_dir),
        "CALLWRIGHT_DEFAULT_FLOW": "short",
        "CALLWRIGHT_EXOTEL__APP_ID": "4711",
        "CALLWRIGHT_EXOTEL__STREAM_ENCODING": "mulaw",
        "CALLWRIGHT_HEARING": '{"en": "none"}',
    }
    async with loopback(tmp_path_factory.mktemp("flow_line"), settings) as running:
        yield running


async def record_when_over(line: Loopback, telephone: RawTelephone) -> dict[str, Any]:
    """The call's record, which is final a moment after the socket closed."""
    async with asyncio.timeout(20):
        while True:
            listed = (await line.http.get("/api/calls")).json()["calls"]
            (call,) = [one for one in listed if one["carrier_call_id"] == telephone.call_sid]
            if call["disposition"]:
                return call
            await asyncio.sleep(0.05)


async def test_the_connect_applet_is_given_the_number_behind_the_desk(
    flow_line: Loopback,
) -> None:
    telephone = RawTelephone("exotel", keys="9", is_mulaw=True)
    asked = {"CallSid": telephone.call_sid}
    await telephone.call(flow_line.base_url)
    passthru = await flow_line.http.get("/telephony/exotel/passthru", params=asked)
    assert passthru.status_code == 302
    answer = await flow_line.http.get("/telephony/exotel/connect", params=asked)
    assert answer.status_code == 200
    assert answer.json()["destination"]["numbers"] == [DESK]
    call = await record_when_over(flow_line, telephone)
    assert (call["disposition"], call["transfer_to"]) == ("transferred", DESK)


@pytest.mark.parametrize("carrier", ["exotel", "twilio"])
async def test_a_second_stream_of_a_call_that_is_over_is_refused(
    flow_line: Loopback, carrier: str
) -> None:
    first = RawTelephone(carrier, keys="1", is_mulaw=carrier == "exotel")
    await first.call(flow_line.base_url)
    await record_when_over(flow_line, first)
    second = RawTelephone(carrier)
    second.call_sid = first.call_sid
    await second.call(flow_line.base_url)
    assert second.close_code == 1008
    assert "is over" in second.close_reason
    assert second.heard_bytes == 0


async def test_mu_law_leaves_in_packets_that_exotel_plays(flow_line: Loopback) -> None:
    telephone = RawTelephone("exotel", keys="1", is_mulaw=True)
    await telephone.call(flow_line.base_url)
    assert telephone.packet_sizes
    assert {(size % 320, size >= 1600) for size in telephone.packet_sizes} == {(0, True)}
    # Two sentences of some seconds: as s16le they would be twice as many bytes.
    assert 8_000 < telephone.heard_bytes < 80_000


async def test_a_rate_that_mu_law_has_not_is_refused(flow_line: Loopback) -> None:
    telephone = RawTelephone("exotel", rate_hz=16000)
    await telephone.call(flow_line.base_url)
    assert telephone.close_code == 1008
    assert "STREAM_ENCODING" in telephone.close_reason
