"""What each part of quick replies is worth: ours whole, and with one part switched off at a time.

    python -m benchmarks.ablation [--share 0.25] [--quick]

Partial transcripts, turns ended by what the flow expects, speech made ahead, and the cache of
speech, by CALLWRIGHT_WITHOUT. The reporting set's answers, sentences, pauses and interruptions, the
same part of it each time. Without the flow's endings there are no plausible ends either, and
without the cache there is no place for it, so that nothing is made ahead in both.
"""

import argparse
import asyncio
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.clip_sources import clip_sources
from benchmarks.turn_table import ROWS, Row
from benchmarks.turn_trials import Findings, measure_peer
from benchmarks.turns import part_of, tell
from benchmarks.utterances import Kind, counts, utterances

SHARE: Final = 0.25
QUICK_SHARE: Final = 0.08
KINDS: Final = (Kind.SHORT, Kind.SENTENCE, Kind.PAUSED, Kind.INTERRUPTION)
VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    "all on": (),
    "no partials": ("partials",),
    "flow not asked": ("flow_endings",),
    "no speech ahead": ("speculation",),
    "no cache": ("speech_cache",),
}
SHOWN: Final = ("reply after", "cut off", "interruption")


async def _run(share: float) -> int:
    async with clip_sources() as sources:
        material = part_of(await utterances(sources, "reporting"), share)
    material = [one for one in material if one.kind in KINDS]
    found: dict[str, Findings] = {}
    for name, without in VARIANTS.items():
        tell(f"{name}:")
        async with peers.ours({"CALLWRIGHT_WITHOUT": ",".join(without)}) as peer:
            found[name] = await measure_peer(peer, material, 0, 1, tell)
    made = _table(found)
    made.caption = f"Of the reporting set {counts(material)}."
    made.caption_justify = "left"
    Console(width=130, highlight=False).print(made)
    return 0


def _table(found: dict[str, Findings]) -> Table:
    rows: list[Row] = [row for row in ROWS if row.what.startswith(SHOWN)]
    table = Table(title="Without one part each, at the telephone", title_justify="left")
    table.add_column("what")
    for name in found:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.what, *(row.figure(findings) for findings in found.values()))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a share of {QUICK_SHARE}")
    parser.add_argument("--share", type=float, default=SHARE, help="of each kind, 0 to 1")
    arguments = parser.parse_args()
    return asyncio.run(_run(QUICK_SHARE if arguments.quick else arguments.share))


if __name__ == "__main__":
    raise SystemExit(main())
