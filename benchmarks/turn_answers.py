"""Answers as callers give them, whole and with a pause inside: for `benchmarks/turn_endings.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import soundfile

from bot.simulation.vendor_voices import clips
from speech.engines.flite import FliteSynthesizer
from speech.registry import make_synthesizer
from speech.resampling import resample
from speech.stt import Pcm

RATE_HZ = 8_000
SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
BETWEEN_WORDS_MS = 60
LOUD = 200.0
"""RMS over 10 ms: sound of a clip; the noise has a thirtieth of it."""

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve"
RECORDED = {
    **{name: f"digits/{n}" for n, name in enumerate(_UNITS.split())},
    **{name: f"digits/{n}" for name, n in (("fifteen", 15), ("twenty", 20), ("thirty", 30))},
    **{"forty": "digits/40", "minutes": "minutes", "cancelled": "cancelled", "no": "vm-no"},
    **{"agent": "spy-agent", "goodbye": "goodbye", "hello": "hello"},
}
RECORDED_ANSWERS = (
    ("order", "no"), ("order", "one"), ("order", "two"), ("order", "cancelled"),
    ("order", "agent"), ("ask_minutes", "five"), ("ask_minutes", "ten"), ("ask_minutes", "fifteen"),
    ("ask_minutes", "twenty minutes"), ("ask_minutes", "thirty minutes"),
    ("ask_minutes", "ten minutes"), ("ask_minutes", "forty five"), ("ask_minutes", "twenty"),
    ("number", "four five one two"), ("number", "nine zero three seven"),
)  # fmt: skip
MADE_ANSWERS = (
    ("order", "yes"), ("order", "confirm"), ("order", "reject"), ("order", "okay"),
    ("order", "yes, confirm"), ("order", "no, cancel the order"), ("order", "repeat please"),
    ("ask_minutes", "twenty minutes"), ("ask_minutes", "half an hour"),
    ("ask_minutes", "twenty five minutes"), ("number", "four five one two"),
)  # fmt: skip
PAUSED = (
    ("number", "four five", "one two"), ("number", "nine zero", "three seven"),
    ("ask_minutes", "twenty", "five minutes"), ("ask_minutes", "forty", "five minutes"),
    ("order", "no", "wait"), ("order", "yes but", "not today"),
)  # fmt: skip
PAUSES_MS = (300, 450, 600, 700)


@dataclass(frozen=True, slots=True)
class Case:
    """One answer, and where it is given."""

    voice: str
    node: str
    text: str
    pcm: Pcm  # int16 mono at 8 kHz, from the first sound to the last
    pause_ms: tuple[int, int] | None = None  # from and to, after the first sound


def trimmed(pcm: Pcm) -> Pcm:
    """From the first sound to the last."""
    frames = pcm[: len(pcm) // 80 * 80].reshape(-1, 80).astype(np.float32)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > LOUD)
    return pcm[loud[0] * 80 : (loud[-1] + 1) * 80]


def joined(parts: Sequence[Pcm], gap_ms: int) -> Pcm:
    gap = np.zeros(RATE_HZ * gap_ms // 1000, np.int16)
    pieces: list[Pcm] = []
    for part in parts:
        pieces += [part, gap]
    return np.concatenate(pieces[:-1])


def recorded(text: str) -> Pcm | None:
    words = text.split()
    if not SOUNDS.is_dir() or any(word not in RECORDED for word in words):
        return None
    parts: list[Pcm] = []
    for word in words:
        pcm, _ = cast(
            tuple[Pcm, int], soundfile.read(SOUNDS / f"{RECORDED[word]}.wav", dtype="int16")
        )
        parts.append(trimmed(pcm))
    return joined(parts, BETWEEN_WORDS_MS)


async def all_cases() -> list[Case]:
    """Every answer in every voice that can say it."""
    found: list[Case] = []
    for node, text in RECORDED_ANSWERS:
        if (pcm := recorded(text)) is not None:
            found.append(Case("recorded", node, text, pcm))
    texts = [text for _, text in MADE_ANSWERS]
    for _, first, second in PAUSED:
        texts += [first, second]
    flite, espeak = FliteSynthesizer(), make_synthesizer("espeak")
    for name, engine, voice in (
        ("slt", flite, "slt"), ("rms", flite, "rms"), ("espeak", espeak, "en-gb+m3")
    ):  # fmt: skip
        await engine.start()
        try:
            made = {
                text: trimmed(resample_to_line(clip.pcm, clip.sample_rate_hz))
                for text, clip in (await clips(engine, texts, voice=voice)).items()
            }
        finally:
            await engine.close()
        if name != "espeak":
            found += [Case(name, node, text, made[text]) for node, text in MADE_ANSWERS]
        found += paused(name, made)
    words = {
        text: pcm for _, *both in PAUSED for text in both if (pcm := recorded(text)) is not None
    }
    return found + paused("recorded", words)


def resample_to_line(pcm: Pcm, rate_hz: int) -> Pcm:
    floats = resample(pcm, rate_hz, RATE_HZ)
    return (np.clip(floats, -1, 1) * 32767).astype(np.int16)


def paused(voice: str, words: dict[str, Pcm]) -> list[Case]:
    found: list[Case] = []
    for node, first, second in PAUSED:
        if first not in words or second not in words:
            continue
        for pause_ms in PAUSES_MS:
            start_ms = len(words[first]) * 1000 // RATE_HZ
            found.append(
                Case(
                    voice,
                    node,
                    f"{first} <{pause_ms}> {second}",
                    joined([words[first], words[second]], pause_ms),
                    (start_ms, start_ms + pause_ms),
                )
            )
    return found
