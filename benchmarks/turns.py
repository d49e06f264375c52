"""Turn taking from the far end of the line: ours beside Pipecat's own pipeline, in one run.

    python -m benchmarks.turns [--quick] [--share 0.4] [--peer stock|ours] [--set reporting|tuning]

The same telephone calls both, says the same things, and the same functions score both. On the one
side the flows in `flows/`, on the other the same two sentences as a fixed answer. `--share` takes
that part of each kind of the material, `--quick` is a share of 0.15. About 30 minutes in full.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from math import ceil
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import peers
from benchmarks.clip_sources import clip_sources
from benchmarks.machine import load
from benchmarks.peers import Peer
from benchmarks.turn_plot import save_plot
from benchmarks.turn_table import spread, table
from benchmarks.turn_trials import ECHO_DELAYS_MS, Findings, measure_peer
from benchmarks.utterances import Kind, SetName, Utterance, counts, utterances

PEERS: Final = ("stock", "ours")
QUICK_SHARE: Final = 0.15
ECHOES: Final = 2 * len(ECHO_DELAYS_MS)
PLOT: Final = Path(__file__).parent.parent / "docs" / "images" / "turns.png"


def part_of(material: Sequence[Utterance], share: float) -> list[Utterance]:
    """The first of each kind in the material's order: at least one, at most all."""
    chosen: list[Utterance] = []
    for kind in Kind:
        of_kind = [one for one in material if one.kind is kind]
        chosen += of_kind[: ceil(len(of_kind) * share)]
    return chosen


def tell(line: str) -> None:
    """Progress, beside the table."""
    print(line, file=sys.stderr, flush=True)


def _server(name: str) -> AbstractAsyncContextManager[Peer]:
    return peers.stock() if name == "stock" else peers.ours()


async def _run(names: Sequence[str], set_name: SetName, share: float, at_once: int) -> int:
    async with clip_sources() as sources:
        material = part_of(await utterances(sources, set_name), share)
        missing = sources.missing
    echoes = ceil(ECHOES * share)
    found: list[tuple[str, Findings]] = []
    notes: list[str] = []
    for name in names:
        before = load()
        async with _server(name) as peer:
            findings = await measure_peer(peer, material, echoes, at_once, tell)
        found.append((name, findings))
        notes.append(f"{spread(name, findings)} Load (1 and 5 min) {before}, after {load()}.")
    made = table(found)
    made.caption = "\n".join(
        [
            f"Of the {set_name} set {counts(material)}; {echoes} calls with echo.",
            *notes,
            *([f"Not installed here: {', '.join(missing)}."] if missing else []),
        ]
    )
    made.caption_justify = "left"
    Console(width=110, highlight=False).print(made)
    if set_name == "reporting" and len(found) == len(PEERS):
        save_plot(found, PLOT)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a share of {QUICK_SHARE}")
    parser.add_argument("--share", type=float, default=1.0, help="of each kind, 0 to 1")
    parser.add_argument("--peer", choices=PEERS, default=None, help="only this one")
    parser.add_argument("--set", choices=("reporting", "tuning"), default="reporting")
    parser.add_argument("--at-once", type=int, default=1, help="calls at the same time")
    arguments = parser.parse_args()
    names = (arguments.peer,) if arguments.peer else PEERS
    share = QUICK_SHARE if arguments.quick else arguments.share
    return asyncio.run(_run(names, arguments.set, share, arguments.at_once))


if __name__ == "__main__":
    raise SystemExit(main())
