"""`callwright simulate`: many calls, measured from the telephone's side."""

import statistics
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.simulation.call_command import FLOW, HEARD_LANGUAGES, VARIABLES, VENDOR_VOICE
from bot.simulation.loopback import loopback
from bot.simulation.simulated_calls import PlacedCall, PlannedCall, place_all
from bot.simulation.vendor_voices import clips
from bot.simulation.vendors import Vendor, caller, party, texts
from speech.registry import make_synthesizer


async def run_simulation(
    *,
    calls: int,
    at_once: int,
    vendors: Sequence[Vendor],
    language: str,
    carriers: Sequence[str],
    data_dir: Path,
) -> int:
    """Place the calls and print a table; the exit status is 0 when all went as they were meant."""
    console = Console(highlight=False)
    plans = await _plans(calls, vendors, language, carriers)
    placed: list[PlacedCall] = []
    async with loopback(
        data_dir, {"CALLWRIGHT_MAX_CALLS": str(max(20, at_once))}, keep_ours=True
    ) as line:
        async for call in place_all(line, plans, at_once=at_once):
            placed.append(call)
            verdict = "; ".join(call.problems) or "as meant"
            console.print(f"{len(placed):>3}/{calls}  {call.plan.label}: {verdict}", markup=False)
    console.print(_table(placed))
    return 1 if any(call.problems for call in placed) else 0


async def _plans(
    calls: int, vendors: Sequence[Vendor], language: str, carriers: Sequence[str]
) -> list[PlannedCall]:
    speaks = language in HEARD_LANGUAGES
    engine = make_synthesizer("espeak")
    await engine.start()
    try:
        said = {text for vendor in vendors for text in texts(vendor, speaks=speaks)}
        voices = await clips(engine, said, voice=VENDOR_VOICE)
    finally:
        await engine.close()
    # A machine that answers is noticed by Twilio; Exotel has no such service.
    pairs = [
        (vendor, carrier)
        for vendor in vendors
        for carrier in carriers
        if vendor.behaviour != "voicemail" or carrier == "twilio"
    ]
    plans: list[PlannedCall] = []
    for vendor, carrier in islice(cycle(pairs), calls):
        who = caller(vendor, voices, speaks=speaks)
        plans.append(
            PlannedCall(
                label=f"{vendor.name} {language} {carrier}",
                party=party(vendor, voices, who),
                flow=FLOW,
                language=language,
                carrier=carrier,
                variables=VARIABLES,
                disposition=vendor.disposition,
                outcome=vendor.outcome,
                caller=who,
            )
        )
    return plans


def _table(placed: Sequence[PlacedCall]) -> Table:
    table = Table(title="From the telephone's side", title_justify="left", show_edge=False)
    table.add_column("calls", no_wrap=True)
    for heading in ("as meant", "first word", "reply P50", "P90", "barge-in", "holes"):
        table.add_column(heading, justify="right")
    for label in dict.fromkeys(call.plan.label for call in placed):
        group = [call for call in placed if call.plan.label == label]
        measures = [measure for call in group for measure in call.measures]
        firsts = [m.first_bot_audio_ms for m in measures if m.first_bot_audio_ms is not None]
        replies = [reply.latency_ms for m in measures for reply in m.replies]
        barge_ins = [barge_in.silence_after_ms for m in measures for barge_in in m.barge_ins]
        table.add_row(
            label,
            f"{sum(not call.problems for call in group)}/{len(group)}",
            _middle(firsts),
            _middle(replies),
            _most(replies),
            _middle(barge_ins),
            str(sum(len(m.holes) for m in measures)),
        )
    return table


def _middle(values_ms: Sequence[float]) -> str:
    return f"{statistics.median(values_ms):.0f} ms" if values_ms else "-"


def _most(values_ms: Sequence[float]) -> str:
    ordered = sorted(values_ms)
    return f"{ordered[int(0.9 * (len(ordered) - 1) + 0.5)]:.0f} ms" if ordered else "-"
