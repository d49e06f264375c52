"""Routes that ask who is there before they read what was sent."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


def guarded(check: Callable[[Request], None]) -> type[APIRoute]:
    """A route class whose routes call `check` first; it raises Problem to refuse.

    A dependency would come too late: FastAPI reads and parses the body before it calls any.
    """

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                check(request)
                return await handle(request)

            return checked

    return GuardedRoute
