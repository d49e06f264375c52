"""The two kinds of replica: each holds one engine. Imported where Ray is installed only."""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from speech.cluster.wire import (
    EngineFacts,
    Failure,
    HearAsk,
    ReplicaSettings,
    SpeakAsk,
    failure_of,
)
from speech.custom_voices import cloner_of
from speech.errors import ENGINE_FAILURES, VoiceUnknown
from speech.pool import EnginePool
from speech.registry import make_recognizer, make_synthesizer
from speech.server.log import set_up_log
from speech.server.settings import EngineSpec
from speech.stt import Pcm, Recognizer, Transcript
from speech.tts import Synthesizer, Voice

serve: Any = importlib.import_module("ray.serve")


class HearingReplica:
    """An engine that hears. Utterances that come together are given to it together."""

    def __init__(self, spec: EngineSpec, settings: ReplicaSettings) -> None:
        """Load nothing yet: Ray's constructors may not wait."""
        set_up_log()
        self._pool = EnginePool(max(1, round(settings.cpus)))
        self._ear: Recognizer = make_recognizer(spec.engine, self._pool, spec.options)
        self._starting = asyncio.Lock()
        self._facts: EngineFacts | None = None
        hear = self.hear  # of this instance: its own batches
        hear.set_max_batch_size(settings.batch)
        hear.set_batch_wait_timeout_s(settings.gather_s)

    async def facts(self) -> EngineFacts | Failure:
        """What the engine is; it is loaded and warm then."""
        async with self._starting:
            if self._facts is None:
                try:
                    await self._ear.start()
                except ENGINE_FAILURES as error:
                    return failure_of(error)
                ear = self._ear
                self._facts = EngineFacts(ear.name, ear.languages, ear.sample_rate_hz)
            return self._facts

    async def check_health(self) -> None:
        """Ray asks; a replica whose engine doesn't load is replaced."""
        facts = await self.facts()
        if isinstance(facts, Failure):
            raise facts.error

    @serve.batch(max_batch_size=8, batch_wait_timeout_s=0.005, max_concurrent_batches=4)
    async def hear(self, asks: list[HearAsk]) -> list[Transcript | Failure]:
        """The words of several utterances, heard at once."""
        facts = await self.facts()
        if isinstance(facts, Failure):
            return [facts] * len(asks)
        return list(await asyncio.gather(*(self._heard(ask) for ask in asks)))

    async def _heard(self, ask: HearAsk) -> Transcript | Failure:
        try:
            stream = self._ear.open(
                language=ask.language,
                sample_rate_hz=ask.sample_rate_hz,
                hints=ask.hints,
                other_languages=ask.other_languages,
            )
            stream.feed(ask.pcm)
            return await stream.finish()
        except ENGINE_FAILURES as error:
            return failure_of(error)


class SpeakingReplica:
    """An engine that speaks, and the learned voices that it holds at the moment."""

    def __init__(self, spec: EngineSpec, settings: ReplicaSettings) -> None:
        """Load nothing yet."""
        set_up_log()
        self._mouth: Synthesizer = self.make(spec)
        self._starting = asyncio.Lock()
        self._facts: EngineFacts | None = None
        self._shown: dict[str, list[SpeakAsk]] = {}  # by voice, of texts that wait for theirs
        del settings

    def make(self, spec: EngineSpec) -> Synthesizer:
        """The engine of a spec, not started."""
        return make_synthesizer(spec.engine, spec.options)

    async def facts(self) -> EngineFacts | Failure:
        """What the engine is; it is loaded and warm then."""
        async with self._starting:
            if self._facts is None:
                try:
                    await self._mouth.start()
                except ENGINE_FAILURES as error:
                    return failure_of(error)
                self._facts = self._described()
            return self._facts

    async def check_health(self) -> None:
        """Ray asks; a replica whose engine doesn't load is replaced."""
        facts = await self.facts()
        if isinstance(facts, Failure):
            raise facts.error

    async def speak(self, ask: SpeakAsk) -> AsyncGenerator[Pcm | Failure, None]:
        """The speech in chunks; a failure is the last of them. Closing it stops the engine."""
        facts = await self.facts()
        if isinstance(facts, Failure):
            yield facts
            return
        try:
            if ask.voice is not None and ask.learned is not None:
                await self._show(ask, ask.voice.name)
            async with aclosing(self._mouth.synthesize(ask.request)) as spoken:
                async for chunk in spoken:
                    yield chunk
        except ENGINE_FAILURES as error:
            yield failure_of(error)

    async def _show(self, ask: SpeakAsk, name: str) -> None:
        """Hold the voice of a text. Others may wait for the same one: which of them it is loaded
        for is Ray's choice, so each lays down its own until it is there."""
        self._shown.setdefault(name, []).append(ask)
        try:
            await self.voice(name)
        finally:
            left = [other for other in self._shown[name] if other is not ask]
            if left:
                self._shown[name] = left
            else:
                del self._shown[name]

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes | Failure:
        """What the engine needs to speak in the voice of `reference`."""
        facts = await self.facts()
        if isinstance(facts, Failure):
            return facts
        try:
            return await cloner_of(self._mouth).learn(reference, sample_rate_hz)
        except ENGINE_FAILURES as error:
            return failure_of(error)

    @serve.multiplexed(max_num_models_per_replica=64)
    async def voice(self, name: str) -> "HeldVoice":
        """Hold a learned voice. Ray sends those who want it here, and ends the least used."""
        ask = self._shown[name][-1]
        learned = ask.learned if isinstance(ask.learned, bytes) else await ask.learned
        cloner_of(self._mouth).hold(cast(Voice, ask.voice), cast(bytes, learned))
        return HeldVoice(self._mouth, name)

    def _described(self) -> EngineFacts:
        mouth = self._mouth
        try:
            cloner_of(mouth)
            can_learn = True
        except VoiceUnknown:
            can_learn = False
        return EngineFacts(
            name=mouth.name,
            languages=mouth.languages,
            sample_rate_hz=mouth.sample_rate_hz,
            version=mouth.version,
            voices=mouth.voices,
            expression=mouth.expression,
            can_learn=can_learn,
        )


class HeldVoice:
    """Releases its voice when Ray drops it for another."""

    def __init__(self, mouth: Synthesizer, name: str) -> None:
        self._mouth = mouth
        self._name = name

    def __del__(self) -> None:
        cloner_of(self._mouth).release(self._name)
