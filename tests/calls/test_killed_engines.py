"""The speech server dies in the middle of a call: nothing of what the bot says is lost, and the
caller's answer is understood."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.simulation.caller import Clip
from telephony.records import Who
from tests.calls.conftest import YES
from tests.calls.own_server import OwnServer, own_server
from tests.calls.raw_telephone import RawTelephone
from tests.calls.short_flow import LONG_OPENING, PATIENT
from tests.calls.test_speaking import bot_turns, packets, until
from tests.speech.server.server_process import process

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

TELLS = PATIENT.replace(
    'opening: {default: "Hello."', f'opening: {{default: "{LONG_OPENING}"'
).replace("Thank you very much, and goodbye.", "Thank you, you have {{ answer }}. Goodbye.")
"""What stands in it was not said before, so an engine has to say it."""

IN_THE_OPENING = "1:820"
AT_ITS_END = "1:end"


def through(url: str) -> Mapping[str, Any]:
    """Settings: the speech server first, the engines of the process behind it."""
    return {
        "engines": {"far": {"engine": "remote", "base_url": url}},
        "hearing": {"en": ("far", "moonshine")},
        "speaking": {"en": ("far", "espeak")},
    }


def failures(server: OwnServer) -> dict[str, int]:
    """Of each engine that failed."""
    services = server.services
    ears = {f"hears {member.name}": member.failures for member in services.ears.members}
    mouths = {f"speaks {member.name}": member.failures for member in services.mouths.members}
    return {name: count for name, count in (ears | mouths).items() if count}


async def test_the_call_goes_on_with_the_next_engines(
    tmp_path: Path, voices: Mapping[str, Clip]
) -> None:
    phone = RawTelephone("twilio")
    with process("--engines", "moonshine,espeak") as (running, url):

        async def kill_and_answer() -> None:
            await until(phone, IN_THE_OPENING)
            running.kill()
            await until(phone, AT_ITS_END)
            phone.speech.extend(packets(voices[YES]))

        async with own_server(tmp_path, TELLS, **through(url)) as server:
            record, _ = await asyncio.gather(server.take(phone), kill_and_answer())
        assert failures(server).keys() == {"hears far", "speaks far"}
    assert record.turns[0].heard_text.startswith(LONG_OPENING)
    assert any(turn.who is Who.CALLER and turn.text for turn in record.turns)
    assert bot_turns(record)[-1].heard_text == "Thank you, you have agreed. Goodbye."
    assert record.call.outcome["answer"] == "agreed"


async def test_a_speech_server_that_was_down_at_the_start_is_used_once_it_is_there(
    tmp_path: Path,
) -> None:
    nowhere = through("http://127.0.0.1:9")
    phone = RawTelephone("twilio", keys="1")
    async with own_server(tmp_path, TELLS, **nowhere) as server:
        record = await server.take(phone)
        started = {member.name: member.is_started for member in server.services.mouths.members}
    assert started == {"far": False, "espeak": True}
    assert record.call.outcome["answer"] == "agreed"
