"""Who is on the other side of a connection."""

import hmac
import ipaddress
from base64 import b64decode
from collections.abc import Callable

from starlette.requests import HTTPConnection, Request

from bot.http.problems import Problem
from bot.settings import Settings

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def is_local(connection: HTTPConnection) -> bool:
    """Whether the peer is a program on this machine, and not a proxy for somebody elsewhere."""
    if any(name in connection.headers for name in _FORWARDED):
        return False
    if connection.client is None:
        return False
    try:
        return ipaddress.ip_address(connection.client.host).is_loopback
    except ValueError:
        return False


def may_use_api(settings: Settings) -> Callable[[Request], None]:
    """A dependency: programs of this machine may use the API, others with its token."""

    def check(request: Request) -> None:
        if is_local(request):
            return
        token = settings.api_token
        if token is None:
            raise Problem(
                403,
                "Only programs on this machine may use the API: set CALLWRIGHT_API_TOKEN to let "
                "others in.",
            )
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        expected = token.get_secret_value()
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            shown.strip().encode(), expected.encode()
        ):
            raise Problem(401, "Send the header Authorization: Bearer, with CALLWRIGHT_API_TOKEN.")

    return check


def has_exotel_password(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the peer logs in as Exotel was told to (Basic auth)."""
    exotel = settings.exotel
    if exotel.stream_user is None or exotel.stream_password is None:
        return False
    expected = f"{exotel.stream_user}:{exotel.stream_password.get_secret_value()}"
    scheme, _, encoded = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        shown = b64decode(encoded.strip(), validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(expected.encode(), shown)
