"""Pieces made one after the other, heard as one text."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from speech.clauses import Piece
from speech.errors import EngineFailed
from speech.piecewise import LEAD_MS, SENTENCE_PAUSE_MS, spoken
from speech.stt import Pcm

RATE_HZ = 8000
MS = RATE_HZ // 1000
TONE_MS, SILENCE_MS = 100, 300

FIRST = Piece("Of course,", ends_sentence=False)
SECOND = Piece("I can help.", ends_sentence=True)
THIRD = Piece("Which order?", ends_sentence=True)


class Organ:
    """A tone for each piece, between silences; "broken" breaks behind its tone."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed: list[str] = []

    async def make(self, text: str) -> AsyncGenerator[Pcm, None]:
        self.asked.append(text)
        try:
            yield np.zeros(SILENCE_MS * MS, np.int16)
            yield np.full(TONE_MS * MS, 1000 + len(self.asked), np.int16)
            if text == "broken":
                raise EngineFailed("no voice today")
            yield np.zeros(SILENCE_MS * MS, np.int16)
        finally:
            self.closed.append(text)


async def heard(organ: Organ, *pieces: Piece) -> Pcm:
    async with aclosing(spoken(pieces, organ.make, sample_rate_hz=RATE_HZ)) as chunks:
        return np.concatenate([chunk async for chunk in chunks])


def spans(pcm: Pcm) -> list[tuple[str, int]]:
    """What sounds and what is silent, in ms, in order."""
    edges = np.flatnonzero(np.diff(pcm)) + 1
    parts = np.split(pcm, edges)
    return [("tone" if part[0] else "silence", len(part) // MS) for part in parts]


async def test_pieces_follow_without_a_gap_in_a_sentence_and_with_a_short_one_between_two() -> None:
    organ = Organ()
    assert spans(await heard(organ, FIRST, SECOND, THIRD)) == [
        ("silence", LEAD_MS),
        ("tone", TONE_MS),
        ("tone", TONE_MS),
        ("silence", SENTENCE_PAUSE_MS),
        ("tone", TONE_MS),
        ("silence", SENTENCE_PAUSE_MS),
    ]
    assert organ.asked == ["Of course,", "I can help.", "Which order?"]


async def test_one_piece_is_made_ahead_and_no_more() -> None:
    organ = Organ()
    async with aclosing(
        spoken((FIRST, SECOND, THIRD, THIRD), organ.make, sample_rate_hz=RATE_HZ)
    ) as chunks:
        await anext(chunks)
        for _ in range(20):
            await asyncio.sleep(0)
        assert organ.asked == ["Of course,", "I can help."]
    assert organ.closed == organ.asked


async def test_a_piece_that_breaks_is_told_behind_all_that_was_good() -> None:
    organ = Organ()
    sounding = 0

    async def listen() -> None:
        nonlocal sounding
        pieces = (FIRST, Piece("broken", ends_sentence=True), THIRD)
        async for chunk in spoken(pieces, organ.make, sample_rate_hz=RATE_HZ):
            sounding += np.count_nonzero(chunk)

    with pytest.raises(EngineFailed):
        await listen()
    assert sounding == 2 * TONE_MS * MS
    assert organ.asked == ["Of course,", "broken"]


async def test_closing_stops_the_piece_that_is_being_made() -> None:
    never = asyncio.Event()
    closed: list[str] = []

    async def make(text: str) -> AsyncGenerator[Pcm, None]:
        try:
            yield np.full(TONE_MS * MS, 1000, np.int16)
            await never.wait()
        finally:
            closed.append(text)

    async with aclosing(spoken((FIRST, SECOND), make, sample_rate_hz=RATE_HZ)) as chunks:
        await anext(chunks)
    assert closed == ["Of course,"]


async def test_a_text_without_words_is_silent() -> None:
    assert [chunk async for chunk in spoken((), Organ().make, sample_rate_hz=RATE_HZ)] == []
