"""The routes under /admin, for those who run the server."""

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from speech.server.errors import ApiError
from speech.server.gpu_status import GpuStatus, gpu_status
from speech.server.host import EngineHost
from speech.server.settings import spec_of

Option = Annotated[str, Field(max_length=2000)]


class SwitchBody(BaseModel):
    """`POST /admin/models/switch`."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w./-]+$")]
    engine: Annotated[str, Field(max_length=100)] | None = None  # None: the engine it has now
    kind: Literal["hears", "speaks"] | None = None
    options: dict[str, Option] | None = None  # None: as the engine has them now, if it is the same


def router(host: EngineHost) -> APIRouter:
    """Those routes."""
    routes = APIRouter(tags=["admin"])

    @routes.post("/admin/models/switch")
    async def switch(body: SwitchBody) -> dict[str, Any]:
        """Load and warm an engine, then give it the model's new requests.

        Requests that run stay with the old one, which is closed when the last has ended.
        """
        kind = body.kind or host.find(body.model)
        present = next((s for s in host.states if (s.model, s.kind) == (body.model, kind)), None)
        name = body.engine or (present.engine if present else None)
        if name is None:
            raise ApiError(
                404,
                f"no model is called {body.model!r}: name the engine to load one anew",
                param="engine",
                code="model_not_found",
            )
        spec = spec_of(name, body.options or {}, model=body.model, kind=kind)
        running = host.spec(spec.model, spec.kind)
        if body.options is None and running is not None and running.engine == spec.engine:
            spec = running
        started_s = time.monotonic()
        await host.switch(spec)
        return {
            "model": spec.model,
            "engine": spec.engine,
            "kind": spec.kind,
            "loaded_in_ms": round((time.monotonic() - started_s) * 1000),
            "draining": sum(s.in_flight for s in host.states if s.is_draining),
        }

    @routes.get("/admin/models")
    async def states() -> dict[str, Any]:
        """Say what each engine is doing, also those being drained."""
        data = [
            {
                "model": state.model,
                "engine": state.engine,
                "kind": state.kind,
                "in_flight": state.in_flight,
                "max_streams": state.max_streams,
                "draining": state.is_draining,
            }
            for state in host.states
        ]
        return {"object": "list", "data": data}

    @routes.get("/admin/gpu/status")
    async def gpus() -> GpuStatus:
        """Say what NVIDIA's driver knows of its GPUs."""
        return await asyncio.to_thread(gpu_status)

    return routes
