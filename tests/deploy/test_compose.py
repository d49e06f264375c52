"""The compose files: what they build, share, open and check; the calls find their engines."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.settings import load_settings
from speech.server.settings import read_engines

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.glob("compose.*.yaml"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
ENGINES = {path.stem for path in (DEPLOY / "engines").glob("*.txt")}
VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?]([^}]*))?\}")
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def compose(file: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(file.read_text("utf-8"))


def services(file: Path) -> dict[str, dict[str, Any]]:
    return compose(file)["services"]


def filled_in(value: str) -> str:
    """With its variables' defaults; a variable that has to be set is long enough for a token."""
    return VARIABLE.sub(lambda m: "x" * 20 if "?" in m[0] else (m[2] or ""), value)


def environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: filled_in(str(value)) for name, value in service["environment"].items()}


def test_there_is_one_for_each_kind_of_machine() -> None:
    assert [file.name for file in FILES] == [
        "compose.cpu.yaml",
        "compose.gpu.yaml",
        "compose.gpus.yaml",
    ]


@every_file
def test_every_service_is_built_here_restarted_checked_and_given_time_to_end(file: Path) -> None:
    for name, service in services(file).items():
        build = service["build"]
        assert (file.parent / build["context"]).resolve() == ROOT
        assert re.search(rf" AS {build['target']}$", DOCKERFILE, re.MULTILINE), name
        for argument in build.get("args", {}):
            assert re.search(rf"^ARG {argument}\b", DOCKERFILE, re.MULTILINE), argument
        assert build.get("args", {}).get("ENGINE", "whisper") in ENGINES
        assert build.get("args", {}).get("DEVICE", "cpu") in ("cpu", "cuda")
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"] == "45s"
        assert "user" not in service  # the image's own, which is not root
        assert "privileged" not in service
        port = 8080 if build["target"] == "calls" else 8090
        assert f"http://127.0.0.1:{port}/healthz" in service["healthcheck"]["test"][-1]


@every_file
def test_images_of_the_same_name_are_built_alike(file: Path) -> None:
    built: dict[str, Any] = {}
    for service in services(file).values():
        assert built.setdefault(service["image"], service["build"]) == service["build"]


@every_file
def test_only_the_calls_can_be_reached_from_outside_and_only_where_that_is_wanted(
    file: Path,
) -> None:
    for name, service in services(file).items():
        ports = [filled_in(port) for port in service.get("ports", [])]
        assert ports == (["127.0.0.1:8080:8080"] if name == "calls" else [])


@every_file
def test_every_volume_that_is_used_is_declared(file: Path) -> None:
    used = {
        volume.partition(":")[0]
        for service in services(file).values()
        for volume in service["volumes"]
    }
    assert used == set(compose(file)["volumes"])


@every_file
def test_secrets_come_from_outside_and_the_example_names_them_all(file: Path) -> None:
    text = file.read_text("utf-8")
    example = (DEPLOY / "example.env").read_text("utf-8")
    for variable, _ in VARIABLE.findall(text):
        assert re.search(rf"^{variable}=", example, re.MULTILINE), variable
    for line in text.splitlines():
        if "TOKEN" in line and ":" in line and not line.strip().startswith("#"):
            assert "${" in line, line


@every_file
def test_the_speech_servers_engines_are_written_as_their_command_reads_them(file: Path) -> None:
    for name, service in services(file).items():
        if service["build"]["target"] != "speech":
            continue
        option, *engines = [filled_in(word) for word in service["command"]]
        assert option == "--engines"
        (spec,) = read_engines(engines)
        assert spec.engine == service["build"]["args"]["ENGINE"], name
        assert len(environment(service)["SPEECH_SERVER_TOKEN"]) >= 16


@every_file
def test_the_calls_settings_are_right_and_lead_to_services_that_are_there(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = services(file)
    given = environment(known["calls"])
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    settings = load_settings(data_dir=tmp_path)  # refuses names and values that are wrong
    addresses = {value for name, value in given.items() if name.endswith("__BASE_URL")}
    servers = {name for name, each in known.items() if each["build"]["target"] == "speech"}
    assert addresses == {f"http://{name}:8090" for name in servers}
    assert set(known["calls"]["depends_on"]) == servers
    embedded = {"moonshine", "espeak"}
    for chain in (*settings.hearing.values(), *settings.speaking.values()):
        assert set(chain) <= embedded | {
            name.split("__")[1].lower() for name in given if name.startswith("CALLWRIGHT_ENGINES__")
        }


def test_with_several_gpus_each_server_has_one_of_its_own() -> None:
    devices = [
        device
        for service in services(DEPLOY / "compose.gpus.yaml").values()
        if service["build"]["target"] == "speech"
        for device in service["deploy"]["resources"]["reservations"]["devices"]
    ]
    taken = [number for device in devices for number in device["device_ids"]]
    assert len(taken) == len(devices) == len(set(taken)) >= 3
    assert all(device["capabilities"] == ["gpu"] for device in devices)


def test_a_gpu_is_asked_for_exactly_where_the_image_was_built_for_one() -> None:
    for file in FILES:
        for service in services(file).values():
            on_gpu = service["build"].get("args", {}).get("DEVICE") == "cuda"
            assert ("deploy" in service) == on_gpu


@every_file
def test_the_comment_names_the_command_that_starts_it(file: Path) -> None:
    (line,) = [each for each in file.read_text("utf-8").splitlines() if "docker compose" in each]
    words = shlex.split(line.lstrip("# "))
    assert words[:4] == ["docker", "compose", "-f", f"deploy/{file.name}"]
