"""`WS /ws/stream`: utterances of a call, one after the other over one connection.

The messages are those of `stream_messages.py`. Whatever a client sends, it gets an error message
or loses its own connection, and nobody else notices.
"""

import asyncio
import time
from contextlib import suppress
from typing import cast

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from speech.errors import ENGINE_FAILURES, EngineBusy, SpeechError
from speech.server.errors import ApiError, of_engine, of_speech
from speech.server.host import EngineHost
from speech.server.metrics import Metrics
from speech.server.request_limits import ReaderStuck
from speech.server.settings import ServerSettings
from speech.server.stream_messages import (
    Cancel,
    ClientMessage,
    Finish,
    Partial,
    Start,
    busy_message,
    error_message,
    read_message,
    ready_message,
    transcript_message,
)
from speech.server.stream_utterance import Utterance

MAX_MESSAGE_BYTES = 1 << 20
"""Of one message, 30 s at 16 kHz; uvicorn closes a connection that sends more."""

_MAX_TEXT_CHARS = 128 << 10  # 500 hints are 100 kB
_MAX_FAULTS = 20  # a client that understands no error is not served for ever
_MAX_PARTIALS = 4  # of one utterance at once
_MESSAGES_A_S = 1_000.0  # twenty times what a call sends in packets of 20 ms
_BURST = 4_000.0
_CLOSE_S = 5.0
_POLICY, _TRY_LATER = 1008, 1013


class _HangUp(Exception):
    """This connection is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def router(host: EngineHost, settings: ServerSettings, metrics: Metrics) -> APIRouter:
    """The websocket's route."""
    routes = APIRouter()
    open_sockets: set[WebSocket] = set()

    @routes.websocket("/ws/stream")
    async def stream(socket: WebSocket) -> None:
        """Serve one connection to its end."""
        if len(open_sockets) >= settings.max_sockets or host.is_draining:
            await socket.close(_TRY_LATER, "too many connections, or shutting down")
            return
        open_sockets.add(socket)
        metrics.sockets.inc()
        try:
            await socket.accept()
            await _Connection(socket, host, settings, metrics).serve()
        finally:
            open_sockets.discard(socket)
            metrics.sockets.dec()

    return routes


