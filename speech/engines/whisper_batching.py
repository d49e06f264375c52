"""Decodes that arrive together, of several calls, run as one batch; finals before partials.

A GPU decodes sixteen utterances in little more than the time of one, so one thread feeds it. A CPU
does not: there each decode is a job of the pool, with one thread (`Direct`).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from speech.engines.whisper_attempts import Attempt, Guess
from speech.errors import EngineBusy, SpeechError
from speech.pool import EnginePool, Priority

A = TypeVar("A")
B = TypeVar("B")

_PARTIALS_SHARE = 4
"""A batch of partials has a quarter of the size of one of finals: a final that comes while it runs
waits for its end."""

_FAILURES = (
    *(SpeechError, ValueError, RuntimeError, MemoryError, LookupError, TypeError),
    *(AttributeError, OSError, ArithmeticError, AssertionError),
)
"""What a network promises to raise, and what libraries break its word with: the thread lives on."""


class Road(Protocol):
    """How attempts get to the network."""

    @property
    def is_busy(self) -> bool:
        """Whether an attempt that may wait would have to."""
        ...

    def submit(self, attempt: Attempt, priority: Priority) -> "asyncio.Future[Guess]":
        """Queue it; cancelling the future drops it, unless it is running.

        Raises:
            EngineBusy: too many wait.
        """
        ...

    def close(self) -> None:
        """Drop what waits."""
        ...


class Direct:
    """Each attempt is a job of the pool. Implements `Road`."""

    def __init__(self, pool: EnginePool, run: Callable[[Sequence[Attempt]], list[Guess]]) -> None:
        self._pool = pool
        self._run = run

    @property
    def is_busy(self) -> bool:
        return self._pool.is_busy

    def submit(self, attempt: Attempt, priority: Priority) -> "asyncio.Future[Guess]":
        return self._pool.submit(lambda: self._run([attempt])[0], priority=priority)

    def close(self) -> None:
        """The pool is not its own."""


@dataclass(frozen=True, slots=True)
class BatchStats:
    """What a batcher has done since it was made."""

    batches: int
    items: int
    largest: int
    dropped: int  # cancelled before they ran
    refused: int


class _Item(Generic[A, B]):
    __slots__ = ("came_s", "future", "given", "live", "loop", "priority")

    def __init__(self, given: A, priority: Priority) -> None:
        self.given = given
        self.priority = priority
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[B] = self.loop.create_future()
        self.came_s = time.monotonic()
        self.live = True

    def settle(self, result: B | None, failure: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody is waiting
            self.loop.call_soon_threadsafe(self._settle, result, failure)

    def _settle(self, result: Any, failure: BaseException | None) -> None:
        if self.future.done():
            return
        if failure is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(failure)


class Batcher(Generic[A, B]):
    """A thread that runs what waits in batches of one kind. Implements `Road` for attempts.

    A batch is of one priority and one key: first the finals, oldest first; partials only while no
    final waits. One that fails in company is run again alone, so that it takes no other call's
    words with it.
    """

    def __init__(
        self,
        run: Callable[[Sequence[A]], Sequence[B]],
        *,
        key: Callable[[A], Hashable],
        most: int,
        gather_ms: int,
        max_queued: int = 256,
    ) -> None:
        """Start the thread.

        Args:
            run: makes a result for each of a batch; called in this thread only.
            key: what those of a batch have in common.
            most: the size of a batch.
            gather_ms: how long the oldest of a batch waits for others, when the thread is idle.
                Calls that began together end their turns some ms apart; while a batch runs,
                others gather anyway.
            max_queued: beyond which `submit` refuses.
        """
        self._run_batch = run
        self._key = key
        self._most = most
        self._gather_s = gather_ms / 1000
        self._max_queued = max_queued
        self._items: list[_Item[A, B]] = []
        self._wake = threading.Condition()
        self._closed = False
        self._batches = self._done = self._largest = self._dropped = self._refused = 0
        self._thread = threading.Thread(target=self._work, name="whisper-batches", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> BatchStats:
        """A snapshot of the counters."""
        with self._wake:
            return BatchStats(
                self._batches, self._done, self._largest, self._dropped, self._refused
            )

    @property
    def is_busy(self) -> bool:
        """Whether finals wait, or as many partials as fit into the next batch of them."""
        with self._wake:
            finals = any(item.priority < Priority.PARTIAL for item in self._items)
            partials = sum(item.priority >= Priority.PARTIAL for item in self._items)
            return finals or partials >= self._room(Priority.PARTIAL)

    def submit(self, attempt: A, priority: Priority) -> "asyncio.Future[B]":
        """See `Road.submit`."""
        with self._wake:
            if self._closed:
                raise EngineBusy("whisper is closed: the process is shutting down")
            if len(self._items) >= self._max_queued:
                self._refused += 1
                raise EngineBusy(
                    f"{len(self._items)} utterances wait for whisper: take fewer calls at once, "
                    "or add a GPU"
                )
            item = _Item[A, B](attempt, priority)
            self._items.append(item)
            self._wake.notify()
        item.future.add_done_callback(lambda done: self._drop(item) if done.cancelled() else None)
        return item.future

    def close(self) -> None:
        """Cancel what waits and end the thread after the batch that runs. May be called again."""
        with self._wake:
            self._closed = True
            waiting, self._items = self._items, []
            self._wake.notify_all()
        for item in waiting:
            with suppress(RuntimeError):
                item.loop.call_soon_threadsafe(item.future.cancel)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _drop(self, item: _Item[A, B]) -> None:
        with self._wake:
            if item in self._items:
                self._items.remove(item)
                self._dropped += 1

    def _room(self, priority: Priority) -> int:
        return self._most if priority < Priority.PARTIAL else max(1, self._most // _PARTIALS_SHARE)

    def _next(self) -> list[_Item[A, B]]:
        """The batch that should run now, with its items still in the queue. Under the lock."""
        if not self._items:
            return []
        first = min(self._items, key=lambda item: item.priority)  # the oldest of the most urgent
        key = self._key(first.given)
        alike = [
            item
            for item in self._items
            if item.priority == first.priority and self._key(item.given) == key
        ]
        return alike[: self._room(first.priority)]

    def _gathered(self) -> list[_Item[A, B]] | None:
        """Wait for a batch and take it; None when it is closed."""
        with self._wake:
            while not self._closed:
                batch = self._next()
                if not batch:
                    self._wake.wait()
                    continue
                left_s = batch[0].came_s + self._gather_s - time.monotonic()
                if len(batch) < self._room(batch[0].priority) and left_s > 0:
                    self._wake.wait(left_s)
                    continue
                self._items = [item for item in self._items if item not in batch]
                self._batches += 1
                self._done += len(batch)
                self._largest = max(self._largest, len(batch))
                return batch
        return None

    def _work(self) -> None:
        while (batch := self._gathered()) is not None:
            self._answer(batch)
            del batch  # it holds audio: not while this thread sleeps

    def _answer(self, batch: list[_Item[A, B]]) -> None:
        try:
            results = self._run_batch([item.given for item in batch])
        except _FAILURES as error:  # belongs to the waiters
            if len(batch) == 1 or not isinstance(error, SpeechError):
                for item in batch:
                    item.settle(None, error)
                return
            for item in batch:
                self._answer([item])
            return
        for item, result in zip(batch, results, strict=True):
            item.settle(result, None)
