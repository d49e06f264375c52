"""The Dockerfile, read as a builder reads it: the stages, arguments and files it names are there.

Whether an image builds it does not say: docs/run-in-production.md tells how its commands were run.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINES = sorted(
    path.stem for path in (ROOT / "deploy" / "engines").glob("*.txt") if "." not in path.stem
)
ROOMS = ("bot", "processors", "ivr_flows", "telephony", "voice_training", "speech")
SERVERS = ("calls", "speech", "cluster")


@dataclass
class Stage:
    """One FROM and what follows it."""

    name: str
    parent: str
    lines: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.lines if name == instruction]


def stages() -> dict[str, Stage]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    for line in re.sub(r"\\\n", " ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            parent, _, name = rest.partition(" AS ")
            found[name] = Stage(name, parent)
        elif instruction:
            found[list(found)[-1]].lines.append((instruction, rest.strip()))
    return found


def lineage(name: str) -> list[Stage]:
    """A stage and those that it is built on, itself first."""
    known, line = stages(), list[Stage]()
    while name in known:
        line.append(known[name])
        name = known[name].parent
    return line


def inherited(name: str, instruction: str) -> list[str]:
    return [rest for stage in reversed(lineage(name)) for rest in stage.all(instruction)]


def test_the_calls_are_what_is_built_unless_a_target_is_named() -> None:
    assert list(stages())[-1] == "calls"


def test_every_stage_is_built_on_one_before_it_or_on_a_pinned_python() -> None:
    seen: set[str] = set()
    for stage in stages().values():
        assert stage.parent in seen or re.fullmatch(r"python:3\.11[\w.-]*", stage.parent)
        seen.add(stage.name)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_runs_as_nobody_special_and_says_how_it_is(name: str) -> None:
    stage = stages()[name]
    assert stage.all("USER") == ["10001"]  # a number: Kubernetes checks it
    after = [what for what, _ in stage.lines][[what for what, _ in stage.lines].index("USER") :]
    assert "RUN" not in after
    (health,) = stage.all("HEALTHCHECK")
    (port,) = stage.all("EXPOSE")
    assert f"http://127.0.0.1:{port}/healthz" in health
    assert stage.all("CMD")


def test_the_user_is_made_with_that_number_and_owns_the_volumes() -> None:
    runs = " ".join(inherited("calls", "RUN"))
    assert "--uid 10001 callwright" in runs
    for volume in {*inherited("calls", "VOLUME"), *inherited("speech", "VOLUME")}:
        assert re.search(rf"install --directory --owner=callwright [^&]*{volume}\b", runs), volume


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_copied_is_in_the_project_and_in_the_context(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    sources = [source for copy in inherited(name, "COPY") for source in copy.split()[:-1]]
    assert set(ROOMS) <= {source.rstrip("/") for source in sources}
    for source in sources:
        assert not source.startswith("--from"), "built from the project alone"
        assert (ROOT / source).exists(), source
        assert not {source.rstrip("/"), source.split("/")[0]} & set(ignored), source


@pytest.mark.parametrize("name", SERVERS)
def test_every_argument_that_a_command_uses_is_declared(name: str) -> None:
    declared = {arg.partition("=")[0] for arg in inherited(name, "ARG")}
    used = {match for run in inherited(name, "RUN") for match in re.findall(r"\$\{?([A-Z_]+)", run)}
    assert used <= declared


def test_no_secret_and_no_weights_go_into_an_image() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert not re.search(r"(ARG|ENV)[^\n]*(TOKEN|PASSWORD|SECRET|KEY)=", text)
    assert not re.search(r"\.(safetensors|onnx|pth|bin)\b", text)


def test_the_default_engine_and_device_are_ones_that_the_installer_takes() -> None:
    arguments = dict(arg.split("=") for arg in inherited("speech", "ARG"))
    assert arguments["ENGINE"] in ENGINES
    assert arguments["DEVICE"] == "cpu"


def test_the_images_take_the_uv_of_the_makefile() -> None:
    arguments = dict(arg.split("=") for arg in inherited("speech", "ARG"))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert f"UV_VERSION := {arguments['UV_VERSION']}\n" in makefile


def installer(*given: str, uv: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "deploy" / "engines" / "in_image.sh"), *given],
        env={"PATH": f"{uv.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    """Says what it would install."""
    program = tmp_path / "uv"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_installer_names_files_that_exist(engine: str, device: str, uv: Path) -> None:
    done = installer(device, engine, uv=uv)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    files = [words[at + 1] for at, word in enumerate(words) if word in FILE_OPTIONS]
    assert f"deploy/engines/{engine}.txt" in files
    assert all((ROOT / name).is_file() for name in files)
    assert ("--torch-backend" in words) == (device == "cpu")


FILE_OPTIONS = ("--requirements", "--overrides")


def test_a_cluster_has_its_engine_and_ray_in_one_environment(uv: Path) -> None:
    words = installer("cuda", "whisper", "cluster", uv=uv).stdout.split()
    named = {word for word in words if word.startswith("deploy/")}
    assert named == {
        f"deploy/engines/{name}.txt" for name in ("whisper", "whisper.cuda", "cluster")
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "DEVICE must be cpu or cuda"),
        (("gpu", "xtts"), "DEVICE must be cpu or cuda, not 'gpu'"),
        (("cpu",), "ENGINE is missing"),
        (("cpu", "nothing"), "Known: "),
        (("cpu", "xtts.overrides"), "no engine"),
        (("cpu", "../engines/xtts"), "no engine"),
        (("cpu", "xtts; touch x"), "no engine"),
        (("cpu", ""), "no engine"),
    ],
)
def test_the_installer_refuses_what_it_does_not_know(
    given: tuple[str, ...], said: str, uv: Path
) -> None:
    done = installer(*given, uv=uv)
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout
