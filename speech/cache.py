"""Synthesised audio, kept: what was spoken before is played without synthesis.

The key is all that decides how it sounds: engine, its version, voice, language, rate, text and
sample rate. What a flow always says is kept for ever, any other text for an hour: in memory up to
a number of bytes (least recently used goes first), in a folder, where it survives a restart, and
in a Redis, where other processes find it. Only whole utterances are kept. What was said in a voice
that a person may take back goes with it: see `VoiceLease`.
"""

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from loguru import logger

from speech.errors import ENGINE_FAILURES, SpeechError, as_speech_error
from speech.growing_sound import GrowingSound
from speech.packed_sound import KeptSound, pack, unpack
from speech.redis_store import RedisStore
from speech.resampling import StreamResampler
from speech.silence import OnsetTrimmer
from speech.sound_store import SoundStore
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer

_FORM = "4"
"""Of what is kept; changes when the same audio of an engine is stored otherwise."""

_MISSED_FOR_S = 2.0
"""How long what was neither on disk nor in Redis is not looked for there again. A text is asked for
several times before it is spoken (is it kept whole, who can say it); a slow Redis costs it once."""

_MOST_MISSES = 1_000

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class VoiceLease:
    """Until when what is said in a voice may be played, and since which making of it."""

    generation: str = ""  # another one: nothing that was said before is played
    remaining_s: float | None = None  # None: for ever


