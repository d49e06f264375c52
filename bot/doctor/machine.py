"""`callwright doctor`: what is installed, what works here, what is missing and how to get it.

Engines are not looked at but tried: each speaks a word in each of its languages, and what can
hear is played that word. Nothing is changed, and no secret is read but to see that it is set.
"""

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx
from sqlalchemy import text

from bot.settings import Settings
from telephony.database import INSTALL_POSTGRES, Database
from telephony.errors import StoreError

LEAST_PYTHON = (3, 11)
LEAST_DISK_MB = 200
"""A call of ten minutes records about 10 MB; below this the database may fail mid-call."""
ENOUGH_DISK_MB = 2_000
NETWORK_S = 5.0


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    MISSING = "missing"  # needed, and not here
    BROKEN = "broken"  # needed, here, and does not work
    OPTIONAL = "optional"  # not here, and nothing that is set up needs it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    fix: str = ""  # what to do, where something is to be done

    @property
    def is_bad(self) -> bool:
        """Whether Callwright cannot do its work because of this."""
        return self.state in (State.MISSING, State.BROKEN)


def exit_status(checks: Sequence[Check]) -> int:
    """0 where all that is needed works, else 1."""
    return int(any(check.is_bad for check in checks))


async def examine(settings: Settings) -> tuple[Check, ...]:
    """Look at everything but the engines and the flows (`engines.py`, `flows.py`)."""
    checks = [
        python(),
        packages(),
        *_extras(settings),
        *disk(settings.data_dir),
        *_carriers(settings),
        *await asyncio.gather(port(settings.host, settings.port), database(settings)),
    ]
    return tuple(checks)


def python(version: tuple[int, int, int] = sys.version_info[:3]) -> Check:
    """Whether this Python is new enough."""
    found = ".".join(map(str, version))
    if version[:2] < LEAST_PYTHON:
        return Check(
            "python", State.BROKEN, found, "install Python 3.11 or newer, then: make setup"
        )
    return Check("python", State.OK, found)


def packages(distribution: str = "callwright") -> Check:
    """Whether the packages that `distribution` needs are installed."""
    try:
        needs = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", State.MISSING, f"{distribution} is not installed", "make setup")
    names = [re.split(r"[\[<>=!~; ]", need)[0] for need in needs if "extra ==" not in need]
    absent = [name for name in names if not _has_distribution(name)]
    if absent:
        return Check("packages", State.MISSING, f"absent: {', '.join(absent)}", "make setup")
    return Check("packages", State.OK, f"all {len(names)} of the core")


