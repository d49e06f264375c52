"""Calls at once: how soon each is answered, and what its caller hears of holes in the voice.

    python -m benchmarks.many_calls [--levels 1,8,16,24] [--peer stock|ours|ours-2] [--quick]

Callers answer a question with one or two words that the flow expects, again and again, all at the
same time; ours and Pipecat's own pipeline one after the other in one run. The telephones run on the
same cores as the server, and cost it a part of them (see the table). A peer has failed a level when
P90 is over 0.8 s or there is more than one hole a minute behind a jitter buffer of 60 ms; it is
not asked for more after two levels that it failed.
"""

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.clip_sources import clip_sources
from benchmarks.light_telephone import RATE_HZ, Clip, LightTelephone
from benchmarks.machine import cpu_s, rss_mb
from benchmarks.many_calls_plot import save_plot
from benchmarks.peers import NUMBERS, Peer
from benchmarks.turn_scoring import percentile
from benchmarks.turn_trials import turns_of
from benchmarks.utterances import Kind, utterances
from telephony.simulator.carrier_twilio import ACCOUNT_SID, AUTH_TOKEN
from telephony.simulator.measure import holes
from telephony.simulator.twilio_signature import sign

PEERS: Final = ("stock", "ours", "ours-2")
LEVELS: Final = (1, 8, 16, 24, 32, 40, 48)
QUICK_LEVELS: Final = (1, 8, 24)
TURNS: Final = 8
BEGIN_OVER_S: Final = 6.0  # calls begin one after the other over this long
MOST_P90_MS: Final = 800.0
MOST_HOLES_A_MINUTE: Final = 1.0
PLOT: Final = Path(__file__).parent.parent / "docs" / "images" / "many_calls.png"


@dataclass(frozen=True, slots=True)
class Level:
    """So many calls at once, and what became of them."""

    calls: int
    failed_calls: int  # refused or broken
    latencies_ms: tuple[float, ...]
    unanswered: int  # turns without a reply
    holes_a_minute: float
    server_cores: float
    telephone_cores: float
    telephone_late_ms: float
    idle_mb: float  # before any of them
    live_mb: float  # while all talked, the most

    @property
    def p90_ms(self) -> float:
        """Of the replies; a turn without one counts as endless."""
        values = [*self.latencies_ms, *[float("inf")] * self.unanswered]
        return percentile(values, 90) or float("inf")

    @property
    def is_good(self) -> bool:
        """Whether so many calls can be held."""
        return (
            not self.failed_calls
            and self.p90_ms <= MOST_P90_MS
            and self.holes_a_minute <= MOST_HOLES_A_MINUTE
        )


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def _clips() -> list[Clip]:
    async with clip_sources() as sources:
        material = await utterances(sources, "reporting")
    expected = [one for one in material if one.kind is Kind.SHORT and one.node == "answers"]
    return [Clip.of(one.name, one.pcm) for one in expected]


async def _place(http: httpx.AsyncClient, url: str, index: int, phone: LightTelephone) -> None:
    call_sid = "CA" + uuid.uuid4().hex
    form = {
        "AccountSid": ACCOUNT_SID,
        "CallSid": call_sid,
        "CallStatus": "ringing",
        "Direction": "inbound",
        "From": f"+9198{index:08d}",
        "To": NUMBERS["answers"],
    }
    headers = {"X-Twilio-Signature": sign(AUTH_TOKEN, url, form)}
    answer = await http.post(url, data=form, headers=headers)
    answer.raise_for_status()
    await phone.call(answer.text, call_sid)


