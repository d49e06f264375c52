"""The command line: `callwright serve`, `call`, `simulate`, `doctor`, `speech`, `flows`, ...

A command imports what it needs when it runs: `--help` shows what is there in half a second.
"""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from loguru import logger

from bot.cluster_command import cluster
from bot.errors import BotError
from bot.flows_command import flows
from bot.gpu_command import gpu
from bot.knowledge_command import knowledge
from bot.simulation.vendor_names import VendorName
from ivr_flows.errors import FlowError, FlowInvalid
from speech.errors import SpeechError
from speech.server.cli import speech as speech_command
from telephony.errors import TelephonyError

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A phone agent that you host yourself. `callwright call` shows it at work.",
)
app.add_typer(flows, name="flows")
app.add_typer(knowledge, name="knowledge")
app.add_typer(gpu, name="gpu")
app.add_typer(cluster, name="cluster")
app.command(name="speech")(speech_command)


class CarrierName(StrEnum):
    """The carriers that can be simulated."""

    twilio = "twilio"
    exotel = "exotel"


class LanguageName(StrEnum):
    """The languages of the shipped flows."""

    en = "en"
    hi = "hi"
    mr = "mr"


DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the database, recordings and caches; else ./data."),
]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; else 8080. 0: a free one.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Processes that share the port and the calls, for more cores."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Run the server. `callwright settings` lists all that can be set by CALLWRIGHT_... or .env."""
    settings = _settings(host=host, port=port, workers=workers, data_dir=data_dir)
    from bot.logs import set_up_logging

    set_up_logging(settings.log_level, secrets=settings.secret_values())
    if settings.workers > 1:
        from bot.workers.supervisor import supervise

        supervise(settings)
        return
    from bot.server import serve as run_server  # Pipecat comes with it, and takes 2 s

    run_server(settings)


@app.command()
def call(
    vendor: Annotated[
        VendorName, typer.Option(help="How the restaurant behaves.")
    ] = VendorName.confirms,
    language: Annotated[LanguageName, typer.Option(help="The call's language.")] = LanguageName.en,
    carrier: Annotated[
        CarrierName, typer.Option(help="Whose protocol the call goes by.")
    ] = CarrierName.twilio,
    data_dir: DataDir = None,
) -> None:
    """Show one whole call: a simulated restaurant is asked to confirm an order.

    The exit status is 0 only where the record says what the restaurant said.
    """
    _need_machine_detection(vendor, carrier)
    from bot.simulation.call_command import run_call
    from bot.simulation.vendors import VENDORS

    settings = _settings(data_dir=data_dir)
    status = _run(run_call(VENDORS[vendor], language.value, carrier.value, settings))
    raise typer.Exit(status)


@app.command()
def simulate(
    calls: Annotated[int, typer.Option(min=1, max=500, help="How many calls.")] = 4,
    at_once: Annotated[int, typer.Option(min=1, max=100, help="How many at the same time.")] = 2,
    vendor: Annotated[
        VendorName | None, typer.Option(help="How the restaurants behave; else each way in turn.")
    ] = None,
    language: Annotated[LanguageName, typer.Option(help="The calls' language.")] = LanguageName.en,
    carrier: Annotated[
        CarrierName | None, typer.Option(help="Whose protocol; else both in turn.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Place many simulated calls, and measure them from the telephone's side.

    The exit status is 0 only where each went as it was meant.
    """
    _need_machine_detection(vendor, carrier)
    from bot.simulation.simulate_command import run_simulation
    from bot.simulation.vendors import VENDORS

    folder = _settings(data_dir=data_dir).data_dir
    status = _run(
        run_simulation(
            calls=calls,
            at_once=at_once,
            vendors=[VENDORS[vendor]] if vendor else list(VENDORS.values()),
            language=language.value,
            carriers=[carrier.value] if carrier else [name.value for name in CarrierName],
            data_dir=folder,
        )
    )
    raise typer.Exit(status)


@app.command()
def doctor(
    as_json_: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Say what is installed, what works here, what is missing and how to get it."""
    from bot.doctor.engines import examine_engines  # the database's packages come with it
    from bot.doctor.flows import flows as examine_flows
    from bot.doctor.machine import examine, exit_status
    from bot.doctor.models import examine_models
    from bot.doctor.report import as_json, render

    logger.remove()
    settings = _settings()

    async def look() -> int:
        checks = (
            *await examine(settings),
            *examine_flows(settings),
            *await examine_engines(settings),
            *await examine_models(settings),
        )
        if as_json_:
            print(as_json(checks))
        else:
            render(checks, sys.stdout)
        return exit_status(checks)

    raise typer.Exit(asyncio.run(look()))


@app.command()
def settings(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write docs/settings.md instead.")
    ] = False,
) -> None:
    """List every setting with its value; secrets are only said to be set."""
    from bot.settings import describe, settings_markdown

    if markdown:
        print(settings_markdown(), end="")
        return
    for row in describe(_settings()):
        print(f"{row.variable}={row.value}\n    {row.description} Allowed: {row.allowed}")


def _run(command: Coroutine[None, None, int]) -> int:
    """Run a command to its exit status; a signal to stop ends what it started, too."""

    async def stoppable() -> int:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await command

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM


def _settings(
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    data_dir: Path | None = None,
) -> "Settings":
    from bot.settings import load_settings

    return load_settings(host=host, port=port, workers=workers, data_dir=data_dir)


def _need_machine_detection(vendor: VendorName | None, carrier: CarrierName | None) -> None:
    if vendor is VendorName.voicemail and carrier is CarrierName.exotel:
        raise typer.BadParameter(
            "Exotel does not tell that a machine answered; try it with --carrier twilio",
            param_hint="--vendor voicemail",
        )


def main() -> NoReturn:
    """The console script."""
    try:
        app()  # ends the process; what is wrong with the words of a command it says itself
    except FlowInvalid as error:
        _fail("\n".join(str(problem) for problem in error.problems))
    except (BotError, FlowError, SpeechError, TelephonyError) as error:
        _fail(str(error))
    sys.exit(0)


def _fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
