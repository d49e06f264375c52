"""How long the server takes from exec to /readyz, and what it holds when it idles.

    python -m benchmarks.start [--starts N]

The first start, with an empty data folder, speaks every prompt of the flows once and is not
counted; warm starts find them there.
"""

import argparse
import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from benchmarks.machine import cpu_s, rss_mb
from bot.simulation.loopback import loopback

IDLE_S = 3.0  # after /readyz: prompts are looked up, imports are done


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the server."""

    ready_s: float
    cpu_s: float  # until it idled
    idle_mb: float  # with its speaking process


async def _start(data_dir: Path) -> Start:
    started_s = monotonic()
    async with loopback(data_dir) as line:
        ready_s = monotonic() - started_s
        await asyncio.sleep(IDLE_S)
        return Start(ready_s, cpu_s(line.pid), rss_mb(line.pid))


async def _run(starts: int) -> int:
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        cold = await _start(Path(folder))
        warm = [await _start(Path(folder)) for _ in range(starts)]
    table = Table(title=f"{starts} warm starts", title_justify="left")
    table.add_column("")
    for column in ("least", "median", "most", "limit", "first start"):
        table.add_column(column, justify="right")
    rows = (
        ("ready after s", [start.ready_s for start in warm], "6", cold.ready_s, 2),
        ("processor s until idle", [start.cpu_s for start in warm], "", cold.cpu_s, 2),
        ("idle memory MB", [start.idle_mb for start in warm], "400", cold.idle_mb, 0),
    )
    for name, values, limit, first, digits in rows:
        spread = (min(values), statistics.median(values), max(values))
        figures = [f"{value:.{digits}f}" for value in spread]
        table.add_row(name, *figures, limit, f"{first:.{digits}f}")
    table.caption = (
        "Measured from exec; the simulated carriers start in the same time, in another process."
    )
    table.caption_justify = "left"
    Console(width=100, highlight=False).print(table)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=5)
    return asyncio.run(_run(parser.parse_args().starts))


if __name__ == "__main__":
    raise SystemExit(main())
