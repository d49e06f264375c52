"""Engines as an application of Ray Serve: a deployment for each, and the ingress before them."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speech.cluster.ingress import Ingress, IngressApp, Part
from speech.cluster.replicas import HearingReplica, SpeakingReplica
from speech.cluster.wire import ReplicaSettings
from speech.errors import OptionInvalid
from speech.server.settings import EngineSpec, ServerSettings, read_engines

serve: Any = importlib.import_module("ray.serve")
_config: Any = importlib.import_module("ray.serve.config")

INGRESS = "ingress"
MAX_INGRESS_STREAMS = 512


class ReplicaArguments(BaseModel):
    """`ReplicaSettings` as a file has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 4
    target_streams: Annotated[float, Field(gt=0, le=1000)] = 2.0
    max_streams: Annotated[int, Field(ge=1, le=1000)] = 8
    batch: Annotated[int, Field(ge=1, le=64)] = 8
    gather_s: Annotated[float, Field(ge=0, le=1)] = 0.005
    cpus: Annotated[float, Field(gt=0, le=256)] = 1.0
    gpus: Annotated[float, Field(ge=0, le=16)] = 0.0
    downscale_delay_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0


class Arguments(BaseModel):
    """`args` of an application in Ray Serve's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engines: list[str]
    replicas: dict[str, ReplicaArguments] = Field(default_factory=dict[str, ReplicaArguments])
    token_file: Path | None = None
    voices_file: Path | None = None
    agents_dir: Path | None = None
    redis_url: str | None = None
    ingress_replicas: Annotated[int, Field(ge=1, le=100)] = 1


def build(args: Mapping[str, Any]) -> Any:
    """The application of a file's `args`: `import_path: speech.cluster.application:build`.

    Raises:
        OptionInvalid: names what is wrong.
    """
    try:
        given = Arguments.model_validate(dict(args))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise OptionInvalid(
            "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        ) from error
    token = given.token_file.read_text(encoding="utf-8").strip() if given.token_file else None
    specs = read_engines(given.engines)
    known = {spec.model for spec in specs}
    if unknown := sorted(set(given.replicas) - known):
        raise OptionInvalid(
            f"replicas: {', '.join(unknown)} is none of the engines {', '.join(sorted(known))}"
        )
    return application(
        specs,
        ServerSettings(host="0.0.0.0", token=token, redis_url=given.redis_url),
        {name: ReplicaSettings(**each.model_dump()) for name, each in given.replicas.items()},
        voices_file=given.voices_file,
        agents_dir=given.agents_dir,
        ingress_replicas=given.ingress_replicas,
    )


def application(
    specs: Sequence[EngineSpec],
    settings: ServerSettings,
    replicas: Mapping[str, ReplicaSettings],
    *,
    voices_file: Path | None = None,
    agents_dir: Path | None = None,
    ingress_replicas: int = 1,
) -> Any:
    """The application, for `serve.run`.

    Args:
        specs: the engines, in the order in which they are preferred.
        settings: of the speech server; address and port are Ray Serve's.
        replicas: by model id; those that are not named have the defaults.
        voices_file: presets besides Callwright's own.
        agents_dir: the packages of agents' voices, on every node of the ingress.
        ingress_replicas: without a Redis custom voices are kept by the one that made them alone.
    """
    parts: list[Part] = []
    nodes: list[Any] = []
    for spec in specs:
        chosen = replicas.get(spec.model, ReplicaSettings())
        part = Part(f"{spec.kind}-{spec.model}".replace("/", "-"), spec)
        most = chosen.max_replicas * chosen.max_streams
        parts.append(replace(part, spec=replace(spec, max_streams=spec.max_streams or most)))
        nodes.append(deployment(part, chosen))
    ingress = Ingress(tuple(parts), settings, voices_file, agents_dir)

    def opened() -> IngressApp:  # Ray Serve takes a function for a builder, and nothing else
        return IngressApp(ingress)

    front = serve.deployment(
        serve.ingress(opened)(),
        name=INGRESS,
        num_replicas=ingress_replicas,
        max_ongoing_requests=MAX_INGRESS_STREAMS,
        ray_actor_options={"num_cpus": 0.1},
    )
    return front.bind(*nodes)


def deployment(part: Part, settings: ReplicaSettings, replica: Any = None) -> Any:
    """An engine's replicas: as many as its streams need, within the settings."""
    kind = HearingReplica if part.spec.kind == "hears" else SpeakingReplica
    return serve.deployment(
        replica or kind,
        name=part.deployment,
        autoscaling_config=_config.AutoscalingConfig(
            min_replicas=settings.min_replicas,
            initial_replicas=max(settings.min_replicas, 1),
            max_replicas=max(settings.max_replicas, settings.min_replicas),
            target_ongoing_requests=settings.target_streams,
            upscale_delay_s=5,  # a phone call doesn't wait for the usual 30
            downscale_delay_s=settings.downscale_delay_s,
        ),
        max_ongoing_requests=settings.max_streams,
        max_queued_requests=settings.max_streams,
        health_check_period_s=5,
        health_check_timeout_s=60,  # Ray's first one, which loads the engine, has no limit
        graceful_shutdown_timeout_s=30,
        ray_actor_options={"num_cpus": settings.cpus, "num_gpus": settings.gpus},
    ).bind(part.spec, settings)
