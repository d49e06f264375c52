"""Many calls in one process."""

import asyncio

import psutil
import pytest

from bot.simulation.loopback import Loopback
from telephony.simulator.script import Pause, Press, StayOnLine
from tests.calls.short_flow import answers, planned, problems_of, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = 10
MIB = 1024 * 1024


async def test_calls_leave_no_memory_behind(line: Loopback) -> None:
    """Ten at a time, one group after the other; 100 in a row are a benchmark's."""
    hasty = answers(Pause(200), Press("1"), StayOnLine())
    server = psutil.Process(line.pid)
    resident: list[int] = []
    for _ in range(3):
        calls = await asyncio.gather(*(take(line, planned(hasty)) for _ in range(AT_ONCE)))
        assert problems_of(calls) == {}
        resident.append(server.memory_info().rss)
    assert resident[-1] - resident[0] < 60 * MIB  # after the 30th, and after the 10th
    assert (await line.http.get("/healthz")).json()["running_calls"] == 0
