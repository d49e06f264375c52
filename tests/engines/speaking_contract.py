"""What every engine that speaks must keep, asked of a started one: used by the engines' tests."""

import asyncio
import gc
import resource
import sys
from contextlib import aclosing

import numpy as np
import pytest

from speech.errors import LanguageUnsupported, VoiceUnknown
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer


async def heard(engine: Synthesizer, request: SpeechRequest) -> list[Pcm]:
    """All chunks of a request, each looked at."""
    chunks = [pcm async for pcm in engine.synthesize(request)]
    for pcm in chunks:
        assert pcm.dtype == np.int16
        assert pcm.ndim == 1
        assert len(pcm)
    return chunks


async def refuses_what_it_lacks(engine: Synthesizer, language: str) -> None:
    """A language and a voice that it lacks are refused by name, before the first chunk."""
    with pytest.raises(LanguageUnsupported, match=rf"{engine.name} does not speak 'xx', only .*en"):
        await heard(engine, SpeechRequest(text="Hello.", language="xx"))
    with pytest.raises(VoiceUnknown, match=f"{engine.name} has no voice 'nobody'"):
        await heard(engine, SpeechRequest(text="Hello.", language=language, voice="nobody"))


async def survives_hostile_texts(engine: Synthesizer, language: str) -> None:
    """Nothing to say is nothing; rubbish is spoken or nothing; what is too long is refused."""
    for text in ("", "   ", "...", "\x00\x1b\u2028", "—…!?"):
        assert await heard(engine, SpeechRequest(text=text, language=language)) == []
    for text in ("a\x00b \x1b[31m", "😀 ok 😀", "‮abc‬", "go" * 105):
        await heard(engine, SpeechRequest(text=text, language=language))
    with pytest.raises(ValueError, match="text must be up to 20000 characters, not 20001"):
        await heard(engine, SpeechRequest(text="a" * 20_001, language=language))
    for rate in (0.0, 9.0, float("nan")):
        with pytest.raises(ValueError, match=r"rate must be 0\.5\.\.2\.0"):
            await heard(engine, SpeechRequest(text="Hi.", language=language, rate=rate))


async def stops_and_speaks_again(engine: Synthesizer, long: SpeechRequest) -> None:
    """Closed after its first chunk it is free at once, again and again."""
    for _ in range(3):
        async with aclosing(engine.synthesize(long)) as spoken:
            assert len(await anext(spoken))
    short = SpeechRequest(text="Yes.", language=long.language)
    assert await heard(engine, short)


async def is_cancelled_with_its_task(engine: Synthesizer, long: SpeechRequest) -> None:
    """A cancelled task ends while the model works, and the engine goes on for others."""
    started = asyncio.Event()

    async def listen() -> None:
        async with aclosing(engine.synthesize(long)) as spoken:
            async for _ in spoken:
                started.set()

    task = asyncio.ensure_future(listen())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def most_memory_mb() -> float:
    """The most that this process has held."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform == "linux" else 1024**2
    )
