"""Engines for tests of chains: each says and hears its own name, when it is well."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import numpy as np

from speech.circuit import CircuitBreaker
from speech.errors import EngineUnavailable
from speech.members import Member
from speech.stt import Pcm, Transcript
from speech.tts import Expression, SpeechRequest, Voice


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Ear:
    """Hears its own name. `failure`: what it raises instead; `hangs`: it never answers."""

    name: str
    failure: Exception | None = None
    hangs: bool = False
    takes_s: float = 0.0
    can_start: bool = True
    languages: frozenset[str] = frozenset({"en", "hi"})
    sample_rate_hz: int = 16_000
    streams: list["EarStream"] = field(default_factory=list["EarStream"])

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> "EarStream":
        self.streams.append(EarStream(self, language, tuple(hints), tuple(other_languages)))
        return self.streams[-1]

    async def start(self) -> None:
        if not self.can_start:
            raise EngineUnavailable(f"{self.name} is not there")

    async def close(self) -> None: ...


@dataclass
class EarStream:
    ear: Ear
    language: str
    hints: tuple[str, ...]
    other_languages: tuple[str, ...]
    samples: int = 0
    is_cancelled: bool = False

    def feed(self, pcm: Pcm) -> None:
        self.samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        return await self._heard(is_final=False)

    async def finish(self) -> Transcript:
        return await self._heard(is_final=True)

    async def _heard(self, *, is_final: bool) -> Transcript:
        if self.ear.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self.ear.takes_s)
        if self.ear.failure is not None:
            raise self.ear.failure
        return Transcript(
            text=self.ear.name,
            language=self.language,
            confidence=1.0,
            is_final=is_final,
            audio_ms=self.samples,
        )

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class Mouth:
    """Speaks ten samples of its `level`, a chunk each. `failure`: raised after `good` chunks."""

    name: str
    level: int
    failure: Exception | None = None
    good: int = 0
    hangs: bool = False
    takes_s: float = 0.0  # before the first chunk
    can_start: bool = True
    languages: frozenset[str] = frozenset({"en", "hi"})
    voices: tuple[Voice, ...] = ()
    expression: Expression = field(default_factory=Expression)
    version: str = "1"
    sample_rate_hz: int = 8_000
    asked: list[SpeechRequest] = field(default_factory=list[SpeechRequest])

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        self.asked.append(request)
        await asyncio.sleep(self.takes_s)
        for count in range(10):
            if count == self.good:
                if self.hangs:
                    await asyncio.Event().wait()
                if self.failure is not None:
                    raise self.failure
            yield np.full(800, self.level, np.int16)

    async def start(self) -> None:
        if not self.can_start:
            raise EngineUnavailable(f"{self.name} is not there")

    async def close(self) -> None: ...


async def ear_member(ear: Ear, clock: Clock, deadline_s: float = 0.05) -> Member[Ear]:
    breaker = CircuitBreaker(failures=2, retry_after_s=10)
    member = Member(ear.name, ear, deadline_s=deadline_s, breaker=breaker, now_s=clock)
    await member.start()
    return member


async def mouth_member(mouth: Mouth, clock: Clock, deadline_s: float = 0.05) -> Member[Mouth]:
    breaker = CircuitBreaker(failures=2, retry_after_s=10)
    member = Member(mouth.name, mouth, deadline_s=deadline_s, breaker=breaker, now_s=clock)
    await member.start()
    return member
