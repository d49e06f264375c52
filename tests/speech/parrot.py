"""An engine for tests that speaks a tone for each letter, and learns voices from recordings."""

import asyncio
import importlib.util
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import soundfile

from speech.consent import Consent, read_consent
from speech.errors import EngineFailed, VoiceUnknown
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

NOW_S = 1_800_000_000.0
RATE_HZ = 16_000

CONSENT = {
    "speaker": "Asha Patil",
    "agreed_text": "I agree that Callwright speaks in my voice to my customers.",
    "agreed_at": "2027-01-01T10:00:00+05:30",
    "evidence_sha256": "ab" * 32,
    "uses": ["calls"],
    "expires_at": "2028-01-01T00:00:00Z",
}
"""On 2027-01-15, which is `NOW_S`, it holds."""


def consent(**changes: object) -> Consent:
    return read_consent(json.dumps({**CONSENT, **changes}))


class Clock:
    """The Unix time, which goes on when it is told."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


class Parrot:
    """Implements `Synthesizer` and `VoiceCloner`."""

    sample_rate_hz = RATE_HZ
    expression = Expression(rates=(0.5, 2.0))

    def __init__(self, name: str = "parrot", *languages: str, voices: tuple[str, ...] = ()) -> None:
        self.name = name
        self.version = "1"
        self.languages = frozenset(languages or ("en", "hi"))
        self.own = tuple(Voice(voice, "en", "its own") for voice in ("polly", *voices))
        self.made: list[str] = []
        self.learned: list[int] = []  # samples of each recording
        self.held: dict[str, bytes] = {}
        self.listening = asyncio.Event()  # it was asked to learn
        self.speaking = asyncio.Event()  # it was asked to speak
        self.go_on = asyncio.Event()
        self.go_on.set()

    @property
    def voices(self) -> tuple[Voice, ...]:
        return (*self.own, *(Voice(name, "en", "held") for name in self.held))

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        if request.voice is not None and request.voice not in {v.name for v in self.voices}:
            raise VoiceUnknown(f"{self.name} has no voice {request.voice!r}")
        self.made.append(request.text)
        self.speaking.set()
        await self.go_on.wait()
        yield np.full(len(request.text) * RATE_HZ // 100, 4_000, np.int16)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        self.listening.set()
        await self.go_on.wait()
        self.learned.append(len(reference))
        return f"learned from {len(reference)} samples".encode()

    def hold(self, voice: Voice, learned: bytes) -> None:
        if not learned.startswith(b"learned"):
            raise EngineFailed("these bytes are no voice")
        self.held[voice.name] = learned

    def release(self, voice_name: str) -> None:
        self.held.pop(voice_name, None)


def reading(length_s: float, *, start_s: float = 0.0) -> tuple[Pcm, int]:
    """A person who reads from a book, int16 mono, and its rate. It is in a wheel of the core."""
    spec = importlib.util.find_spec("moonshine_voice")
    assert spec is not None
    assert spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0], "assets", "two_cities.wav")
    pcm, rate_hz = soundfile.read(file, dtype="int16")
    start = int(start_s * rate_hz)
    return pcm[start : start + int(length_s * rate_hz)], rate_hz
