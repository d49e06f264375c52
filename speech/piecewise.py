"""A text spoken piece by piece and heard as one: its first sound comes when its first clause does.

While one piece is on its way to the listener the next one is made, and no further one. They are
heard in their order: without a gap inside a sentence, with `SENTENCE_PAUSE_MS` between two.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from enum import Enum

from speech.clauses import Piece
from speech.silence import TailTrimmer
from speech.stt import Pcm

SENTENCE_PAUSE_MS = 60
"""Silence between two sentences. Under 50 ms they run into each other, over 80 they drag."""

LEAD_MS = 20
"""Silence left before the first sound, as engines leave it; inside an utterance there is none."""

AHEAD = 1
"""Pieces made before their turn. One hides the time that the next takes; more is work for nothing
when the caller interrupts."""


class _End(Enum):
    PIECE = "of a piece"
    ALL = "of all there is"


Make = Callable[[str], AsyncGenerator[Pcm, None]]
"""The audio of one piece, int16 mono, as it is made."""


async def spoken(
    pieces: Sequence[Piece], make: Make, *, sample_rate_hz: int
) -> AsyncGenerator[Pcm, None]:
    """Yield the audio of all pieces as it can be played, int16 mono at `sample_rate_hz`.

    Closing it stops what is being made. Raises what `make` raises, behind all that was good.
    """
    room = asyncio.Semaphore(1 + AHEAD)
    chunks: asyncio.Queue[Pcm | _End] = asyncio.Queue()
    making = asyncio.create_task(_make_all(pieces, make, room, chunks))
    try:
        for number, piece in enumerate(pieces):
            trimmer = TailTrimmer(
                sample_rate_hz=sample_rate_hz,
                lead_ms=0 if number else LEAD_MS,
                tail_ms=SENTENCE_PAUSE_MS if piece.ends_sentence else 0,
            )
            while (chunk := await chunks.get()) is not _End.PIECE:
                if isinstance(chunk, _End):
                    await making  # raises what ended it early
                elif len(ready := trimmer.push(chunk)):
                    yield ready
            room.release()
            if len(tail := trimmer.finish()):
                yield tail
    finally:
        making.cancel()
        await asyncio.wait([making])
        if not making.cancelled():
            making.exception()  # was raised above, or nobody listens any more


async def _make_all(
    pieces: Sequence[Piece],
    make: Make,
    room: asyncio.Semaphore,
    chunks: asyncio.Queue[Pcm | _End],
) -> None:
    try:
        for piece in pieces:
            await room.acquire()
            async with aclosing(make(piece.text)) as made:
                async for chunk in made:
                    chunks.put_nowait(chunk)
            chunks.put_nowait(_End.PIECE)
    finally:
        chunks.put_nowait(_End.ALL)
