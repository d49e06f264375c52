"""`callwright speech`, `callwright-speech` and `python -m speech.server`: the same command."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from loguru import logger

from speech.errors import OptionInvalid, SpeechError
from speech.server.log import set_up_log
from speech.server.settings import ServerSettings, read_engines

TOKEN_VARIABLE = "SPEECH_SERVER_TOKEN"
ADMIN_TOKEN_VARIABLE = "SPEECH_SERVER_ADMIN_TOKEN"
REDIS_VARIABLE = "SPEECH_SERVER_REDIS_URL"

RedisUrl = Annotated[
    str,
    typer.Option(
        envvar=REDIS_VARIABLE,
        show_envvar=True,
        help="Redis in which custom voices are kept, too, redis://host:6379/0. One with a password "
        f"belongs into {REDIS_VARIABLE}: everybody on a machine can read command lines.",
    ),
]


Token = Annotated[
    str,
    typer.Option(
        envvar=TOKEN_VARIABLE,
        show_envvar=True,
        hidden=True,  # what stands in a command line can be read by everybody on a machine
        help="What clients must send as Bearer.",
    ),
]
AdminToken = Annotated[
    str,
    typer.Option(
        envvar=ADMIN_TOKEN_VARIABLE,
        show_envvar=True,
        hidden=True,
        help="What /admin takes as Bearer, instead of the clients' token.",
    ),
]
AdminTokenFile = Annotated[
    Path | None,
    typer.Option(
        help=f"File of a token of /admin's own; or set {ADMIN_TOKEN_VARIABLE}. "
        "Without one the clients' token opens /admin, too."
    ),
]


def speech(
    engines: Annotated[
        list[str],
        typer.Option(
            help="What to load, in order of preference: moonshine,espeak or "
            "whisper:model=small;device=cuda. ID=ENGINE gives another id."
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8090,
    token: Token = "",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"File of the token that clients must send; or set {TOKEN_VARIABLE}. "
            "Without one only this machine is served."
        ),
    ] = None,
    admin_token: AdminToken = "",
    admin_token_file: AdminTokenFile = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Threads that decode; else one a core.")
    ] = None,
    max_streams: Annotated[
        int, typer.Option(min=1, max=9999, help="Utterances or texts at once, for each engine.")
    ] = 64,
    max_upload_mb: Annotated[int, typer.Option(min=1, max=4096, help="Of one file.")] = 25,
    max_audio_minutes: Annotated[int, typer.Option(min=1, max=600, help="Of one file.")] = 30,
    voices_file: Annotated[
        Path | None, typer.Option(help="YAML of presets of voices, besides Callwright's own.")
    ] = None,
    agents_dir: Annotated[
        Path | None, typer.Option(help="Folder of agents' voices, made by voice training.")
    ] = None,
    redis_url: RedisUrl = "",
    drain_s: Annotated[
        float, typer.Option(min=0, max=3600, help="For what runs when the server is stopped.")
    ] = 30.0,
) -> None:
    """Serve engines behind OpenAI's audio API, in a process of their own."""
    set_up_log()
    clients, admins = read_tokens(token, token_file, admin_token, admin_token_file)
    settings = ServerSettings(
        host=host,
        port=port,
        token=clients,
        admin_token=admins,
        max_streams=max_streams,
        max_upload_bytes=max_upload_mb << 20,
        max_audio_s=max_audio_minutes * 60.0,
        redis_url=redis_url.strip() or None,
        drain_s=drain_s,
    )
    _run(settings, engines, workers, voices_file, agents_dir)


def _run(
    settings: ServerSettings,
    engines: list[str],
    workers: int | None,
    voices_file: Path | None,
    agents_dir: Path | None,
) -> None:
    specs = read_engines(engines)
    from speech.server.free_memory import fits_here
    from speech.server.serve import run_server  # numpy comes with it: what is wrong is said first

    run_server(
        settings,
        specs,
        workers=workers,
        fits=fits_here,
        voices_file=voices_file,
        agents_dir=agents_dir,
    )


def main() -> NoReturn:
    """The console script."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(speech)
    try:
        app()
    except SpeechError as error:
        logger.remove()
        print(error, file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def read_tokens(
    given: str, file: Path | None, admin_given: str, admin_file: Path | None
) -> tuple[str | None, str | None]:
    """The clients' token, and that of /admin.

    Raises:
        OptionInvalid: as `read_token`, or both are the same.
    """
    clients = read_token(given, file)
    admins = read_token(admin_given, admin_file, option="--admin-token-file")
    if admins is not None and admins == clients:
        raise OptionInvalid("the token of /admin is the clients' token: make it another one")
    return clients, admins


def read_token(given: str, file: Path | None, *, option: str = "--token-file") -> str | None:
    """The token, without what stands around it in its file.

    Raises:
        OptionInvalid: the file can't be read, or the token is too short to be one.
    """
    if file is not None:
        try:
            given = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OptionInvalid(f"{option}: {file} can't be read: {error}") from error
    token = given.strip()
    if (token or file is not None) and (len(token) < 16 or not token.isascii()):
        raise OptionInvalid(
            f"the token ({option}) must have at least 16 characters of ASCII: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token or None
