"""Sixty simulated calls through the real server: three flows, three languages, two carriers.

    python -m benchmarks.simulated_calls [--calls N] [--at-once N] [--way keys|speech]

Callers press keys in every language; in English they also speak, with the voices of
`caller_voices`; they answer what the bot asks, and say yes or no when it asks back. The lines:
Twilio, and Exotel in snake_case and in camelCase, at 8 and at 16 kHz.
All times are the telephone's: from the caller's last sound or key to the bot's first.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from time import monotonic
from typing import Literal

from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from benchmarks.caller_scripts import FlowScripts, Script, tuned_scripts, unseen_scripts
from benchmarks.caller_voices import TUNED, UNSEEN, CallerVoice, caller_voices
from benchmarks.machine import cpu_s
from bot.simulation.caller import NO, YES, Caller, Clip
from bot.simulation.loopback import loopback
from bot.simulation.simulated_calls import PlacedCall, PlannedCall, place_all
from telephony.simulator.exchange import serve_app
from telephony.simulator.party import Party
from telephony.simulator.stream_exotel import ExotelVariant

Way = Literal["keys", "speech"]
LANGUAGES = ("en", "hi", "mr")
HEARD = ("en",)  # languages that the engine of the core installation hears


@dataclass(frozen=True, slots=True)
class LineKind:
    """One of the ways in which a call's audio reaches the server."""

    carrier: str
    sample_rate_hz: int = 8000
    camel_case: bool = False

    @property
    def name(self) -> str:
        spelling = " camelCase" if self.camel_case else ""
        return f"{self.carrier}{spelling} {self.sample_rate_hz // 1000} kHz"


