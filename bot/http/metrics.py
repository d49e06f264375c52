"""The measurements of all workers, for Prometheus."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from bot.http.guarded_route import guarded
from bot.http.peers import may_use_api
from bot.http.problems import responses
from bot.live_calls import LiveCalls
from bot.measurements import exposition
from bot.settings import Settings


def router(settings: Settings, live: LiveCalls, publish: Callable[[], None]) -> APIRouter:
    """`/metrics`. `publish` leaves this worker's newest measurements on the board."""
    routes = APIRouter(
        tags=["health"],
        route_class=guarded(may_use_api(settings)),
        responses=responses(401, 403),
    )

    @routes.get("/metrics", summary="Measurements of all workers, in Prometheus' text format")
    async def metrics() -> Response:
        publish()
        return Response(exposition(live.board), media_type=CONTENT_TYPE_LATEST)

    return routes
