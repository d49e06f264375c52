"""The doctor: what it finds good and bad, and that it names the cure and no secret."""

import importlib.metadata
import io
import json
import os
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from bot.doctor import machine as doctor
from bot.doctor.machine import Check, State
from bot.doctor.report import as_json, render
from bot.settings import Settings, load_settings
from telephony.database import Database

CANARY = "canary-77aa"


def settings(folder: Path, **given: Any) -> Settings:
    return load_settings(env_file=None, data_dir=folder, **given)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which something else listens, that speaks no HTTP."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen(1)
        thread = Thread(target=_hang_up_on_the_first, args=(listener,), daemon=True)
        thread.start()
        yield port
        thread.join(timeout=10)


def _hang_up_on_the_first(listener: socket.socket) -> None:
    listener.settimeout(10)
    listener.accept()[0].close()


@pytest.fixture
def running() -> Iterator[int]:
    """A port at which a server says that it is well."""

    class Well(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Well)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_old_python_is_told_and_a_new_one_is_fine() -> None:
    assert doctor.python((3, 10, 9)).state is State.BROKEN
    assert doctor.python((3, 11, 0)).state is State.OK
    assert doctor.python((4, 0, 0)).state is State.OK


def test_the_packages_of_the_core_are_here_and_a_distribution_that_is_not_is_told() -> None:
    assert doctor.packages() == Check("packages", State.OK, doctor.packages().detail)
    missing = doctor.packages("no-such-distribution")
    assert (missing.state, missing.fix) == (State.MISSING, "make setup")


def test_a_package_that_is_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "patchwork-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: patchwork\nVersion: 1.0\n"
        "Requires-Dist: httpx\nRequires-Dist: no-such-one[x]>=1\n"
        "Requires-Dist: neither-this; extra == 'more'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.metadata.version("patchwork")
    assert doctor.packages("patchwork").detail == "absent: no-such-one"


@pytest.mark.parametrize(
    ("module", "needed", "state"),
    [
        ("httpx", True, State.OK),
        ("no_such_module", False, State.OPTIONAL),
        ("no_such_module", True, State.MISSING),
    ],
)
def test_an_extra_is_missing_only_where_it_is_needed(
    module: str, needed: bool, state: State
) -> None:
    check = doctor.extra("postgres", module, "a database", needed=needed)
    assert check.state is state
    assert ("[postgres]" in check.fix) == (state is not State.OK)


def test_server_and_doctor_give_the_same_command_for_the_driver_of_postgresql(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)  # as if it were not installed
    with pytest.raises(ValueError, match="extra 'postgres'") as caught:
        Database("postgresql+asyncpg://u:p@127.0.0.1/calls")
    advised = doctor.extra("postgres", "no_such_module", "a database", needed=True).fix
    assert advised == ".venv/bin/uv pip install -c requirements.lock -e '.[postgres]'"
    assert str(caught.value).endswith(f"run {advised}")


def test_a_data_folder_is_judged_by_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    folder, room = doctor.disk(tmp_path / "not" / "yet")
    assert folder.state is State.OK
    assert "MB free" in room.detail
    assert not (tmp_path / "not").exists()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder, _ = doctor.disk(tmp_path / "file" / "data")
    assert folder.state is State.BROKEN
    assert "CALLWRIGHT_DATA_DIR" in folder.fix


async def test_a_free_port_is_fine() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    assert (await doctor.port("127.0.0.1", number)).state is State.OK


async def test_a_port_that_another_program_has_is_told(taken: int) -> None:
    check = await doctor.port("127.0.0.1", taken)
    assert check.state is State.BROKEN
    assert "CALLWRIGHT_PORT" in check.fix


async def test_a_port_that_callwright_itself_has_is_fine(running: int) -> None:
    check = await doctor.port("0.0.0.0", running)
    assert (check.state, check.detail) == (State.OK, "Callwright is running there")


async def test_a_host_that_is_not_ours_is_told() -> None:
    check = await doctor.port("203.0.113.7", 0)
    assert check.state is State.BROKEN


