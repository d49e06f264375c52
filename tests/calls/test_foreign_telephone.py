"""Telephones that know only the carriers' documents, and one of them talks rubbish."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.simulation.loopback import Loopback
from tests.calls.malformed import malformed
from tests.calls.raw_telephone import PATIENT_NUMBER, RawTelephone

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOTH = ("twilio", "exotel")


async def record_of(line: Loopback, telephone: RawTelephone) -> dict[str, Any]:
    """The record of the telephone's call, when it is closed."""
    async with asyncio.timeout(20):
        while True:
            page = (await line.http.get("/api/calls", params={"limit": 200})).json()
            for call in page["calls"]:
                if call["carrier_call_id"] == telephone.call_sid and call["disposition"]:
                    return (await line.http.get(f"/api/calls/{call['call_id']}")).json()
            await asyncio.sleep(0.1)


async def test_a_telephone_written_from_the_documents_completes_a_call(line: Loopback) -> None:
    telephones = [RawTelephone(carrier, keys="1") for carrier in BOTH]
    await asyncio.gather(*(telephone.call(line.base_url) for telephone in telephones))
    for telephone in telephones:
        record = await record_of(line, telephone)
        call = record["call"]
        assert (call["direction"], call["carrier"]) == ("inbound", telephone.carrier)
        assert (call["from"], call["to"]) == ("+919812345678", telephone.to)
        assert (call["disposition"], call["ended_by"]) == ("completed", "bot")
        assert call["outcome"] == {"answer": "agreed"}
        assert [key["digit"] for key in record["keys"]] == ["1"]
        question, goodbye = record["turns"]  # on a busy machine the key cuts the question's end
        assert question["text"] == "Hello. Yes or no?"
        assert question["text"].startswith(question["heard_text"])
        assert goodbye["heard_text"] == "Thank you very much, and goodbye."
        assert telephone.close_code == 1000
        assert telephone.unknown == []
        assert telephone.marks == telephone.echoed  # the last word was played before the close


async def test_five_thousand_malformed_messages_do_not_disturb_a_call(
    line: Loopback, data_dir: Path
) -> None:
    telephones = [RawTelephone(carrier, to=PATIENT_NUMBER, keys="2") for carrier in BOTH]
    for telephone, per_packet in zip(telephones, (20, 100), strict=True):
        telephone.noise.extend(malformed(telephone, 5000, seed=20))
        telephone.noise_per_packet = per_packet
    await asyncio.gather(*(telephone.call(line.base_url) for telephone in telephones))
    for telephone in telephones:
        record = await record_of(line, telephone)
        assert telephone.sent_noise == 5000
        assert (record["call"]["disposition"], record["call"]["ended_by"]) == ("completed", "bot")
        assert record["call"]["outcome"] == {"answer": "refused"}
        assert [key["digit"] for key in record["keys"]] == ["2"]
        assert all(not turn["is_interrupted"] for turn in record["turns"])
        assert all(turn["who"] == "bot" for turn in record["turns"])
        assert telephone.close_code == 1000
    log = (data_dir / "server.log").read_text(encoding="utf-8")
    for telephone in telephones:
        # At most one line a second, whatever comes; it says how many more there were.
        lines = [entry for entry in log.splitlines() if telephone.stream_sid in entry]
        assert 0 < len(lines) < 50
        assert any("more since the last" in entry for entry in lines)
