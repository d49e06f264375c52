"""How the doctor's findings are shown: a table on a terminal, lines elsewhere, or JSON."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.doctor.machine import Check, State

_COLOURS = {
    State.OK: "green",
    State.OPTIONAL: "yellow",
    State.MISSING: "bold red",
    State.BROKEN: "bold red",
}


def render(checks: Sequence[Check], stream: TextIO) -> None:
    """Write the findings to `stream`: a table where it is a terminal, else a line for each."""
    if stream.isatty():
        Console(file=stream).print(_table(checks))
    else:
        stream.writelines(f"{line(check)}\n" for check in checks)
    stream.write(f"{verdict(checks)}\n")


def line(check: Check) -> str:
    """One finding as a line: state, name, detail, and what to do."""
    fix = f"  ->  {check.fix}" if check.fix else ""
    return f"{check.state:<8}  {check.name}: {check.detail}{fix}"


def verdict(checks: Sequence[Check]) -> str:
    """What it comes to, in a sentence."""
    bad = list(dict.fromkeys(check.name for check in checks if check.is_bad))
    if bad:
        return f"Callwright is not ready: {', '.join(bad)}"
    return "Callwright is ready. What is optional adds to what it can do."


def as_json(checks: Sequence[Check]) -> str:
    """The findings for a program: {"ready": bool, "checks": [{name, state, detail, fix}]}."""
    ready = not any(check.is_bad for check in checks)
    found = [dataclasses.asdict(check) for check in checks]
    return json.dumps({"ready": ready, "checks": found}, ensure_ascii=False, indent=2)


def _table(checks: Sequence[Check]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for heading in ("", "what", "found", "to do"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        # Text, for a path or a message may hold what rich takes for markup.
        state = Text(check.state, style=_COLOURS[check.state])
        table.add_row(state, Text(check.name), Text(check.detail), Text(check.fix))
    return table
