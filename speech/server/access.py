"""Who may ask: those with the token; without a token only programs of this very machine.

Health is for everybody who may reach the port with a token set. `/admin` always needs a token:
its own where it has one, else that of the users.
"""

import hmac
import ipaddress
import json
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from speech.server.errors import ApiError

_OPEN = frozenset({"/healthz", "/readyz"})
_ADMIN = "/admin"
_VIA_A_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
WS_POLICY = 1008


class Access:
    """ASGI middleware that answers 401 or 403 before anything of a request is read."""

    def __init__(self, app: ASGIApp, *, token: str | None, admin_token: str | None = None) -> None:
        """`admin_token`: the only one that /admin takes then, and it opens nothing else."""
        self._app = app
        self._token = token.encode() if token else None
        self._admin_token = admin_token.encode() if admin_token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal.response(scope, receive, send)
        else:
            await receive()
            text = json.dumps(refusal.body["error"]["message"])[1:-1]
            await send({"type": "websocket.close", "code": WS_POLICY, "reason": text[:120]})

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers, path = Headers(scope=scope), scope["path"]
        is_admin = path == _ADMIN or path.startswith(f"{_ADMIN}/")
        if is_admin and self._admin_token is not None:
            return self._refused_admin(headers)
        if self._token is not None:
            if path in _OPEN or _bears(headers, self._token):
                return None
            return _no_token(
                "send the server's token: Authorization: Bearer TOKEN (api_key=TOKEN for "
                "OpenAI's client)"
            )
        if is_admin:
            return ApiError(
                403,
                "administration needs a token: start the server with SPEECH_SERVER_TOKEN or "
                "--token-file, and send Authorization: Bearer TOKEN",
                code="token_needed",
            )
        if _is_local(scope, headers):
            return None
        return ApiError(
            403,
            "this server has no token and serves programs of its own machine only: start it with "
            "SPEECH_SERVER_TOKEN or --token-file",
            code="not_local",
        )

    def _refused_admin(self, headers: Headers) -> ApiError | None:
        if self._admin_token is not None and _bears(headers, self._admin_token):
            return None
        if self._token is not None and _bears(headers, self._token):
            return ApiError(
                403,
                "administration has a token of its own here: the users' opens nothing of it",
                code="admin_token_needed",
            )
        return _no_token("send the administrators' token: Authorization: Bearer TOKEN")


def _bears(headers: Headers, token: bytes) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    is_it = hmac.compare_digest(given.strip().encode(), token)
    return scheme.lower() == "bearer" and is_it


def _no_token(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_local(scope: Scope, headers: Headers) -> bool:
    """A program of this machine, and neither a proxy nor a web page of somebody else.

    A page that a browser shows here may post to this port, or have its own name point at it:
    its `Origin`, or the `Host` that the browser asked for, gives it away.
    """
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return False
    if any(name in headers for name in _VIA_A_PROXY):
        return False
    names = [f"//{headers.get('host', '')}", *headers.getlist("origin")]
    try:
        return all(is_loopback(urlsplit(name).hostname or "") for name in names)
    except ValueError:
        return False
