"""The engines `remote` and `openai` against the speech server itself: what a call has of it."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest

from speech.engines.moonshine import MoonshineRecognizer
from speech.engines.openai_hearing import OpenAIHearingOptions, OpenAIRecognizer
from speech.engines.openai_speaking import OpenAISpeakingOptions, OpenAISynthesizer
from speech.engines.remote_hearing import RemoteHearingOptions, RemoteRecognizer
from speech.engines.remote_speaking import RemoteSpeakingOptions, RemoteSynthesizer
from speech.errors import (
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    VoiceUnknown,
)
from speech.hearing_chain import RecognizerChain
from speech.members import Member
from speech.options import read_options
from speech.pool import EnginePool
from speech.resampling import StreamResampler
from speech.stt import Pcm, Recognizer
from speech.tts import SpeechRequest, Synthesizer, Voice
from tests.speech.server.own_speech_server import (
    TOKEN,
    ScriptedEar,
    ScriptedMouth,
    broken,
    own_speech_server,
    tone,
)
from tests.speech.server.test_process import process

RATE_HZ = 8000
PATIENT = {"connect_s": "20", "timeout_s": "30"}  # for a machine that has other work

E = TypeVar("E", RemoteRecognizer, RemoteSynthesizer, OpenAIRecognizer, OpenAISynthesizer)


@pytest.fixture
async def pool() -> AsyncGenerator[EnginePool]:
    async with EnginePool(1) as threads:
        yield threads


@asynccontextmanager
async def remote_ear(url: str, pool: EnginePool, **given: str) -> AsyncGenerator[RemoteRecognizer]:
    written = {"base_url": url, **PATIENT, **given}
    options = read_options("remote", RemoteHearingOptions, written)
    async with started(RemoteRecognizer(pool, options=options)) as engine:
        yield engine


@asynccontextmanager
async def remote_mouth(url: str, **given: str) -> AsyncGenerator[RemoteSynthesizer]:
    written = {"base_url": url, "first_chunk_s": "30", **PATIENT, **given}
    options = read_options("remote", RemoteSpeakingOptions, written)
    async with started(RemoteSynthesizer(options=options)) as engine:
        yield engine


@asynccontextmanager
async def started(engine: E) -> AsyncGenerator[E]:
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def spoken(engine: Synthesizer, text: str = "Hello.", voice: str | None = None) -> Pcm:
    """At 8 kHz, as on a line."""
    line = StreamResampler(engine.sample_rate_hz, RATE_HZ)
    async with aclosing(engine.synthesize(SpeechRequest(text, "en", voice))) as chunks:
        parts = [line.push(chunk) async for chunk in chunks]
    return np.concatenate([*parts, line.finish()])


async def heard(engine: Recognizer, pcm: Pcm, language: str = "en") -> str:
    stream = engine.open(language=language, sample_rate_hz=RATE_HZ)
    for at in range(0, len(pcm), 160):
        stream.feed(pcm[at : at + 160])
    return (await stream.finish()).text


async def test_what_remote_says_is_heard_by_remote(embedded_server: str, pool: EnginePool) -> None:
    async with remote_mouth(embedded_server) as mouth, remote_ear(embedded_server, pool) as ear:
        assert mouth.languages == {"en", "hi", "mr"}
        assert ear.languages == {"en"}
        assert mouth.voices[0].name == "en-us"
        assert mouth.expression.rates == (0.5, 2.0)
        words = await heard(ear, await spoken(mouth, "I want to cancel the order."))
    assert "cancel the order" in words.lower()


async def test_what_openai_says_is_heard_by_openai(embedded_server: str, pool: EnginePool) -> None:
    shared = {"base_url": f"{embedded_server}/v1", "languages": "en", **PATIENT}
    mouth = OpenAISynthesizer(
        options=read_options(
            "openai", OpenAISpeakingOptions, {**shared, "model": "espeak", "voices": "en-us"}
        )
    )
    ear = OpenAIRecognizer(
        pool,
        options=read_options("openai", OpenAIHearingOptions, {**shared, "model": "moonshine"}),
    )
    async with started(mouth), started(ear):
        words = await heard(ear, await spoken(mouth, "I want to cancel the order."))
    assert "cancel the order" in words.lower()


async def test_a_call_goes_on_when_the_speech_server_is_killed(pool: EnginePool) -> None:
    local = MoonshineRecognizer(pool)
    await local.start()
    with process("--engines", "moonshine,espeak") as (server, url):
        async with remote_ear(url, pool) as far, remote_mouth(url) as mouth:
            audio = await spoken(mouth, "I want to cancel the order.")
            # The deadline is so late that only the lost connection can end the wait.
            members: list[Member[Recognizer]] = [
                Member("far", far, deadline_s=60),
                Member("near", local, deadline_s=60),
            ]
            for member in members:
                await member.start()
            chain = RecognizerChain(members)
            stream = chain.open(language="en", sample_rate_hz=RATE_HZ)
            stream.feed(audio)
            assert (await stream.partial(is_urgent=True)).engine == "far"
            server.send_signal(signal.SIGSTOP)  # so that it can't answer before it dies
            stream.feed(audio)
            words = asyncio.ensure_future(stream.finish())
            await asyncio.sleep(0)  # it is asked
            server.kill()
            async with asyncio.timeout(30):
                transcript = await words
                assert transcript.engine == "near"
                assert "cancel the order" in transcript.text.lower()
                with pytest.raises(EngineFailed):
                    await spoken(mouth)


async def test_partials_and_their_refusal_come_through(pool: EnginePool) -> None:
    ear = ScriptedEar()
    async with own_speech_server(ear=ear) as server, remote_ear(server.base_url, pool) as far:
        stream = far.open(
            language="hi", sample_rate_hz=RATE_HZ, hints=("haan",), other_languages=("en",)
        )
        stream.feed(tone(0.5, RATE_HZ))
        assert (await stream.partial()).text == "500 ms"
        ear.is_busy = True
        stream.feed(tone(0.5, RATE_HZ))
        with pytest.raises(EngineBusy):
            await stream.partial()
        assert (await stream.partial(is_urgent=True)).text == "1000 ms"
        stream.feed(tone(0.5, RATE_HZ))
        assert (await stream.finish()).text == "1500 ms"
        assert await heard(far, tone(0.2, RATE_HZ), "mr") == "200 ms"
    assert ear.opened[0] == {
        "language": "hi",
        "rate_hz": RATE_HZ,
        "hints": ["haan"],
        "others": ["en"],
    }


async def test_an_engine_that_breaks_there_fails_here(pool: EnginePool) -> None:
    ear, mouth = ScriptedEar(), ScriptedMouth()
    async with (
        own_speech_server(ear=ear, mouth=mouth, max_streams=1) as server,
        remote_ear(server.base_url, pool) as far,
        remote_mouth(server.base_url) as voice,
    ):
        ear.failure, mouth.failure = broken(), broken()
        with pytest.raises(EngineFailed, match="broke"):
            await heard(far, tone(0.2, RATE_HZ))
        with pytest.raises(EngineFailed, match="broke"):
            await spoken(voice)
        mouth.fails_after = 3
        with pytest.raises(EngineFailed, match="hung up"):
            await spoken(voice)
        ear.failure = mouth.failure = None
        assert await heard(far, tone(0.2, RATE_HZ)) == "200 ms"
        first = far.open(language="en", sample_rate_hz=RATE_HZ)
        await first.partial(is_urgent=True)  # it has begun
        with pytest.raises(EngineBusy):
            await heard(far, tone(0.2, RATE_HZ))
        first.cancel()
        with pytest.raises(VoiceUnknown):
            await spoken(voice, voice="high")
        ear.languages = frozenset({"hi"})  # exchanged since the client asked
        with pytest.raises(LanguageUnsupported):
            await heard(far, tone(0.2, RATE_HZ), "en")


async def test_a_server_whose_voices_were_exchanged_is_asked_for_its_new_ones() -> None:
    mouth = ScriptedMouth()
    async with (
        own_speech_server(mouth=mouth) as server,
        remote_mouth(server.base_url) as voice,
        asyncio.timeout(30),
    ):
        mouth.voices = (Voice("high", "en", "clear"),)
        with pytest.raises(VoiceUnknown):
            await spoken(voice, voice="low")
        while [known.name for known in voice.voices] != ["high"]:
            await asyncio.sleep(0.01)
        assert len(await spoken(voice, voice="high"))


async def test_a_server_that_was_lost_is_asked_anew_when_it_answers_again() -> None:
    mouth = ScriptedMouth()
    async with (
        own_speech_server(mouth=mouth) as server,
        remote_mouth(server.base_url) as voice,
        asyncio.timeout(30),
    ):
        mouth.failure, mouth.fails_after = broken(), 3
        with pytest.raises(EngineFailed, match="hung up"):
            await spoken(voice)
        mouth.failure, mouth.version = None, "2"
        mouth.languages = frozenset({"en"})
        assert voice.languages == {"en", "hi"}
        await spoken(voice)
        while voice.languages != {"en"}:
            await asyncio.sleep(0.01)
        assert voice.version.endswith("-2")


async def test_leaving_stops_the_work_there(pool: EnginePool) -> None:
    ear, mouth = ScriptedEar(gate=asyncio.Event()), ScriptedMouth(chunks=10**6)
    async with (
        own_speech_server(ear=ear, mouth=mouth) as server,
        remote_ear(server.base_url, pool) as far,
        remote_mouth(server.base_url) as voice,
        asyncio.timeout(30),
    ):
        chunks = voice.synthesize(SpeechRequest("Hello.", "en"))
        await anext(chunks)
        await chunks.aclose()
        await mouth.ended.wait()
        stream = far.open(language="en", sample_rate_hz=RATE_HZ)
        stream.feed(tone(0.2, RATE_HZ))
        finish = asyncio.ensure_future(stream.finish())
        await ear.decoding.wait()
        stream.cancel()
        await ear.cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await finish


async def test_only_who_has_the_token_is_served(pool: EnginePool) -> None:
    async with own_speech_server(ear=ScriptedEar(), mouth=ScriptedMouth(), token=TOKEN) as server:
        make: tuple[Callable[[], object], ...] = (
            lambda: remote_ear(server.base_url, pool),
            lambda: remote_mouth(server.base_url, token="wrong"),
        )
        for client in make:
            with pytest.raises(EngineUnavailable, match="option token"):
                async with client():  # type: ignore[attr-defined]
                    pass
        async with remote_ear(server.base_url, pool, token=TOKEN) as far:
            assert await heard(far, tone(0.2, RATE_HZ)) == "200 ms"
