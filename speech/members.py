"""An engine's place in the chains of engines that stand in for each other.

One `Member` serves every chain and every call that uses its engine, so that what one caller found
out (it is down, it is slow) spares the next one the wait.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar

from loguru import logger

from speech.circuit import CircuitBreaker
from speech.errors import ENGINE_FAILURES, DeadlineExceeded, EngineBusy, EngineUnavailable


class Engine(Protocol):
    """What engines that hear and that speak have in common."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


E = TypeVar("E", bound=Engine)

START_AGAIN_S = 15.0
"""How often an engine that could not start is tried again: a speech server that is started after
the calls is used a quarter of a minute later."""


class Member(Generic[E]):
    """One engine under the name that the settings give it."""

    def __init__(
        self,
        name: str,
        engine: E,
        *,
        deadline_s: float,
        breaker: CircuitBreaker | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`deadline_s`: how long the next engine waits for words, or for sound, from this one."""
        self.name = name
        self.engine = engine
        self.deadline_s = deadline_s
        self.is_started = False
        self.failures = 0  # that were seen, since the process began
        self._breaker = breaker or CircuitBreaker()
        self._now_s = now_s

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed lately, or never started."""
        return self._breaker.is_open or not self.is_started

    def may_try(self) -> bool:
        """Whether to ask it now; who is told so calls `failed`, `succeeded` or `let_go`."""
        return self.is_started and self._breaker.may_try(self._now_s())

    def failed(self, error: Exception) -> None:
        """It did not do what it was asked. One that is full is not broken: the next caller may
        find a place."""
        if isinstance(error, EngineBusy):
            self.let_go()
            return
        self.failures += 1
        is_certain = isinstance(error, DeadlineExceeded | EngineUnavailable)
        was_open = self._breaker.is_open
        self._breaker.failed(self._now_s(), is_certain=is_certain)
        if self._breaker.is_open and not was_open:
            logger.warning("{} is left alone for a while: {}", self.name, error)

    def succeeded(self) -> None:
        """It did what it was asked."""
        if self._breaker.is_open:
            logger.info("{} is used again", self.name)
        self._breaker.succeeded()

    def let_go(self) -> None:
        """It was asked, and what it would have done is not known: the next caller may ask."""
        self._breaker.let_go()

    async def start(self) -> None:
        """Load it. Raises `EngineUnavailable`."""
        try:
            await self.engine.start()
        except EngineUnavailable:
            raise
        except ENGINE_FAILURES as error:
            raise EngineUnavailable(f"{self.name} could not start: {error}") from error
        self.is_started = True


class Starts(Protocol):
    """What `start_again` needs of a member, whatever its engine does."""

    name: str
    is_started: bool

    async def start(self) -> None: ...


async def start_again(
    members: Iterable[Starts],
    *,
    every_s: float = START_AGAIN_S,
    then: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Try those that could not start, until all have. Runs beside the calls.

    `then`: what is done anew whenever some have started late.
    """
    late = [member for member in members if not member.is_started]
    while late:
        await asyncio.sleep(every_s)
        waiting = len(late)
        for member in tuple(late):
            try:
                await member.start()
            except EngineUnavailable as error:
                logger.debug("{} still can't start: {}", member.name, error)
            else:
                logger.info("{} has started, and is used from now on", member.name)
                late.remove(member)
        if then is not None and len(late) < waiting:
            await then()
