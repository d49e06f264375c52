"""Custom voices: `custom:ID`, learned from ten seconds of somebody's speech, kept for one hour.

What the engine learned is computed once for a recording, however many ask, and is kept with the
speaker's consent in memory and, where there is one, in a Redis, where other processes find it. The
recording is not kept. Voices end with their hour, with their consent, or when they are revoked;
then the engine forgets them, and whoever asked to be told (the cache of what was said in them).
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np
from loguru import logger

from speech.cache import HOUR_S, VoiceLease
from speech.consent import Consent
from speech.errors import ConsentInvalid, DeadlineExceeded, VoiceUnknown
from speech.learned_voice import CUSTOM, LearnedVoice
from speech.redis_store import RedisStore
from speech.reference_audio import judge, measure
from speech.shared_voices import SharedVoices
from speech.stt import Pcm
from speech.tts import Synthesizer, VoiceCloner
from speech.vad import SileroSession

_RECHECK_S = 5.0
"""How often Redis is asked whether another process revoked a voice. docs/voices.md promises it."""

Ended = Callable[[str], Awaitable[None]]
"""Is told the name of a voice that is over."""


@dataclass(slots=True)
class _Held:
    """A voice in this process."""

    voice: LearnedVoice
    is_shared: bool  # it stands in Redis, too
    checked_at_s: float
    holder: VoiceCloner | None = None  # the engine that can speak in it now


class CustomVoices:
    """Those of a process. Not for several event loops."""

    def __init__(
        self,
        *,
        redis: RedisStore | None = None,
        vad: SileroSession | None = None,
        keeps_for_s: float = HOUR_S,
        max_voices: int = 64,
        learn_timeout_s: float = 60.0,
        recheck_s: float = _RECHECK_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set up.

        Args:
            redis: where other processes find the voices; its owner closes it.
            vad: tells speech from other sound; without it the level alone does.
            keeps_for_s: from when a voice was last added; the consent may end it earlier.
            max_voices: in this process; the one that was added first goes first.
            learn_timeout_s: how long an engine may learn: XTTS takes 1 s on a GPU, 10 s on a CPU.
            recheck_s: how often Redis is asked whether another process revoked a voice.
            clock: the Unix time in s.
        """
        self._shared = SharedVoices(redis) if redis is not None else None
        self._vad = vad
        self._keeps_for_s = keeps_for_s
        self._max_voices = max_voices
        self._learn_timeout_s = learn_timeout_s
        self._recheck_s = recheck_s
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()  # by name, the first added first
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._ended: list[Ended] = []
        self._watch: asyncio.Task[None] | None = None  # while voices are held that Redis may know

    def tell(self, ended: Ended) -> None:
        """Have `ended` called with the name of each voice that is over."""
        self._ended.append(ended)

    async def add(
        self,
        engine: Synthesizer,
        reference: Pcm,
        sample_rate_hz: int,
        consent: Consent,
        *,
        language: str,
    ) -> LearnedVoice:
        """Learn the voice of `reference`, int16 mono, or find it learned; its hour begins now.

        The same recording is the same voice, to which the latest consent applies. `language` is
        what is spoken in it, ISO 639-1.

        Raises:
            ConsentInvalid: the consent does not allow it, or not any more.
            ReferenceRefused: too short, too noisy, clipped; says what was measured.
            VoiceUnknown: the engine imitates no voices.
            EngineFailed: it made nothing of the recording.
            DeadlineExceeded: it took too long.
        """
        consent.check("calls", now_s=self._clock())
        cloner = cloner_of(engine)
        judge(await asyncio.to_thread(measure, reference, sample_rate_hz, vad=self._vad))
        name = CUSTOM + await asyncio.to_thread(_content_id, engine, reference, sample_rate_hz)
        async with self._lock(name):
            known = await self._found(name)
            now_s = self._clock()
            ends_s = consent.expires_at.timestamp()
            voice = LearnedVoice(
                name=name,
                engine=engine.name,
                engine_version=engine.version,
                language=language,
                consent=consent,
                generation=known.voice.generation if known else secrets.token_hex(8),
                until_s=min(now_s + self._keeps_for_s, ends_s),
            )
            learned = (
                known.voice.learned
                if known
                else await self._learn(cloner, reference, sample_rate_hz)
            )
            voice = voice.model_copy(update={"learned": learned})
            cloner.hold(voice.voice, learned)
            is_shared = self._shared is not None and await self._shared.put(
                voice, now_s=self._clock()
            )
            self._held.pop(name, None)
            self._hold(_Held(voice, is_shared, now_s, cloner))
        await self._tidy()
        return voice

    async def ready(self, name: str, engine: Synthesizer) -> LearnedVoice:
        """See that `engine` can speak as `name` now. Ask at each use; costs nothing mostly.

        Raises:
            VoiceUnknown: there is no such voice (any more), or another engine learned it.
            ConsentInvalid: the consent is over.
            EngineFailed: the engine does not take what it once learned.
        """
        async with self._lock(name):
            found = await self._living(name)
            if not found.voice.suits(engine):
                raise VoiceUnknown(
                    f"{name} was learned by {found.voice.engine} {found.voice.engine_version}, "
                    f"not by {engine.name} {engine.version}; add its recording there"
                )
            cloner = cloner_of(engine)
            if found.holder is not cloner or not lists(engine, name):
                cloner.hold(found.voice.voice, found.voice.learned)
                found.holder = cloner
            return found.voice

    async def engine_of(self, name: str) -> str:
        """The name of the engine that learned a voice.

        Raises:
            VoiceUnknown: there is no such voice (any more).
            ConsentInvalid: the consent is over.
        """
        async with self._lock(name):
            return (await self._living(name)).voice.engine

    def lease(self, name: str) -> VoiceLease:
        """How long may be spoken as `name`, for `SpeechCache`.

        Raises:
            VoiceUnknown: not at all: it was revoked, or its hour is over, or `ready` was not asked.
            ConsentInvalid: the consent is over.
        """
        held = self._held.get(name)
        if held is None:
            raise VoiceUnknown(f"the voice {name} is over; add its recording again")
        held.voice.check(now_s=self._clock())
        lease = held.voice.lease(now_s=self._clock())
        if lease.remaining_s is not None and lease.remaining_s <= 0:
            raise VoiceUnknown(f"the hour of the voice {name} is over; add its recording again")
        return lease

    def is_ready(self, name: str, engine: Synthesizer) -> bool:
        """Whether `engine` may and can speak as `name` now."""
        try:
            self.lease(name)
        except (VoiceUnknown, ConsentInvalid):
            return False
        return cast(Any, self._held[name].holder) is engine

    @property
    def voices(self) -> tuple[LearnedVoice, ...]:
        """Those in this process that are not over."""
        now_s = self._clock()
        return tuple(
            held.voice for held in self._held.values() if held.voice.remaining_s(now_s=now_s) > 0
        )

    async def revoke(self, name: str) -> None:
        """End a voice: here at once, in other processes within five seconds."""
        async with self._lock(name):
            if self._shared is not None and not await self._shared.revoke(
                name, noted_for_s=self._keeps_for_s
            ):
                logger.error("Redis does not answer: {} stays in it for its hour", name)
            if name not in self._held:  # what others said in it may be kept all the same
                await self._tell(name)
            await self._end(name)

    async def close(self) -> None:
        """Have the engines forget all voices; those in Redis stay for their hour."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        for held in self._held.values():
            if held.holder is not None:
                held.holder.release(held.voice.name)
        self._held.clear()

    async def _learn(self, cloner: VoiceCloner, reference: Pcm, sample_rate_hz: int) -> bytes:
        try:
            async with asyncio.timeout(self._learn_timeout_s):
                return await cloner.learn(reference, sample_rate_hz)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"the voice was not learned within {self._learn_timeout_s:g} s"
            ) from error

    async def _living(self, name: str) -> _Held:
        """As `_found`, for who needs it."""
        held = self._held.get(name)
        found = await self._found(name)
        if found is None:
            if held is not None:
                held.voice.check(now_s=self._clock())  # says so, if it was the consent
            raise VoiceUnknown(
                f"there is no voice {name}: a custom voice is kept for "
                f"{self._keeps_for_s / 60:.0f} minutes; add its recording again"
            )
        found.voice.check(now_s=self._clock())
        return found

    async def _found(self, name: str) -> _Held | None:
        """The voice, if it is not over, from here or from Redis. The caller has its lock."""
        now_s = self._clock()
        held = self._held.get(name)
        if held is not None:
            is_over = held.voice.remaining_s(now_s=now_s) <= 0
            if not is_over and now_s >= held.checked_at_s + self._recheck_s:
                is_over = await self._is_revoked(held)
            if not is_over:
                return held
            await self._end(name)
        voice = await self._shared.find(name, now_s=now_s) if self._shared is not None else None
        if voice is None:
            return None
        found = _Held(voice, is_shared=True, checked_at_s=now_s)
        self._hold(found)
        await self._tidy()
        return found

    async def _is_revoked(self, held: _Held) -> bool:
        """Whether another process revoked it, as far as Redis can say now."""
        if self._shared is None or not held.is_shared:
            return False
        held.checked_at_s = self._clock()
        return await self._shared.is_revoked(held.voice.name)

    def _hold(self, held: _Held) -> None:
        self._held[held.voice.name] = held
        if self._shared is not None and (self._watch is None or self._watch.done()):
            self._watch = asyncio.create_task(self._watching(), name="watches custom voices")

    async def _watching(self) -> None:
        """End what another process revoked, also while a call goes on speaking in it."""
        while self._held:
            await asyncio.sleep(self._recheck_s)
            for name in tuple(self._held):
                async with self._lock(name):
                    held = self._held.get(name)
                    if held is not None and await self._is_revoked(held):
                        await self._end(name)

    async def _tidy(self) -> None:
        """End what is over, and what is too much."""
        now_s = self._clock()
        over = [n for n, held in self._held.items() if held.voice.remaining_s(now_s=now_s) <= 0]
        for name in over:
            await self._end(name)
        while len(self._held) > self._max_voices:
            name, held = next(iter(self._held.items()))
            if not held.is_shared:
                logger.warning("{} ends before its time: {} others came", name, self._max_voices)
            await self._end(name, is_over=not held.is_shared)

    async def _end(self, name: str, *, is_over: bool = True) -> None:
        """Let go of a voice; not `is_over`: Redis has it, and it may be used again."""
        held = self._held.pop(name, None)
        if held is None:
            return
        if held.holder is not None:
            held.holder.release(name)
        if is_over:
            await self._tell(name)

    async def _tell(self, name: str) -> None:
        for ended in self._ended:
            await ended(name)

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncGenerator[None]:
        """One at a time for each voice: who comes second finds what the first one made."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            yield


def cloner_of(engine: Synthesizer) -> VoiceCloner:
    """`engine` as one that imitates voices.

    Raises:
        VoiceUnknown: it does not.
    """
    if all(callable(getattr(engine, what, None)) for what in ("learn", "hold", "release")):
        return cast(VoiceCloner, engine)
    raise VoiceUnknown(f"{engine.name} imitates no voices; choose an engine that does")


def lists(engine: Synthesizer, name: str) -> bool:
    """Whether `engine` has a voice of that name now; one that was started again has forgotten."""
    return any(voice.name == name for voice in engine.voices)


def _content_id(engine: Synthesizer, reference: Pcm, sample_rate_hz: int) -> str:
    """The same for the same recording, engine and version; says nothing of the recording."""
    digest = hashlib.sha256(f"{engine.name}\0{engine.version}\0{sample_rate_hz}\0".encode())
    digest.update(np.ascontiguousarray(reference, "<i2").tobytes())
    return digest.hexdigest()[:32]