async def _level(peer: Peer, calls: int, clips: Sequence[Clip]) -> Level:
    """Place so many calls, and score them when all are over."""
    phones = [
        LightTelephone(
            [clips[(3 * index + turn) % len(clips)] for turn in range(TURNS)], seed=7 * index
        )
        for index in range(calls)
    ]
    url = peer.answer_url("answers")
    idle_mb = live_mb = rss_mb(peer.pid)
    begun_s, server_s, own_s = time.monotonic(), cpu_s(peer.pid), time.process_time()
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:

        async def one(index: int, phone: LightTelephone) -> None:
            await asyncio.sleep(index * BEGIN_OVER_S / calls)
            await _place(http, url, index, phone)

        running = [asyncio.create_task(one(*each)) for each in enumerate(phones)]
        while not all(task.done() for task in running):
            live_mb = max(live_mb, rss_mb(peer.pid))
            await asyncio.wait(running, timeout=2.0)
    wall_s = time.monotonic() - begun_s
    server_s, own_s = cpu_s(peer.pid) - server_s, time.process_time() - own_s
    failures = [task.exception() for task in running if task.exception() is not None]
    for failure in failures[:1]:
        tell(f"{peer.name}, {calls} calls: {failure!r}")
    latencies: list[float] = []
    unanswered = hole_count = 0
    minutes = 0.0
    for phone, task in zip(phones, running, strict=True):
        if task.exception() is not None:
            continue
        recording = phone.recording()
        turns = turns_of(recording).values()
        latencies += [turn.latency_ms for turn in turns if turn.latency_ms is not None]
        unanswered += sum(turn.latency_ms is None and not turn.is_cut for turn in turns)
        hole_count += len(holes(recording.played, recording.supplied, RATE_HZ))
        minutes += recording.duration_ms / 60_000
    return Level(
        calls=calls,
        failed_calls=len(failures),
        latencies_ms=tuple(latencies),
        unanswered=unanswered,
        holes_a_minute=hole_count / minutes if minutes else 0.0,
        server_cores=server_s / wall_s,
        telephone_cores=own_s / wall_s,
        telephone_late_ms=max(phone.worst_lateness_ms for phone in phones),
        idle_mb=idle_mb,
        live_mb=live_mb,
    )


def _server(name: str) -> AbstractAsyncContextManager[Peer]:
    if name == "stock":
        return peers.stock()
    return peers.ours({"CALLWRIGHT_WORKERS": "2"} if name == "ours-2" else None)


async def _run(names: Sequence[str], levels: Sequence[int], *, saves: bool) -> int:
    clips = await _clips()
    found: dict[str, list[Level]] = {}
    for name in names:
        found[name] = []
        for calls in levels:
            async with _server(name) as peer:
                await _level(peer, 1, clips[:2])  # wakes the server up
                level = await _level(peer, calls, clips)
            found[name].append(level)
            tell(f"{name}: {calls} calls, P90 {level.p90_ms:.0f} ms, {level.holes_a_minute:.1f}")
            if len(found[name]) > 1 and not any(each.is_good for each in found[name][-2:]):
                break
    Console(width=110, highlight=False).print(_table(found))
    if saves:
        save_plot({name: [_point(level) for level in found[name]] for name in found}, PLOT)
    return 0


def _point(level: Level) -> tuple[int, float, float]:
    return level.calls, level.p90_ms, level.holes_a_minute


def _table(found: dict[str, list[Level]]) -> Table:
    table = Table(title="Calls at once, on this machine's cores", title_justify="left")
    headings = ("", "calls", "replies", "P50 s", "P90 s", "holes/min", "server", "telephones")
    for heading in (*headings, "MB a call", "held"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, levels in found.items():
        single_mb = next((each.live_mb for each in levels if each.calls == 1), None)
        for level in levels:
            more = level.calls - 1
            a_call = f"{(level.live_mb - single_mb) / more:.1f}" if single_mb and more else ""
            half = percentile(level.latencies_ms, 50) or float("inf")
            table.add_row(
                name,
                str(level.calls),
                f"{len(level.latencies_ms)} of {len(level.latencies_ms) + level.unanswered}",
                f"{half / 1000:.2f}",
                f"{level.p90_ms / 1000:.2f}",
                f"{level.holes_a_minute:.1f}",
                f"{level.server_cores:.2f}",
                f"{level.telephone_cores:.2f} (late {level.telephone_late_ms:.0f} ms)",
                a_call,
                "yes" if level.is_good else "no",
            )
        table.add_section()
    best = {
        name: max((each.calls for each in levels if each.is_good), default=0)
        for name, levels in found.items()
    }
    table.caption = (
        f"Held: P90 at most {MOST_P90_MS / 1000:g} s and {MOST_HOLES_A_MINUTE:g} hole a minute "
        "behind a 60 ms jitter buffer. Most calls held: "
        + ", ".join(f"{name} {count}" for name, count in best.items())
        + ". Server and telephones in cores."
    )
    table.caption_justify = "left"
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_LEVELS} calls")
    parser.add_argument("--levels", default="", help="calls at once, with commas between")
    parser.add_argument("--peer", choices=PEERS, action="append", help="only these")
    arguments = parser.parse_args()
    levels = [int(each) for each in arguments.levels.split(",") if each]
    levels = levels or list(QUICK_LEVELS if arguments.quick else LEVELS)
    names: list[str] = arguments.peer or list(PEERS)
    return asyncio.run(_run(names, levels, saves=len(names) == len(PEERS)))


if __name__ == "__main__":
    raise SystemExit(main())
