"""A cluster of this machine: `callwright cluster up` as it is typed, with the embedded engines."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

TOKEN = "a-token-of-more-than-16-characters"
START_S = 180.0


@dataclass(frozen=True)
class Cluster:
    """Where it listens."""

    url: str
    log: Path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="the cluster's own environment: make engine-cluster")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("cluster") / "log"
    program = Path(sys.executable).with_name("callwright")
    engines = ["--engines", "moonshine,espeak", "--cpus", "0.2"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "cluster", "up", *engines, "--port", str(port), "--max-replicas", "3"],
            env={
                **os.environ,
                "SPEECH_SERVER_TOKEN": TOKEN,
                "RAY_USAGE_STATS_ENABLED": "0",
                "RAY_raylet_start_wait_time_s": "120",
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url, process, log)
            yield Cluster(url, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(60) == 0, log.read_text(errors="replace")[-3000:]
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@pytest.fixture(scope="session")
def ray(cluster: Cluster) -> Iterator[Any]:
    """This process as another client of that cluster's Ray."""
    import ray as package
    import ray.serve  # as an attribute of it

    package.init(address="auto", log_to_driver=False)
    yield package
    package.shutdown()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            if httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(log.read_text(errors="replace")[-3000:])
