"""`callwright flows check`, `draw` and `try`: flows without a telephone."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # Pydantic's models of a flow take half a second to build
    from ivr_flows.flow import Flow

flows = typer.Typer(no_args_is_help=True, help="Check, draw and try the flows that lead calls.")


class DrawingName(StrEnum):
    """How a flow can be drawn."""

    svg = "svg"
    mermaid = "mermaid"


@flows.command()
def check(file: Annotated[Path, typer.Argument(help="The flow's YAML file.")]) -> None:
    """Say what is wrong with a flow's file: each line, and what to write instead."""
    from ivr_flows.loader import check_file

    problems = check_file(file)
    for problem in problems:
        print(problem)
    if problems:
        raise typer.Exit(1)
    print(f"{file}: the flow is good")


@flows.command()
def draw(
    file: Annotated[Path, typer.Argument(help="The flow's YAML file.")],
    drawing: Annotated[
        DrawingName, typer.Option("--format", help="What to write.")
    ] = DrawingName.svg,
    output: Annotated[
        Path | None, typer.Option(help="File to write to; else the terminal.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the prompts; else the flow's first.")
    ] = None,
) -> None:
    """Draw a flow as a picture (SVG) or as Mermaid text."""
    from ivr_flows.draw import mermaid, svg
    from ivr_flows.loader import load

    flow = load(file)
    _need_language(flow, language)
    text = svg(flow, language) if drawing is DrawingName.svg else mermaid(flow, language)
    if output is None:
        print(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"{output} can't be written: {error.strerror}", param_hint="--output"
        ) from error
    print(f"written to {output}")


@flows.command("try")
def try_(
    file: Annotated[Path, typer.Argument(help="The flow's YAML file.")],
    language: Annotated[str | None, typer.Option(help="The call's first language.")] = None,
    send_requests: Annotated[
        bool, typer.Option("--send-requests", help="Really call the flow's URLs.")
    ] = False,
    model: Annotated[
        bool, typer.Option("--model", help="Play the language model of conversations.")
    ] = False,
) -> None:
    """Talk with a flow in the terminal, by words and keys; no sound, no telephone."""
    from ivr_flows.loader import load
    from ivr_flows.try_out import TryOut, real_request, run

    flow = load(file)
    _need_language(flow, language)
    conversation = TryOut(
        flow,
        language=language,
        ask=real_request if send_requests else None,
        has_model=model,
    )
    run(conversation, sys.stdin, _write, show_prompt=sys.stdin.isatty())


def _write(text: str) -> None:
    print(text, end="", flush=True)


def _need_language(flow: "Flow", language: str | None) -> None:
    if language is not None and language not in flow.languages:
        known = ", ".join(flow.languages)
        raise typer.BadParameter(f"the flow does not speak {language}; it speaks {known}")
