"""The bots that are measured side by side, each a server in a process of its own that is called."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from bot.errors import StartFailed
from bot.settings import environment_of_child
from bot.simulation.loopback import free_port, loopback, stop_server
from telephony.simulator.call_state import CallResult
from telephony.simulator.carrier_twilio import SimulatedTwilio
from telephony.simulator.party import Party

FLOWS: Final = Path(__file__).parent / "flows"
NODES: Final = ("answers", "days", "number", "digits", "speech", "statement")
"""Where in a flow a caller can be: `bench_NAME.yaml` each. They are called by number."""

CALL_TIMEOUT_S: Final = 300.0
START_TIMEOUT_S: Final = 60.0
NUMBERS: Final = {node: f"+1500555010{index}" for index, node in enumerate(NODES)}


@dataclass(frozen=True, slots=True)
class Peer:
    """A bot that takes calls at the simulated Twilio."""

    name: str
    pid: int
    call: Callable[[str, Party], Awaitable[CallResult]]
    """Lets a party call the node of that name; the result when the call is over."""
    answer_url: Callable[[str], str]
    """The voice webhook of the node of that name."""


@asynccontextmanager
async def ours(settings: Mapping[str, str] | None = None) -> AsyncGenerator[Peer]:
    """`callwright serve` with its own settings, on the flows of this folder.

    `settings`: further variables of its environment. Raises StartFailed.
    """
    numbers = {number: {"flow": f"bench_{node}"} for node, number in NUMBERS.items()}
    wanted = {
        "CALLWRIGHT_FLOWS_DIR": str(FLOWS),
        "CALLWRIGHT_NUMBERS": json.dumps(numbers),
        "CALLWRIGHT_MAX_CALLS": "200",
        **(settings or {}),
    }
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        async with loopback(Path(folder), wanted) as line:

            def answer_url(_: str) -> str:
                return f"{line.base_url}/telephony/twilio/answer"

            yield Peer("ours", line.pid, _caller(line.twilio, answer_url), answer_url)


@asynccontextmanager
async def stock() -> AsyncGenerator[Peer]:
    """Pipecat's own pipeline: see `stock_pipecat`. Raises StartFailed."""
    port = free_port()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="stock-bench-"))
        log_path = Path(folder) / "server.log"
        twilio = SimulatedTwilio({})
        await stack.enter_async_context(twilio.serve())
        with log_path.open("ab") as log:
            server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.stock_pipecat", "--port", str(port)),
                env=environment_of_child({}, keep_ours=False),
                stdout=log,
                stderr=log,
            )
        stack.push_async_callback(stop_server, server)
        await _until_it_listens(server, f"http://127.0.0.1:{port}/docs", log_path)

        def answer_url(node: str) -> str:
            sentence = "long" if node == "statement" else "short"
            return f"http://127.0.0.1:{port}/?sentence={sentence}"

        yield Peer("stock", server.pid, _caller(twilio, answer_url), answer_url)


def _caller(
    twilio: SimulatedTwilio, answer_url: Callable[[str], str]
) -> Callable[[str, Party], Awaitable[CallResult]]:
    numbers = count(1)

    async def call(node: str, party: Party) -> CallResult:
        from_number = f"+9198{next(numbers):08d}"
        sid = await twilio.ring(from_number, NUMBERS[node], answer_url(node), party)
        result = await twilio.wait_for_call(sid, CALL_TIMEOUT_S)
        twilio.forget(sid)
        return result

    return call


async def _until_it_listens(server: asyncio.subprocess.Process, url: str, log_path: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while server.returncode is None:
                    try:
                        await http.get(url)
                        return
                    except httpx.TransportError:
                        await asyncio.sleep(0.1)
        except TimeoutError:
            pass
    log = await asyncio.to_thread(log_path.read_text, encoding="utf-8", errors="replace")
    raise StartFailed(f"The stock pipeline did not start:\n{log[-2000:]}")
