"""`callwright gpu plan`: which engines fit on one card together."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from speech.gpu_plan import LLAMA, PROFILES, Plan, in_gib, plan
from speech.gpu_sizes import GIB, PROCESS_BYTES

gpu = typer.Typer(no_args_is_help=True, help="What GPUs have room for.")

_WHENCE = """\
Weights: counted on the engine's architecture, weighed as its file, or documented by its project.
Work is counted and reckoned, and a sum has a margin of 8 %. None of it was measured on a GPU:
/admin/gpu/status of a running speech server says what it is."""


class ProfileName(StrEnum):
    """The keys of `PROFILES`."""

    most = "12gb-max"
    latency = "12gb-latency"
    local_llm = "12gb-local-llm"


class ModelName(StrEnum):
    """The language models that vLLM can serve beside the engines."""

    qwen = "qwen2.5-7b"
    llama = "llama-3.1-8b"


@gpu.callback()
def about() -> None:
    """What GPUs have room for."""


@gpu.command("plan")
def plan_(
    profile: Annotated[ProfileName, typer.Option(help="What is to be loaded.")],
    streams: Annotated[
        int, typer.Option(min=1, max=256, help="Calls that hear or speak at the same moment.")
    ] = 4,
    card_gib: Annotated[float, typer.Option(min=1, max=1024, help="The card's memory.")] = 12.0,
    llm: Annotated[ModelName, typer.Option(help="Of 12gb-local-llm.")] = ModelName.qwen,
) -> None:
    """Say what each engine takes of a GPU's memory, and whether all fit.

    The exit status is 1 where they don't.
    """
    members = PROFILES[profile.value]
    if llm is ModelName.llama:
        members = tuple(LLAMA if member.engine == "vllm" else member for member in members)
    made = plan(members, streams=streams, card_bytes=round(card_gib * GIB))
    print(f"{profile.value}: {streams} streams at once, a card of {card_gib:g} GiB\n")
    for line in _lines(made):
        print(line)
    if made.left_out:
        names = ", ".join(row.member.label for row in made.left_out)
        print(f"\ndoes not fit, {in_gib(-made.free_bytes)} too much: leave out {names}")
    else:
        print(f"\nfits: {in_gib(made.free_bytes)} left")
    print()
    for row in made.rows:
        if row not in made.left_out:
            print(f"    {made.command(row)}")
    print(f"\n{_WHENCE}")
    raise typer.Exit(1 if made.left_out else 0)


def _lines(made: Plan) -> Iterator[str]:
    """The plan as a table."""
    form = "{:<29} {:<32} {:>8} {:>6} {:>8} {:>7}  {}"
    yield form.format("GiB", "", "weights", "work", "process", "sum", "weights are")
    for row in made.rows:
        size, member = row.size, row.member
        figures = [f"{size.weights_bytes / GIB:.1f}", f"{row.work_bytes / GIB:.1f}"]
        if member.is_on_gpu:
            figures += [f"{PROCESS_BYTES / GIB:.1f}", f"{row.total_bytes / GIB:.1f}"]
        else:
            figures += ["", "on CPU"]
        yield form.format(member.label, member.does, *figures, size.source)
    for name, size_bytes in (
        ("all", made.total_bytes),
        ("the card, less the driver", made.usable_bytes),
    ):
        yield form.format(name, "", "", "", "", f"{size_bytes / GIB:.1f}", "").rstrip()