class _Connection:
    """One websocket."""

    def __init__(
        self, socket: WebSocket, host: EngineHost, settings: ServerSettings, metrics: Metrics
    ) -> None:
        self._socket = socket
        self._host = host
        self._settings = settings
        self._metrics = metrics
        self._sending = asyncio.Lock()
        self._utterance: Utterance | None = None
        self._finishing: asyncio.Task[None] | None = None
        self._was_started = False
        self._faults = 0
        self._allowance = _BURST
        self._seen_s = time.monotonic()

    async def serve(self) -> None:
        """Answer until the client leaves or is sent away."""
        code, reason = 1000, ""
        try:
            async with asyncio.TaskGroup() as tasks:
                try:
                    await self._listen(tasks)
                except WebSocketDisconnect as left:
                    raise _HangUp(left.code or 1000, "") from left
        except* _HangUp as hang_up:
            error = hang_up.exceptions[0]
            if isinstance(error, _HangUp):
                code, reason = error.code, str(error)
        except* (ReaderStuck, WebSocketDisconnect):
            code, reason = _POLICY, "nothing is read"
        finally:
            if self._utterance is not None:
                self._metrics.left.inc()
                self._utterance.close()
            if self._socket.client_state is WebSocketState.CONNECTED:
                with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                    async with asyncio.timeout(_CLOSE_S):
                        await self._socket.close(code, reason[:120])

    async def _listen(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            message = await self._receive()
            try:
                if isinstance(message, bytes):
                    await self._take(message, tasks)
                else:
                    await self._obey(_read(message), tasks)
            except ApiError as error:
                await self._refuse(error)
            except SpeechError as error:
                await self._refuse(of_speech(error))

    async def _receive(self) -> bytes | str:
        """The client's next message.

        Raises:
            _HangUp: it says nothing for too long, or too much in too short a time.
            WebSocketDisconnect: it left.
        """
        is_open = self._utterance is not None and not self._utterance.is_finishing
        limit_s = self._settings.idle_utterance_s if is_open else self._settings.idle_socket_s
        try:
            async with asyncio.timeout(limit_s):
                message = await self._socket.receive()
        except TimeoutError as error:
            reason = f"no message for {limit_s:g} s"
            if is_open:
                await self._refuse(ApiError(408, reason, code="idle"))
            raise _HangUp(_POLICY, reason) from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        now_s = time.monotonic()
        regained = (now_s - self._seen_s) * _MESSAGES_A_S
        self._allowance = min(_BURST, self._allowance + regained) - 1
        self._seen_s = now_s
        if self._allowance < 0:
            reason = f"more than {_MESSAGES_A_S:g} messages a second: send larger ones"
            await self._refuse(ApiError(429, reason, code="rate_limited"))
            raise _HangUp(_POLICY, reason)
        audio = message.get("bytes")
        return cast(bytes, audio) if audio is not None else cast(str, message["text"])

    async def _take(self, audio: bytes, tasks: asyncio.TaskGroup) -> None:
        utterance = self._utterance
        if utterance is None or utterance.is_finishing:
            if not self._was_started:
                raise _not_started("audio")
            return  # still on its way when its utterance ended
        try:
            utterance.feed(audio)
        except ApiError as error:
            self._end(utterance)
            await self._say_error(utterance.id, error)
            return
        except ENGINE_FAILURES as error:
            self._end(utterance)
            await self._say_error(utterance.id, of_engine(error))
            return
        if utterance.is_partial_due():
            tasks.create_task(self._partial(utterance, is_urgent=False, was_asked=False))

    async def _obey(self, message: ClientMessage, tasks: asyncio.TaskGroup) -> None:
        match message:
            case Start():
                await self._start(message)
            case Cancel():
                if self._utterance is not None:
                    self._end(self._utterance)
            case Partial():
                utterance = self._open_utterance("partial")
                tasks.create_task(
                    self._partial(utterance, is_urgent=message.urgent, was_asked=True)
                )
            case Finish():
                utterance = self._open_utterance("finish")
                utterance.is_finishing = True
                self._finishing = tasks.create_task(self._finish(utterance))

    async def _start(self, message: Start) -> None:
        if self._finishing is not None and self._utterance is not None:
            await asyncio.wait([self._finishing])  # its final transcript comes first
        self._was_started = True
        if self._utterance is not None:
            raise ApiError(
                400, "an utterance is open: finish or cancel it first", code="already_started"
            )
        try:
            self._utterance = Utterance(message, self._host, self._settings)
        except ApiError as error:
            await self._say_error(message.id, error)
        except ENGINE_FAILURES as error:
            await self._say_error(message.id, of_engine(error))
        else:
            await self._send(ready_message(message.id, self._utterance.model))

    async def _partial(self, utterance: Utterance, *, is_urgent: bool, was_asked: bool) -> None:
        most = _MAX_PARTIALS if is_urgent else 1
        if utterance.partials >= most:
            await self._send(busy_message(utterance.id))
            return
        utterance.partials += 1
        try:
            transcript = await utterance.stream.partial(is_urgent=is_urgent)
        except EngineBusy as error:
            if is_urgent:
                await self._say_error(utterance.id, of_speech(error))
            elif was_asked:
                await self._send(busy_message(utterance.id))
        except ENGINE_FAILURES as error:
            await self._say_error(utterance.id, of_engine(error))
        else:
            await self._send(transcript_message(utterance.id, transcript))
        finally:
            utterance.partials -= 1

    async def _finish(self, utterance: Utterance) -> None:
        began_s = time.monotonic()
        try:
            transcript = await utterance.stream.finish()
        except ENGINE_FAILURES as error:
            self._end(utterance)
            await self._say_error(utterance.id, of_engine(error))
        else:
            self._end(utterance)
            waited_s = time.monotonic() - began_s
            self._metrics.transcript_s.labels(utterance.model, "socket").observe(waited_s)
            self._metrics.heard_s.labels(utterance.model).inc(utterance.audio_s)
            await self._send(transcript_message(utterance.id, transcript))

    def _end(self, utterance: Utterance) -> None:
        utterance.close()
        if self._utterance is utterance:
            self._utterance = None

    def _open_utterance(self, what: str) -> Utterance:
        if self._utterance is None or self._utterance.is_finishing:
            raise _not_started(what)
        return self._utterance

    async def _refuse(self, error: ApiError) -> None:
        """Say what is wrong; whoever gets it wrong again and again is sent away."""
        await self._say_error(self._utterance.id if self._utterance else "", error)
        self._faults += error.code not in ("not_started", "idle", "rate_limited")
        if self._faults > _MAX_FAULTS:
            raise _HangUp(_POLICY, "too many messages that make no sense")

    async def _say_error(self, utterance_id: str, error: ApiError) -> None:
        await self._send(error_message(utterance_id, error))

    async def _send(self, text: str) -> None:
        """Send when what was sent before is on its way.

        Raises:
            ReaderStuck: the client takes nothing.
        """
        try:
            async with asyncio.timeout(self._settings.write_s), self._sending:
                if self._socket.client_state is WebSocketState.CONNECTED:
                    await self._socket.send_text(text)
        except TimeoutError as error:
            raise ReaderStuck(f"nothing was read for {self._settings.write_s:g} s") from error


def _read(text: str) -> ClientMessage:
    if len(text) > _MAX_TEXT_CHARS:
        raise ApiError(
            413, f"a text message has at most {_MAX_TEXT_CHARS} characters", code="too_large"
        )
    return read_message(text)


def _not_started(what: str) -> ApiError:
    return ApiError(
        400,
        f'{what} belongs to an utterance: send {{"type": "start"}} first',
        param="type",
        code="not_started",
    )
