"""Who is on the other side of a connection."""

import hmac
import ipaddress
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from bot.http.problems import Problem
from bot.settings import Settings

_FORWARDED = frozenset({"forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"})


def is_local(connection: HTTPConnection) -> bool:
    """Whether the peer is a program on this machine.

    Not a proxy for somebody elsewhere: it would add a header, or keep the public host's name. Nor
    a browser that shows a page from elsewhere: it says so in Origin, and a name that was pointed
    at loopback (DNS rebinding) shows in Host.
    """
    headers = connection.headers
    if any(name in _FORWARDED or name.startswith("x-forwarded-") for name in headers):
        return False
    if connection.client is None or not _is_loopback(connection.client.host):
        return False
    hosts = [_host(f"//{value}") for value in headers.getlist("host")]
    hosts += [_host(value) for value in headers.getlist("origin")]
    return "host" in headers and all(host == "localhost" or _is_loopback(host) for host in hosts)


def _host(url: str) -> str:
    """The host that a URL names; "" where it names none."""
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def may_use_api(settings: Settings) -> Callable[[Request], None]:
    """A check: programs of this machine may use the API, others with its token."""

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
