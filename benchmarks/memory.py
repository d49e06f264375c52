"""Three hundred calls in one server, six at a time: does its memory stay where it was?

    python -m benchmarks.memory [--calls 300] [--at-once 6]

Each call is heard, spoken to, recorded and written down; callers say "yes" or press a key, on
Twilio and on Exotel in turn. Memory is resident, the server with its speaking process.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from benchmarks.machine import rss_mb
from bot.simulation.caller import Clip
from bot.simulation.loopback import loopback
from bot.simulation.simulated_calls import PlannedCall, place_all
from bot.simulation.vendor_voices import clips
from speech.registry import make_synthesizer
from telephony.simulator.party import Party
from telephony.simulator.script import Press, Speak, StayOnLine, Step, WaitForPrompt

FLOW = """\
name: short
title: One short question
languages: [en]
start: question
give_up: goodbye
variables:
  decision: {outcome: true}
nodes:
  question:
    type: menu
    prompt: {en: "Ready?"}
    choices:
      ready: {keys: ["1"], builtin: "yes", set: {decision: ready}, then: goodbye}
      later: {keys: ["2"], builtin: "no", set: {decision: later}, then: goodbye}
    no_input: {then: goodbye}
    no_match: {then: goodbye}
  goodbye:
    type: hangup
    disposition: completed
    prompt: {en: "Bye."}
"""
LIMIT_MB = 60  # between the tenth call and the last
FIRST = 10
CALLS = 300
AT_ONCE = 6
YES = "yes, I agree"  # what the ear never doubts in that voice: nobody here says it twice


def _call(index: int, yes: Clip) -> PlannedCall:
    answer: Step = Press("1") if index % 2 else Speak(yes.pcm, yes.sample_rate_hz, yes.text)
    carrier = "twilio" if index % 4 < 2 else "exotel"
    return PlannedCall(
        label=f"call {index + 1}",
        party=Party.answers([WaitForPrompt(quiet_ms=300), answer, StayOnLine()], ring_ms=50),
        flow="short",
        language="en",
        carrier=carrier,
        variables={},
        disposition="completed",
        outcome={"decision": "ready"},
    )


async def _yes() -> Clip:
    engine = make_synthesizer("espeak")
    await engine.start()
    try:
        return (await clips(engine, [YES], voice="en-us+m3"))[YES]
    finally:
        await engine.close()


async def _run(calls: int, at_once: int) -> int:
    yes = await _yes()
    rss: dict[int, float] = {}
    problems = 0
    started_s = monotonic()
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        flows_dir = Path(folder) / "flows"
        flows_dir.mkdir()
        (flows_dir / "short.yaml").write_text(FLOW, encoding="utf-8")
        settings = {"CALLWRIGHT_FLOWS_DIR": str(flows_dir)}
        async with loopback(Path(folder) / "data", settings) as line:
            rss[0] = rss_mb(line.pid)
            plans = [_call(index, yes) for index in range(calls)]
            async for call in place_all(line, plans, at_once=at_once):
                rss[len(rss)] = rss_mb(line.pid)
                if call.problems:
                    problems += 1
                    print(f"{call.plan.label}: {'; '.join(call.problems)}", file=sys.stderr)
                if len(rss) % 10 == 1:
                    print(f"{len(rss) - 1} calls: {rss[len(rss) - 1]:.0f} MB", file=sys.stderr)
    _print(rss, at_once, problems, monotonic() - started_s)
    return 0


def _print(rss: dict[int, float], at_once: int, problems: int, wall_s: float) -> None:
    last = max(rss)
    first = min(FIRST, last)
    table = Table(title=f"{last} calls, {at_once} at a time", title_justify="left")
    table.add_column("after call", justify="right")
    table.add_column("memory MB", justify="right")
    table.add_column(f"more than after call {first}", justify="right")
    for call in sorted({0, first, last // 4, last // 2, 3 * last // 4, last}):
        table.add_row(str(call), f"{rss[call]:.1f}", f"{rss[call] - rss[first]:+.1f}")
    most = max(rss[call] for call in rss if call >= first) - rss[first]
    table.caption = (
        f"At any time at most {most:+.1f} MB; the limit is {LIMIT_MB}. {problems} calls did "
        f"not end as they were meant. {wall_s:.0f} s in all."
    )
    table.caption_justify = "left"
    Console(width=100, highlight=False).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    arguments = parser.parse_args()
    return asyncio.run(_run(arguments.calls, arguments.at_once))


if __name__ == "__main__":
    raise SystemExit(main())
