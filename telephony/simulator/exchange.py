"""What both simulated carriers share: they own the calls, ring parties, and post webhooks."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import uvicorn
from fastapi import FastAPI

from telephony.simulator.call_state import CallbackPosted, CallResult, SimulatedCall
from telephony.simulator.clock import LineClock
from telephony.simulator.party import Behaviour
from telephony.simulator.stream_messages import StreamProtocol
from telephony.simulator.telephone import Telephone
from telephony.simulator.violations import (
    CallNotFinished,
    CallUnknown,
    SimulatorError,
    StreamRefused,
    violated_in,
)

WEBHOOK_TIMEOUT_S: Final = 15.0  # Twilio's whole time for an answer; then error 11205
WEBHOOK_FAILED: Final = "11200"
WEBHOOK_SILENT: Final = "11205"
WRONG_SCHEME: Final = "31922"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Exchange:
    """The calls of one carrier. Opened and closed with the carrier's app; it awaits every call."""

    def __init__(self, clock: LineClock) -> None:
        self.clock = clock
        self.results: dict[str, CallResult] = {}
        self._calls: dict[str, SimulatedCall] = {}
        self._tasks: dict[str, asyncio.Task[CallResult]] = {}
        self._http: httpx.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncGenerator[None, None]:
        """Calls can be placed inside; those in progress at the end are cancelled and awaited."""
        timeout = httpx.Timeout(WEBHOOK_TIMEOUT_S)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as self._http:
            try:
                yield
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                self._http = None

    def place(
        self, call: SimulatedCall, life: Callable[[SimulatedCall], Awaitable[None]]
    ) -> SimulatedCall:
        """Starts a call's life. Raises SimulatorError when the carrier does not run."""
        if self._http is None:
            raise SimulatorError("the carrier does not run: use `async with carrier.serve()`")

        async def live() -> CallResult:
            try:
                await life(call)
            except BaseExceptionGroup as group:
                raise violated_in(group) or group from None
            self.results[call.call_sid] = call.result()
            return self.results[call.call_sid]

        self._calls[call.call_sid] = call
        self._tasks[call.call_sid] = asyncio.create_task(live(), name=f"call {call.call_sid}")
        return call

    def find(self, call_sid: str) -> SimulatedCall:
        """Raises CallUnknown."""
        try:
            return self._calls[call_sid]
        except KeyError:
            raise CallUnknown(f"no call {call_sid} was placed here") from None

    @property
    def call_sids(self) -> tuple[str, ...]:
        """Of all calls, in the order in which they were placed."""
        return tuple(self._calls)

    async def wait_for_call(self, call_sid: str, timeout_s: float) -> CallResult:
        """The result of a call when it is over. `timeout_s` is wall time.

        Raises CallUnknown, CallNotFinished, and what ended the call's life if that broke:
        ProtocolViolated when the carrier fails fast.
        """
        self.find(call_sid)
        try:
            return await asyncio.wait_for(asyncio.shield(self._tasks[call_sid]), timeout_s)
        except TimeoutError:
            status = self.find(call_sid).status
            text = f"call {call_sid} is still {status} after {timeout_s} s"
            raise CallNotFinished(text) from None

    def forget(self, call_sid: str) -> None:
        """Lets go of a call that is over, with its recordings (3 MB a minute). Raises CallUnknown,
        and CallNotFinished for one in progress."""
        self.find(call_sid)
        if not self._tasks[call_sid].done():
            raise CallNotFinished(f"call {call_sid} is in progress: wait for it first")
        del self._calls[call_sid], self._tasks[call_sid]
        self.results.pop(call_sid, None)

    async def rest(self, call: SimulatedCall, for_ms: float) -> bool:
        """Waits in line time; False when the call was disturbed meanwhile."""
        try:
            await asyncio.wait_for(call.disturbed.wait(), for_ms / 1000.0 / self.clock.speed)
        except TimeoutError:
            return True
        return False

    async def ring(self, call: SimulatedCall, timeout_ms: float) -> str:
        """Rings the party until it answers or does not: returns the status that comes of it."""
        party = call.party
        rings_ms = min(party.ring_ms, timeout_ms)
        if not await self.rest(call, rings_ms):
            return "canceled"
        if party.behaviour is Behaviour.BUSY:
            return "busy"
        if party.behaviour is Behaviour.UNREACHABLE:
            return "failed"
        if party.behaviour is Behaviour.NO_ANSWER or party.ring_ms > timeout_ms:
            return "no-answer"
        return "in-progress"

    async def request(
        self,
        call: SimulatedCall,
        kind: str,
        method: str,
        url: str,
        *,
        fields: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        multipart: bool = False,
    ) -> httpx.Response | None:
        """One webhook of the carrier; records it. None, and a violation, when there is no answer.

        A GET carries the fields in its query. A JSON body replaces the form.
        """
        if self._http is None:
            raise SimulatorError("the carrier does not run")
        sent = dict(fields)
        answer: httpx.Response | None = None
        try:
            if method == "GET":
                whole = httpx.URL(url).copy_merge_params(sent)
                answer = await self._http.get(whole, headers=headers)
            elif json_body is not None:
                answer = await self._http.post(url, json=json_body, headers=headers)
            elif multipart:
                parts = {name: (None, value) for name, value in sent.items()}
                answer = await self._http.post(url, files=parts, headers=headers)
            else:
                answer = await self._http.post(url, data=sent, headers=headers)
        except httpx.TimeoutException:
            call.log.add(WEBHOOK_SILENT, f"{kind} webhook {url}: no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            call.log.add(WEBHOOK_FAILED, f"{kind} webhook {url}: {error!r}")
        status = None if answer is None else answer.status_code
        call.callbacks.append(CallbackPosted(kind, url, tuple(sent.items()), status))
        if status is not None and status >= 400:
            call.log.add(WEBHOOK_FAILED, f"{kind} webhook {url}: answered {status}")
        return answer

    async def stream(
        self,
        call: SimulatedCall,
        protocol: StreamProtocol,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        fail_fast: bool = False,
    ) -> bool:
        """Puts the party's telephone on a media stream until it ends.

        False: the stream could not be opened, and the violation says why.
        """
        if not self._scheme_allowed(call, url):
            return False
        party = call.party
        call.telephone = Telephone(
            protocol,
            call.person,
            clock=self.clock,
            line=party.line,
            jitter_buffer_ms=party.jitter_buffer_ms,
            fail_fast=fail_fast,
        )
        if call.hang_up_asked:
            call.telephone.hang_up()
        try:
            call.streams.append(await call.telephone.call(url, headers))
        except StreamRefused as refused:
            call.log.add(refused.code, f"stream {url}: {refused.text}")
            return False
        finally:
            call.telephone = None
        return True

    def _scheme_allowed(self, call: SimulatedCall, url: str) -> bool:
        parts = urlsplit(url)
        if parts.scheme == "wss":
            return True
        if parts.scheme == "ws" and parts.hostname in _LOOPBACK:
            call.notes.append(f"{url}: ws is let pass on loopback; a carrier demands wss")
            return True
        call.log.add(WRONG_SCHEME, f"stream {url}: the scheme is wss")
        return False


class _LoopbackServer(uvicorn.Server):
    """uvicorn without its signal handlers: the program that embeds it keeps its own."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def serve_app(
    app: FastAPI, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[str, None]:
    """Serves an app in this event loop; gives its base URL. Port 0 takes a free one.

    Raises OSError when the port is taken.
    """
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=5)
    server = _LoopbackServer(config)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        bound: tuple[str, int] = listener.getsockname()
        # Not a task group: what goes wrong inside must come out as it is, not in a group.
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="simulated carrier")
        try:
            await server.ready.wait()
            yield f"http://{bound[0]}:{bound[1]}"
        finally:
            server.should_exit = True
            await serving
