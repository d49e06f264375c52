"""Runs the benchmarks, a process each.

python -m benchmarks [NAME ...] [--quick] [--list] [--write]
"""

import argparse
import importlib
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe, load

NAMES = (
    "start",
    "memory",
    "hearing",
    "hints",
    "echo",
    "simulated_calls",
    "unseen_calls",
    "turns",
    "ablation",
    "speaking",
    "many_calls",
    "whisper",
    "speech_server",
    "killed_server",
    "goals",
)
QUICK = frozenset(
    {"turns", "ablation", "many_calls"}
)  # those with a small run beside the whole one
DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def run(name: str, *options: str) -> str | None:
    """What the benchmark printed, with the machine it ran on; None where it failed."""
    before = load()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    lines = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
    today = datetime.now(UTC).date()
    lines.append(f"{describe()}; {today}; load (1 and 5 min) before {before}, after {load()}.")
    return "\n".join(lines)


def write(name: str, text: str, document: Path = DOCUMENT) -> None:
    """Put a benchmark's table in its place in the document, between its two markers."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    page = document.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{document} has no {start} ... {end}")
    section = f"{start}\n\n```text\n{text}\n```\n\n{end}"
    document.write_text(pattern.sub(lambda _: section, page), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(NAMES)}; without, all")
    parser.add_argument("--quick", action="store_true", help=f"small: {', '.join(sorted(QUICK))}")
    parser.add_argument("--list", action="store_true", help="only say what each measures")
    parser.add_argument("--write", action="store_true", help=f"and paste into docs/{DOCUMENT.name}")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(NAMES)
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    failed: list[str] = []
    for name in names:
        summary = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").splitlines()[0]
        print(f"{name}: {summary}", flush=True)
        if arguments.list:
            continue
        options = ("--quick",) if arguments.quick and name in QUICK else ()
        text = run(name, *options)
        if text is None:
            failed.append(name)
            continue
        print(f"{text}\n", flush=True)
        if arguments.write:
            write(name, text)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
