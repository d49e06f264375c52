"""The application: all routes over one host of engines."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speech.agent_voices import AgentVoices
from speech.custom_voices import CustomVoices
from speech.server import admin, speech_routes, status, stream_socket, transcriptions, voices
from speech.server.access import Access
from speech.server.errors import add_handlers
from speech.server.host import EngineHost
from speech.server.metrics import Metrics
from speech.server.request_limits import RequestLimits
from speech.server.settings import ServerSettings
from speech.server.speaking import Speaking
from speech.server.uploads import AudioReader
from speech.voice_presets import Presets
from speech.voices import VoiceShelf

_UPLOADS = frozenset(
    f"/v1/audio/{what}" for what in ("transcriptions", "translations", "detect-language", "clone")
)


def create_app(
    host: EngineHost,
    settings: ServerSettings,
    *,
    presets: Presets,
    customs: CustomVoices,
    agents: AgentVoices | None = None,
) -> FastAPI:
    """The server's application. `host` has its engines; who made the parts closes them.

    `presets`, `customs` and `agents` are the voices besides those of the engines.
    """
    metrics = Metrics()
    reader = AudioReader(settings)
    shelf = VoiceShelf(presets, custom=customs, agents=agents)
    speaking = Speaking(host, settings, metrics, shelf)
    app = FastAPIOffline(
        title="Callwright's speech server",
        version=_version(),
        description="Engines that hear and speak, behind OpenAI's audio API.",
    )
    add_handlers(app)
    app.include_router(transcriptions.router(host, reader, metrics))
    app.include_router(speech_routes.router(host, speaking, metrics))
    app.include_router(voices.router(host, reader, customs, presets))
    app.include_router(stream_socket.router(host, settings, metrics))
    app.include_router(admin.router(host))
    app.include_router(status.router(host, metrics))
    # The last one added sees a request first.
    app.add_middleware(RequestLimits, settings=settings, uploads=_UPLOADS)
    app.add_middleware(Access, token=settings.token, admin_token=settings.admin_token)
    app.add_middleware(_Counted, metrics=metrics)
    return app


class _Counted:
    """ASGI middleware that counts answers by route and status."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        code = 499

        async def watched(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, str(code)).inc()


def _version() -> str:
    try:
        return version("callwright")
    except PackageNotFoundError:
        return "0"
