"""Whisper as calls use it, against faster-whisper called directly: same model, random weights.

    python -m benchmarks.whisper [--size base|small|large-v3-turbo] [--device cpu|cuda]
        [--streams 1,4,8,16] [--rounds N] [--seconds S]

The networks have their real sizes and random weights, so the words mean nothing; what it costs to
find them does not depend on that. Each ends after some fifteen tokens, as an answer of 3 s does.
All streams of a round end their turns at the same time, which is the worst case.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from speech.engines.whisper import WhisperRecognizer
from speech.engines.whisper_options import WhisperOptions
from speech.pool import EnginePool
from speech.resampling import resample
from speech.stt import Pcm
from tests.speech.random_whisper import build_whisper

RATE_HZ = 8_000
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"width": 384, "layers": 4, "decoder_layers": 4, "heads": 6, "mels": 80},
    "base": {"width": 512, "layers": 6, "decoder_layers": 6, "heads": 8, "mels": 80},
    "small": {"width": 768, "layers": 12, "decoder_layers": 12, "heads": 12, "mels": 80},
    "medium": {"width": 1024, "layers": 24, "decoder_layers": 24, "heads": 16, "mels": 80},
    "large-v2": {"width": 1280, "layers": 32, "decoder_layers": 32, "heads": 20, "mels": 80},
    "large-v3": {"width": 1280, "layers": 32, "decoder_layers": 32, "heads": 20, "mels": 128},
    "large-v3-turbo": {"width": 1280, "layers": 32, "decoder_layers": 4, "heads": 20, "mels": 128},
    "distil-small": {"width": 768, "layers": 12, "decoder_layers": 4, "heads": 12, "mels": 80},
    "distil-medium": {"width": 1024, "layers": 24, "decoder_layers": 2, "heads": 16, "mels": 80},
    "distil-large-v2": {"width": 1280, "layers": 32, "decoder_layers": 2, "heads": 20, "mels": 80},
    "distil-large-v3": {"width": 1280, "layers": 32, "decoder_layers": 2, "heads": 20, "mels": 128},
}
VOCABULARY = 51_866
ANSWER_TOKENS = 15
PROMPT_TOKENS = 4  # start, language, task, no timestamps


@dataclass(frozen=True, slots=True)
class Row:
    """What finals took with so many streams at once."""

    engine: str
    streams: int
    latency_ms: list[float]
    cpu_ms: float  # an utterance, all threads
    per_s: float


def answer(seconds: float) -> Pcm:
    """Something with the ups and downs of a voice, int16 mono at 8 kHz."""
    random = np.random.default_rng(5)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    syllables = np.clip(np.sin(2 * np.pi * 4 * time_s), 0.02, 1)
    return (random.normal(0, 3_000, len(time_s)) * syllables).clip(-32e3, 32e3).astype(np.int16)


async def measured(
    engine: str, streams: int, rounds: int, once: Callable[[], Awaitable[Any]]
) -> Row:
    """`once` as many times at once as there are streams, in several rounds after a first."""
    latency_ms: list[float] = []

    async def timed() -> None:
        began_s = time.perf_counter()
        await once()
        latency_ms.append((time.perf_counter() - began_s) * 1000)

    await timed()
    latency_ms.clear()
    cpu_s, began_s = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        await asyncio.gather(*(timed() for _ in range(streams)))
    count = streams * rounds
    return Row(
        engine,
        streams,
        latency_ms,
        (time.process_time() - cpu_s) * 1000 / count,
        count / (time.perf_counter() - began_s),
    )


async def theirs(
    folder: Path, device: str, pcm: Pcm, counts: list[int], rounds: int, beam_size: int
) -> list[Row]:
    """faster-whisper as its README calls it, from one thread a stream."""
    from faster_whisper import WhisperModel

    compute = "int8_float16" if device == "cuda" else "int8"
    model = cast(Any, WhisperModel)(str(folder), device=device, compute_type=compute)
    samples = resample(pcm, RATE_HZ, 16_000)

    def decode() -> str:
        segments, _ = model.transcribe(
            samples, language="en", beam_size=beam_size, temperature=0.0, without_timestamps=True
        )
        return " ".join(segment.text for segment in segments)

    rows: list[Row] = []
    with ThreadPoolExecutor(max(counts)) as threads:
        loop = asyncio.get_running_loop()
        for streams in counts:
            name = f"faster-whisper, beam {beam_size}"
            rows.append(
                await measured(name, streams, rounds, lambda: loop.run_in_executor(threads, decode))
            )
    return rows


async def ours(
    name: str,
    pcm: Pcm,
    counts: list[int],
    rounds: int,
    *,
    in_passing: bool = False,
    **options: Any,
) -> list[Row]:
    """The engine as calls use it: finals for good, or words in passing."""
    chosen = WhisperOptions.model_validate(
        {"fallback_temperatures": "", "log_probability": -5, "compression_ratio": 10, **options}
    )
    rows: list[Row] = []
    async with EnginePool() as pool:
        whisper = WhisperRecognizer(pool, options=chosen)
        await whisper.start()

        async def once() -> None:
            stream = whisper.open(language="en", sample_rate_hz=RATE_HZ)
            stream.feed(pcm)
            if in_passing:
                await stream.partial()
                stream.cancel()
            else:
                await stream.finish()

        rows += [
            await measured(f"callwright, {name}", streams, rounds, once)
            for streams in ([1] if in_passing else counts)
        ]
        await whisper.close()
    return rows


async def run(arguments: argparse.Namespace, folder: Path) -> list[Row]:
    device, rounds = cast(str, arguments.device), cast(int, arguments.rounds)
    counts = [int(count) for count in cast(str, arguments.streams).split(",")]
    pcm = answer(arguments.seconds)
    beam = 5 if device == "cuda" else 1
    common = {"model": str(folder), "device": device, "word_times": "off", "beam_size": beam}
    rows = await theirs(folder, device, pcm, counts, rounds, beam)
    if device == "cuda":
        rows += await ours("30 s, one by one", pcm, counts, rounds, max_batch=1, **common)
        rows += await ours("30 s, batches", pcm, counts, rounds, **common)
        rows += await ours("short, batches", pcm, counts, rounds, short_window="on", **common)
    else:
        cores = len(os.sched_getaffinity(0))
        rows += await ours("30 s", pcm, counts, rounds, short_window="off", **common)
        rows += await ours("short", pcm, counts, rounds, **common)
        batches = {**common, "max_batch": 8, "threads": cores}
        rows += await ours("short, batches", pcm, counts, rounds, **batches)
    timed = {**common, "word_times": "finals"}
    rows += await ours("its default, word times", pcm, counts[:1], rounds, **timed)
    return rows + await ours("in passing", pcm, counts, rounds, in_passing=True, **common)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--streams", default="1,4")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        folder = build_whisper(
            Path(kept),
            **SIZES[arguments.size],  # pyright: ignore[reportArgumentType]
            vocabulary=VOCABULARY,
            quantization="int8_float16" if arguments.device == "cuda" else "int8",
            bias={"<|endoftext|>": -200},
            ends_at_token=PROMPT_TOKENS + ANSWER_TOKENS,
        )
        rows = asyncio.run(run(arguments, folder))
    title = f"Whisper {arguments.size}, random weights, {arguments.seconds:g} s, {arguments.device}"
    table = Table(title=title)
    for column in ("engine", "streams", "final ms median", "slowest", "CPU ms each", "each s"):
        table.add_column(column, justify="left" if column == "engine" else "right")
    for row in rows:
        table.add_row(
            row.engine,
            str(row.streams),
            f"{statistics.median(row.latency_ms):.0f}",
            f"{max(row.latency_ms):.0f}",
            f"{row.cpu_ms:.0f}",
            f"{row.per_s:.1f}",
        )
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
