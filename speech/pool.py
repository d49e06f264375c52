"""The worker threads in which all calls of a process share their engines.

Model work never runs on the event loop: it is handed to an `EnginePool`, which runs the most
urgent job first. Two rules keep a call responsive when others are busy:

- one extra thread takes `Priority.VAD` jobs only, because a window of 0.1 ms must not wait for a
  transcript of 100 ms or more that occupies every other worker;
- work that may wait (`PARTIAL`, `PREWARM`) never occupies the last worker, so that a final
  transcript starts at once (with one worker it waits for the job under way).

A model must itself use one thread a job (onnxruntime intra-op 1, and `OPENBLAS_NUM_THREADS=1`,
`OMP_NUM_THREADS=1` in the environment **before** numpy is imported, which `bot` sees to): else
the workers fight over the cores, and numpy's BLAS has been seen to deadlock for good with four
calls at once.
"""

import asyncio
import heapq
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any, TypeVar

from speech.errors import DeadlineExceeded, EngineBusy

T = TypeVar("T")

BEHIND_THE_LOOP = 5
"""The nice value of the threads that decode. A packet of the bot's voice that leaves 60 ms late is
a hole; a transcript 5 ms later is nothing. With eight calls on two cores 4.8 holes a minute at 0,
none at 10, where other programs of the machine starve it; 5 itself was not measured."""


class Priority(IntEnum):
    """How soon a job must run; the lower number goes first."""

    VAD = 0  # a window of 32 ms: late means that an interruption is noticed late
    FINAL = 1  # a caller is waiting for the answer
    PARTIAL = 2  # of use only while the caller still talks
    PREWARM = 3  # nobody waits


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The jobs of one priority that have run, since the pool was made."""

    jobs: int
    run_s: float  # in their threads
    waited_s: float  # from being queued to a thread


@dataclass(frozen=True, slots=True)
class PoolStats:
    """What a pool is doing, and has done since it was made."""

    workers: int
    queued: int  # waiting for a worker; cancelled jobs are not counted
    running: int
    done: int  # ran to an end, with a result or an exception
    dropped: int  # never ran: their waiter went away while they were queued
    refused: int  # turned away with EngineBusy
    times: Mapping[Priority, JobTimes]


class _Job:
    """One queued function. Its fields change only under the pool's lock."""

    __slots__ = ("args", "fn", "future", "live", "loop", "order", "priority", "queued_s")

    def __init__(
        self, fn: Callable[..., Any], args: tuple[Any, ...], priority: Priority, order: int
    ) -> None:
        self.fn = fn
        self.args = args
        self.priority = priority
        self.order = order
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.live = True  # queued, and somebody still waits for it
        self.queued_s = time.monotonic()

    def __lt__(self, other: "_Job") -> bool:
        return (self.priority, self.order) < (other.priority, other.order)

    def run(self) -> tuple[Any, BaseException | None]:
        """Run the function: its result, or the exception that it raised."""
        try:
            return self.fn(*self.args), None
        except BaseException as error:  # belongs to the waiter, whatever it is
            return None, error

    def settle(self, result: Any, failure: BaseException | None) -> None:
        """Hand the outcome to the waiter, on its own loop."""
        with suppress(RuntimeError):  # the loop has closed: nobody is waiting
            self.loop.call_soon_threadsafe(self._settle, result, failure)

    def _settle(self, result: Any, failure: BaseException | None) -> None:
        if self.future.done():
            return
        if failure is None:
            self.future.set_result(result)
        elif isinstance(failure, StopIteration):  # a future refuses it
            self.future.set_exception(RuntimeError(f"the job raised {failure!r}"))
        else:
            self.future.set_exception(failure)


