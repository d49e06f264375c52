"""Callers that sound different: three synthesisers, and real recordings, where installed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import soundfile

from bot.simulation.vendor_voices import clips
from bot.simulation.vendors import Clip
from speech.engines.flite import FliteSynthesizer
from speech.registry import make_synthesizer
from speech.tts import Synthesizer
from telephony.simulator.phone_audio import Pcm

RECORDINGS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
"""Debian's asterisk-core-sounds-en-wav (CC-BY-SA): a speaker's own voice, recorded at 8 kHz."""

_RECORDED = {
    "one": "digits/1",
    "two": "digits/2",
    "three": "digits/3",
    "four": "digits/4",
    "five": "digits/5",
    "eighteen": "digits/18",
    "twenty": "digits/20",
    "thirty": "digits/30",
    "minutes": "minutes",
    "cancelled": "cancelled",
    "agent": "spy-agent",
    "goodbye": "goodbye",
    "no": "vm-no",
}
_BETWEEN_WORDS_MS = 120
ESPEAK_VOICES = ("en-us+f3", "en-gb+m3")
FLITE_VOICES = ("slt", "rms", "awb")


class CallerVoice(Protocol):
    """One throat."""

    @property
    def name(self) -> str: ...

    @property
    def is_recorded(self) -> bool:
        """Whether it can say only words that somebody recorded."""
        ...

    async def say(self, text: str) -> Clip:
        """The text as it sounds."""
        ...


@dataclass(frozen=True, slots=True)
class SynthesizedVoice:
    """A voice of one of Callwright's engines, which must be started."""

    synthesizer: Synthesizer
    voice: str
    is_recorded: bool = False

    @property
    def name(self) -> str:
        return f"{self.synthesizer.name} {self.voice}"

    async def say(self, text: str) -> Clip:
        return (await clips(self.synthesizer, [text], voice=self.voice))[text]


@dataclass(frozen=True, slots=True)
class FestivalVoice:
    """The Festival voice that Debian installs."""

    name: str = "festival kal"
    is_recorded: bool = False

    async def say(self, text: str) -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            process = await asyncio.create_subprocess_exec(
                "text2wave", "-o", str(path), stdin=asyncio.subprocess.PIPE
            )
            async with asyncio.timeout(30):
                await process.communicate(text.encode())
            pcm, rate_hz = _read(path)
        return Clip(text, pcm, rate_hz)


@dataclass(frozen=True, slots=True)
class RecordedVoice:
    """Words that a person recorded, put one behind the other."""

    name: str = "recorded Allison"
    is_recorded: bool = True

    async def say(self, text: str) -> Clip:
        parts: list[Pcm] = []
        rate_hz = 8000
        for word in text.split():
            pcm, rate_hz = _read(RECORDINGS / f"{_RECORDED[word]}.wav")
            parts += [pcm, np.zeros(rate_hz * _BETWEEN_WORDS_MS // 1000, np.int16)]
        return Clip(text, np.concatenate(parts[:-1]), rate_hz)


@asynccontextmanager
async def caller_voices() -> AsyncGenerator[tuple[tuple[CallerVoice, ...], tuple[str, ...]]]:
    """The voices that this machine has, and the names of those that it lacks."""
    async with AsyncExitStack() as stack:
        espeak = make_synthesizer("espeak")
        stack.push_async_callback(espeak.close)
        await espeak.start()
        found: list[CallerVoice] = [SynthesizedVoice(espeak, voice) for voice in ESPEAK_VOICES]
        if shutil.which("flite"):
            flite = FliteSynthesizer()
            stack.push_async_callback(flite.close)
            await flite.start()
            found += [SynthesizedVoice(flite, voice) for voice in FLITE_VOICES]
        yield (*found, *_others()), _missing()


def _others() -> list[CallerVoice]:
    voices: list[CallerVoice] = [FestivalVoice()] if shutil.which("text2wave") else []
    return [*voices, RecordedVoice()] if RECORDINGS.is_dir() else voices


def _missing() -> tuple[str, ...]:
    wanted = {
        "flite (apt-get install flite)": shutil.which("flite") is not None,
        "festival (apt-get install festival)": shutil.which("text2wave") is not None,
        "recordings (apt-get install asterisk-core-sounds-en-wav)": RECORDINGS.is_dir(),
    }
    return tuple(name for name, is_here in wanted.items() if not is_here)


def _read(path: Path) -> tuple[Pcm, int]:
    return cast(tuple[Pcm, int], soundfile.read(path, dtype="int16"))