Lease = Callable[[str], VoiceLease]
"""From a voice's name to its lease; raises `VoiceUnknown` or `ConsentInvalid` when it is over."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What was just spoken to its end."""

    key: str
    pcm: Pcm
    voice: str
    generation: str  # of the voice, when it was begun


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache did since it was made."""

    hits: int  # answered from memory, disk or Redis, or from what was being made
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
        redis: RedisStore | None = None,
        keeps_for_s: float = HOUR_S,
        lease: Lease = lambda voice: VoiceLease(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set up; the folder is made when something is stored.

        Args:
            synthesizer: the engine; its owner starts and closes it.
            folder: where audio is kept on disk; None keeps it in memory alone.
            memory_bytes: bound of the audio in memory; 64 MB is 70 minutes at 8 kHz.
            disk_bytes: bound of the folder; what expires and what is longest unused goes first.
            redis: where other processes find the audio; its owner closes it.
            keeps_for_s: how long what is no prompt is kept: it may hold names and amounts.
            lease: how long a voice may be spoken in; asked whenever it is.
            clock: the Unix time in s.
        """
        self._synthesizer = synthesizer
        self._store = SoundStore(folder, max_bytes=disk_bytes, clock=clock) if folder else None
        self._redis = redis
        self._keeps_for_s = keeps_for_s
        self._lease = lease
        self._clock = clock
        self._max_bytes = memory_bytes
        self._memory: OrderedDict[str, KeptSound] = OrderedDict()  # least recently used first
        self._bytes = 0
        self._keeps = memory_bytes > 0 or self._store is not None or redis is not None
        self._missed: OrderedDict[str, float] = OrderedDict()  # when, the longest ago first
        self._making: dict[str, GrowingSound] = {}
        self._hits = self._misses = 0

    @property
    def stats(self) -> CacheStats:
        """A snapshot of the counters."""
        return CacheStats(self._hits, self._misses, self._bytes, len(self._memory))

    async def speak(
        self, request: SpeechRequest, *, sample_rate_hz: int, is_prompt: bool = False
    ) -> AsyncGenerator[Pcm, None]:
        """Yield the request's audio, int16 mono at `sample_rate_hz`.

        A hit comes in one piece; a miss comes as it is made, to its last sample. Whoever asks
        for what somebody else is having made hears it from its beginning, as it comes. When the
        last of them closes the generator early the engine is stopped, and nothing is stored.
        `is_prompt`: a flow always says it, so it is kept for ever, even if it was made as a
        passing text before.

        Raises:
            LanguageUnsupported, VoiceUnknown, EngineFailed, EngineUnavailable: the engine's.
            VoiceUnknown, ConsentInvalid: the voice may not be spoken in any more.
        """
        key, lease = self._key(request, sample_rate_hz)
        growing = self._being_made(key)
        if growing is None:
            if (sound := await self._find(key)) is not None:
                self._hits += 1
                if len(sound.pcm):
                    yield sound.pcm
                if is_prompt:
                    await self._keep_for_ever(key, lease)
                return
            growing = self._being_made(key)  # by somebody who looked for it at the same time
        if is_shared := growing is not None:
            self._hits += 1
        else:
            self._misses += 1
            growing = self._begun(key, lease, request, sample_rate_hz, is_prompt=is_prompt)
        try:
            async with aclosing(growing.heard()) as chunks:
                async for chunk in chunks:
                    yield chunk
            if is_shared and is_prompt:
                await self._keep_for_ever(key, lease)
        finally:
            if growing.is_over and self._making.get(key) is growing:
                del self._making[key]

    async def holds(self, request: SpeechRequest, *, sample_rate_hz: int) -> bool:
        """Whether it would come at once, without synthesis.

        Raises:
            VoiceUnknown, ConsentInvalid: the voice may not be spoken in any more.
        """
        key, _ = self._key(request, sample_rate_hz)
        return await self._find(key) is not None

    async def prewarm(
        self, requests: Iterable[SpeechRequest], *, sample_rate_hz: int, is_prompt: bool = True
    ) -> list[tuple[SpeechRequest, SpeechError]]:
        """Have everything ready that is known to be said; return what failed, and why.

        `is_prompt` as for `speak`: False for what only a call that is under way will say.
        """
        failed: list[tuple[SpeechRequest, SpeechError]] = []
        for request in requests:
            speech = self.speak(request, sample_rate_hz=sample_rate_hz, is_prompt=is_prompt)
            try:
                async with aclosing(speech) as sound:
                    async for _ in sound:
                        pass
            except ENGINE_FAILURES as error:
                failed.append((request, as_speech_error(error, self._synthesizer.name)))
        return failed

    async def forget(self, voice: str) -> None:
        """Delete all that was said in `voice`.

        What is being said in it just now is not kept either, if its lease is over or another one
        by then: so end the lease first.
        """
        beginning = _beginning(voice)
        for key in [key for key in self._memory if key.startswith(beginning)]:
            self._bytes -= self._memory.pop(key).pcm.nbytes
        if self._store is not None:
            try:
                await asyncio.to_thread(self._store.forget, beginning)
            except OSError as error:
                logger.error("What was said in {} can't be deleted from disk: {}", voice, error)
        if self._redis is not None and not await self._redis.delete_all(beginning):
            logger.warning("What was said in {} stays in Redis until it expires there", voice)

    def _key(self, request: SpeechRequest, sample_rate_hz: int) -> tuple[str, VoiceLease]:
        engine = self._synthesizer
        voice = request.voice or ""
        lease = self._lease(voice) if voice else VoiceLease()
        parts = (
            _FORM,
            engine.name,
            engine.version,
            voice,
            lease.generation,
            request.language,
            f"{request.rate:.3f}",
            request.emotion or "",
            f"{request.pitch_semitones:.2f}",
            str(sample_rate_hz),
            request.text,
        )
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return f"{_beginning(voice)}{digest}", lease

    async def _find(self, key: str) -> KeptSound | None:
        now_s = self._clock()
        if (sound := self._memory.get(key)) is not None:
            if not sound.is_over(now_s):
                self._memory.move_to_end(key)
                return sound
            self._bytes -= self._memory.pop(key).pcm.nbytes
        if now_s < self._missed.get(key, 0.0) + _MISSED_FOR_S:
            return None
        if (sound := await self._fetched(key)) is not None and not sound.is_over(now_s):
            self._remember(key, sound)
            return sound
        self._missed[key] = now_s
        self._missed.move_to_end(key)
        if len(self._missed) > _MOST_MISSES:
            self._missed.popitem(last=False)
        return None

    async def _fetched(self, key: str) -> KeptSound | None:
        """From disk, else from Redis."""
        if self._store is not None:
            sound = await asyncio.to_thread(self._store.read, key)
            if sound is not None:
                return sound
        content = await self._redis.get(key) if self._redis is not None else None
        return unpack(content) if content is not None else None

    def _being_made(self, key: str) -> GrowingSound | None:
        growing = self._making.get(key)
        return None if growing is None or growing.is_over else growing

    def _begun(
        self,
        key: str,
        lease: VoiceLease,
        request: SpeechRequest,
        sample_rate_hz: int,
        *,
        is_prompt: bool,
    ) -> GrowingSound:
        async def keep(pcm: Pcm) -> None:
            whole = _Made(key, pcm, request.voice or "", lease.generation)
            await self._keep_made(whole, is_prompt=is_prompt)

        growing = GrowingSound(self._make(request, sample_rate_hz), keep)
        if self._keeps:
            self._making[key] = growing
        return growing

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

    async def _keep_made(self, made: _Made, *, is_prompt: bool) -> None:
        """Keep it for as long as it may be played, unless its voice was taken back meanwhile."""
        try:
            lease = self._lease(made.voice) if made.voice else VoiceLease()
        except SpeechError:
            return
        if lease.generation != made.generation:
            return
        limits = [] if is_prompt else [self._keeps_for_s]
        if lease.remaining_s is not None:
            limits.append(lease.remaining_s)
        if not limits or min(limits) > 0:
            expires_at_s = self._clock() + min(limits) if limits else None
            await self._keep(made.key, KeptSound(made.pcm, expires_at_s))

    async def _keep_for_ever(self, key: str, lease: VoiceLease) -> None:
        """What was kept as a passing text turns out to be a prompt."""
        sound = await self._find(key)
        if sound is not None and sound.expires_at_s is not None and lease.remaining_s is None:
            await self._keep(key, replace(sound, expires_at_s=None))

    async def _keep(self, key: str, sound: KeptSound) -> None:
        self._missed.pop(key, None)
        self._remember(key, sound)
        if self._store is not None:
            try:
                await asyncio.to_thread(self._store.write, key, sound)
            except OSError as error:  # a full disk must not end a call: it was spoken already
                logger.warning("Speech can't be kept on disk: {}", error)
        if self._redis is not None:
            keeps_for_s = None if sound.expires_at_s is None else sound.expires_at_s - self._clock()
            await self._redis.put(key, pack(sound), keeps_for_s=keeps_for_s)

    def _remember(self, key: str, sound: KeptSound) -> None:
        old = self._memory.pop(key, None)
        self._bytes -= 0 if old is None else old.pcm.nbytes
        if sound.pcm.nbytes > self._max_bytes:
            return
        sound.pcm.flags.writeable = False  # everybody gets this very array
        self._memory[key] = sound
        self._bytes += sound.pcm.nbytes
        while self._bytes > self._max_bytes:
            _, gone = self._memory.popitem(last=False)
            self._bytes -= gone.pcm.nbytes


def _beginning(voice: str) -> str:
    """What the keys of all that is said in a voice begin with, so that it can be forgotten."""
    return f"{hashlib.sha256(voice.encode()).hexdigest()[:16]}-"
