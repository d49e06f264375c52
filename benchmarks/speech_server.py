"""Twenty clients that leave whenever they like: does the speech server stay what it was?

    python -m benchmarks.speech_server [--minutes 10] [--clients 20] [--engines moonshine,espeak]

A server in a process of its own; first one client alone, then all. Each client does by chance what
calls do: it has a sentence spoken (PCM or mp3), sends a recording, or streams an utterance over the
websocket; half of the times it breaks off at a random moment. Between two turns it pauses as a
caller does. Memory is resident, the server with its child processes, after a tenth of the time
and at the end.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import httpx
import psutil
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.machine import rss_mb

CLIENTS = 20
MINUTES = 10.0
ALONE_TURNS = 60
PAUSE_S = (1.0, 5.0)  # a caller listens and thinks
LEAVES = 0.5  # the share of turns that are broken off
LEAVES_WITHIN_S = 0.5
LIMIT_MB = 60
LIMIT_TIMES = 1.5
SETTLE_S = 15.0
TEXTS = (
    "Please confirm the order number four.",
    "The parcel is ready, and the driver is on the way. Do you want it today or tomorrow?",
    "Thank you. Your table is booked for eight people at half past seven. " * 4,
)


@dataclass
class Seen:
    """What clients saw."""

    first_chunk_s: list[float] = field(default_factory=list[float])
    transcript_s: list[float] = field(default_factory=list[float])
    turns: int = 0
    left: int = 0
    refused: int = 0  # 503: as many streams as may, or too much work
    failed: list[str] = field(default_factory=list[str])


class Client:
    """One client; its chances are its own, so that a run can be repeated."""

    def __init__(self, url: str, recording: bytes, seen: Seen, seed: int, leaves: float) -> None:
        self._url = url
        self._recording = recording  # a WAV
        self._seen = seen
        self._http = httpx.AsyncClient(timeout=60)  # one is 30 ms of work to make
        self._chance = random.Random(seed)
        self._leaves = leaves

    async def run(self, *, until_s: float, turns: int | None = None, pause: bool = True) -> None:
        """Take turns until the time, or their number, is over."""
        kinds = (self._speak, self._send_file, self._stream)
        taken = 0
        while monotonic() < until_s and taken != turns:
            if pause:
                await asyncio.sleep(self._chance.uniform(*PAUSE_S))
            taken += 1
            self._seen.turns += 1
            limit_s = 60.0
            leaves = self._chance.random() < self._leaves
            if leaves:
                limit_s = self._chance.uniform(0, LEAVES_WITHIN_S)
            try:
                async with asyncio.timeout(limit_s):
                    await self._chance.choice(kinds)()
            except TimeoutError:
                if leaves:
                    self._seen.left += 1
                else:
                    self._seen.failed.append("no answer within 60 s")
            except (httpx.HTTPError, ConnectionClosed, OSError) as error:
                self._seen.failed.append(repr(error))
        await self._http.aclose()

    async def _speak(self) -> None:
        body = {
            "model": "tts-1",
            "voice": "alloy",
            "input": self._chance.choice(TEXTS),
            "response_format": self._chance.choice(("pcm", "pcm", "mp3")),
        }
        began_s = monotonic()
        async with self._http.stream("POST", f"{self._url}/v1/audio/speech", json=body) as answer:
            if not self._is_good(answer.status_code):
                return
            async for _ in answer.aiter_bytes():
                if began_s and body["response_format"] == "pcm":
                    self._seen.first_chunk_s.append(monotonic() - began_s)
                began_s = 0.0

    async def _send_file(self) -> None:
        answer = await self._http.post(
            f"{self._url}/v1/audio/transcriptions",
            data={"model": "whisper-1"},
            files={"file": ("a.wav", self._recording)},
        )
        self._is_good(answer.status_code)

    async def _stream(self) -> None:
        start = {"type": "start", "language": "en", "sample_rate_hz": 16_000}
        async with connect(f"ws{self._url.removeprefix('http')}/ws/stream") as socket:
            await socket.send(json.dumps({**start, "partial_every_ms": 500}))
            audio = self._recording[44:]
            for begin in range(0, len(audio), 6_400):
                await socket.send(audio[begin : begin + 6_400])
            await socket.send('{"type": "finish"}')
            began_s = monotonic()
            async for text in socket:
                kind = json.loads(text)["type"]
                if kind == "final":
                    self._seen.transcript_s.append(monotonic() - began_s)
                if kind == "error":
                    self._seen.refused += 1
                if kind in ("final", "error"):
                    return

    def _is_good(self, status: int) -> bool:
        self._seen.refused += status == 503
        if status not in (200, 503):
            self._seen.failed.append(f"status {status}")
        return status == 200


@asynccontextmanager
async def served(engines: str) -> AsyncGenerator[tuple[str, psutil.Process]]:
    """The URL and process of a server."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "speech.server", "--engines", engines, "--port", "0"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(120):
            while not (found := re.search(rb"on (http://\S+)", await process.stderr.readline())):
                if process.stderr.at_eof():
                    raise SystemExit(f"no server: {engines}")
        drain = asyncio.create_task(process.stderr.read())  # what it logs may not stop it
        yield found[1].decode(), psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    await drain


