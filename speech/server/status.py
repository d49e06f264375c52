"""The routes about the server itself: its models, its health, its measurements."""

import time
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from speech.server.errors import ApiError
from speech.server.host import EngineHost
from speech.server.metrics import Metrics
from speech.stt import Recognizer
from speech.tts import Synthesizer


def router(host: EngineHost, metrics: Metrics) -> APIRouter:
    """Those routes."""
    routes = APIRouter()
    began_s = int(time.time())

    @routes.get("/v1/models", tags=["models"])
    async def models() -> dict[str, Any]:
        """List what can be asked for as `model`."""
        return {"object": "list", "data": _models(host, began_s)}

    @routes.get("/v1/models/{name:path}", tags=["models"])
    async def model(name: str) -> dict[str, Any]:
        """Show one."""
        known = _models(host, began_s)
        for found in known:
            if found["id"] == name:
                return found
        names = ", ".join(found["id"] for found in known)
        raise ApiError(
            404,
            f"no model is called {name[:60]!r}; there are: {names}",
            param="model",
            code="model_not_found",
        )

    @routes.get("/healthz", tags=["health"])
    async def health() -> dict[str, str]:
        """Say that the process runs."""
        return {"status": "ok"}

    @routes.get("/readyz", tags=["health"])
    async def ready() -> Response:
        """Say whether new work is taken."""
        if host.is_draining:
            return JSONResponse({"status": "draining", "in_flight": host.in_flight}, 503)
        return JSONResponse({"status": "ready", "in_flight": host.in_flight})

    @routes.get("/metrics", tags=["health"])
    async def measurements() -> Response:
        """Prometheus' text format."""
        return Response(metrics.exposition(host), media_type=CONTENT_TYPE_LATEST)

    return routes


def _models(host: EngineHost, created_s: int) -> list[dict[str, Any]]:
    """OpenAI's shape, with what our own clients want to know besides."""
    hears = [_model(name, ear, "hears", created_s) for name, ear in host.recognizers.items()]
    speaks = [
        {
            **_model(name, mouth, "speaks", created_s),
            "version": mouth.version,
            "expression": {
                "sounds": sorted(mouth.expression.sounds),
                "emotions": sorted(mouth.expression.emotions),
                "rates": list(mouth.expression.rates),
                "has_pitch": mouth.expression.has_pitch,
            },
        }
        for name, mouth in host.synthesizers.items()
    ]
    return [*hears, *speaks]


def _model(
    name: str, engine: Recognizer | Synthesizer, kind: str, created_s: int
) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created_s,
        "owned_by": "callwright",
        "kind": kind,
        "engine": engine.name,
        "languages": sorted(engine.languages),
        "sample_rate_hz": engine.sample_rate_hz,
    }
