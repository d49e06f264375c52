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

from bot.garbage import GarbagePauses
from bot.http import calls as api_calls
from bot.http import media, metrics, problems, webhooks
from bot.http.body_limit import BodyLimit
from bot.http.models import HealthBody
from bot.live_calls import LiveCalls
from bot.loop_lag import LateGate, LoopLag
from bot.measurements import measure
from bot.outbound import Outbound
from bot.services import Services, open_services
from bot.settings import Settings
from bot.unattended import Unattended
from bot.urls import Urls
from bot.workers.control import CallControl
from bot.workers.seat import Seat
from speech.echo import prepare as prepare_echo
from speech.errors import EngineUnavailable
from speech.members import start_again

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
    control: CallControl
    is_ready: bool = False


@asynccontextmanager
async def open_server(
    settings: Settings, base_url: str, seat: Seat | None = None
) -> AsyncGenerator[Server]:
    """The app on services that are open as long as the context.

    `base_url`: where carriers reach it, without a slash at the end. `seat`: of this process among
    the workers; None: it is alone.

    Raises:
        StartFailed: something that the settings ask for is not here; says how to get it.
    """
    async with open_services(settings, Urls(base_url)) as services:
        live = _live_calls(settings, seat)
        control = CallControl(live, seat.inbox if seat else None)
        outbound = Outbound(services, live)
        # Its /docs brings its own script and style. /redoc would show a picture from elsewhere.
        app = FastAPIOffline(
            redoc_url=None,
            title="Callwright",
            description=DESCRIPTION,
            version=version("callwright"),
        )
        server = Server(app, services, live, control)
        app.add_middleware(BodyLimit)
        problems.install(app)
        invalid = problems.responses(422)  # else FastAPI's own shape is promised
        app.include_router(api_calls.router(services, outbound, live, control), responses=invalid)
        app.include_router(webhooks.router(services, live, control), responses=invalid)
        app.include_router(media.router(services, live))
        _add_health(server)
        async with _background(server, outbound):
            await services.render_static_prompts()
            # What lives now lives for ever: collections need not look at it again.
            gc.collect()
            gc.freeze()
            async with _measuring(server):
                server.is_ready = True
                live.open(services.store.worker_id)
                preparing = asyncio.create_task(_prepare_echo(settings))
                yield server
                preparing.cancel()
                server.is_ready = False
                await live.drain(settings.timeouts.shutdown_s)


def _live_calls(settings: Settings, seat: Seat | None) -> LiveCalls:
    if seat is None:
        return LiveCalls(settings.call_limit)
    return LiveCalls(seat.board.max_calls, seat.board, seat.worker)


async def _prepare_echo(settings: Settings) -> None:
    """Load the canceller, which the first call would wait for; the start need not."""
    if settings.cancel_echo:
        try:
            await asyncio.to_thread(prepare_echo)
        except EngineUnavailable as error:
            logger.warning("calls in which the bot hears itself are possible: {}", error)


@asynccontextmanager
async def _measuring(server: Server) -> AsyncGenerator[None]:
    """The loop's lag and the rest of what `/metrics` tells."""
    services, live, garbage = server.services, server.live, GarbagePauses()

    def publish() -> None:
        live.board.publish(live.worker, measure(services, live, lag, garbage).as_text())

    lag = LoopLag(LateGate(services.settings.max_loop_lag_ms), publish, live.set_late)
    server.app.include_router(metrics.router(services.settings, live, publish))
    garbage.watch()
    async with asyncio.TaskGroup() as tasks:
        measuring = tasks.create_task(lag.run())
        try:
            yield
        finally:
            measuring.cancel()
            garbage.close()


@asynccontextmanager
async def _background(server: Server, outbound: Outbound) -> AsyncGenerator[None]:
    """What runs beside the calls."""
    services, live = server.services, server.live
    async with asyncio.TaskGroup() as tasks:
        unattended = Unattended(
            services.store, live, services.carriers, services.settings.timeouts.dial_s
        )
        running = [
            tasks.create_task(outbound.run()),
            tasks.create_task(services.store.run()),
            tasks.create_task(unattended.run()),
            tasks.create_task(server.control.run()),
            tasks.create_task(start_again(services.ears.members)),
            tasks.create_task(
                start_again(services.mouths.members, then=services.render_static_prompts)
            ),
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
        return HealthBody(
            status=status,
            running_calls=live.running,
            max_calls=live.max_calls,
            worker=live.worker,
        )

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
        refusal = live.refusal()
        return body(refusal.value if server.is_ready and refusal else "starting")