async def in_flight(url: str) -> int:
    """Streams that the server works on."""
    async with httpx.AsyncClient() as http:
        return int((await http.get(f"{url}/readyz")).json()["in_flight"])


async def stuck(url: str) -> int:
    """Streams that are left when all clients have gone."""
    for _ in range(round(SETTLE_S / 0.5)):
        if not await in_flight(url):
            return 0
        await asyncio.sleep(0.5)
    return await in_flight(url)


def p95(values: list[float]) -> float:
    """The 95th percentile; NaN of less than two."""
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else float("nan")


async def recording(url: str) -> bytes:
    """A WAV at 16 kHz that the server says itself."""
    body = {"input": TEXTS[0], "response_format": "wav", "sample_rate_hz": 16_000}
    async with httpx.AsyncClient(timeout=60) as http:
        answer = await http.post(f"{url}/v1/audio/speech", json=body)
    answer.raise_for_status()
    return answer.content


async def measure(engines: str, clients: int, minutes: float) -> int:
    """Run, print, and say whether it held: 0 or 1."""
    async with served(engines) as (url, process):
        said = await recording(url)
        alone, crowd = Seen(), Seen()
        far_s = monotonic() + 600
        await Client(url, said, alone, 0, 0.0).run(until_s=far_s, turns=ALONE_TURNS, pause=False)
        until_s = monotonic() + minutes * 60
        rss: list[tuple[float, float]] = []

        async def watch() -> None:
            while monotonic() < until_s:
                rss.append((monotonic(), rss_mb(process.pid)))
                await asyncio.sleep(1)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            for seed in range(1, clients + 1):
                crowded = Client(url, said, crowd, seed, LEAVES)
                tasks.create_task(crowded.run(until_s=until_s))
        left = await stuck(url)
        children = [child.name() for child in process.children(recursive=True)]
        files = process.num_fds()
        end_mb = rss_mb(process.pid)
    early_mb = statistics.median(mb for _, mb in rss[len(rss) // 10 : len(rss) // 10 + 10])
    report(alone, crowd, clients, minutes)
    encoders = sum("ffmpeg" in name for name in children)
    print(
        f"memory {early_mb:.0f} MB after a tenth, {end_mb:.0f} MB at the end (at most "
        f"{max(mb for _, mb in rss):.0f}); streams left {left}, ffmpeg left {encoders}, "
        f"open files {files}"
    )
    times = p95(crowd.first_chunk_s) / p95(alone.first_chunk_s)
    print(f"p95 of the first chunk: {times:.2f} times one client's (wanted: {LIMIT_TIMES})")
    for failure in sorted(set(crowd.failed + alone.failed))[:10]:
        print(f"failed: {failure}")
    held = not left and not encoders and not crowd.failed and end_mb - early_mb < LIMIT_MB
    return 0 if held else 1


def report(alone: Seen, crowd: Seen, clients: int, minutes: float) -> None:
    """One table."""
    table = Table(title=f"Speech server: {clients} clients for {minutes:g} min, half of them leave")
    for column in ("", "one client, at once again", f"{clients} clients, paced as calls"):
        table.add_column(column, justify="right")
    rows = (
        ("turns", lambda s: str(s.turns)),
        ("broken off by the client", lambda s: str(s.left)),
        ("refused (503)", lambda s: str(s.refused)),
        ("failed", lambda s: str(len(s.failed))),
        ("first chunk of PCM, median, ms", lambda s: _ms(statistics.median(s.first_chunk_s))),
        ("first chunk of PCM, p95, ms", lambda s: _ms(p95(s.first_chunk_s))),
        ("final after finish, median, ms", lambda s: _ms(statistics.median(s.transcript_s))),
        ("final after finish, p95, ms", lambda s: _ms(p95(s.transcript_s))),
    )
    for name, value in rows:
        table.add_row(name, value(alone), value(crowd))
    Console(width=100).print(table)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--engines", default="moonshine,espeak")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(measure(chosen.engines, chosen.clients, chosen.minutes)))


if __name__ == "__main__":
    main()
