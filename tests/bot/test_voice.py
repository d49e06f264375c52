"""What a call says: whole where it is kept, else in pieces that are kept."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import numpy as np
import pytest

from bot.voice import Voice
from speech.cache import SpeechCache
from speech.errors import SpeechError
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest
from speech.tts import Voice as Preset

RATE_HZ = 8000
TEXT = "Of course, I can help you with that. Which order is it?"
PIECES = ["Of course,", "I can help you with that.", "Which order is it?"]


class Organ:
    """10 ms of a tone for each letter."""

    name, version, sample_rate_hz = "organ", "1", RATE_HZ
    languages = frozenset({"en"})
    voices = (Preset("pipe", "en", "a pipe"),)
    expression = Expression()

    def __init__(self) -> None:
        self.made: list[str] = []

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        self.made.append(request.text)
        yield np.full(len(request.text) * RATE_HZ // 100, 1000, np.int16)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture
def organ() -> Organ:
    return Organ()


async def said(voice: Voice, text: str) -> bytes:
    return b"".join([chunk.tobytes() async for chunk in voice.speak(text, "en")])


def voice_of(organ: Organ) -> tuple[Voice, SpeechCache]:
    cache = SpeechCache(organ)
    return Voice({"en": cache}, {}, RATE_HZ), cache


async def test_a_new_text_is_made_in_pieces_which_are_kept(organ: Organ) -> None:
    voice, _ = voice_of(organ)
    first = await said(voice, TEXT)
    assert organ.made == PIECES
    assert await said(voice, TEXT) == first
    assert await said(voice, "Which order is it?")
    assert organ.made == PIECES


async def test_what_is_kept_whole_is_spoken_whole(organ: Organ) -> None:
    voice, cache = voice_of(organ)
    await cache.prewarm([voice.request(TEXT, "en")], sample_rate_hz=RATE_HZ)
    await voice.prepare(TEXT, "en")
    assert await said(voice, TEXT)
    assert organ.made == [TEXT]


async def test_what_was_prepared_is_not_made_again(organ: Organ) -> None:
    voice, _ = voice_of(organ)
    await voice.prepare(TEXT, "en")
    assert await said(voice, TEXT)
    assert organ.made == PIECES


async def test_what_a_text_asks_of_the_voice_holds_for_all_its_pieces() -> None:
    asked: list[SpeechRequest] = []

    class Asked:
        async def speak(
            self, request: SpeechRequest, *, sample_rate_hz: int
        ) -> AsyncGenerator[Pcm, None]:
            asked.append(request)
            yield np.full(800, 1000, np.int16)

        async def holds(self, request: SpeechRequest, *, sample_rate_hz: int) -> bool:
            return False

        async def prewarm(
            self, requests: Iterable[SpeechRequest], *, sample_rate_hz: int, is_prompt: bool = True
        ) -> list[tuple[SpeechRequest, SpeechError]]:
            asked.extend(requests)
            return []

    voice = Voice({"en": Asked()}, {}, 8000)
    text = "[emotion=apologetic] Oh, I am [sigh] so sorry. [rate=0.9] Your ₹50 come back."
    async with aclosing(voice.speak(text, "en")) as chunks:
        spoken = [chunk async for chunk in chunks]
    assert spoken
    words = " ".join(request.text for request in asked)
    assert words == "Oh, I am [sigh] so sorry. Your fifty rupees come back."
    assert len(asked) > 1
    assert {(request.emotion, request.rate) for request in asked} == {("apologetic", 0.9)}
    prepared = asked.copy()
    asked.clear()
    await voice.prepare(text, "en")
    assert asked == prepared
