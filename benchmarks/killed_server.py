"""How soon the next engine goes on when the speech server is killed, frozen or gone.

    python -m benchmarks.killed_server [--times 10]

A speech server with Moonshine and espeak stands first in both chains, the same engines in the
process behind it, with a call's deadlines. Each time a new server is killed (kill -9), or stopped
so that it keeps its connections and answers nothing: while a text is being spoken, between two
texts, and while the words of an utterance are waited for. Counted is from the blow to the next
sound or to the words; between two texts, from the request. A caller hears less of it: what was
spoken before is still being played. What is killed has a limit of 2 s; what is frozen is left at
its deadline.
"""

import argparse
import asyncio
import signal
import statistics
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, sleep

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.speech_server import TEXTS, served
from bot.setting_groups import TimeoutSettings
from speech.cache import SpeechCache
from speech.engines.remote_hearing import RemoteRecognizer
from speech.engines.remote_speaking import RemoteSynthesizer
from speech.hearing_chain import RecognizerChain
from speech.members import Member
from speech.pool import EnginePool
from speech.registry import make_recognizer, make_synthesizer
from speech.speaking_chain import Mouth, SpeechChain
from speech.stt import Pcm, Recognizer
from speech.tts import SpeechRequest, Synthesizer

RATE_HZ = 8000
HEARING_DEADLINE_S = TimeoutSettings().hearing_s  # as in a call
SPEAKING_DEADLINE_S = TimeoutSettings().speaking_s
LIMIT_S = 2.0  # of what is killed
LONG = TEXTS[2]


@dataclass(frozen=True, slots=True)
class Near:
    """The engines of this process, and a sentence that they said."""

    pool: EnginePool
    ear: Recognizer
    mouth: Synthesizer
    sentence: Pcm


@dataclass(frozen=True, slots=True)
class Chains:
    """With the server first; nothing that was said is kept."""

    hears: RecognizerChain
    speaks: SpeechChain


Blow = Callable[[psutil.Process], None]


def kill(server: psutil.Process) -> None:
    """As the kernel does that has no memory left."""
    server.kill()
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        sleep(0.001)


def freeze(server: psutil.Process) -> None:
    """Its connections stay open, and nothing comes."""
    server.send_signal(signal.SIGSTOP)


@asynccontextmanager
async def chains(near: Near) -> AsyncGenerator[tuple[Chains, psutil.Process]]:
    """Chains whose first engine is a new server, and its process."""
    async with AsyncExitStack() as stack:
        url, server = await stack.enter_async_context(served("moonshine,espeak"))
        stack.callback(_thaw, server)
        far_ear = make_recognizer("remote", near.pool, {"base_url": url})
        far_mouth = make_synthesizer("remote", {"base_url": url})
        assert isinstance(far_ear, RemoteRecognizer)
        assert isinstance(far_mouth, RemoteSynthesizer)
        stack.push_async_callback(far_ear.close)
        stack.push_async_callback(far_mouth.close)
        ears = [
            Member[Recognizer]("far", far_ear, deadline_s=HEARING_DEADLINE_S),
            Member[Recognizer]("near", near.ear, deadline_s=HEARING_DEADLINE_S),
        ]
        mouths = [
            Member[Synthesizer]("far", far_mouth, deadline_s=SPEAKING_DEADLINE_S),
            Member[Synthesizer]("near", near.mouth, deadline_s=SPEAKING_DEADLINE_S),
        ]
        for member in (*ears, *mouths):
            await member.start()
        caches = [Mouth(each, SpeechCache(each.engine, memory_bytes=0)) for each in mouths]
        yield Chains(RecognizerChain(ears), SpeechChain(caches)), server


def _thaw(server: psutil.Process) -> None:
    if server.is_running():
        server.send_signal(signal.SIGCONT)


