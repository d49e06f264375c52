"""An utterance while it is made: whoever asks for the same meanwhile hears it from its beginning.

One task makes it, as fast as its fastest reader takes it: a reader who is slow holds nobody, and
one who leaves takes it from nobody. When the last has left, the engine is stopped.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import numpy as np

from speech.errors import EngineFailed
from speech.stt import Pcm


class GrowingSound:
    """One utterance, which everybody who reads it together has made once."""

    def __init__(
        self, source: AsyncGenerator[Pcm, None], keep: Callable[[Pcm], Awaitable[None]]
    ) -> None:
        """Nothing is made before somebody reads.

        Args:
            source: what makes it; it is closed in the end.
            keep: is given the whole of it, before its readers are told that it has ended.
        """
        self._source = source
        self._keep = keep
        self._chunks: list[Pcm] = []
        self._readers = 0
        self._making: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()  # a reader has taken all that there is
        self._news = asyncio.Event()  # set and replaced when there is more, or no more
        self._is_left = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended, failed or been given up: who wants it now asks elsewhere."""
        return self._is_left or (self._making is not None and self._making.done())

    async def heard(self) -> AsyncGenerator[Pcm, None]:
        """Yield all of it, from its beginning, to its last sample.

        Raises:
            EngineFailed: its making was ended by somebody else than its readers.
            Exception: what `source` raises, to each reader.
        """
        if self._making is None:
            self._making = asyncio.create_task(self._make(), name="speech-being-made")
            self._making.add_done_callback(lambda _: self._tell())
        making, taken = self._making, 0
        self._readers += 1
        try:
            while True:
                while taken < len(self._chunks):
                    taken += 1
                    yield self._chunks[taken - 1]
                if making.done():
                    break
                self._wanted.set()
                await self._news.wait()
            if making.cancelled():
                raise EngineFailed("the speech was given up while it was made")
            making.result()
        finally:
            self._readers -= 1
            if not self._readers:
                self._is_left = True
                await _ended(making)

    async def _make(self) -> None:
        async with aclosing(self._source) as chunks:
            while True:
                await self._wanted.wait()
                chunk = await anext(chunks, None)
                if chunk is None:
                    break
                chunk.flags.writeable = False  # everybody gets this very array
                self._chunks.append(chunk)
                self._wanted.clear()
                self._tell()
        await self._keep(np.concatenate(self._chunks) if self._chunks else np.empty(0, np.int16))

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _ended(making: asyncio.Task[None]) -> None:
    """Nobody reads any more: see its end, and take its failure, which was told or is of no use."""
    making.cancel()
    await asyncio.wait([making])
    if not making.cancelled():
        making.exception()
