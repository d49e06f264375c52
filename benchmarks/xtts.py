"""XTTS v2 with random weights: how soon it is heard, and how many streams keep up, beside stock.

    .engines/xtts/bin/python -m benchmarks.xtts [--full] [--streams 1 2 4] [--rounds N]

Both load the same folder: "stock" is coqui-tts's `Xtts.inference_stream` as its project documents
it, in a thread for each stream; "ours" is the engine. Stock keeps a stream's state in the model, so
that streams at once need a copy of it each: they get one. `--full` has the real model's size, for a
GPU. What is said is noise; a stream speaks `TOKENS` tokens of 46 ms. Stock's chunks have 20 tokens,
its default; ours first 10, then 20.
"""

import argparse
import copy
import importlib
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, load
from benchmarks.random_xtts import FULL, Size, write_model
from speech.engines.xtts_model import Loading, Saying, XttsModel

TEXT = "Your order is on its way, and the rider will be at your door in ten minutes."
TOKENS = 100
RATE_HZ = 24_000


@dataclass(frozen=True, slots=True)
class Spoken:
    """One stream."""

    first_ms: float  # from the request to the first chunk
    factor: float  # seconds of work for a second of speech
    late_ms: float  # the longest that a listener, who plays from the first chunk on, waited


Speak = Callable[[], Iterator[int]]
"""Yields the samples of each chunk."""


def _listen(speak: Speak) -> Spoken:
    began_s = perf_counter()
    first_s, samples, late_s = 0.0, 0, 0.0
    for chunk in speak():
        now_s = perf_counter()
        first_s = first_s or now_s
        late_s = max(late_s, now_s - first_s - samples / RATE_HZ)
        samples += chunk
    took_s = perf_counter() - began_s
    return Spoken((first_s - began_s) * 1000, took_s * RATE_HZ / samples, late_s * 1000)


def _at_once(speakers: list[Speak]) -> list[Spoken]:
    with ThreadPoolExecutor(len(speakers)) as threads:
        return list(threads.map(_listen, speakers))


def _stock(folder: Path, device: str) -> Callable[[], Speak]:
    """Makes streams of coqui-tts's own, each over a model of its own."""
    xtts: Any = importlib.import_module("TTS.tts.models.xtts")
    configs: Any = importlib.import_module("TTS.tts.configs.xtts_config")
    config = configs.XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = xtts.Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder))
    model.to(device)
    voice = model.speaker_manager.speakers["Ana"]
    models = iter([model])

    def another() -> Speak:
        own = next(models, None) or copy.deepcopy(model)

        def speak() -> Iterator[int]:
            for chunk in own.inference_stream(
                *(TEXT, "en", voice["gpt_cond_latent"], voice["speaker_embedding"]),
                top_k=1,
                repetition_penalty=5.0,
            ):
                yield len(chunk.cpu())

        return speak

    return another


def _ours(folder: Path, device: str) -> Callable[[], Speak]:
    model = XttsModel.load(Loading(folder, device=device))
    voice = model.built_in_voices()["Ana"]
    saying = Saying(TEXT, "en", voice, first_tokens=10, part_tokens=20)
    return lambda: lambda: (len(part) for part in model.say(saying))


def _row(name: str, streams: int, spoken: list[Spoken]) -> tuple[str, ...]:
    def spread(values: list[float], digits: int) -> str:
        low, high = np.percentile(values, [10, 90])
        middle = statistics.median(values)
        return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"

    return (
        name,
        str(streams),
        spread([each.first_ms for each in spoken], 0),
        spread([each.factor for each in spoken], 2),
        spread([each.late_ms for each in spoken], 0),
    )


def _run(size: Size, streams: list[int], rounds: int) -> int:
    torch: Any = importlib.import_module("torch")
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    before = load()
    table = Table(
        title=f"XTTS v2, random weights, {size.layers} layers of {size.channels} channels, on "
        f"{torch.cuda.get_device_name(0) if device != 'cpu' else 'the processor'}; "
        f"{TOKENS * 1024 / 22_050:.1f} s of speech a stream, {rounds} rounds",
        title_justify="left",
    )
    table.add_column("engine")
    for column in ("streams", "first chunk ms", "real-time factor", "waited ms"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="callwright-xtts-") as made:
        folder = write_model(Path(made), size, speakers=("Ana",))
        kinds = {"stock": _stock(folder, device), "ours": _ours(folder, device)}
        speakers = {name: [make() for _ in range(max(streams))] for name, make in kinds.items()}
        for speak in (speakers["stock"][0], speakers["ours"][0]):
            _listen(speak)  # the first is the slow one
        for count in streams:
            found: dict[str, list[Spoken]] = {"stock": [], "ours": []}
            for _ in range(rounds):  # in turns, so that the machine's moods meet both
                for name, seen in found.items():
                    seen += _at_once(speakers[name][:count])
            for name, seen in found.items():
                table.add_row(*_row(name, count, seen))
    table.caption = (
        "Median and, in brackets, P10 to P90 of all streams. waited: the longest that a listener "
        f"was without sound.\n{describe()}; torch {torch.__version__}, {torch.get_num_threads()} "
        f"threads an operation; {date.today()}; load (1 and 5 min) before {before}, after {load()}."
    )
    table.caption_justify = "left"
    Console(width=100, highlight=False).print(table)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the real model's size")
    parser.add_argument("--streams", type=int, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    size = FULL if asked.full else Size()
    size = Size(size.layers, size.channels, size.heads, most_audio_tokens=TOKENS + 3)
    return _run(size, asked.streams or ([1, 4, 8, 16] if asked.full else [1, 2, 4]), asked.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