class EnginePool:
    """Bounded worker threads over a priority queue. One pool serves all calls of a process."""

    def __init__(self, workers: int | None = None, *, max_queued: int = 256) -> None:
        """Start the threads.

        Args:
            workers: threads for model work; None means one a core that this process may use.
                More than the cores only adds switching; fewer leaves cores idle.
            max_queued: jobs that may wait. 256 is twelve seconds of 48 ms decodes on one core:
                whoever comes later would not be served in time anyway.
        """
        count = len(os.sched_getaffinity(0)) if workers is None else workers
        if count < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        if max_queued < 1:
            raise ValueError(f"max_queued must be at least 1, not {max_queued}")
        self._workers = count
        self._max_queued = max_queued
        self._patient_limit = max(1, count - 1)
        # Each job wakes one thread, not all: three for a window of 0.1 ms would cost more than it.
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._wake_vad = threading.Condition(self._lock)
        self._vad_sleeps = False
        self._urgent: list[_Job] = []  # heap: VAD jobs
        self._heap: list[_Job] = []  # heap: all other jobs
        self._order = self._queued = self._running = self._patient = 0
        self._done = self._dropped = self._refused = 0
        self._times = {priority: JobTimes(0, 0.0, 0.0) for priority in Priority}
        self._closed = False
        self._threads = [
            threading.Thread(
                target=self._work, args=(name == "vad",), name=f"engine-{name}", daemon=True
            )
            for name in ("vad", *map(str, range(count)))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def stats(self) -> PoolStats:
        """A snapshot of the counters."""
        with self._lock:
            return PoolStats(
                self._workers,
                self._queued,
                self._running,
                self._done,
                self._dropped,
                self._refused,
                dict(self._times),
            )

    @property
    def has_waiting(self) -> bool:
        """Whether jobs wait for a worker."""
        with self._lock:
            return any(job.live for job in self._heap)

    @property
    def is_busy(self) -> bool:
        """Whether work that may wait would have to: something else does, or it has its share."""
        with self._lock:
            waiting = any(job.live for job in self._heap)
            return waiting or self._patient >= self._patient_limit

    def submit(
        self, fn: Callable[..., T], *args: Any, priority: Priority = Priority.FINAL
    ) -> "asyncio.Future[T]":
        """Queue `fn(*args)` and return its future; cancelling it drops the job if still queued.

        Raises:
            EngineBusy: `max_queued` jobs are waiting, or the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise EngineBusy("the engine pool is closed: the process is shutting down")
            if self._queued >= self._max_queued:
                self._refused += 1
                raise EngineBusy(
                    f"{self._queued} jobs are waiting for {self._workers} workers: "
                    "take fewer calls at once, or give the process more cores"
                )
            job = _Job(fn, args, priority, self._order)
            self._order += 1
            self._queued += 1
            heapq.heappush(self._urgent if priority is Priority.VAD else self._heap, job)
            wake = self._wake_vad if priority is Priority.VAD and self._vad_sleeps else self._wake
            wake.notify()
        job.future.add_done_callback(lambda future: self._drop(job) if future.cancelled() else None)
        return job.future

    async def run(
        self,
        fn: Callable[..., T],
        *args: Any,
        priority: Priority = Priority.FINAL,
        deadline_s: float | None = None,
    ) -> T:
        """Run `fn(*args)` in a worker and return its result; its exceptions pass through.

        If the caller is cancelled, or `deadline_s` (from now, queueing included) passes, a job
        that is still queued never runs; one that is running ends unheard.

        Raises:
            EngineBusy: too many jobs are waiting; this one was not queued.
            DeadlineExceeded: there was no result after `deadline_s`.
        """
        return await self.wait(self.submit(fn, *args, priority=priority), deadline_s)

    async def wait(self, job: "asyncio.Future[T]", deadline_s: float | None = None) -> T:
        """Await a submitted job for `deadline_s` from now; it is cancelled if that passes.

        Raises:
            DeadlineExceeded: there was no result after `deadline_s`.
        """
        limit = asyncio.timeout(deadline_s)
        try:
            async with limit:
                return await job
        except TimeoutError as error:
            if not limit.expired():
                raise  # the function's own
            raise DeadlineExceeded(f"no result within {deadline_s:g} s") from error

    async def close(self, *, timeout_s: float = 10.0) -> None:
        """Drop what is queued (its waiters are cancelled), let running jobs end, end the threads.

        A job still running after `timeout_s` is left behind: the threads are daemonic, so it
        does not keep the process alive. Safe to call again.
        """
        with self._lock:
            self._closed = True
            waiting = [job for job in (*self._urgent, *self._heap) if job.live]
            self._urgent, self._heap = [], []
            for job in waiting:
                self._forget(job)
            self._wake.notify_all()
            self._wake_vad.notify_all()
        for job in waiting:
            with suppress(RuntimeError):
                job.loop.call_soon_threadsafe(job.future.cancel)
        ends_s = time.monotonic() + timeout_s
        for thread in self._threads:
            await asyncio.to_thread(thread.join, max(0.0, ends_s - time.monotonic()))

    async def __aenter__(self) -> "EnginePool":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _drop(self, job: _Job) -> None:
        """Forget a queued job whose waiter is gone, and what it held on to."""
        with self._lock:
            if job.live:
                self._forget(job)

    def _forget(self, job: _Job) -> None:
        job.live = False
        job.fn, job.args = _nothing, ()
        self._queued -= 1
        self._dropped += 1

    def _next(self, urgent_only: bool) -> _Job | None:
        """Take the job that this thread should run now. Called under the lock."""
        heaps = [self._urgent] if urgent_only else [self._urgent, self._heap]
        for heap in heaps:
            while heap and not heap[0].live:
                heapq.heappop(heap)
            if not heap:
                continue
            if heap[0].priority >= Priority.PARTIAL and self._patient >= self._patient_limit:
                return None
            return heapq.heappop(heap)
        return None

    def _note_times(self, job: _Job, began_s: float) -> None:
        seen, waited_s = self._times[job.priority], began_s - job.queued_s
        run_s = time.monotonic() - began_s
        self._times[job.priority] = JobTimes(
            seen.jobs + 1, seen.run_s + run_s, seen.waited_s + waited_s
        )

    def _work(self, urgent_only: bool) -> None:
        """The life of one thread."""
        wake = self._wake_vad if urgent_only else self._wake
        if not urgent_only:
            _stand_back()
        while True:
            with self._lock:
                while (job := self._next(urgent_only)) is None:
                    if self._closed:
                        return
                    if urgent_only:
                        self._vad_sleeps = True
                    wake.wait()
                if urgent_only:
                    self._vad_sleeps = False
                job.live = False
                patient = job.priority >= Priority.PARTIAL
                self._queued -= 1
                self._running += 1
                self._patient += patient
            began_s = time.monotonic()
            outcome = job.run()
            with self._lock:
                self._note_times(job, began_s)
                self._running -= 1
                self._patient -= patient
                self._done += 1
                if patient:
                    self._wake.notify_all()
            job.settle(*outcome)
            del job, outcome  # they hold audio and a future: not while this thread sleeps


def _stand_back() -> None:
    """Let the event loop, and voice activity, have the processor before this thread."""
    if sys.platform == "linux":  # where a nice value is a thread's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND_THE_LOOP)


def _nothing() -> None:
    """What a dropped job runs."""
