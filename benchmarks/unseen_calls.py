"""Thirty simulated calls by speech, in words and voices on which nothing was tuned.

    python -m benchmarks.unseen_calls [--calls N] [--at-once N]

As `simulated_calls`, with the scripts and the voices that were kept apart.
"""

import argparse
import asyncio

from benchmarks.simulated_calls import run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=6)
    arguments = parser.parse_args()
    return asyncio.run(run(arguments.calls, arguments.at_once, ("speech",), is_unseen=True))


if __name__ == "__main__":
    raise SystemExit(main())
