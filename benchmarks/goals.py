"""What was asked, and what was reached: the nine lines that count of `turns` and `many_calls`.

    python -m benchmarks goals --write

Read from docs/benchmarks.md, where the two put their tables: nothing is measured anew.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

PAGE: Final = Path(__file__).parent.parent / "docs" / "benchmarks.md"
OF_TURNS: Final = (
    "reply after one or two words, P50 / P90",
    "reply after whole sentences, P50 / P90",
    "cut off inside a pause of 300-700 ms",
    "onset of overlap to ducked, P50",
    "interruption to silence, P50 / P90",
    "stopped by what is none",
    "stream's start to first sound, P50 / P90",
)
PEERS: Final = ("stock", "ours")

Row = dict[str, str]
"""A line of a table: heading -> cell."""


def block(page: str, name: str) -> str:
    """What a benchmark put into the page. Raises ValueError where it put nothing."""
    found = re.search(rf"<!-- {name} -->\n+```text\n(.*?)\n```", page, re.DOTALL)
    if not found:
        raise ValueError(f"the page has no table of {name}: run `python -m benchmarks {name}`")
    return found[1]


def rows(text: str) -> list[Row]:
    """The lines of the table in `text`, as rich draws it."""
    headings: list[str] = []
    found: list[Row] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split("[┃│]", line)[1:-1]]
        if line.startswith("┃"):
            headings = cells
        elif line.startswith("│"):
            found.append(dict(zip(headings, cells, strict=True)))
    return found


def most_held(levels: Sequence[Row], peer: str) -> Row | None:
    """The level of the most calls that a peer held; None where it held none."""
    held = [row for row in levels if row[""] == peer and row["held"] == "yes"]
    return max(held, key=lambda row: int(row["calls"]), default=None)


def goals(page: str) -> Table:
    """The table. Raises ValueError where the page lacks one of the two that it is made of."""
    turns = {row["what"]: row for row in rows(block(page, "turns"))}
    levels = rows(block(page, "many_calls"))
    table = Table(title="What was asked, and what was reached", title_justify="left")
    table.add_column("what")
    for name in (*PEERS, "must reach", "aim"):
        table.add_column(name, justify="right", no_wrap=True)
    for what in OF_TURNS:
        row = turns[what]
        table.add_row(what, *(row[name] for name in PEERS), row["must reach"], row["aim"])
    best = [most_held(levels, peer) for peer in PEERS]
    calls = [row["calls"] if row else "0" for row in best]
    memory = [f"{row['MB a call']} MB" if row and row["MB a call"] else "-" for row in best]
    table.add_row("calls at once: P90 0.8 s, 1 hole a minute", *calls, "24", "48")
    table.add_row("memory of each more call", *memory, "6 MB", "3 MB")
    machines = [block(page, name).splitlines()[-1] for name in ("turns", "many_calls")]
    table.caption = "\n".join(("Turns and calls at once as told below.", *machines))
    table.caption_justify = "left"
    return table


def main() -> int:
    Console(width=110, highlight=False).print(goals(PAGE.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
