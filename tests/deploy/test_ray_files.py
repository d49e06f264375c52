"""deploy/ray: the files name what is there, and arguments that the application takes."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from speech.server.settings import read_engines

ROOT = Path(__file__).parents[2]
RAY = ROOT / "deploy" / "ray"


def read(name: str) -> Any:
    return YAML(typ="safe").load((RAY / name).read_text("utf-8"))


def ray_version() -> str:
    text = (ROOT / "deploy" / "engines" / "cluster.txt").read_text("utf-8")
    (version,) = re.findall(r"^ray\[serve\]==([\d.]+)$", text, re.MULTILINE)
    return version


def test_one_version_of_ray_stands_everywhere() -> None:
    assert read("rayservice.yaml")["spec"]["rayClusterConfig"]["rayVersion"] == ray_version()
    assert f"ray[serve]=={ray_version()}" in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_rayservice_serves_engines_that_are_known_with_their_replicas() -> None:
    config = YAML(typ="safe").load(read("rayservice.yaml")["spec"]["serveConfigV2"])
    (app,) = config["applications"]
    module, _, name = app["import_path"].partition(":")
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    assert f"def {name}(" in source
    fields = set(re.findall(r"^    (\w+): ", source, re.MULTILINE))
    assert set(app["args"]) <= fields
    models = {spec.model for spec in read_engines(app["args"]["engines"])}
    assert set(app["args"]["replicas"]) == models
    for replicas in app["args"]["replicas"].values():
        assert set(replicas) <= fields
        assert replicas["min_replicas"] <= replicas["max_replicas"]
        assert replicas["target_streams"] <= replicas["max_streams"]
    assert config["http_options"]["port"] == 8090


def test_no_replica_asks_for_more_than_a_worker_has() -> None:
    service = read("rayservice.yaml")["spec"]
    config = YAML(typ="safe").load(service["serveConfigV2"])
    (group,) = service["rayClusterConfig"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    has = container["resources"]["requests"]
    replicas = config["applications"][0]["args"]["replicas"]
    assert all(each["cpus"] <= float(has["cpu"]) for each in replicas.values())
    assert replicas["xtts"]["gpus"] <= float(has["nvidia.com/gpu"])
    assert replicas["xtts"]["max_replicas"] <= group["maxReplicas"]


def test_its_containers_are_nobody_special_and_read_the_token_from_a_secret() -> None:
    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        spec = group["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        names = {volume["name"] for volume in spec["volumes"]}
        for container in spec["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= names
        assert any("secret" in volume for volume in spec["volumes"])


def test_the_files_report_nothing_to_rays_maker() -> None:
    for name in ("rayservice.yaml", "cluster.yaml"):
        assert "RAY_USAGE_STATS_ENABLED" in (RAY / name).read_text("utf-8")


def test_the_cluster_file_has_as_many_workers_as_it_names() -> None:
    config = read("cluster.yaml")
    assert config["max_workers"] == len(config["provider"]["worker_ips"])
