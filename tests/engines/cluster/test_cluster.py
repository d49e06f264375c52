"""The engines on a real Ray: OpenAI's client, our own engines, a killed replica, learned voices."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from openai import AuthenticationError, OpenAI

from speech.engines.remote_hearing import RemoteHearingOptions, RemoteRecognizer
from speech.engines.remote_speaking import RemoteSpeakingOptions, RemoteSynthesizer
from speech.errors import EngineFailed, LanguageUnsupported, SpeechError
from speech.pool import EnginePool
from speech.server.settings import EngineSpec
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice
from tests.engines.cluster.conftest import TOKEN, Cluster

TEXT = "Please confirm the order number four."
BACK_S = 90.0


def client(cluster: Cluster, key: str = TOKEN) -> OpenAI:
    return OpenAI(base_url=f"{cluster.url}/v1", api_key=key, max_retries=0)


def mouth_of(cluster: Cluster) -> RemoteSynthesizer:
    return RemoteSynthesizer(
        options=RemoteSpeakingOptions.model_validate({"base_url": cluster.url, "token": TOKEN})
    )


async def spoken(mouth: Any, request: SpeechRequest) -> Pcm:
    async with aclosing(mouth.synthesize(request)) as chunks:
        return np.concatenate([chunk async for chunk in chunks])


def test_openais_client_speaks_and_hears_through_it(cluster: Cluster) -> None:
    openai = client(cluster)
    audio = openai.audio.speech.create(
        model="tts-1", voice="alloy", input=TEXT, response_format="wav"
    ).read()
    heard = openai.audio.transcriptions.create(model="whisper-1", file=("it.wav", audio))
    assert "confirm the order" in heard.text.lower()
    assert [model.id for model in openai.models.list()] == ["moonshine", "espeak"]


def test_without_the_token_nobody_is_served(cluster: Cluster) -> None:
    with pytest.raises(AuthenticationError):
        client(cluster, "another-token-of-16-characters").models.list()


def test_a_deployment_is_not_exchanged_under_rays_hands(cluster: Cluster) -> None:
    answer = httpx.post(
        f"{cluster.url}/admin/models/switch",
        json={"model": "espeak"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 503
    assert "Ray Serve replaces its replicas" in answer.json()["error"]["message"]


async def test_calls_find_it_by_the_same_url_setting(cluster: Cluster) -> None:
    options = RemoteHearingOptions.model_validate({"base_url": cluster.url, "token": TOKEN})
    mouth = mouth_of(cluster)
    async with EnginePool(1) as pool:
        ear = RemoteRecognizer(pool, options=options)
        await ear.start()
        await mouth.start()
        pcm = await spoken(mouth, SpeechRequest(text=TEXT, language="en"))
        stream = ear.open(language="en", sample_rate_hz=mouth.sample_rate_hz)
        stream.feed(pcm)
        assert "confirm the order" in (await stream.finish()).text.lower()
        with pytest.raises(LanguageUnsupported):
            await spoken(mouth, SpeechRequest(text=TEXT, language="fr"))
        await ear.close()
        await mouth.close()


async def test_utterances_that_come_together_are_heard_as_each_alone(cluster: Cluster) -> None:
    openai = client(cluster)
    clips = [
        openai.audio.speech.create(
            model="tts-1", voice="alloy", input=f"The {word} is ready.", response_format="wav"
        ).read()
        for word in ("order", "doctor", "restaurant", "telephone")
    ]

    def heard(clip: bytes) -> str:
        return openai.audio.transcriptions.create(model="whisper-1", file=("it.wav", clip)).text

    alone = [heard(clip) for clip in clips]
    together = await asyncio.gather(*(asyncio.to_thread(heard, clip) for clip in clips))
    assert list(together) == alone
    assert len(set(alone)) == len(clips)


def test_every_engine_has_the_replica_that_it_begins_with(cluster: Cluster, ray: Any) -> None:
    from ray import serve

    app = serve.status().applications["speech"]
    assert app.status == "RUNNING"
    for name in ("hears-moonshine", "speaks-espeak", "ingress"):
        assert app.deployments[name].replica_states == {"RUNNING": 1}


@pytest.mark.timeout(200)
async def test_after_a_replica_was_killed_another_one_speaks(cluster: Cluster) -> None:
    mouth = mouth_of(cluster)
    await mouth.start()
    before = _replicas("speaks-espeak")
    for process in before:
        process.kill()
    until_s = time.monotonic() + BACK_S
    while True:
        try:
            pcm = await spoken(mouth, SpeechRequest(text="Here again.", language="en"))
            break
        except SpeechError:  # what a call answers with its next engine
            assert time.monotonic() < until_s
    assert len(pcm)
    assert {process.pid for process in before}.isdisjoint(
        process.pid for process in _replicas("speaks-espeak")
    )
    await mouth.close()


def _replicas(deployment: str) -> list[psutil.Process]:
    title = f"ray::ServeReplica:speech:{deployment}"
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if title in " ".join(process.info["cmdline"] or ())
    ]


class Imitator:
    """Says its voice's number, how often it was shown a voice, and how many it holds."""

    name, version, sample_rate_hz = "imitator", "1", 16_000
    languages = frozenset({"en"})
    expression = Expression()

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.holds = 0

    @property
    def voices(self) -> tuple[Voice, ...]:
        return (Voice("own", "en", "its own"),)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        if not len(reference):
            raise EngineFailed("nothing is said in it")
        return bytes([int(reference[0])])

    def hold(self, voice: Voice, learned: bytes) -> None:
        self.holds += 1
        self.held[voice.name] = learned

    def release(self, voice_name: str) -> None:
        self.held.pop(voice_name, None)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        if request.voice not in self.held:
            raise EngineFailed(f"{request.voice} is not held")
        yield np.array([self.held[request.voice][0], self.holds, len(self.held)], np.int16)


