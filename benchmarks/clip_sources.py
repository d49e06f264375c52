"""Where the clips of `utterances` come from: files that are installed, and voices that speak."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import soundfile

from benchmarks.caller_voices import RECORDINGS, TUNED, SynthesizedVoice
from benchmarks.utterance_texts import Reading
from speech.engines.flite import FliteSynthesizer
from speech.engines.moonshine import weights_folder
from speech.registry import make_synthesizer
from speech.tts import SpeechRequest, Synthesizer
from telephony.simulator.phone_audio import Pcm, to_line_rate

RATE_HZ: Final = 8000
_ROOM: Final = (
    "demo-congrats",
    "demo-instruct",
    "demo-moreinfo",
    "vm-msginstruct",
    "basic-pbx-ivr-main",
    "demo-nogo",
)


@dataclass(frozen=True, slots=True)
class ClipSources:
    """All clips come out as int16 mono, shape (n,), 8000 Hz."""

    espeak: Synthesizer
    voices: tuple[SynthesizedVoice, ...]
    missing: tuple[str, ...]  # what is not installed here, and how to get it

    def recording(self, file: str) -> Pcm | None:
        """A file of the package, named without its ending; None: it is not installed."""
        path = RECORDINGS / f"{file}.wav"
        return _read(path) if path.is_file() else None

    def reading(self, reading: Reading) -> Pcm | None:
        """A piece of a file of the Moonshine wheel; None: this wheel does not have it."""
        path = weights_folder().parent / f"{reading.file}.wav"
        if not path.is_file():
            return None
        per_ms = RATE_HZ // 1000
        return _read(path)[reading.start_ms * per_ms : reading.end_ms * per_ms]

    def room(self) -> list[Pcm]:
        """Six long recordings, for babble; fewer where they are not installed."""
        return [pcm for file in _ROOM if (pcm := self.recording(file)) is not None]

    def two_voices(self, index: int) -> tuple[SynthesizedVoice, SynthesizedVoice]:
        """Two different ones; which, goes round with the index."""
        number = len(self.voices)
        return self.voices[index % number], self.voices[(index + number // 2) % number]

    async def say(self, voice: SynthesizedVoice, text: str) -> Pcm:
        """An English text."""
        clip = await voice.say(text)
        return to_line_rate(clip.pcm, clip.sample_rate_hz, RATE_HZ)

    async def say_in(self, language: str, text: str) -> Pcm:
        """A text of another language, in espeak's voice for it."""
        chunks = [pcm async for pcm in self.espeak.synthesize(SpeechRequest(text, language))]
        return to_line_rate(np.concatenate(chunks), self.espeak.sample_rate_hz, RATE_HZ)


@asynccontextmanager
async def clip_sources() -> AsyncGenerator[ClipSources]:
    """Starts the voices that this machine has."""
    missing: list[str] = []
    async with AsyncExitStack() as stack:
        espeak = make_synthesizer("espeak")
        stack.push_async_callback(espeak.close)
        await espeak.start()
        voices = [SynthesizedVoice(espeak, voice) for voice in TUNED.espeak]
        if shutil.which("flite"):
            flite = FliteSynthesizer()
            stack.push_async_callback(flite.close)
            await flite.start()
            voices += [SynthesizedVoice(flite, voice) for voice in TUNED.flite]
        else:
            missing.append("flite (apt-get install flite)")
        if not RECORDINGS.is_dir():
            missing.append("recordings (apt-get install asterisk-core-sounds-en-wav)")
        yield ClipSources(espeak, tuple(voices), tuple(missing))


def _read(path: Path) -> Pcm:
    pcm, rate_hz = cast(tuple[Pcm, int], soundfile.read(path, dtype="int16"))
    return to_line_rate(pcm, rate_hz, RATE_HZ)
