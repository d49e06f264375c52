"""`callwright knowledge search`: what a flow's model would find in a folder."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import StartFailed

knowledge = typer.Typer(
    no_args_is_help=True, help="Look into the documents that language models answer from."
)


@knowledge.command()
def search(
    folder: Annotated[Path, typer.Argument(help="Folder of Markdown, text and PDF.")],
    query: Annotated[str, typer.Argument(help="What a caller might ask.")],
    limit: Annotated[int, typer.Option(min=1, max=20, help="How many passages.")] = 4,
) -> None:
    """Find the passages that answer a question, by their words.

    The exit status is 1 where there is none.
    """
    from bot.llm.knowledge import Passage, open_knowledge  # OpenAI's client comes with it

    async def found() -> tuple[Passage, ...]:
        base = await open_knowledge(folder)
        try:
            for warning in base.warnings:
                typer.echo(f"warning: {warning}", err=True)
            typer.echo(f"{base.size} passages of {len(base.sources)} documents", err=True)
            return await base.search(query, limit)
        finally:
            await base.close()

    try:
        passages = asyncio.run(found())
    except StartFailed as error:
        raise typer.BadParameter(f"{error}", param_hint="FOLDER") from error
    for passage in passages:
        where = " > ".join(part for part in (passage.source, passage.heading) if part)
        print(f"{where}  ({passage.score:.3f})\n    " + passage.text.replace("\n", "\n    "))
    if not passages:
        typer.echo("nothing was found", err=True)
        raise typer.Exit(1)
