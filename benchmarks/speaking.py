"""How soon a text that was never spoken begins to sound: whole, and piece by piece.

    python -m benchmarks.speaking [--texts N]

The shipped flows' longest prompt with variables, with another order number in each text. Each text
is spoken twice, on caches that have nothing of it: as one request to the engine, and as a call
speaks it. espeak and flite are fast; "slow" is espeak's sound, given when a whole request is made,
after a fifth of the time that it lasts, as a neural voice on a graphics card gives it.
"""

import argparse
import asyncio
import statistics
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from bot.voice import Voice
from speech.cache import SpeechCache
from speech.engines.espeak import EspeakSynthesizer
from speech.errors import EngineUnavailable
from speech.registry import make_synthesizer
from speech.speakable import speakable
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer

RATE_HZ = 8000
REAL_TIME_FACTOR = 0.2
TEXTS = {
    "en": "Order {number} for Annapurna Kitchen has 2 paneer butter masala and 4 garlic naan, "
    "₹1,250.50 in all, and the rider is at your door in about 25 minutes. Say confirm, or press 1.",
    "hi": "ऑर्डर {number} में 2 paneer butter masala और 4 garlic naan हैं, कुल रकम ₹1,250.50 है, और "
    "राइडर करीब 25 मिनट में आपके यहाँ पहुँचेगा। ऑर्डर लेने के लिए हाँ कहिए या 1 दबाइए।",
    "mr": "ऑर्डर {number} मध्ये 2 paneer butter masala आणि 4 garlic naan आहेत, एकूण रक्कम ₹1,250.50 "
    "आहे, आणि रायडर सुमारे 25 मिनिटांत तुमच्याकडे येईल. ऑर्डर घेण्यासाठी हो म्हणा किंवा 1 दाबा.",
}


class Slow(EspeakSynthesizer):
    """Gives all of a request's audio at once, `REAL_TIME_FACTOR` of its length later."""

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """See the class."""
        async with aclosing(super().synthesize(request)) as chunks:
            pcm = np.concatenate([chunk async for chunk in chunks])
        await asyncio.sleep(REAL_TIME_FACTOR * len(pcm) / self.sample_rate_hz)
        yield pcm


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text, spoken once."""

    first_ms: float  # from the request to the first chunk
    lasts_ms: float  # of audio


async def _listen(sound: AsyncGenerator[Pcm, None]) -> Spoken:
    began_s, first_s, samples = perf_counter(), 0.0, 0
    async with aclosing(sound) as chunks:
        async for chunk in chunks:
            first_s = first_s or perf_counter()
            samples += len(chunk)
    return Spoken((first_s - began_s) * 1000, samples * 1000 / RATE_HZ)


async def _both(
    engine: Synthesizer, language: str, texts: int
) -> tuple[list[Spoken], list[Spoken]]:
    whole: list[Spoken] = []
    parts: list[Spoken] = []
    for number in range(4500, 4500 + texts):
        text = TEXTS[language].format(number=number)
        whole.append(await _listen(_whole(engine, text, language)))
        voice = Voice({language: SpeechCache(engine)}, {}, RATE_HZ)
        parts.append(await _listen(voice.speak(text, language)))
    return whole, parts


async def _whole(engine: Synthesizer, text: str, language: str) -> AsyncGenerator[Pcm, None]:
    request = SpeechRequest(speakable(text, language), language)
    async with aclosing(SpeechCache(engine).speak(request, sample_rate_hz=RATE_HZ)) as chunks:
        async for chunk in chunks:
            yield chunk


def _row(name: str, whole: list[Spoken], parts: list[Spoken]) -> tuple[str, ...]:
    def spread(spoken: list[Spoken]) -> str:
        values = sorted(each.first_ms for each in spoken)
        return f"{statistics.median(values):.1f} / {values[int(0.9 * len(values))]:.1f}"

    def middle(spoken: list[Spoken], what: str) -> float:
        return statistics.median(getattr(each, what) for each in spoken)

    sooner = middle(whole, "first_ms") / middle(parts, "first_ms")
    longer = middle(parts, "lasts_ms") / middle(whole, "lasts_ms")
    return name, spread(whole), spread(parts), f"{sooner:.1f}", f"{longer:.2f}"


async def _run(texts: int) -> int:
    table = Table(title=f"{texts} texts of two sentences each", title_justify="left")
    table.add_column("voice")
    for column in ("whole ms P50/P90", "in pieces", "times sooner", "length"):
        table.add_column(column, justify="right")
    missing: list[str] = []
    for name, languages in (("espeak", TEXTS), ("flite", ("en",)), ("slow", ("en",))):
        try:
            engine = Slow() if name == "slow" else make_synthesizer(name)
            await engine.start()
        except EngineUnavailable:
            missing.append(name)
            continue
        try:
            for language in languages:
                made = await _both(
                    engine, language, texts if name != "slow" else max(1, texts // 5)
                )
                table.add_row(*_row(f"{name} {language}", *made))
        finally:
            await engine.close()
    table.caption = "From the request to the first audio, 8000 Hz; length: of the pieces' audio to "
    table.caption += "the whole's."
    if missing:
        table.caption += f" Not installed here: {', '.join(missing)}."
    table.caption_justify = "left"
    Console(width=100, highlight=False).print(table)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=50)
    return asyncio.run(_run(parser.parse_args().texts))


if __name__ == "__main__":
    raise SystemExit(main())
