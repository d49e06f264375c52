"""The server: REST, the carriers' webhooks and their media sockets, on shared services."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from loguru import logger

from bot.http import calls as api_calls
from bot.http import media, problems, webhooks
from bot.http.body_limit import BodyLimit
from bot.http.models import HealthBody
from bot.live_calls import LiveCalls
from bot.outbound import Outbound
from bot.services import Services, open_services
from bot.settings import Settings
from bot.unattended import Unattended
from bot.urls import Urls
from speech.echo import prepare as prepare_echo
from speech.errors import EngineUnavailable

DESCRIPTION = """\
Places phone calls that a flow leads, and keeps their record. Errors are problem documents
(RFC 9457). Programs on the server's machine may use the API; others send
`Authorization: Bearer` with `CALLWRIGHT_API_TOKEN`.
"""


@dataclass(slots=True)
class Server:
    """The app and what it serves."""

    app: FastAPI
    services: Services
    live: LiveCalls
    is_ready: bool = False


@asynccontextmanager
async def open_server(settings: Settings, base_url: str) -> AsyncGenerator[Server]:
    """The app on services that are open as long as the context.

    `base_url`: where carriers reach it, without a slash at the end.

    Raises:
        StartFailed: something that the settings ask for is not here; says how to get it.
    """
    async with open_services(settings, Urls(base_url)) as services:
        live = LiveCalls(settings.max_calls)
        outbound = Outbound(services.dialer)
        # Its /docs brings its own script and style. /redoc would show a picture from elsewhere.
        app = FastAPIOffline(
            redoc_url=None,
            title="Callwright",
            description=DESCRIPTION,
            version=version("callwright"),
        )
        server = Server(app, services, live)
        app.add_middleware(BodyLimit)
        problems.install(app)
        invalid = problems.responses(422)  # else FastAPI's own shape is promised
        app.include_router(api_calls.router(services, outbound, live), responses=invalid)
        app.include_router(webhooks.router(services, live), responses=invalid)
        app.include_router(media.router(services, live))
        _add_health(server)
        async with _background(services, outbound, live):
            await services.render_static_prompts()
            # What lives now lives for ever: collections need not look at it again.
            gc.collect()
            gc.freeze()
            server.is_ready = True
            preparing = asyncio.create_task(_prepare_echo(settings))
            yield server
            preparing.cancel()
            server.is_ready = False
            await live.drain(settings.timeouts.shutdown_s)


async def _prepare_echo(settings: Settings) -> None:
    """Load the canceller, which the first call would wait for; the start need not."""
    if settings.cancel_echo:
        try:
            await asyncio.to_thread(prepare_echo)
        except EngineUnavailable as error:
            logger.warning("calls in which the bot hears itself are possible: {}", error)


@asynccontextmanager
async def _background(
    services: Services, outbound: Outbound, live: LiveCalls
) -> AsyncGenerator[None]:
    """What runs beside the calls."""
    async with asyncio.TaskGroup() as tasks:
        unattended = Unattended(
            services.store, live, services.carriers, services.settings.timeouts.dial_s
        )
        running = [
            tasks.create_task(outbound.run()),
            tasks.create_task(services.store.run()),
            tasks.create_task(unattended.run()),
        ]
        if services.delivery is not None:
            running.append(tasks.create_task(services.delivery.run()))
        try:
            yield
        finally:
            for task in running:
                task.cancel()


def _add_health(server: Server) -> None:
    live = server.live

    def body(status: str) -> HealthBody:
        return HealthBody(status=status, running_calls=len(live), max_calls=live.max_calls)

    @server.app.get("/healthz", tags=["health"], summary="Whether the server lives")
    async def healthz() -> HealthBody:
        return body("ok")

    not_ready: dict[int | str, dict[str, Any]] = {
        503: {"model": HealthBody, "description": "Starting, full or shutting down"}
    }

    @server.app.get(
        "/readyz", tags=["health"], summary="Whether it takes calls", responses=not_ready
    )
    async def readyz(response: Response) -> HealthBody:
        if server.is_ready and not live.is_full:
            return body("ready")
        response.status_code = 503
        return body("full" if live.is_full else "starting")