def _has_distribution(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _extras(settings: Settings) -> tuple[Check, ...]:
    url = settings.database_url
    on_postgres = url is not None and url.get_secret_value().startswith("postgresql")
    return (
        extra("postgres", "asyncpg", "PostgreSQL as the database", needed=on_postgres),
        extra("webrtc", "aiortc", "calls from a browser", needed=False),
    )


def extra(name: str, module: str, purpose: str, *, needed: bool) -> Check:
    """Whether an extra of ours is installed, judged by its main module."""
    if importlib.util.find_spec(module) is not None:
        return Check(f"extra {name}", State.OK, purpose)
    state = State.MISSING if needed else State.OPTIONAL
    return Check(f"extra {name}", state, f"not installed; for {purpose}", _install(name))


def _install(name: str) -> str:
    return f".venv/bin/uv pip install -c requirements.lock -e '.[{name}]'"


def disk(folder: Path) -> tuple[Check, Check]:
    """Whether the data folder can be written to, and how much room there is."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        writable = Check("data folder", State.OK, str(folder.absolute()))
    except OSError as error:
        reason = f"{there}: {error.strerror}"
        writable = Check("data folder", State.BROKEN, reason, "set CALLWRIGHT_DATA_DIR")
    free_mb = shutil.disk_usage(there).free // 1_000_000
    room = f"{free_mb:,} MB free; an hour of calls takes about 60 MB"
    if free_mb < LEAST_DISK_MB:
        return writable, Check("disk", State.BROKEN, room, "free some space")
    if free_mb < ENOUGH_DISK_MB:
        return writable, Check("disk", State.OPTIONAL, room, "free some space soon")
    return writable, Check("disk", State.OK, room)


def _carriers(settings: Settings) -> tuple[Check, Check]:
    twilio, exotel = settings.twilio, settings.exotel
    return (
        carrier(
            "twilio",
            {
                "CALLWRIGHT_TWILIO__ACCOUNT_SID": twilio.account_sid is not None,
                "CALLWRIGHT_TWILIO__AUTH_TOKEN": twilio.auth_token is not None,
                "CALLWRIGHT_TWILIO__FROM_NUMBER": twilio.from_number is not None,
                "CALLWRIGHT_PUBLIC_URL": settings.public_url is not None,
            },
        ),
        carrier(
            "exotel",
            {
                "CALLWRIGHT_EXOTEL__ACCOUNT_SID": exotel.account_sid is not None,
                "CALLWRIGHT_EXOTEL__API_KEY": exotel.api_key is not None,
                "CALLWRIGHT_EXOTEL__API_TOKEN": exotel.api_token is not None,
                "CALLWRIGHT_EXOTEL__FROM_NUMBER": exotel.from_number is not None,
                "CALLWRIGHT_EXOTEL__APP_ID": exotel.app_id is not None,
                "CALLWRIGHT_EXOTEL__STREAM_USER": exotel.stream_user is not None,
                "CALLWRIGHT_EXOTEL__STREAM_PASSWORD": exotel.stream_password is not None,
                "CALLWRIGHT_PUBLIC_URL": settings.public_url is not None,
            },
        ),
    )


def carrier(name: str, is_set: Mapping[str, bool]) -> Check:
    """Whether what a carrier needs is set: never what it is set to."""
    absent = [variable for variable, given in is_set.items() if not given]
    own = [variable for variable in is_set if name.upper() in variable]
    if not absent:
        return Check(f"carrier {name}", State.OK, "credentials are set")
    if set(own) <= set(absent):
        return Check(
            f"carrier {name}",
            State.OPTIONAL,
            "not set up; only simulated calls, and calls from this machine",
            f"set {', '.join(absent)}",
        )
    return Check(f"carrier {name}", State.MISSING, "set up in part", f"set {', '.join(absent)}")


async def port(host: str, number: int) -> Check:
    """Whether the server could listen, or listens already."""
    name = f"port {number}"
    reason = await asyncio.to_thread(_cannot_listen, host, number)
    if reason is None:
        return Check(name, State.OK, f"free on {host}")
    if await _is_callwright(host, number):
        return Check(name, State.OK, "Callwright is running there")
    return Check(name, State.BROKEN, f"{host}: {reason}", "set CALLWRIGHT_PORT or CALLWRIGHT_HOST")


def _cannot_listen(host: str, number: int) -> str | None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


async def _is_callwright(host: str, number: int) -> bool:
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL):
        async with httpx.AsyncClient(timeout=NETWORK_S) as client:
            return (await client.get(f"http://{near}:{number}/healthz")).is_success
    return False


async def database(settings: Settings) -> Check:
    """Whether the database answers. A SQLite file that is not there yet is not made."""
    dsn = settings.database_dsn.get_secret_value()
    kind = dsn.partition("://")[0]
    if kind.startswith("sqlite") and not _sqlite_file(dsn).exists():
        return Check("database", State.OK, "SQLite, made when the server first starts")
    fix = "start it, or set CALLWRIGHT_DATABASE_URL"
    try:
        opened = Database(dsn)
    except ValueError as error:
        wrong = _without_login(str(error), dsn)
        fix = INSTALL_POSTGRES if "postgres'" in wrong else "correct CALLWRIGHT_DATABASE_URL"
        return Check("database", State.BROKEN, wrong, fix)
    try:
        async with asyncio.timeout(NETWORK_S), opened.reading() as session:
            await session.execute(text("SELECT 1"))
    except TimeoutError:
        return Check("database", State.BROKEN, f"no answer in {NETWORK_S:g} s", fix)
    except StoreError as error:
        return Check("database", State.BROKEN, _without_login(str(error), dsn), fix)
    finally:
        await opened.close()
    return Check("database", State.OK, f"{kind.partition('+')[0]} answers")


def _sqlite_file(dsn: str) -> Path:
    # Three slashes lead to a path from here, four to one from the root.
    return Path(dsn.partition("://")[2].removeprefix("/"))


def _without_login(message: str, dsn: str) -> str:
    login = dsn.partition("://")[2].rpartition("@")[0]
    for part in sorted((part for part in re.split(r"[:@]", login) if part), key=len, reverse=True):
        message = message.replace(part, "***")
    return message
