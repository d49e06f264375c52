"""One turn's words, from a recogniser that may not give any."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from processors.utterance import Ear, Utterance
from speech.errors import DeadlineExceeded
from speech.stt import Pcm, RecognitionStream, Transcript


class Hangs:
    """A recogniser and its stream that keep count of who waits."""

    name = "hangs"
    languages = frozenset({"en"})
    sample_rate_hz = 8000

    def __init__(self) -> None:
        self.asked = 0
        self.left = 0

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        return self

    def feed(self, pcm: Pcm) -> None: ...

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        return await self.finish()

    async def finish(self) -> Transcript:
        self.asked += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.left += 1
        raise AssertionError

    def cancel(self) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


async def test_words_that_do_not_come_in_time_are_given_up_and_not_waited_for_again() -> None:
    recognizer = Hangs()
    utterance = Utterance(Ear(recognizer, "en", 8000), first_ms=0, start_ms=0, words_s=0.05)
    utterance.take([np.ones(800, np.int16)])
    with pytest.raises(DeadlineExceeded, match=r"no words within 0\.05 s"):
        await utterance.words(is_urgent=True)
    with pytest.raises(DeadlineExceeded):
        await utterance.finish()
    assert (recognizer.asked, recognizer.left) == (1, 1)


class Says(Hangs):
    """Hears the texts it was given, one after the other."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self._texts = list(texts)

    async def finish(self) -> Transcript:
        return Transcript(self._texts.pop(0), "en", 0.9, is_final=True, audio_ms=100)


@pytest.mark.parametrize(
    ("first", "both", "new"),
    [
        ("No.", "No. Thank you.", "Thank you."),
        ("Two.", "Two", ""),  # and a hum
        ("No.", "no, wait", "wait"),
        ("Yes.", "Just wait", "Just wait"),  # heard anew, with what followed
    ],
)
async def test_what_a_turn_adds_to_the_one_before_is_told_apart(
    first: str, both: str, new: str
) -> None:
    ear = Ear(Says(first, both), "en", 8000)
    before = Utterance(ear, first_ms=0, start_ms=0)
    before.take([np.ones(800, np.int16)])
    await before.finish()
    after = Utterance(ear, first_ms=300, start_ms=300, before=before)
    after.take([np.ones(800, np.int16)])
    assert after.partial_frame(await after.words(is_urgent=True)).new_text == new


async def test_the_third_of_a_chain_adds_to_the_second_alone() -> None:
    ear = Ear(Says("Yes.", "Yes, no wait.", "No wait.", "No wait, mm."), "en", 8000)
    turn: Utterance | None = None
    for at in range(2):
        turn = Utterance(ear, first_ms=300 * at, start_ms=300 * at, before=turn)
        turn.take([np.ones(800, np.int16)])
        await turn.finish()
    third = Utterance(ear, first_ms=600, start_ms=600, before=turn)
    third.take([np.ones(800, np.int16)])
    assert third.partial_frame(await third.words(is_urgent=True)).new_text == "mm."
