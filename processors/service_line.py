"""A Pipecat service by itself, in a small pipeline: frames go in, what it makes of them comes out.

So a service that is meant for a call's pipeline serves as an engine of `speech/`: it is set up,
started, fed and ended as Pipecat does it in a call.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pipecat.frames.frames import CancelFrame, EndFrame, ErrorFrame, Frame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed, EngineUnavailable, SpeechError

_END_S = 3.0
"""How long a service may take to say goodbye before it is cut off."""

_MESSAGE_CHARS = 300


class _Collector(FrameProcessor):
    """At one end of the pipeline: hands frames that come its way to a function."""

    def __init__(self, take: Callable[[Frame], None], direction: FrameDirection) -> None:
        super().__init__(enable_direct_mode=True)
        self._take = take
        self._direction = direction

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See the class."""
        await super().process_frame(frame, direction)
        if direction is self._direction:
            self._take(frame)
        if not isinstance(frame, ErrorFrame):  # the worker would only log it again
            await self.push_frame(frame, direction)


class ServiceLine:
    """One service with its connection, in the hands of one utterance or text at a time."""

    def __init__(
        self,
        service: FrameProcessor,
        *,
        in_rate_hz: int,
        out_rate_hz: int,
        is_connected: Callable[[], bool] = lambda: True,
    ) -> None:
        """Start nothing yet.

        Args:
            service: what is run.
            in_rate_hz: what the pipeline is said to carry to it.
            out_rate_hz: what the pipeline is said to carry from it.
            is_connected: whether its connection stands, where it doesn't tell when it falls.
        """
        self.service = service
        self._is_connected = is_connected
        self.sent_samples = 0  # of all utterances; the service counts its time from there
        self._out: asyncio.Queue[Frame | SpeechError] = asyncio.Queue()
        self._failure: SpeechError | None = None
        self._started = asyncio.Event()
        self._worker = PipelineWorker(
            Pipeline(
                [
                    _Collector(self._take_error, FrameDirection.UPSTREAM),
                    service,
                    _Collector(self._take, FrameDirection.DOWNSTREAM),
                ]
            ),
            params=PipelineParams(
                audio_in_sample_rate=in_rate_hz, audio_out_sample_rate=out_rate_hz
            ),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._run: asyncio.Task[None] | None = None

    @property
    def is_well(self) -> bool:
        """Whether it can serve another utterance or text."""
        running = self._run is not None and not self._run.done()
        usable = self._failure is None and self.service.is_usable
        return running and usable and self._is_connected()

    async def start(self, limit_s: float) -> None:
        """Start the pipeline; the service connects.

        Raises:
            EngineUnavailable: the service refuses, its key for instance.
            EngineFailed, DeadlineExceeded: it can't be reached, or not in time.
        """
        self._run = asyncio.create_task(self._running(), name=f"{self.service.name} alone")
        started = asyncio.ensure_future(self._started.wait())
        try:
            await asyncio.wait(
                (started, self._run), timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            started.cancel()
        if self._failure is not None:
            raise self._failure
        if not self._started.is_set():
            raise DeadlineExceeded(
                f"{self.service.name} was not connected within {limit_s:g} s (option connect_s)"
            )

    async def send(self, *frames: Frame) -> None:
        """Put frames into the pipeline, in their order."""
        await self._worker.queue_frames(list(frames))

    async def next(self) -> Frame:
        """What the service made next. Raises its failure, as `SpeechError`."""
        if self._failure is not None and self._out.empty():
            raise self._failure
        made = await self._out.get()
        if isinstance(made, SpeechError):
            raise made
        return made

    @property
    def has_more(self) -> bool:
        """Whether `next` gives something at once."""
        return self._failure is not None or not self._out.empty()

    def forget(self) -> None:
        """Drop what was made and not asked for."""
        while not self._out.empty():
            self._out.get_nowait()

    async def close(self) -> None:
        """End the pipeline; the service disconnects. Safe to call again."""
        if self._run is None or self._run.done():
            return
        await self._worker.cancel()
        await asyncio.wait((self._run,), timeout=_END_S)
        if not self._run.done():
            self._run.cancel()
            with suppress(asyncio.CancelledError):
                await self._run

    async def _running(self) -> None:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        await runner.run()
        self._fail(EngineFailed(f"{self.service.name} has ended"))

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, StartFrame):
            self._started.set()
        elif not isinstance(frame, EndFrame | CancelFrame):
            self._out.put_nowait(frame)

    def _take_error(self, frame: Frame) -> None:
        if isinstance(frame, ErrorFrame):
            self._fail(self._meaning(frame))

    def _meaning(self, frame: ErrorFrame) -> SpeechError:
        said = " ".join(frame.error.split())[:_MESSAGE_CHARS]
        status = getattr(frame.exception, "status_code", None) or getattr(
            getattr(frame.exception, "response", None), "status_code", None
        )
        if status in (429, 503):
            return EngineBusy(f"{self.service.name} has too much to do: {said}")
        if status in (401, 403):
            return EngineUnavailable(
                f"{self.service.name} refuses the key ({status}): set option api_key"
            )
        if not self.service.is_usable:
            return EngineUnavailable(f"{self.service.name} can't be used: {said}")
        return EngineFailed(f"{self.service.name}: {said}")

    def _fail(self, error: SpeechError) -> None:
        if self._failure is None:
            self._failure = error
            self._out.put_nowait(error)
            self._started.set()


class ServiceLines:
    """Warm lines by what they are for: taken by one utterance or text, and given back."""

    def __init__(self, *, connect_s: float, most_idle: int = 4) -> None:
        """`connect_s`: how long a connection may take; `most_idle`: of one kind, kept for later."""
        self._connect_s = connect_s
        self._most_idle = most_idle
        self._idle: dict[object, list[ServiceLine]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def take(self, kind: object, make: Callable[[], ServiceLine]) -> ServiceLine:
        """An idle line of that kind, or a new one, connected. Raises `SpeechError`."""
        idle = self._idle.setdefault(kind, [])
        while idle:
            line = idle.pop()
            if line.is_well:
                line.forget()
                return line
            self.drop(line)
        line = make()
        try:
            await line.start(self._connect_s)
        except BaseException:
            self.drop(line)
            raise
        return line

    def give_back(self, kind: object, line: ServiceLine) -> None:
        """It has nothing left to say, and may serve another."""
        idle = self._idle.setdefault(kind, [])
        if line.is_well and len(idle) < self._most_idle:
            idle.append(line)
        else:
            self.drop(line)

    def drop(self, line: ServiceLine) -> None:
        """End a line; nobody waits for that."""
        task = asyncio.create_task(line.close(), name="closes a service")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End the idle lines, and wait for all that end."""
        for idle in self._idle.values():
            for line in idle:
                self.drop(line)
        self._idle.clear()
        if self._closing:
            await asyncio.wait(tuple(self._closing))
