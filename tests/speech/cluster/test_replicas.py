"""Which voices a replica keeps, and for how long. Ray's part is played by two lines of a test."""

import asyncio
import gc
import importlib
import sys
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from speech.cluster.wire import Failure, ReplicaSettings, SpeakAsk
from speech.server.settings import EngineSpec
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer, Voice
from tests.speech.server.own_speech_server import ScriptedMouth

ASHA = Voice("custom:asha", "en", "hers")


@dataclass
class HoldingMouth(ScriptedMouth):
    """Counts the voices that it was given, and those that were taken away."""

    held: list[str] = field(default_factory=list[str])

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        return b"learned"

    def hold(self, voice: Voice, learned: bytes) -> None:
        self.held.append(voice.name)

    def release(self, voice_name: str) -> None: ...

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        yield np.zeros(4, np.int16)


def as_it_is(**options: Any) -> Callable[[Any], Any]:
    return lambda method: method


def loaded_anew(**options: Any) -> Callable[[Any], Any]:
    """A replica that evicts a voice as soon as it has it: one load after the other."""
    lock = asyncio.Lock()

    def decorated(load: Callable[[Any, str], Awaitable[object]]) -> Any:
        async def loaded(replica: Any, name: str) -> object:
            async with lock:
                await asyncio.sleep(0)
                return await load(replica, name)

        return loaded

    return decorated


def kept(**options: Any) -> Callable[[Any], Any]:
    """A replica that loads a voice once."""
    held: dict[str, object] = {}

    def decorated(load: Callable[[Any, str], Awaitable[object]]) -> Any:
        async def loaded(replica: Any, name: str) -> object:
            if name not in held:
                held[name] = await load(replica, name)
            return held[name]

        return loaded

    return decorated


@pytest.fixture(params=[loaded_anew, kept])
def replicas(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The module, made with these decorators in the place of Ray's."""
    ray, serve = ModuleType("ray"), ModuleType("ray.serve")
    vars(serve).update(batch=as_it_is, multiplexed=request.param)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.serve", serve)
    before = sys.modules.pop("speech.cluster.replicas", None)
    yield importlib.import_module("speech.cluster.replicas")
    del sys.modules["speech.cluster.replicas"]
    if before is not None:
        sys.modules["speech.cluster.replicas"] = before


async def test_texts_of_one_voice_at_once_are_spoken_and_nothing_of_them_is_kept(
    replicas: ModuleType,
) -> None:
    mouth = HoldingMouth()

    class Replica(replicas.SpeakingReplica):
        def make(self, spec: EngineSpec) -> Synthesizer:
            return mouth

    replica = Replica(EngineSpec("mouth", "scripted", "speaks"), ReplicaSettings())
    waiting: list[Learned] = []

    async def spoken() -> list[Pcm | Failure]:
        learned = Learned()
        waiting.append(learned)
        ask = SpeakAsk(SpeechRequest("x", "en", ASHA.name), ASHA, learned)
        return [chunk async for chunk in replica.speak(ask)]

    for _ in range(2):
        for chunks in await asyncio.gather(*(spoken() for _ in range(4))):
            assert [type(chunk) for chunk in chunks] == [np.ndarray]
    assert mouth.held
    references = [weakref.ref(learned) for learned in waiting]
    waiting.clear()
    gc.collect()
    assert [reference() for reference in references] == [None] * 8


class Learned:
    """A reference of Ray's, which the object store counts."""

    def __await__(self) -> Iterator[Any]:
        yield from asyncio.sleep(0).__await__()
        return b"learned"
