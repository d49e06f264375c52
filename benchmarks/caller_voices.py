"""Callers that sound different: three synthesisers, and real recordings, where installed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import soundfile

from bot.simulation.caller import Clip
from bot.simulation.vendor_voices import clips
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


@dataclass(frozen=True, slots=True)
class Throats:
    """Voices by synthesiser: the engine's own names, Festival's with their Debian packages."""

    espeak: tuple[str, ...]
    flite: tuple[str, ...]
    festival: Mapping[str, str]


TUNED = Throats(
    espeak=("en-us+f3", "en-gb+m3"),
    flite=("slt", "rms", "awb"),
    festival={"kal_diphone": "festvox-kallpc16k"},
)
"""Heard while the recogniser's hints and thresholds were chosen."""

UNSEEN = Throats(
    espeak=("en-rp+f4", "en-us+m7"),
    flite=("kal16",),
    festival={"ked_diphone": "festvox-kdlpc16k", "cmu_us_slt_arctic_hts": "festvox-us-slt-hts"},
)
FESTIVAL_VOICES = Path("/usr/share/festival/voices")


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
    """A voice of Festival's."""

    voice: str
    is_recorded: bool = False

    @property
    def name(self) -> str:
        return f"festival {self.voice.removesuffix('_diphone')}"

    async def say(self, text: str) -> Clip:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            process = await asyncio.create_subprocess_exec(
                *("text2wave", "-eval", f"(voice_{self.voice})", "-o", str(path)),
                stdin=asyncio.subprocess.PIPE,
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
async def caller_voices(
    throats: Throats,
) -> AsyncGenerator[tuple[tuple[CallerVoice, ...], tuple[str, ...]]]:
    """The voices that this machine has, and the names of those that it lacks."""
    async with AsyncExitStack() as stack:
        espeak = make_synthesizer("espeak")
        stack.push_async_callback(espeak.close)
        await espeak.start()
        found: list[CallerVoice] = [SynthesizedVoice(espeak, voice) for voice in throats.espeak]
        if shutil.which("flite"):
            flite = FliteSynthesizer()
            stack.push_async_callback(flite.close)
            await flite.start()
            found += [SynthesizedVoice(flite, voice) for voice in throats.flite]
        found += [FestivalVoice(voice) for voice in throats.festival if _has_festival(voice)]
        yield (*found, *_recorded()), _missing(throats)


def _recorded() -> list[CallerVoice]:
    return [RecordedVoice()] if RECORDINGS.is_dir() else []


def _has_festival(voice: str) -> bool:
    return shutil.which("text2wave") is not None and any(FESTIVAL_VOICES.glob(f"*/{voice}"))


def _missing(throats: Throats) -> tuple[str, ...]:
    wanted = {
        "flite (apt-get install flite)": shutil.which("flite") is not None,
        **{
            f"festival's {voice} (apt-get install festival {package})": _has_festival(voice)
            for voice, package in throats.festival.items()
        },
        "recordings (apt-get install asterisk-core-sounds-en-wav)": RECORDINGS.is_dir(),
    }
    return tuple(name for name, is_here in wanted.items() if not is_here)


def _read(path: Path) -> tuple[Pcm, int]:
    return cast(tuple[Pcm, int], soundfile.read(path, dtype="int16"))
