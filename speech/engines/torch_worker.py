"""The threads in which a torch model speaks, and how its audio comes to the event loop.

A model is a plain function that makes audio and hands it to an `Outlet`, chunk by chunk. It runs
in a thread of `ModelThreads`; what it hands over is an async generator here. Closing that
generator makes the next `put` or `check` in the thread raise, so that the model stops within one
chunk.

    async with aclosing(threads.stream(make)) as chunks:
        async for pcm in chunks: ...
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from speech.errors import EngineBusy, EngineFailed
from speech.stt import Pcm

T = TypeVar("T")

MOST_UNREAD_CHUNKS = 64
"""Chunks that may wait for their reader; then the thread waits. It bounds the memory of a reader
that stands still (a chunk is at most a sentence, 0.6 MB), and is never reached by one that plays:
a piece of text is under 64 chunks everywhere, so that no thread is held by a telephone's pace."""

_LOOKS_FOR_A_DEAD_LOOP_S = 1.0  # how often a waiting thread asks whether anybody can still read

BROKEN = (
    RuntimeError,  # torch's own, out of memory too
    ValueError,
    TypeError,
    AssertionError,  # what these packages refuse input with
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
)
"""What a model raises when it can't do what it was asked."""


class Stopped(Exception):
    """Raised in the model's thread when nobody wants its audio. Never leaves the thread."""


class Outlet:
    """What a model's function is given: where its audio goes. Used by one thread and one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._chunks: asyncio.Queue[Pcm | None] = asyncio.Queue()
        self._room = threading.Semaphore(MOST_UNREAD_CHUNKS)
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody wants more."""
        return self._stopped.is_set()

    def check(self) -> None:
        """Go on, or raise: for the steps between two chunks.

        Raises:
            Stopped: nobody wants more.
        """
        if self._stopped.is_set():
            raise Stopped

    def put(self, pcm: Pcm) -> None:
        """Hand over a chunk, int16 mono; waits while too many are unread.

        Raises:
            Stopped: nobody wants more.
        """
        while not self._room.acquire(timeout=_LOOKS_FOR_A_DEAD_LOOP_S):
            if self._loop.is_closed():
                raise Stopped
        self.check()
        self._send(pcm)

    def stop(self) -> None:
        """On the loop: want no more."""
        self._stopped.set()
        self._room.release()

    def end(self, _: "Future[None]") -> None:
        """The thread is done with it."""
        self._send(None)

    async def get(self) -> Pcm | None:
        """On the loop: the next chunk; None after the last."""
        chunk = await self._chunks.get()
        self._room.release()
        return chunk

    def _send(self, chunk: Pcm | None) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody is waiting
            self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)


Speak = Callable[[Outlet], None]
"""Makes audio in a model's thread; raises `Stopped`, a `SpeechError`, or one of `BROKEN`."""


class ModelThreads:
    """The threads of one engine, and how many utterances it takes at once."""

    def __init__(self, engine: str, *, threads: int, at_once: int) -> None:
        """Start nothing yet.

        Args:
            engine: its name, for errors and threads.
            threads: that run the model. One, where it keeps state between steps.
            at_once: utterances that are spoken at the same time; more are refused.
        """
        self._engine = engine
        self._at_once = at_once
        self._speaking = 0
        self._is_closed = False
        self._outlets: set[Outlet] = set()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"{engine}-model")

    @property
    def speaking(self) -> int:
        """The utterances under way."""
        return self._speaking

    @contextmanager
    def admitted(self) -> Generator[None]:
        """Count an utterance while it lasts.

        Raises:
            EngineBusy: there are as many as it takes.
        """
        if self._speaking >= self._at_once:
            raise EngineBusy(
                f"{self._engine} speaks {self._at_once} texts at once already: raise its option "
                "max_streams if the device keeps up, or add another speech server"
            )
        self._speaking += 1
        try:
            yield
        finally:
            self._speaking -= 1

    async def run(self, work: Callable[..., T], *given: object) -> T:
        """Run `work(*given)` in a thread; its exceptions pass through."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *given)

    async def stream(self, speak: Speak) -> AsyncGenerator[Pcm, None]:
        """Yield what `speak` puts, as it does; closing this stops it within a chunk.

        Raises:
            EngineFailed: it broke, or the engine is closed.
        """
        if self._is_closed:
            raise EngineFailed(f"{self._engine} is closed: make a new one")
        outlet = Outlet(asyncio.get_running_loop())
        self._outlets.add(outlet)
        job = self._executor.submit(_until_stopped, speak, outlet)
        job.add_done_callback(outlet.end)
        try:
            while (chunk := await outlet.get()) is not None:
                yield chunk
            if outlet.is_stopped:  # not by its reader, who is here
                raise EngineFailed(f"{self._engine} was closed while it spoke")
            self._raise_failure(job)
        finally:
            outlet.stop()
            job.cancel()  # has no effect on one that runs
            self._outlets.discard(outlet)

    async def close(self) -> None:
        """Stop what is spoken and end the threads, after the step that each is in."""
        self._is_closed = True
        for outlet in tuple(self._outlets):
            outlet.stop()
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _raise_failure(self, job: "Future[None]") -> None:
        failure = job.exception(timeout=0)
        if failure is None:
            return
        if isinstance(failure, BROKEN):
            raise EngineFailed(f"{self._engine} broke on this text: {failure!r}") from failure
        raise failure  # a SpeechError, or a fault of ours


def _until_stopped(speak: Speak, outlet: Outlet) -> None:
    with suppress(Stopped):
        outlet.check()
        speak(outlet)