LINES = (
    LineKind("twilio"),
    LineKind("exotel"),
    LineKind("twilio"),
    LineKind("exotel", camel_case=True),
    LineKind("twilio"),
    LineKind("exotel", sample_rate_hz=16_000),
    LineKind("twilio"),
    LineKind("exotel", sample_rate_hz=16_000, camel_case=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A call of the table."""

    call: PlannedCall
    way: Way
    voice: str  # "" for keys
    line: LineKind


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """A call of the table that is over."""

    planned: Planned
    placed: PlacedCall

    @property
    def is_reached(self) -> bool:
        """Whether the record says what the caller meant."""
        return not self.placed.outcome_problems


async def plan(
    calls: int, ways: Sequence[Way], status_url: str, *, is_unseen: bool
) -> tuple[list[Planned], str]:
    """The calls, and a note on voices that are missing here."""
    scripts = (unseen_scripts if is_unseen else tuned_scripts)(status_url)
    async with caller_voices(UNSEEN if is_unseen else TUNED) as (voices, missing):
        planned = await _plan(calls, ways, scripts, voices)
    return planned, f"not installed here: {', '.join(missing)}" if missing else ""


async def _plan(
    calls: int,
    ways: Sequence[Way],
    scripts: Mapping[str, FlowScripts],
    voices: Sequence[CallerVoice],
) -> list[Planned]:
    cells: list[tuple[str, str, Way]] = [
        (flow, language, way)
        for way in ways
        for language in (LANGUAGES if way == "keys" else HEARD)
        for flow in scripts
    ]
    # Half of the calls by keys, half by speech: speech has fewer cells, each with more calls.
    turn: dict[Way, Iterator[tuple[str, str, Way]]] = {
        way: cycle([cell for cell in cells if cell[2] == way]) for way in ways
    }
    makers = {cell: _Maker(cell, scripts[cell[0]], voices) for cell in cells}
    return [await makers[next(turn[ways[i % len(ways)]])].make() for i in range(calls)]


class _Maker:
    """Makes the calls of one cell of the table, each a little different from the last."""

    def __init__(
        self, cell: tuple[str, str, Way], scripts: FlowScripts, voices: Sequence[CallerVoice]
    ) -> None:
        self._flow, self._language = cell[:2]
        self._way: Way = cell[2]
        self._variables = scripts.variables
        # Each flow begins with another voice and another line, so that all pairs come about.
        offset = len(self._flow) + LANGUAGES.index(self._language)
        self._voices = cycle([*voices[offset % len(voices) :], *voices[: offset % len(voices)]])
        self._lines = cycle([*LINES[offset % len(LINES) :], *LINES[: offset % len(LINES)]])
        self._scripts: Mapping[str, Iterator[Script]] = {
            "keys": _turning(scripts.keyed),
            "spoken": _turning(scripts.spoken),
            "recorded": _turning(scripts.recorded),
        }

    async def make(self) -> Planned:
        voice = next(self._voices) if self._way == "speech" else None
        kind = "keys" if voice is None else "recorded" if voice.is_recorded else "spoken"
        script = next(self._scripts[kind])
        line = next(self._lines)
        if script.is_transfer:
            line = LineKind("twilio")  # Exotel transfers by a flow of its own dashboard
        answers = script.answers
        caller = Caller(answers, await _clips(script, voice))
        party = Party.answers(caller.steps, ring_ms=500, sample_rate_hz=line.sample_rate_hz)
        said = "; ".join(answer.words or answer.keys for answer in answers)
        call = PlannedCall(
            label=f"{self._flow} {self._language} {voice.name if voice else 'keys'} "
            f"{line.carrier}: {said}",
            party=party,
            flow=self._flow,
            language=self._language,
            carrier=line.carrier,
            variables=self._variables,
            disposition=script.disposition,
            outcome=script.outcome,
            caller=caller,
        )
        return Planned(call, self._way, voice.name if voice else "", line)


def _turning(scripts: Sequence[Script]) -> Iterator[Script]:
    """All scripts, again and again, each time begun with the next: no voice keeps its script."""
    for turn in count():
        first = turn % len(scripts)
        yield from (*scripts[first:], *scripts[:first])


async def _clips(script: Script, voice: CallerVoice | None) -> dict[str, Clip]:
    """Everything that the caller may have to say."""
    if voice is None:
        return {}
    # Nobody recorded a "yes": there the caller says "one" where he may, or says it all again.
    back = (NO, "one") if voice.is_recorded else (YES, NO)
    texts = (*(answer.words for answer in script.answers), *back)
    return {text: await voice.say(text) for text in dict.fromkeys(texts)}


@asynccontextmanager
async def order_desk() -> AsyncGenerator[str]:
    """A shop's server that says of every order that it is being prepared; gives its URL."""
    app = FastAPI()

    @app.get("/orders/{order_id}")
    async def status(order_id: str) -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"order_id": order_id, "status": "preparing"}

    async with serve_app(app) as url:
        yield f"{url}/orders"


@dataclass(slots=True)
class Load:
    """What the servers took for all calls."""

    wall_s: float = 0.0
    server_cpu_s: float = 0.0


async def place_planned(planned: Sequence[Planned], at_once: int) -> tuple[list[Done], Load]:
    """Place all calls: one server for each spelling of Exotel's messages."""
    done: list[Done] = []
    load = Load()
    for camel_case in (False, True):
        group = {id(item.call): item for item in planned if item.line.camel_case == camel_case}
        if not group:
            continue
        with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
            settings = {"CALLWRIGHT_MAX_CALLS": str(at_once + 4)}
            variant = ExotelVariant(camel_case=camel_case)
            async with loopback(Path(folder), settings, exotel_variant=variant) as line:
                before_s, started_s = cpu_s(line.pid), monotonic()
                calls = [item.call for item in group.values()]
                async for placed in place_all(line, calls, at_once=at_once):
                    done.append(Done(group[id(placed.plan)], placed))
                    _tell(done[-1], len(done), len(planned))
                load.wall_s += monotonic() - started_s
                load.server_cpu_s += cpu_s(line.pid) - before_s
    return done, load


def _tell(done: Done, number: int, of: int) -> None:
    verdict = "; ".join(done.placed.problems) or "reached"
    print(f"{number:>3}/{of}  {done.placed.plan.label}: {verdict}", file=sys.stderr, flush=True)
    for measure in done.placed.measures:
        for hole in measure.holes:
            late_ms = measure.telephone_lateness_ms
            print(
                f"         hole of {hole.length_ms:.0f} ms at {hole.start_ms:.0f} ms; "
                f"the telephone was at most {late_ms:.0f} ms late",
                file=sys.stderr,
                flush=True,
            )
    if done.placed.problems:
        for turn in done.placed.record["turns"]:
            if turn["who"] == "caller":
                heard = f"{turn['text']!r} ({turn['confidence']:.2f}) at {turn['node']}"
                print(f"         heard {heard}", file=sys.stderr, flush=True)


def table(
    done: Sequence[Done], load: Load, at_once: int, note: str, *, is_unseen: bool = False
) -> Table:
    """One row for each flow, language and way; then the sums."""
    which = ", words and voices not seen before" if is_unseen else ""
    made = Table(title=f"{len(done)} calls, {at_once} at once{which}", title_justify="left")
    for column in ("flow", "in", "way"):
        made.add_column(column, no_wrap=True)
    for column in ("placed", "reached", "P50 ms", "P90 ms", "holes", "violations"):
        made.add_column(column, justify="right")
    cells = dict.fromkeys((d.placed.plan.flow, d.placed.plan.language, d.planned.way) for d in done)
    for flow, language, way in sorted(cells, key=lambda cell: (cell[2], cell[0], cell[1])):
        group = [
            item
            for item in done
            if (item.placed.plan.flow, item.placed.plan.language, item.planned.way)
            == (flow, language, way)
        ]
        made.add_row(flow, language, way, *_figures(group))
    for way in dict.fromkeys(item.planned.way for item in done):
        made.add_section()
        made.add_row("all", "", way, *_figures([i for i in done if i.planned.way == way]))
    made.caption = _caption(done, load, note)
    made.caption_justify = "left"
    return made


def _figures(group: Sequence[Done]) -> tuple[str, ...]:
    measures = [measure for item in group for measure in item.placed.measures]
    replies = sorted(reply.latency_ms for measure in measures for reply in measure.replies)
    results = [item.placed.result for item in group]
    return (
        str(len(group)),
        str(sum(item.is_reached for item in group)),
        f"{statistics.median(replies):.0f}" if replies else "-",
        f"{replies[int(0.9 * (len(replies) - 1) + 0.5)]:.0f}" if replies else "-",
        str(sum(len(measure.holes) for measure in measures)),
        str(sum(len(result.violations) for result in results if result)),
    )


def _caption(done: Sequence[Done], load: Load, note: str) -> str:
    voices = sorted({item.planned.voice for item in done if item.planned.voice})
    by_voice = (
        f"{voice} {sum(i.is_reached for i in done if i.planned.voice == voice)}"
        f"/{sum(i.planned.voice == voice for i in done)}"
        for voice in voices
    )
    kinds = dict.fromkeys(item.planned.line for item in done)
    by_line = (
        f"{kind.name} {sum(i.is_reached for i in done if i.planned.line == kind)}"
        f"/{sum(i.planned.line == kind for i in done)}"
        for kind in sorted(kinds, key=lambda kind: kind.name)
    )
    holes = sorted(
        hole.length_ms for item in done for m in item.placed.measures for hole in m.holes
    )
    late = [m.telephone_lateness_ms for item in done for m in item.placed.measures]
    lines = [
        "P50 and P90: the bot's first sound after the caller's last sound or key.",
        f"Reached, by voice: {', '.join(by_voice)}.",
        f"Reached, by line: {', '.join(by_line)}.",
        f"The server took {load.server_cpu_s / max(load.wall_s, 1e-9):.2f} of a core for "
        f"{load.wall_s:.0f} s; the telephones were at most {max(late, default=0.0):.0f} ms late.",
        f"The longest hole in the bot's voice: {holes[-1]:.0f} ms." if holes else "",
        note,
    ]
    return "\n".join(filter(None, lines))


async def run(calls: int, at_once: int, ways: Sequence[Way], *, is_unseen: bool) -> int:
    async with order_desk() as status_url:
        planned, note = await plan(calls, ways, status_url, is_unseen=is_unseen)
        done, load = await place_planned(planned, at_once)
    made = table(done, load, at_once, note, is_unseen=is_unseen)
    Console(width=100, highlight=False).print(made)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--way", choices=("keys", "speech"), default=None, help="only these")
    arguments = parser.parse_args()
    ways: tuple[Way, ...] = (arguments.way,) if arguments.way else ("keys", "speech")
    return asyncio.run(run(arguments.calls, arguments.at_once, ways, is_unseen=False))


if __name__ == "__main__":
    raise SystemExit(main())
