"""A real server in a process of its own, with the simulated carriers as its carriers."""

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.errors import StartFailed
from bot.settings import environment_of_child
from telephony.simulator import carrier_exotel, carrier_twilio
from telephony.simulator.carrier_exotel import SimulatedExotel
from telephony.simulator.carrier_twilio import SimulatedTwilio
from telephony.simulator.party import Party
from telephony.simulator.stream_exotel import ExotelVariant

START_TIMEOUT_S = 60.0
TWILIO_NUMBER = "+15005550006"
EXOTEL_NUMBER = "08047491899"

Carrier = SimulatedTwilio | SimulatedExotel


@dataclass(frozen=True, slots=True)
class Loopback:
    """The server, over HTTP, and the carriers that it calls through."""

    base_url: str
    http: httpx.AsyncClient
    twilio: SimulatedTwilio
    exotel: SimulatedExotel
    parties: dict[str, Party]  # who answers which number; more may be added
    pid: int

    def carrier(self, name: str) -> Carrier:
        """The simulated carrier of that name."""
        return self.twilio if name == "twilio" else self.exotel


@asynccontextmanager
async def loopback(
    data_dir: Path,
    settings: Mapping[str, str] | None = None,
    *,
    exotel_variant: ExotelVariant | None = None,
    keep_ours: bool = False,
) -> AsyncGenerator[Loopback]:
    """Start the carriers and the server; its log goes to `server.log` in the data folder.

    `settings`: further variables of the environment. `exotel_variant`: how Exotel's messages are
    spelled. `keep_ours`: the settings of our own environment hold for the server too.

    Raises:
        StartFailed: the server did not come up; holds the end of its log.
    """
    parties: dict[str, Party] = {}

    def party(number: str) -> Party:
        return parties.get(number, Party.unreachable())

    async with AsyncExitStack() as stack:
        twilio, exotel = SimulatedTwilio(party), SimulatedExotel(party)
        wanted = {
            **_carrier_settings(
                await stack.enter_async_context(twilio.serve()),
                await stack.enter_async_context(exotel.serve()),
            ),
            **(settings or {}),
        }
        port = free_port()
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30.0)
        )
        server = await _start(port, data_dir, wanted, keep_ours=keep_ours)
        stack.push_async_callback(stop_server, server)
        await _until_ready(http, server, data_dir / "server.log")
        yield Loopback(
            base_url=f"http://127.0.0.1:{port}",
            http=http,
            twilio=twilio,
            exotel=exotel,
            parties=parties,
            pid=server.pid,
        )


def _carrier_settings(twilio_url: str, exotel_url: str) -> dict[str, str]:
    return {
        "CALLWRIGHT_TWILIO__ACCOUNT_SID": carrier_twilio.ACCOUNT_SID,
        "CALLWRIGHT_TWILIO__AUTH_TOKEN": carrier_twilio.AUTH_TOKEN,
        "CALLWRIGHT_TWILIO__FROM_NUMBER": TWILIO_NUMBER,
        "CALLWRIGHT_TWILIO__API_BASE_URL": twilio_url,
        "CALLWRIGHT_EXOTEL__ACCOUNT_SID": carrier_exotel.ACCOUNT_SID,
        "CALLWRIGHT_EXOTEL__API_KEY": carrier_exotel.API_KEY,
        "CALLWRIGHT_EXOTEL__API_TOKEN": carrier_exotel.API_TOKEN,
        "CALLWRIGHT_EXOTEL__FROM_NUMBER": EXOTEL_NUMBER,
        "CALLWRIGHT_EXOTEL__API_BASE_URL": exotel_url,
        "CALLWRIGHT_BUSINESS__OUTCOME_SECRET": secrets.token_hex(16),
        "CALLWRIGHT_BUSINESS__ALLOW_PRIVATE_OUTCOME_URLS": "true",
        "CALLWRIGHT_DESKS": '{"support": "+918047491800"}',
        # The telephones run on this machine, too: it is busier than with real ones.
        "CALLWRIGHT_MAX_LOOP_LAG_MS": "0",
    }


async def _start(
    port: int, data_dir: Path, settings: Mapping[str, str], *, keep_ours: bool
) -> asyncio.subprocess.Process:
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    options = ["--port", str(port), "--data-dir", str(data_dir)]
    with open(data_dir / "server.log", "ab") as log:  # noqa: ASYNC230 - a local file, once
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "serve", *options),
            env=environment_of_child(settings, keep_ours=keep_ours),
            stdout=log,
            stderr=log,
        )


async def _until_ready(
    http: httpx.AsyncClient, server: asyncio.subprocess.Process, log_path: Path
) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while server.returncode is None:
                try:
                    if (await http.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass  # it does not listen yet
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    log = await asyncio.to_thread(log_path.read_text, encoding="utf-8", errors="replace")
    end = "\n".join(log.splitlines()[-5:])
    raise StartFailed(f"The server did not start. The end of {log_path}:\n{end}")


async def stop_server(server: asyncio.subprocess.Process) -> None:
    """Ask a process to end, and make it after 15 s."""
    if server.returncode is not None:
        return
    server.terminate()
    try:
        async with asyncio.timeout(15.0):
            await server.wait()
    except TimeoutError:
        server.kill()
        await server.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
