"""The one clock of the simulator: the line's milliseconds, which may run faster than the wall's."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Milliseconds of line time since some zero."""

    def now_ms(self) -> float: ...

    async def sleep_until_ms(self, when_ms: float) -> None:
        """Returns at `when_ms` or, when that has passed, after giving the loop one turn."""
        ...


class LineClock:
    """Monotonic line time. With `speed` 4.0 one second of the wall is four of the line.

    Waits are absolute, so a late wake-up never shifts the ones after it. Too high a speed starves
    the peer: its real milliseconds of thinking are then `speed` times as many on the line.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._zero_s = time.monotonic()

    def now_ms(self) -> float:
        return (time.monotonic() - self._zero_s) * 1000.0 * self.speed

    async def sleep_until_ms(self, when_ms: float) -> None:
        left_s = (when_ms - self.now_ms()) / 1000.0 / self.speed
        await asyncio.sleep(max(0.0, left_s))

    async def sleep_ms(self, for_ms: float) -> None:
        await self.sleep_until_ms(self.now_ms() + for_ms)
