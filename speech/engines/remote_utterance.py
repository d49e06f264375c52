"""One utterance over a websocket of the speech server: audio goes as it comes, words come back.

The protocol, `WS /ws/stream`: text `{"type": "start", "id", "model", "language",
"other_languages", "sample_rate_hz", "hints", "partial_every_ms"}`, then int16 LE mono PCM as
binary messages, `{"type": "partial", "urgent"}`, `{"type": "finish"}` or `{"type": "cancel"}`.
The server answers `ready`, `partial`, `busy`, `final` and `error`, each with the utterance's id.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from websockets.exceptions import ConnectionClosed

from speech.engines.remote_lines import Line, Lines, lost
from speech.engines.remote_server import failure
from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed, SpeechError

_MOST_BYTES_AT_ONCE = 32_768  # two seconds at 8 kHz: what waits goes in few messages


class HeardWord(BaseModel):
    """As `speech.stt.Word`."""

    text: str
    start_ms: int = 0
    end_ms: int = 0
    confidence: float = 0.0


class Answer(BaseModel):
    """Any message of the server."""

    type: str
    id: str | None = None
    text: str = ""
    language: str | None = None
    confidence: float = 0.0
    words: list[HeardWord] | None = None
    code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A partial that was asked for."""

    is_urgent: bool
    answer: asyncio.Future[Answer]


