"""The speech server's application over the replicas, as ASGI that Ray Serve runs."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from speech.agent_voices import AgentPackages
from speech.cluster.remote_engines import ClusterRecognizer, synthesizer
from speech.custom_voices import CustomVoices
from speech.errors import EngineUnavailable
from speech.pool import EnginePool
from speech.server.app import create_app
from speech.server.customs_kept import custom_voices, vad_at_hand
from speech.server.host import EngineHost
from speech.server.log import set_up_log
from speech.server.settings import EngineSpec, ServerSettings
from speech.voice_presets import load_presets

serve: Any = importlib.import_module("ray.serve")


@dataclass(frozen=True, slots=True)
class Part:
    """One engine of the cluster."""

    deployment: str  # Ray Serve's name for its replicas
    spec: EngineSpec


@dataclass(frozen=True, slots=True)
class Ingress:
    """What every replica of the ingress is built from."""

    parts: Sequence[Part]
    settings: ServerSettings
    voices_file: Path | None = None
    agents_dir: Path | None = None


class IngressApp:
    """An ASGI application that opens its engines at startup, because that takes an event loop."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._app: ASGIApp | None = None
        self._close: Callable[[], Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection, or startup and shutdown."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        set_up_log()  # a replica of Ray's is a process of its own
        async with (
            EnginePool(1) as pool,
            custom_voices(self._ingress.settings, vad_at_hand()) as customs,
        ):
            host = EngineHost(pool, fits=_refuse)  # nothing is decoded here
            await receive()
            try:
                await self._open(host, customs)
                await send({"type": "lifespan.startup.complete"})
                await receive()  # the shutdown
            finally:
                await customs.close()
                await host.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, host: EngineHost, customs: CustomVoices) -> None:
        ingress = self._ingress
        for part in ingress.parts:
            handle = serve.get_deployment_handle(part.deployment)
            if part.spec.kind == "hears":
                engine = ClusterRecognizer(handle)
                await engine.start()
                host.adopt(part.spec, engine)
            else:
                host.adopt(part.spec, await synthesizer(handle))
        members = [part.spec.model for part in ingress.parts]
        self._app = create_app(
            host,
            ingress.settings,
            presets=load_presets(ingress.voices_file, members=members),
            customs=customs,
            agents=AgentPackages(ingress.agents_dir) if ingress.agents_dir else None,
        )


def _refuse(engine: str, options: object) -> None:
    raise EngineUnavailable(
        f"engines of a cluster are not exchanged here: deploy {engine} anew, and Ray Serve "
        "replaces its replicas one by one"
    )
