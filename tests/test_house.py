"""The house rules that a machine can check. `make lint` runs the same tools by themselves."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ROOMS = ("bot", "processors", "ivr_flows", "telephony", "voice_training", "speech")
EVERYWHERE = (*ROOMS, "tests", "benchmarks")

LONGEST_FILE_LINES = 350
LONGEST_FUNCTION_LINES = 60
LONG_FILES: frozenset[str] = frozenset()  # path: none may stand here without a reason
LONG_FUNCTIONS: frozenset[str] = frozenset()  # path:function

EDGES = frozenset({"bot/session.py", "bot/flow_driver.py", "bot/http/webhooks.py", "bot/cli.py"})
"""Where any exception may be caught: a call (its session, and the driver of its flow, which says
sorry to the caller), a webhook and a command end well whatever happens."""
CARRIES_OTHERS_EXCEPTIONS = frozenset({"speech/pool.py"})
"""Hands whatever a job raised to the one who waits for the job."""
READS_THE_ENVIRONMENT = frozenset({"bot/settings.py", "speech/threads.py"})
EMPTY_NAMES = frozenset({"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"})


def run(*command: str | Path, limit_s: float = 110) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


def assert_clean(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def sources(rooms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Path from the root, and text, of every Python file."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def nodes(rooms: tuple[str, ...]) -> Iterator[tuple[str, ast.AST]]:
    for path, text in sources(rooms):
        for node in ast.walk(ast.parse(text, filename=path)):
            yield path, node


def dotted(node: ast.AST | None) -> str:
    """`os.environ.get` of the expression that says so; "" of any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    if isinstance(node, ast.Call) and (called := dotted(node.func)):
        return f"{called}()"
    return ""


def test_ruff_finds_nothing() -> None:
    assert_clean(run(BIN / "ruff", "check", "--quiet", *EVERYWHERE))


def test_every_file_is_formatted() -> None:
    assert_clean(run(BIN / "ruff", "format", "--check", "--quiet", *EVERYWHERE))


def test_imports_point_down() -> None:
    assert_clean(run(BIN / "lint-imports", "--no-cache"))


@pytest.mark.timeout(400)
def test_pyright_finds_nothing() -> None:
    done = run(BIN / "pyright", "--outputjson", limit_s=390)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        # The wheel fetches pyright itself from npm at its first run.
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
        pytest.skip(f"pyright cannot run here (it needs node and npm's registry): {said[-1]}")
    problems = [
        f"{Path(found['file']).relative_to(ROOT)}:{found['range']['start']['line'] + 1}: "
        f"{found['message'].splitlines()[0]}"
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    ]
    assert not problems, "\n".join(problems)
    assert report["summary"]["filesAnalyzed"] > 0


def test_no_file_is_too_long() -> None:
    long = {
        path: lines
        for path, text in sources((*ROOMS, "benchmarks"))  # a table of cases may be long
        if (lines := len(text.splitlines())) > LONGEST_FILE_LINES and path not in LONG_FILES
    }
    assert not long, f"longer than {LONGEST_FILE_LINES} lines: {long}"


def test_no_function_is_too_long() -> None:
    long = {
        f"{path}:{node.name}": lines
        for path, node in nodes(EVERYWHERE)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION_LINES
        and f"{path}:{node.name}" not in LONG_FUNCTIONS
    }
    assert not long, f"longer than {LONGEST_FUNCTION_LINES} lines: {long}"


def test_any_exception_is_caught_only_at_the_edges() -> None:
    found: list[str] = []
    for path, node in nodes(ROOMS):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names_any = any(dotted(kind) in {"", "Exception", "BaseException"} for kind in kinds)
        if names_any and path not in EDGES | CARRIES_OTHERS_EXCEPTIONS and not _reraises(node):
            found.append(f"{path}:{node.lineno}")
    assert not found, f"name the errors, or let them pass: {found}"


def _reraises(handler: ast.ExceptHandler) -> bool:
    """Whether the handler ends by raising: it tidies up and hides nothing."""
    return isinstance(handler.body[-1], ast.Raise)


def test_every_task_has_an_owner() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, node in nodes(ROOMS)
        if isinstance(node, ast.Expr)
        and dotted(node.value).removesuffix("()")
        in {
            "asyncio.create_task",
            "asyncio.ensure_future",
            "asyncio.get_running_loop().create_task",
            "asyncio.get_event_loop().create_task",
            "loop.create_task",
        }
    ]
    assert not found, f"the result is dropped: use a TaskGroup, or keep and await it: {found}"


def test_only_the_settings_read_the_environment() -> None:
    found = [
        f"{path}:{getattr(node, 'lineno', '?')}"
        for path, node in nodes(ROOMS)
        if path not in READS_THE_ENVIRONMENT
        and (
            dotted(node) in {"os.environ", "os.getenv", "os.environb", "os.putenv"}
            or (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and {alias.name for alias in node.names} & {"environ", "getenv"}
            )
        )
    ]
    assert not found, f"make it a setting in bot/settings.py: {found}"


def test_no_file_has_a_name_that_says_nothing() -> None:
    found = [path for path, _ in sources(ROOMS) if EMPTY_NAMES & set(Path(path).stem.split("_"))]
    assert not found, f"name it after what it does: {found}"


def test_every_module_says_what_it_is() -> None:
    found = [
        path
        for path, node in nodes(ROOMS)
        if isinstance(node, ast.Module) and not ast.get_docstring(node)
    ]
    assert not found, f"no docstring: {found}"


def test_the_container_file_names_files_that_exist() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    named = [name for copy in copies for name in copy if not name.startswith("--")]
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]
    assert set(ROOMS) <= {name.rstrip("/") for name in named}