class RemoteUtterance:
    """What runs beside a stream: it takes a line, speaks the protocol and gives the line back.

    It holds no reference to the stream, so a stream that nobody wants any more can end it.
    """

    def __init__(
        self, lines: Lines, start: Mapping[str, object], *, utterance_id: str, timeout_s: float
    ) -> None:
        """Begin: must be called in a running loop.

        Args:
            lines: where the websocket comes from.
            start: the first message, without its type and id.
            utterance_id: unique on its line.
            timeout_s: how long the server may take nothing, or not be ready.
        """
        self._lines = lines
        self._id = utterance_id
        self._start = json.dumps({"type": "start", "id": utterance_id, **start})
        self._timeout_s = timeout_s
        self._outbox: deque[bytes | str] = deque()
        self._has_more = asyncio.Event()  # in the outbox
        self._partials: deque[_Asked] = deque()
        self._final: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._finishes = False
        self._failure: SpeechError | None = None
        self._is_cancelled = False
        self._is_ready = False
        self._line: Line | None = None
        self.task = asyncio.create_task(self._run(), name=f"utterance {utterance_id}")

    def send(self, audio: bytes) -> None:
        """Audio goes as soon as it can."""
        if self._failure is None and not self.task.done():
            self._post(audio)

    async def partial(self, *, is_urgent: bool) -> Answer:
        """Ask for the words so far. Raises `SpeechError`, EngineBusy too."""
        self._check()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._partials.append(_Asked(is_urgent, answer))
        self._post(json.dumps({"type": "partial", "urgent": is_urgent}))
        return await answer

    async def finish(self) -> Answer:
        """Ask for all words; partials that are pending are cancelled. Raises `SpeechError`."""
        self._check()
        for asked in self._partials:
            asked.answer.cancel()
        self._finishes = True
        self._post(json.dumps({"type": "finish"}))
        return await self._final

    def cancel(self) -> None:
        """Nobody wants its words: the server is told, and the line given back.

        With an answer overdue the line is dropped instead: the server may hang.
        """
        if self._is_cancelled or self._final.done():
            return
        self._is_cancelled = True
        is_owed = self._finishes or bool(self._partials) or not self._is_ready
        for asked in self._partials:
            asked.answer.cancel()
        self._final.cancel()
        self._outbox.clear()
        if is_owed:
            self.task.cancel()
        else:
            self._post(json.dumps({"type": "cancel"}))

    def _post(self, message: bytes | str) -> None:
        self._outbox.append(message)
        self._has_more.set()

    def _check(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(str(self._failure)) from self._failure

    async def _run(self) -> None:
        """Its whole life. A line on which something went wrong is not given back."""
        try:
            line = await self._begin()
            final = await self._exchange(line)
            self._line = None
            await self._lines.give_back(line)
            if final is not None and not self._final.done():
                self._final.set_result(final)  # whoever has it finds the line free
        except SpeechError as error:
            self._fail(error)
        finally:
            self._fail(EngineFailed("the engine was closed"))
            if self._line is not None:
                self._line.socket.transport.abort()

    async def _begin(self) -> Line:
        """Take a line, and wait until the server is ready.

        A line that waited for long may be dead without having said so: then a fresh one is taken.
        """
        while True:
            line = self._line = await self._lines.take()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await line.socket.send(self._start)
                    while (await self._answer(line)).type != "ready":
                        pass
                self._is_ready = True
                return line
            except ConnectionClosed as error:
                if not line.was_used:
                    raise lost(error) from error
            except TimeoutError as error:
                raise DeadlineExceeded(
                    f"the speech server was not ready within {self._timeout_s:g} s "
                    "(option timeout_s)"
                ) from error

    async def _exchange(self, line: Line) -> Answer | None:
        """The final answer; None when the server was told that nobody wants it."""
        sending = asyncio.create_task(self._send(line), name="to the speech server")
        hearing = asyncio.create_task(self._hear(line), name="from the speech server")
        both = (sending, hearing)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
        for task in both:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
        return None if hearing.cancelled() else hearing.result()

    async def _send(self, line: Line) -> None:
        """What is to be sent, until the cancellation is."""
        try:
            while True:
                while self._outbox:
                    async with asyncio.timeout(self._timeout_s):
                        await line.socket.send(self._next_message())
                if self._is_cancelled:
                    return
                self._has_more.clear()
                await self._has_more.wait()
        except ConnectionClosed as error:
            raise lost(error) from error
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the speech server took no audio for {self._timeout_s:g} s (option timeout_s)"
            ) from error

    def _next_message(self) -> bytes | str:
        """The next of the outbox; audio that waits goes together."""
        first = self._outbox.popleft()
        if isinstance(first, str):
            return first
        parts, size = [first], len(first)
        while self._outbox and size < _MOST_BYTES_AT_ONCE:
            part = self._outbox[0]
            if isinstance(part, str):
                break
            parts.append(part)
            size += len(part)
            self._outbox.popleft()
        return b"".join(parts)

    async def _hear(self, line: Line) -> Answer:
        """Hand out the answers, until the last, which it gives."""
        try:
            while True:
                answer = await self._answer(line)
                if answer.type == "partial":
                    self._settle(answer, is_busy=False)
                elif answer.type == "busy":
                    self._settle(answer, is_busy=True)
                elif answer.type == "final":
                    return answer
        except ConnectionClosed as error:
            raise lost(error) from error

    async def _answer(self, line: Line) -> Answer:
        """The next message about this utterance; those about earlier ones are dropped.

        Raises:
            EngineFailed: it is no message of the protocol.
            SpeechError: it is an error.
        """
        while True:
            message = await line.socket.recv()
            try:
                answer = Answer.model_validate_json(message)
            except ValidationError as error:
                raise EngineFailed("the speech server sent what is no message of ours") from error
            if answer.id not in (None, "", self._id):  # "": about what is no message of any
                continue
            if answer.type == "error":
                raise failure(answer.code or "", answer.message)
            return answer

    def _settle(self, answer: Answer, *, is_busy: bool) -> None:
        """Give an answer to the partial that it belongs to: they come in order, but only one that
        was not urgent is answered with "busy", which may overtake."""
        for asked in self._partials:
            if not (is_busy and asked.is_urgent):
                self._partials.remove(asked)
                if asked.answer.done():
                    return
                if is_busy:
                    asked.answer.set_exception(EngineBusy("the speech server has other work"))
                else:
                    asked.answer.set_result(answer)
                return

    def _fail(self, error: SpeechError) -> None:
        """The first failure counts; who waits learns of it, and whoever asks later."""
        if self._final.done() and not self._partials:
            return
        self._failure = self._failure or error
        pending = [*(asked.answer for asked in self._partials), self._final]
        self._partials.clear()
        for answer in pending:
            if not answer.done():
                answer.set_exception(self._failure)
                answer.exception()  # nobody may be waiting for it, and that is no fault