class Drawler(Imitator):
    """Speaks for ten seconds, and for as long."""

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        for _ in range(100):
            await asyncio.sleep(0.1)
            yield np.zeros(1600, np.int16)


def run(engine: type[Imitator], name: str, **settings: Any) -> Any:
    """A handle of replicas of an engine of this file."""
    from ray import cloudpickle, serve

    from speech.cluster.application import deployment
    from speech.cluster.ingress import Part
    from speech.cluster.replicas import SpeakingReplica
    from speech.cluster.wire import ReplicaSettings

    cloudpickle.register_pickle_by_value(sys.modules[__name__])

    class Replica(SpeakingReplica):
        def make(self, spec: EngineSpec) -> Any:
            return engine()

    part = Part("replicas", EngineSpec(name, name, "speaks"))
    app = deployment(part, ReplicaSettings(cpus=0.1, **settings), Replica)
    return serve.run(app, name=name, route_prefix=None)


@pytest.fixture(scope="session")
def imitators(ray: Any) -> Iterator[Any]:
    yield run(Imitator, "imitators", min_replicas=2, max_replicas=2)
    ray.serve.delete("imitators")


async def test_a_learned_voice_is_spoken_where_it_is_held(imitators: Any) -> None:
    from speech.cluster.remote_engines import ClusterCloner, synthesizer

    engine = await synthesizer(imitators)
    assert isinstance(engine, ClusterCloner)
    for number in (3, 7):
        learned = await engine.learn(np.array([number], np.int16), 16_000)
        engine.hold(Voice(f"custom:{number}", "en", "somebody"), learned)
    heard = [
        await spoken(engine, SpeechRequest(text="Hello.", language="en", voice=f"custom:{number}"))
        for number in (3, 7, 3, 3, 7, 3, 7, 7)
    ]
    assert [int(pcm[0]) for pcm in heard] == [3, 7, 3, 3, 7, 3, 7, 7]
    # Held once each, and not for each text: eight texts, at most two voices on a replica.
    assert max(int(pcm[1]) for pcm in heard) <= 2


async def test_what_a_replica_raises_comes_as_it_was(imitators: Any) -> None:
    from speech.cluster.remote_engines import ClusterCloner, synthesizer

    engine = await synthesizer(imitators)
    assert isinstance(engine, ClusterCloner)
    with pytest.raises(EngineFailed, match="nobody is not held"):
        await spoken(engine, SpeechRequest(text="Hello.", language="en", voice="nobody"))
    with pytest.raises(EngineFailed, match="nothing is said in it"):
        await engine.learn(np.empty(0, np.int16), 16_000)


@pytest.mark.timeout(200)
async def test_more_streams_than_a_replica_should_have_start_another_one(ray: Any) -> None:
    from speech.cluster.remote_engines import synthesizer

    handle = run(Drawler, "drawlers", min_replicas=1, max_replicas=2, target_streams=1.0)
    engine = await synthesizer(handle)
    request = SpeechRequest(text="Hello.", language="en")

    async def speak_on() -> None:
        while True:
            await spoken(engine, request)

    async with asyncio.TaskGroup() as tasks:
        speakers = [tasks.create_task(speak_on()) for _ in range(4)]
        until_s = time.monotonic() + BACK_S
        running = 0
        while running != 2 and time.monotonic() < until_s:
            await asyncio.sleep(0.5)
            app = await asyncio.to_thread(lambda: ray.serve.status().applications["drawlers"])
            running = app.deployments["replicas"].replica_states.get("RUNNING", 0)
        for speaker in speakers:
            speaker.cancel()
    assert running == 2
    await asyncio.to_thread(ray.serve.delete, "drawlers")
