"""How well and how fast Moonshine hears the telephone: ours against the wheel's own library.

    python benchmarks/hearing.py [--clips N]

Real recorded prompts (Debian's asterisk-core-sounds-en, CC-BY-SA, not in this repository) are
passed through mu-law at 8 kHz. Word error rate after lower case, digits to words and no
punctuation; CPU is that of the whole process, all threads.
"""

import argparse
import gzip
import importlib
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import soundfile
from num2words import num2words
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from speech.engines.moonshine import HOW_TO_GET_IT, decode, weights_folder
from speech.engines.moonshine_model import MoonshineModel
from speech.resampling import resample
from speech.stt import Pcm

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
RATE_HZ = 8_000


@dataclass(frozen=True, slots=True)
class Clip:
    """One recorded prompt."""

    words: list[str]
    pcm: Pcm  # int16 mono at 8 kHz, after mu-law


@dataclass(frozen=True, slots=True)
class Row:
    """What one engine made of all clips."""

    engine: str
    errors: int
    short_errors: int  # in clips of one or two words
    right_clips: int
    cpu_ms: list[float]


def mu_law(pcm: Pcm) -> Pcm:
    """There and back through G.711 mu-law (Sun's reference algorithm, 14-bit)."""
    bias, clip = 0x84, 32_635
    sign = np.where(pcm < 0, -1, 1)
    level = np.minimum(np.abs(pcm.astype(np.int32)), clip) + bias
    exponent = np.floor(np.log2(level)).astype(np.int32) - 7
    mantissa = (level >> (exponent + 3)) & 0x0F
    decoded = (((mantissa << 3) + bias) << exponent) - bias
    return (sign * decoded).astype(np.int16)


def words(text: str) -> list[str]:
    """Lower case, digits as words, no punctuation."""
    text = text.lower().replace("#", " pound ").replace("*", " star ")
    text = re.sub(r"\d+", lambda m: f" {num2words(int(m.group()))} ".replace("-", " "), text)
    return re.sub(r"[^a-z ]", " ", text.replace("'", "").replace("’", "")).split()


def clips() -> Iterator[Clip]:
    """Every prompt that has words; annotated ones ([beep], <tone>) are left out."""
    with gzip.open(TEXTS, "rt", encoding="utf-8") as lines:
        for line in lines:
            name, _, text = line.strip().partition(":")
            path = SOUNDS / f"{name}.wav"
            if line.startswith(";") or re.search(r"[\[(<]", text) or not path.is_file():
                continue
            pcm, rate_hz = cast(tuple[Pcm, int], soundfile.read(path, dtype="int16"))
            if rate_hz == RATE_HZ and words(text):
                yield Clip(words(text), mu_law(pcm))


def measure(engine: str, hear: Callable[[Pcm], str], corpus: list[Clip]) -> Row:
    """Let `hear` hear every clip."""
    errors = short = right = 0
    cpu_ms: list[float] = []
    for clip in corpus:
        start_s = time.process_time()
        text = hear(clip.pcm)
        cpu_ms.append((time.process_time() - start_s) * 1000)
        wrong = Levenshtein.distance(clip.words, words(text))
        errors += wrong
        right += not wrong
        short += wrong if len(clip.words) <= 2 else 0
    return Row(engine, errors, short, right, cpu_ms)


def ours() -> Callable[[Pcm], str]:
    """The engine as calls use it, without the pool around it."""
    model = MoonshineModel(weights_folder(), how_to_get_it=HOW_TO_GET_IT)
    return lambda pcm: decode(model, pcm, RATE_HZ).text


def peer() -> Callable[[Pcm], str] | None:
    """The moonshine-voice wheel's own library on the same weights, if it loads here."""
    try:
        library = cast(Any, importlib.import_module("moonshine_voice"))
        transcriber = library.Transcriber(str(weights_folder()), library.ModelArch.TINY)
    except (ImportError, OSError, AttributeError) as error:
        print(f"moonshine_voice's library does not load here: {error}", file=sys.stderr)
        return None

    def hear(pcm: Pcm) -> str:
        samples = resample(pcm, RATE_HZ, 16_000)
        lines = transcriber.transcribe_without_streaming(samples.tolist(), 16_000).lines
        return " ".join(line.text for line in lines)

    return hear


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=None, help="only the first N prompts")
    arguments = parser.parse_args()
    if not TEXTS.is_file() or not SOUNDS.is_dir():
        print(
            "skipped: the recorded prompts are not installed; get them with "
            "`apt-get install asterisk-core-sounds-en asterisk-core-sounds-en-wav`"
        )
        return 0
    corpus = list(clips())[: arguments.clips]
    rows = [measure("callwright", ours(), corpus)]
    if (theirs := peer()) is not None:
        rows.append(measure("moonshine_voice", theirs, corpus))
    total = sum(len(clip.words) for clip in corpus)
    short = sum(len(clip.words) for clip in corpus if len(clip.words) <= 2)
    seconds = sum(len(clip.pcm) for clip in corpus) / RATE_HZ
    table = Table(title=f"{len(corpus)} prompts, {seconds:.0f} s, {total} words, mu-law 8 kHz")
    for column in ("engine", "WER", "WER, 1-2 words", "clips right", "CPU ms median", "p95"):
        table.add_column(column, justify="left" if column == "engine" else "right")
    for row in rows:
        table.add_row(
            row.engine,
            f"{row.errors / total:.3f}",
            f"{row.short_errors / max(1, short):.3f}",
            f"{row.right_clips} of {len(corpus)}",
            f"{statistics.median(row.cpu_ms):.0f}",
            f"{statistics.quantiles(row.cpu_ms, n=20)[-1]:.0f}",
        )
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