@pytest.mark.parametrize(
    ("is_set", "state"),
    [
        ({"CALLWRIGHT_TWILIO__A": True, "CALLWRIGHT_PUBLIC_URL": True}, State.OK),
        ({"CALLWRIGHT_TWILIO__A": False, "CALLWRIGHT_PUBLIC_URL": False}, State.OPTIONAL),
        ({"CALLWRIGHT_TWILIO__A": False, "CALLWRIGHT_PUBLIC_URL": True}, State.OPTIONAL),
        ({"CALLWRIGHT_TWILIO__A": True, "CALLWRIGHT_PUBLIC_URL": False}, State.MISSING),
    ],
)
def test_a_carrier_set_up_in_part_is_worse_than_none(is_set: dict[str, bool], state: State) -> None:
    check = doctor.carrier("twilio", is_set)
    assert check.state is state
    assert all((name in check.fix) != given for name, given in is_set.items())


async def test_a_sqlite_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert (await doctor.database(settings(tmp_path))).state is State.OK
    assert os.listdir(tmp_path) == []


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "callwright.db").write_text("this is a letter, not a database. " * 100)
    assert (await doctor.database(settings(tmp_path))).state is State.BROKEN


async def test_a_database_that_does_not_answer_is_told_without_its_login(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    url = SecretStr(f"postgresql+asyncpg://{CANARY}-u:{CANARY}@127.0.0.1:{number}/calls")
    check = await doctor.database(settings(tmp_path, database_url=url))
    assert check.state is State.BROKEN
    assert CANARY not in repr(check)
    assert "CALLWRIGHT_DATABASE_URL" in check.fix


async def test_a_database_url_that_cannot_be_read_is_told_without_its_login(tmp_path: Path) -> None:
    url = SecretStr(f"postgresql+asyncpg://{CANARY}-u:{CANARY}@127.0.0.1:54x2/calls")
    check = await doctor.database(settings(tmp_path, database_url=url))
    assert check.state is State.BROKEN
    assert CANARY not in repr(check)
    assert "can't be read" in repr(check)
    assert "CALLWRIGHT_DATABASE_URL" in check.fix


async def test_no_secret_is_in_what_was_found(tmp_path: Path) -> None:
    login = {"account_sid": "AC" + "0" * 32, "auth_token": CANARY}
    given = settings(tmp_path, port=0, twilio=login)
    checks = await doctor.examine(given)
    assert CANARY not in as_json(checks)
    assert {"python", "packages", "disk", "database", "port 0"} <= {check.name for check in checks}


BAD = Check("database", State.BROKEN, "[red]no[/red] answer", "start it")
FINE = Check("python", State.OK, "3.11.7")
WOULD_BE_NICE = Check("flite", State.OPTIONAL, "not installed", "apt-get install flite")


def test_only_what_is_needed_decides_the_exit_status() -> None:
    assert doctor.exit_status([FINE, WOULD_BE_NICE]) == 0
    assert doctor.exit_status([FINE, BAD]) == 1
    assert doctor.exit_status([Check("x", State.MISSING, "")]) == 1


def test_a_file_gets_plain_lines_and_a_terminal_a_table() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    lines, table = io.StringIO(), Terminal()
    render([FINE, BAD], lines)
    render([FINE, BAD], table)
    assert lines.getvalue().splitlines() == [
        "ok        python: 3.11.7",
        "broken    database: [red]no[/red] answer  ->  start it",
        "Callwright is not ready: database",
    ]
    assert "[red]no[/red] answer" in table.getvalue()
    assert "to do" in table.getvalue()


def test_a_program_reads_the_same_as_json() -> None:
    told = json.loads(as_json([FINE, WOULD_BE_NICE]))
    assert told["ready"] is True
    assert told["checks"][1] == {
        "name": "flite",
        "state": "optional",
        "detail": "not installed",
        "fix": "apt-get install flite",
    }
