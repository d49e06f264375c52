"""`callwright cluster up`: the engines on Ray Serve."""

from pathlib import Path
from typing import Annotated

import typer

from speech.server.cli import TOKEN_VARIABLE, RedisUrl, read_token
from speech.server.log import set_up_log
from speech.server.settings import ServerSettings, read_engines

cluster = typer.Typer(no_args_is_help=True, help="The speech server's engines on Ray Serve.")


@cluster.callback()
def about() -> None:
    """The speech server's engines on Ray Serve."""


@cluster.command()
def up(
    engines: Annotated[list[str], typer.Option(help="As of `callwright speech`.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
    address: Annotated[
        str, typer.Option(help="Of a Ray that runs, or auto; else one of this machine is started.")
    ] = "",
    min_replicas: Annotated[int, typer.Option(min=1, max=1000, help="Of each engine.")] = 1,
    max_replicas: Annotated[int, typer.Option(min=1, max=1000, help="Of each engine.")] = 4,
    target_streams: Annotated[
        float, typer.Option(min=0.1, max=1000, help="Of a replica; more start another one.")
    ] = 2.0,
    cpus: Annotated[float, typer.Option(min=0.01, max=256, help="Of a replica.")] = 1.0,
    gpus: Annotated[float, typer.Option(min=0, max=16, help="Of a replica, or 0.5 of one.")] = 0,
    token: Annotated[str, typer.Option(envvar=TOKEN_VARIABLE, show_envvar=True, hidden=True)] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File of the token that clients must send; or set {TOKEN_VARIABLE}."),
    ] = None,
    voices_file: Annotated[
        Path | None, typer.Option(help="YAML of presets of voices, besides Callwright's own.")
    ] = None,
    agents_dir: Annotated[Path | None, typer.Option(help="Folder of agents' voices.")] = None,
    redis_url: RedisUrl = "",
) -> None:
    """Serve engines as replicas that come and go, with the speech server's interface."""
    set_up_log()
    settings = ServerSettings(
        host=host,
        port=port,
        token=read_token(token, token_file),
        redis_url=redis_url.strip() or None,
    )
    specs = read_engines(engines)
    from speech.cluster.up import run_cluster
    from speech.cluster.wire import ReplicaSettings  # numpy comes with it

    each = ReplicaSettings(
        min_replicas=min_replicas,
        max_replicas=max(min_replicas, max_replicas),
        target_streams=target_streams,
        cpus=cpus,
        gpus=gpus,
    )
    run_cluster(
        settings,
        specs,
        {spec.model: each for spec in specs},
        address=address,
        voices_file=voices_file,
        agents_dir=agents_dir,
    )
