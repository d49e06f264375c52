"""The table of what was reached is read from the page, as the benchmarks wrote it."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks import goals

PAGE = goals.PAGE.read_text(encoding="utf-8")


def printed(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=110).print(table)
    return out.getvalue()


def test_the_pages_own_tables_give_all_nine_lines() -> None:
    found = goals.rows(printed(goals.goals(PAGE)))
    assert len(found) == 9
    assert all(row["must reach"] and row["ours"] for row in found)


def test_of_the_levels_the_highest_that_was_held_counts() -> None:
    levels = [
        {"": "ours", "calls": calls, "held": held}
        for calls, held in (("8", "yes"), ("24", "yes"), ("32", "no"))
    ]
    assert goals.most_held(levels, "ours") == levels[1]
    assert goals.most_held(levels, "stock") is None


def test_a_page_without_a_table_says_which_benchmark_writes_it() -> None:
    with pytest.raises(ValueError, match="python -m benchmarks turns"):
        goals.goals("# Benchmarks")
