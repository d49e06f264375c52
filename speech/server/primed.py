"""A stream whose first item is made before anybody is promised the stream."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Primed(Generic[T]):
    """A generator of which the first item is made already; closing it closes the generator."""

    def __init__(self, first: list[T], rest: AsyncGenerator[T, None]) -> None:
        self._first = first
        self._rest = rest

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        return self._first.pop() if self._first else await anext(self._rest)

    async def aclose(self) -> None:
        await self._rest.aclose()


async def primed(chunks: AsyncGenerator[T, None]) -> Primed[T]:
    """The same, after its first item was made: what fails until then can still be answered."""
    try:
        return Primed([await anext(chunks)], chunks)
    except StopAsyncIteration:
        return Primed([], chunks)
    except BaseException:
        await chunks.aclose()
        raise
