"""Runs the application on a Ray of this machine, or on one that runs, until told to stop."""

import importlib
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from loguru import logger

from speech.cluster.wire import ReplicaSettings
from speech.errors import EngineUnavailable, OptionInvalid
from speech.server.access import is_loopback
from speech.server.settings import EngineSpec, ServerSettings

HOW_TO_GET_IT = "make engine-cluster, then .engines/cluster/bin/callwright cluster up"

_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""In every replica, as `speech/threads.py` sees to elsewhere; an engine's own option says more."""


def run_cluster(
    settings: ServerSettings,
    engines: Sequence[EngineSpec],
    replicas: Mapping[str, ReplicaSettings],
    *,
    address: str = "",
    voices_file: Path | None = None,
    agents_dir: Path | None = None,
) -> None:
    """Serve until told to stop. The arguments are those of `application`, but for two.

    Args:
        settings: of the speech server, and where Ray Serve listens.
        address: of a Ray that runs ("auto", or its own); "": one of this machine, for as long.

    Raises:
        SpeechError: Ray is missing, or an engine doesn't load.
    """
    if settings.token is None and not is_loopback(settings.host):
        raise OptionInvalid(
            f"--host {settings.host} can be reached from elsewhere, and there is no token: set "
            "SPEECH_SERVER_TOKEN or --token-file, or listen on 127.0.0.1"
        )
    try:
        ray: Any = importlib.import_module("ray")
        serve: Any = importlib.import_module("ray.serve")
    except ImportError as error:
        raise EngineUnavailable(
            f"Ray Serve is not installed here ({error}): {HOW_TO_GET_IT}"
        ) from error
    from speech.cluster.application import application

    ray.init(
        address=address or "local",
        include_dashboard=False if not address else None,
        runtime_env={"env_vars": _ONE_THREAD},
        log_to_driver=True,
    )
    stop = _told_to_stop()  # after Ray, whose own handler of SIGTERM aborts
    try:
        serve.start(
            http_options={
                "host": settings.host,
                "port": settings.port,
                "request_timeout_s": settings.max_audio_s,
            }
        )
        app = application(
            engines, settings, replicas, voices_file=voices_file, agents_dir=agents_dir
        )
        try:
            serve.run(app, name="speech", route_prefix="/")
        except RuntimeError as error:
            raise EngineUnavailable(f"the engines don't start on Ray: {error}") from error
        logger.info("the cluster listens on http://{}:{}", settings.host, settings.port)
        stop.wait()
        logger.info("stopping")
    finally:
        serve.shutdown()
        ray.shutdown()


def _told_to_stop() -> threading.Event:
    """Set when a signal to stop comes."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop
