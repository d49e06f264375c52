"""Synthesised audio, kept: what was spoken before is played without synthesis.

The key is all that decides how it sounds: engine, its version, voice, language, rate, text and
sample rate. Audio is kept in memory up to a number of bytes (least recently used goes first) and,
where a folder is given, on disk, where it survives a restart. Only whole utterances are kept.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from loguru import logger

from speech.errors import SpeechError
from speech.resampling import StreamResampler
from speech.silence import OnsetTrimmer
from speech.sound_store import SoundStore
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer

_FORM = "3"
"""Of what is kept; changes when the same audio of an engine is stored otherwise."""

_WAIT_FOR_OTHERS_S = 2.0
"""How long a request waits for the same one of somebody else, who may take their audio as slowly
as it is played; after that it is made twice."""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache did since it was made."""

    hits: int  # answered from memory or disk
    misses: int  # synthesised
    memory_bytes: int
    entries: int  # in memory


class SpeechCache:
    """Speaks through one `Synthesizer`, and remembers. One serves all calls of a process."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        *,
        folder: Path | None = None,
        memory_bytes: int = 64 << 20,
        disk_bytes: int = 512 << 20,
    ) -> None:
        """Set up; the folder is made when something is stored.

        Args:
            synthesizer: the engine; its owner starts and closes it.
            folder: where audio is kept on disk; None keeps it in memory alone.
            memory_bytes: bound of the audio in memory; 64 MB is 70 minutes at 8 kHz.
            disk_bytes: bound of the folder; the files longest unused are deleted first.
        """
        self._synthesizer = synthesizer
        self._store = SoundStore(folder, max_bytes=disk_bytes) if folder else None
        self._max_bytes = memory_bytes
        self._memory: OrderedDict[str, Pcm] = OrderedDict()  # the least recently used first
        self._bytes = 0
        self._keeps = memory_bytes > 0 or self._store is not None
        self._making: dict[str, asyncio.Event] = {}  # set when that synthesis has ended
        self._hits = self._misses = 0

    @property
    def stats(self) -> CacheStats:
        """A snapshot of the counters."""
        return CacheStats(self._hits, self._misses, self._bytes, len(self._memory))

    async def speak(
        self, request: SpeechRequest, *, sample_rate_hz: int
    ) -> AsyncGenerator[Pcm, None]:
        """Yield the request's audio, int16 mono at `sample_rate_hz`.

        A hit comes in one piece; a miss comes as it is made, to its last sample. Whoever asks
        for what somebody else is having made waits for that and then hits. Closing the generator
        early stops the engine, and nothing is stored.

        Raises:
            LanguageUnsupported, VoiceUnknown, EngineFailed, EngineUnavailable: the engine's.
        """
        key = self._key(request, sample_rate_hz)
        while True:
            if (sound := await self._find(key)) is not None:
                self._hits += 1
                if len(sound):
                    yield sound
                return
            making = self._making.get(key) if self._keeps else None
            if making is None or not await _ended(making):
                break
        self._misses += 1
        ended = asyncio.Event()
        self._making.setdefault(key, ended)
        try:
            made: list[Pcm] = []
            async with aclosing(self._make(request, sample_rate_hz)) as chunks:
                async for chunk in chunks:
                    made.append(chunk)
                    yield chunk
            await self._keep(key, np.concatenate(made) if made else np.empty(0, np.int16))
        finally:
            if self._making.get(key) is ended:
                del self._making[key]
            ended.set()

    async def holds(self, request: SpeechRequest, *, sample_rate_hz: int) -> bool:
        """Whether it would come at once, without synthesis."""
        return await self._find(self._key(request, sample_rate_hz)) is not None

    async def prewarm(
        self, requests: Iterable[SpeechRequest], *, sample_rate_hz: int
    ) -> list[tuple[SpeechRequest, SpeechError]]:
        """Have everything ready that is known to be said; return what failed, and why."""
        failed: list[tuple[SpeechRequest, SpeechError]] = []
        for request in requests:
            try:
                async with aclosing(self.speak(request, sample_rate_hz=sample_rate_hz)) as sound:
                    async for _ in sound:
                        pass
            except SpeechError as error:
                failed.append((request, error))
        return failed

    def _key(self, request: SpeechRequest, sample_rate_hz: int) -> str:
        engine = self._synthesizer
        parts = (
            _FORM,
            engine.name,
            engine.version,
            request.voice or "",
            request.language,
            f"{request.rate:.3f}",
            request.emotion or "",
            f"{request.pitch_semitones:.2f}",
            str(sample_rate_hz),
            request.text,
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    async def _find(self, key: str) -> Pcm | None:
        if (sound := self._memory.get(key)) is not None:
            self._memory.move_to_end(key)
            return sound
        if self._store is None:
            return None
        sound = await asyncio.to_thread(self._store.read, key)
        if sound is not None:
            self._remember(key, sound)
        return sound

    async def _make(self, request: SpeechRequest, sample_rate_hz: int) -> AsyncGenerator[Pcm, None]:
        engine = self._synthesizer
        resampler = StreamResampler(engine.sample_rate_hz, sample_rate_hz)
        onset = OnsetTrimmer(sample_rate_hz=sample_rate_hz)
        async with aclosing(engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                if len(ready := onset.push(resampler.push(chunk))):
                    yield ready
        if len(tail := np.concatenate((onset.push(resampler.finish()), onset.finish()))):
            yield tail

    async def _keep(self, key: str, sound: Pcm) -> None:
        self._remember(key, sound)
        if self._store is None:
            return
        try:
            await asyncio.to_thread(self._store.write, key, sound)
        except OSError as error:  # a full disk must not end a call: it was spoken already
            logger.warning("Speech can't be kept on disk: {}", error)

    def _remember(self, key: str, sound: Pcm) -> None:
        old = self._memory.pop(key, None)
        self._bytes -= 0 if old is None else old.nbytes
        if sound.nbytes > self._max_bytes:
            return
        sound.flags.writeable = False  # everybody gets this very array
        self._memory[key] = sound
        self._bytes += sound.nbytes
        while self._bytes > self._max_bytes:
            _, gone = self._memory.popitem(last=False)
            self._bytes -= gone.nbytes


async def _ended(making: asyncio.Event) -> bool:
    """Whether it ended in time. It may have failed or been aborted: look again."""
    try:
        async with asyncio.timeout(_WAIT_FOR_OTHERS_S):
            return await making.wait()
    except TimeoutError:
        return False
