"""Calls that come by Pipecat's own runner, on the same services and pipeline as the server's."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from loguru import logger
from pipecat.runner.types import (
    RunnerArguments,
    SmallWebRTCRunnerArguments,
    WebSocketRunnerArguments,
)
from pipecat.transports.base_transport import TransportParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import BotError, StartFailed
from bot.http.media import MediaSocket
from bot.live_calls import LiveCalls
from bot.services import Services, open_services
from bot.session import CallSession, LineShape
from bot.settings import load_settings
from bot.urls import Urls
from ivr_flows.errors import FlowError
from processors.ducking_filter import DuckingFilter
from speech.errors import SpeechError
from telephony.call import Direction, NewCall
from telephony.errors import TelephonyError
from telephony.media_fields import CarrierName

BROWSER_RATE_HZ = 16_000
"""Wide band, and a rate that both the voice activity detector and the ear know."""

BROWSER_PLAYOUT_MS = 300
"""A browser returns no marks: what was sent is taken for played after its jitter buffer."""


class RunnerServices:
    """The services of a process that Pipecat's runner owns: opened once, by whoever needs them."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: tuple[Services, LiveCalls] | None = None

    async def get(self) -> tuple[Services, LiveCalls]:
        """The services and the calls that run on them. Raises SettingsError, StartFailed."""
        async with self._opening:
            if self._opened is None:
                settings = load_settings()
                base_url = settings.public_url or "http://localhost:7860"
                services = await self._stack.enter_async_context(
                    open_services(settings, Urls(base_url))
                )
                await services.render_static_prompts()
                self._opened = services, LiveCalls(settings.call_limit)
            return self._opened

    async def close(self) -> None:
        """Close what was opened."""
        self._opened = None
        await self._stack.aclose()


_shared = RunnerServices()


@dataclass(slots=True)
class Start:
    """How the start of the runner's app went."""

    failure: str | None = None  # what is wrong and what to do


def keep_services_open(app: FastAPI) -> Start:
    """Open the services when the runner's app starts, so that the first call doesn't wait.

    Where that fails the app does not start, and `failure` of what is returned says why.
    """
    runners_own = app.router.lifespan_context
    start = Start()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with runners_own(app):
            try:
                await _shared.get()
            except (BotError, FlowError, SpeechError, TelephonyError) as error:
                start.failure = str(error)
                raise
            try:
                yield
            finally:
                await _shared.close()

    app.router.lifespan_context = lifespan
    app.add_middleware(_ShortOfWords, start=start)
    return start


class _ShortOfWords:
    """Keeps the traceback of a start that failed for a known reason from the server's log."""

    def __init__(self, app: ASGIApp, start: Start) -> None:
        self._app = app
        self._start = start

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_short(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self._start.failure is not None:
                message = {"type": message["type"], "message": ""}
            await send(message)

        await self._app(scope, receive, send_short if scope["type"] == "lifespan" else send)


async def run_bot(runner_args: RunnerArguments) -> None:
    """One call. Raises StartFailed for a transport that we don't speak."""
    services, live = await _shared.get()
    match runner_args:
        case SmallWebRTCRunnerArguments():
            await _run_browser(runner_args, services, live)
        case WebSocketRunnerArguments():
            asked = getattr(runner_args.cli_args, "transport", None)
            known: CarrierName | None = asked if asked in ("twilio", "exotel") else None
            await MediaSocket(services, live, runner_args.websocket, known).take_call()
        case _:
            raise StartFailed(
                f"{type(runner_args).__name__} is not a transport of Callwright: run "
                "python -m bot with -t webrtc, -t twilio or -t exotel"
            )


async def _run_browser(
    runner_args: SmallWebRTCRunnerArguments, services: Services, live: LiveCalls
) -> None:
    from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport  # extra `webrtc`

    asked = _asked(runner_args.body)
    route = services.route("")
    flow = services.flow(str(asked.get("flow") or route["flow"]))
    given = asked.get("variables")
    created = await services.store.create_call(
        NewCall(
            Direction.INBOUND,
            to_number="browser",
            from_number="browser",
            flow=flow.name,
            language=str(asked.get("language") or route["language"]),
            carrier="webrtc",
            # A try-out: what the flow needs and nobody gave takes its example.
            variables={
                **{name: v.example for name, v in flow.variables.items() if v.required},
                **route["variables"],
                **(cast("Mapping[str, Any]", given) if isinstance(given, dict) else {}),
            },
        )
    )
    ducking = DuckingFilter()
    transport = SmallWebRTCTransport(
        runner_args.webrtc_connection,
        TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=BROWSER_RATE_HZ,
            audio_out_enabled=True,
            audio_out_sample_rate=BROWSER_RATE_HZ,
            audio_out_10ms_chunks=2,
            audio_out_end_silence_secs=0,
            audio_out_filter=ducking,
        ),
    )
    line = LineShape(
        BROWSER_RATE_HZ,
        packet_ms=20,
        mark_timeout_ms=BROWSER_PLAYOUT_MS,
        rtvi=True,
        ducking=ducking,
    )
    with live.place(created.call.id):
        await live.run(CallSession(services, created.call, transport, line, _no_transfer))


async def _no_transfer(to: str) -> str | None:
    logger.info("a call from a browser can't be transferred to {}", to)
    return "a call from a browser can't be transferred"


def _asked(body: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", body) if isinstance(body, dict) else {}