async def while_speaking(near: Near, blow: Blow) -> float:
    """From the blow behind the first chunk to the next sound of whoever speaks then."""
    async with chains(near) as (chain, server):
        request = SpeechRequest(LONG, "en")
        speech = chain.speaks.speak(request, sample_rate_hz=RATE_HZ)
        async with aclosing(speech) as chunks:
            await anext(chunks)
            await asyncio.to_thread(blow, server)
            struck_s = perf_counter()
            worst_s, last_s = 0.0, struck_s
            async for _ in chunks:
                worst_s, last_s = max(worst_s, perf_counter() - last_s), perf_counter()
        return worst_s


async def between_texts(near: Near, blow: Blow) -> float:
    """From the first request behind the blow to its first chunk."""
    async with chains(near) as (chain, server):
        await _first_chunk_s(chain.speaks, TEXTS[0])
        await asyncio.to_thread(blow, server)
        return await _first_chunk_s(chain.speaks, TEXTS[1])


async def _first_chunk_s(chain: SpeechChain, text: str) -> float:
    asked_s = perf_counter()
    speech = chain.speak(SpeechRequest(text, "en"), sample_rate_hz=RATE_HZ)
    async with aclosing(speech) as chunks:
        await anext(chunks)
        return perf_counter() - asked_s


async def while_hearing(near: Near, blow: Blow) -> float:
    """From the blow, at the end of an utterance, to its words."""
    async with chains(near) as (chain, server):
        stream = chain.hears.open(language="en", sample_rate_hz=RATE_HZ)
        half = len(near.sentence) // 2
        stream.feed(near.sentence[:half])
        await stream.partial(is_urgent=True)
        stream.feed(near.sentence[half:])
        await asyncio.to_thread(blow, server)
        struck_s = perf_counter()
        words = await stream.finish()
        assert words.engine == "near", words
        assert words.text
        return perf_counter() - struck_s


CASES = (
    ("killed while it speaks", while_speaking, kill),
    ("killed between two texts", between_texts, kill),
    ("killed before an utterance's words", while_hearing, kill),
    ("frozen while it speaks", while_speaking, freeze),
    ("frozen between two texts", between_texts, freeze),
    ("frozen before an utterance's words", while_hearing, freeze),
)


async def measure(times: int) -> int:
    """Run, print, and say whether the limit held: 0 or 1."""
    table = Table(title=f"The next engine goes on, {times} times each")
    for column in ("the speech server is", "median, s", "longest, s"):
        table.add_column(column, justify="left" if column.startswith("the") else "right")
    worst_s = 0.0
    async with EnginePool(2) as pool, _near(pool) as near:
        for name, case, blow in CASES:
            taken_s = [await case(near, blow) for _ in range(times)]
            if blow is kill:
                worst_s = max(worst_s, *taken_s)
            table.add_row(name, f"{statistics.median(taken_s):.2f}", f"{max(taken_s):.2f}")
    Console(width=100).print(table)
    print(f"What is killed has a limit of {LIMIT_S:g} s.")
    print(f"Deadlines: {HEARING_DEADLINE_S:g} s for words, {SPEAKING_DEADLINE_S:g} s for sound.")
    return 0 if worst_s < LIMIT_S else 1


@asynccontextmanager
async def _near(pool: EnginePool) -> AsyncGenerator[Near]:
    ear, mouth = make_recognizer("moonshine", pool), make_synthesizer("espeak")
    await ear.start()
    await mouth.start()
    try:
        cache = SpeechCache(mouth, memory_bytes=0)
        speech = cache.speak(SpeechRequest(TEXTS[0], "en"), sample_rate_hz=RATE_HZ)
        async with aclosing(speech) as chunks:
            sentence = np.concatenate([chunk async for chunk in chunks])
        yield Near(pool, ear, mouth, sentence)
    finally:
        await mouth.close()
        await ear.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    sys.exit(asyncio.run(measure(parser.parse_args().times)))


if __name__ == "__main__":
    main()
