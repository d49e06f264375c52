"""The engine `remote`, both ways, against a server that keeps the speech server's protocol."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from fastapi import Response, WebSocket

from speech.engines.openai_hearing import wav
from speech.engines.remote_hearing import RemoteHearingOptions, RemoteRecognizer
from speech.engines.remote_speaking import RemoteSpeakingOptions, RemoteSynthesizer
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    SpeechError,
    VoiceUnknown,
)
from speech.options import read_options
from speech.pool import EnginePool
from speech.stt import Pcm, RecognitionStream, Word
from speech.tts import SpeechRequest, Synthesizer
from tests.speech.remote_peer import (
    HEARS,
    SPEAKS,
    TOKEN,
    RemotePeer,
    Told,
    obliging,
    refusal,
    remote_peer,
)

RATE_HZ = 8000
PATIENT = {"connect_s": "20", "timeout_s": "30"}  # for a machine that has other work
SPEECH = (np.sin(np.arange(RATE_HZ) / 5) * 8000).astype(np.int16)  # 1 s


@pytest.fixture
async def peer() -> AsyncGenerator[RemotePeer]:
    async with remote_peer() as served:
        yield served


@pytest.fixture
async def pool() -> AsyncGenerator[EnginePool]:
    async with EnginePool(1) as threads:
        yield threads


@asynccontextmanager
async def ear(url: str, pool: EnginePool, **given: str) -> AsyncGenerator[RemoteRecognizer]:
    written = {"base_url": url, "token": TOKEN, **PATIENT, **given}
    options = read_options("remote", RemoteHearingOptions, written)
    engine = RemoteRecognizer(pool, options=options)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def mouth(url: str, **given: str) -> AsyncGenerator[RemoteSynthesizer]:
    written = {"base_url": url, "token": TOKEN, "first_chunk_s": "30", **PATIENT, **given}
    options = read_options("remote", RemoteSpeakingOptions, written)
    engine = RemoteSynthesizer(options=options)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def opened(engine: RemoteRecognizer, pcm: Pcm = SPEECH) -> RecognitionStream:
    stream = engine.open(language="hi", sample_rate_hz=RATE_HZ)
    stream.feed(pcm)
    return stream


async def spoken(engine: Synthesizer, text: str = "Hello.", **more: Any) -> Pcm:
    async with aclosing(engine.synthesize(SpeechRequest(text, "en", **more))) as chunks:
        return np.concatenate([np.empty(0, np.int16), *[chunk async for chunk in chunks]])


async def test_an_utterance_goes_as_it_comes_and_its_words_come_back(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool, model="whisper") as engine:
        assert engine.languages == {"en", "hi"}
        stream = engine.open(
            language="hi", sample_rate_hz=RATE_HZ, hints=("haan", "x" * 300), other_languages=["en"]
        )
        for at in range(0, 4000, 160):
            stream.feed(SPEECH[at : at + 160])
        partial = await stream.partial()
        stream.feed(SPEECH[4000:])
        heard = await stream.finish()
    assert (partial.text, partial.is_final, partial.audio_ms) == ("8000 bytes", False, 500)
    assert (heard.text, heard.is_final, heard.language) == ("16000 bytes", True, "hi")
    assert heard.words == (Word("16000 bytes", 10, 90, 0.8),)
    assert bytes(peer.audio) == SPEECH.astype("<i2").tobytes()
    assert peer.told == [
        {
            "type": "start",
            "id": "u1",
            "model": "whisper",
            "language": "hi",
            "other_languages": ["en"],
            "sample_rate_hz": 8000,
            "hints": ["haan", "x" * 200],
            "partial_every_ms": 0,
        },
        {"type": "partial", "urgent": False},
        {"type": "finish"},
    ]


async def test_utterances_share_a_connection_one_after_the_other(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool) as engine:
        for samples in (100, 200, 300):
            heard = await opened(engine, SPEECH[:samples]).finish()
            assert heard.text == f"{2 * samples} bytes"
        assert peer.sockets == 1
        several = [opened(engine) for _ in range(3)]
        await asyncio.gather(*(stream.finish() for stream in several))
    assert peer.sockets == 3
    assert len({told["id"] for told in peer.started}) == 6


async def test_an_urgent_partial_with_all_the_audio_is_the_final_one(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        urgent = await stream.partial(is_urgent=True)
        heard = await stream.finish()
        assert (heard.text, heard.is_final) == (urgent.text, True)
        await peer.until("cancel")
        await opened(engine).finish()
        assert not peer.closed  # the line of what was cancelled is used again
    kinds = [told["type"] for told in peer.told]
    assert kinds == ["start", "partial", "cancel", "start", "finish"]


async def test_what_was_heard_in_passing_is_not_the_final_one(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        await stream.partial()
        await stream.partial(is_urgent=True)
        await stream.partial()  # has the urgent one's words: nothing better is to be had
        stream.cancel()
        stream = opened(engine)
        await stream.partial()
        assert (await stream.finish()).is_final
    asked = [(told["type"], told.get("urgent")) for told in peer.told]
    assert ("finish", None) in asked
    assert [urgent for kind, urgent in asked if kind == "partial"] == [False, True, False]


async def test_a_server_with_other_work_is_busy_for_partials_alone(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async def busy(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] == "partial" and not told["urgent"]:
            await socket.send_json({"type": "busy", "id": socket.state.id})
        else:
            await obliging(peer, socket, told)

    peer.answers = busy
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        with pytest.raises(EngineBusy):
            await stream.partial()
        assert (await stream.partial(is_urgent=True)).text == "16000 bytes"
        assert (await stream.finish()).is_final


async def test_busy_belongs_to_the_partial_that_was_not_urgent(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async def late(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] == "partial" and told["urgent"]:
            return  # its answer comes behind that of the next
        if told["type"] == "partial":
            await socket.send_json({"type": "busy", "id": socket.state.id})
        await obliging(peer, socket, told)

    peer.answers = late
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        urgent = asyncio.ensure_future(stream.partial(is_urgent=True))
        await peer.until("partial")
        with pytest.raises(EngineBusy):
            await stream.partial()
        assert (await urgent).text == "16000 bytes"


async def test_answers_about_an_earlier_utterance_are_dropped(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async def confused(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        await socket.send_json({"type": "final", "id": "u0", "text": "of another"})
        await socket.send_json({"type": "error", "id": "u0", "code": "engine_failed"})
        await socket.send_json({"type": "something new", "id": socket.state.id})
        await obliging(peer, socket, told)

    peer.answers = confused
    async with ear(peer.base_url, pool) as engine:
        assert (await opened(engine).finish()).text == "16000 bytes"


@pytest.mark.parametrize("asked", ["partial", "finish"])
async def test_a_lost_connection_is_noticed_at_once(
    peer: RemotePeer, pool: EnginePool, asked: str
) -> None:
    async def dies(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] == asked:
            await socket.close(1011)
        else:
            await obliging(peer, socket, told)

    peer.answers = dies
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        async with asyncio.timeout(20):  # the engine's own deadline is later
            with pytest.raises(EngineFailed, match="hung up"):
                await (stream.finish() if asked == "finish" else stream.partial(is_urgent=True))
            if asked == "partial":
                stream.feed(SPEECH)  # whoever feeds it learns it when the words are wanted
                with pytest.raises(EngineFailed, match="hung up"):
                    await stream.finish()
        peer.answers = obliging
        assert (await opened(engine).finish()).text == "16000 bytes"


async def test_a_server_that_is_gone_is_noticed_at_once_and_used_when_it_is_back(
    pool: EnginePool, unused_tcp_port: int
) -> None:
    async with remote_peer(unused_tcp_port) as first:
        engine = RemoteRecognizer(
            pool,
            options=read_options(
                "remote",
                RemoteHearingOptions,
                {"base_url": first.base_url, "token": TOKEN, **PATIENT},
            ),
        )
        await engine.start()
        assert (await opened(engine).finish()).text == "16000 bytes"
    async with asyncio.timeout(20):
        with pytest.raises(EngineFailed, match="base_url"):
            await opened(engine).finish()
    async with remote_peer(unused_tcp_port):
        assert (await opened(engine).finish()).text == "16000 bytes"
        await engine.close()


async def test_a_connection_that_died_between_two_utterances_is_replaced(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async def dies_once(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if peer.sockets == 1 and len(peer.started) == 2:
            await socket.close(1001)  # it was idle for too long, just as it was needed
        else:
            await obliging(peer, socket, told)

    peer.answers = dies_once
    async with ear(peer.base_url, pool) as engine:
        await opened(engine).finish()
        assert (await opened(engine).finish()).text == "16000 bytes"
    assert peer.sockets == 2


@pytest.mark.parametrize("silent_at", ["start", "partial", "finish"])
async def test_a_server_that_hangs_costs_the_deadline_once(
    peer: RemotePeer, pool: EnginePool, silent_at: str
) -> None:
    async def hangs(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] != silent_at:
            await obliging(peer, socket, told)

    peer.answers = hangs
    async with ear(peer.base_url, pool, timeout_s="2") as engine:
        stream = opened(engine)
        with pytest.raises(DeadlineExceeded, match="timeout_s"):
            await (stream.partial(is_urgent=True) if silent_at == "partial" else stream.finish())
        stream.cancel()
        peer.answers = obliging
        before = peer.sockets
        assert (await opened(engine).finish()).text == "16000 bytes"
        assert peer.sockets == before + 1  # nobody is sent into the connection that hung


async def test_cancelling_ends_what_is_pending(peer: RemotePeer, pool: EnginePool) -> None:
    async def hangs(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] == "start":
            await obliging(peer, socket, told)

    peer.answers = hangs
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        finish = asyncio.ensure_future(stream.finish())
        await peer.until("finish")
        stream.cancel()
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finish
        with pytest.raises(EngineFailed, match="closed"):
            stream.feed(SPEECH)


async def test_finishing_cancels_a_pending_partial(peer: RemotePeer, pool: EnginePool) -> None:
    async def no_partials(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        if told["type"] != "partial":
            await obliging(peer, socket, told)

    peer.answers = no_partials
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        partial = asyncio.ensure_future(stream.partial(is_urgent=True))
        await peer.until("partial")
        assert (await stream.finish()).text == "16000 bytes"
        with pytest.raises(asyncio.CancelledError):
            await partial


async def test_a_stream_that_is_forgotten_is_cancelled(peer: RemotePeer, pool: EnginePool) -> None:
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine)
        await stream.partial()
        del stream
        gc.collect()
        await peer.until("cancel")
        await opened(engine).finish()
        assert not peer.closed


async def test_closing_ends_utterances_and_may_be_repeated(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async def hangs(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        pass

    async with ear(peer.base_url, pool) as engine:
        peer.answers = hangs
        finish = asyncio.ensure_future(opened(engine).finish())
        await peer.until("start")
        await engine.close()
        with pytest.raises(EngineFailed, match="closed"):
            await finish
        with pytest.raises(EngineUnavailable, match="start"):
            opened(engine)


@pytest.mark.parametrize(
    ("message", "kind", "told"),
    [
        ({"code": "language_unsupported", "message": "only en"}, LanguageUnsupported, "only en"),
        ({"code": "engine_busy", "message": "64 of 64"}, EngineBusy, "64 of 64"),
        ({"code": "engine_unavailable", "message": "loading"}, EngineUnavailable, "loading"),
        ({"code": "model_not_found", "message": "no"}, EngineUnavailable, "no"),
        ({"code": "deadline_exceeded", "message": "slow"}, DeadlineExceeded, "slow"),
        ({"code": "of tomorrow", "message": "a\nb" * 400}, EngineFailed, "a b"),
        ({"code": None, "param": "hints", "id": ""}, EngineFailed, "speech server"),
    ],
)
async def test_the_servers_errors_keep_their_meaning(
    peer: RemotePeer,
    pool: EnginePool,
    message: dict[str, Any],
    kind: type[SpeechError],
    told: str,
) -> None:
    async def refuses(peer: RemotePeer, socket: WebSocket, asked: Told) -> None:
        await socket.send_json({"type": "error", "id": socket.state.id, **message})

    peer.answers = refuses
    async with ear(peer.base_url, pool) as engine:
        with pytest.raises(kind, match=told) as failed:
            await opened(engine).finish()
    assert len(str(failed.value)) < 400


@pytest.mark.parametrize("junk", ["", "[]", "{}", '{"type": 5}', '{"type": "final", "text": []}'])
async def test_what_is_no_message_ends_the_utterance_and_no_more(
    peer: RemotePeer, pool: EnginePool, junk: str
) -> None:
    async def babbles(peer: RemotePeer, socket: WebSocket, told: Told) -> None:
        await socket.send_text(junk)

    async with ear(peer.base_url, pool) as engine:
        peer.answers = babbles
        with pytest.raises(EngineFailed, match="no message"):
            await opened(engine).finish()
        peer.answers = obliging
        assert (await opened(engine).finish()).is_final


async def test_what_cannot_be_heard_is_said_before_anything_is_sent(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool, languages="en") as engine:
        with pytest.raises(LanguageUnsupported, match="only en"):
            engine.open(language="hi", sample_rate_hz=RATE_HZ)
        with pytest.raises(ValueError, match="sample_rate_hz"):
            engine.open(language="en", sample_rate_hz=1)
        stream = engine.open(language="en", sample_rate_hz=RATE_HZ)
        with pytest.raises(TypeError):
            stream.feed(SPEECH.astype(np.float32))  # pyright: ignore[reportArgumentType]
        stream.cancel()
    assert not peer.started


async def test_audio_beyond_what_the_server_takes_is_dropped(
    peer: RemotePeer, pool: EnginePool
) -> None:
    async with ear(peer.base_url, pool) as engine:
        stream = opened(engine, np.zeros(RATE_HZ * 99, np.int16))
        stream.feed(np.ones(RATE_HZ * 9, np.int16))
        stream.feed(SPEECH)
        assert (await stream.finish()).audio_ms == 100_000
    assert len(peer.audio) == 2 * RATE_HZ * 100


async def test_a_start_without_the_server_names_the_option(
    peer: RemotePeer, pool: EnginePool, unused_tcp_port: int
) -> None:
    cases = {
        "option token": {"token": "wrong"},
        "set option model to one of whisper": {"model": "xtts"},
        "base_url": {"base_url": f"http://127.0.0.1:{unused_tcp_port}"},
        "answered 404": {"base_url": f"{peer.base_url}/docs/"},
        "does not understand mr, only en, hi": {"languages": "en,mr"},
    }
    for told, given in cases.items():
        with pytest.raises(EngineUnavailable, match=told):
            async with ear(**{"url": peer.base_url, "pool": pool, **given}):  # type: ignore[arg-type]
                pass
    peer.models = [{"name": "whisper"}]
    with pytest.raises(EngineUnavailable, match="is option base_url right"):
        async with ear(peer.base_url, pool):
            pass
    peer.models = [SPEAKS]
    with pytest.raises(EngineUnavailable, match="does not speak mr"):
        async with mouth(peer.base_url, languages="mr"):
            pass


async def test_a_voice_says_what_the_servers_model_can(peer: RemotePeer) -> None:
    peer.models = [HEARS, SPEAKS, {**SPEAKS, "id": "other", "languages": ["mr"]}]
    async with mouth(peer.base_url, model="xtts") as engine:
        assert engine.languages == {"en", "hi"}
        assert [(v.name, v.language) for v in engine.voices] == [("asha", "hi"), ("amy", "en")]
        assert engine.expression.emotions == {"happy"}
        assert engine.expression.rates == (0.9, 1.1)
        assert engine.expression.has_pitch
        version = engine.version
    peer.models[1] = {**SPEAKS, "version": "3"}
    async with mouth(peer.base_url, model="xtts") as engine:
        assert engine.version != version
    async with mouth(peer.base_url) as engine:
        assert engine.languages == {"en", "hi", "mr"}


async def test_of_several_models_only_what_all_can_do_is_promised(peer: RemotePeer) -> None:
    plain = {**SPEAKS, "id": "espeak", "expression": {"rates": [0.5, 2.0]}}
    peer.models = [SPEAKS, plain]
    async with mouth(peer.base_url) as engine:
        assert engine.expression.rates == (0.9, 1.1)
        assert not engine.expression.emotions
        assert not engine.expression.has_pitch


async def test_what_is_asked_of_a_voice_reaches_the_server(peer: RemotePeer) -> None:
    async with mouth(peer.base_url, model="xtts") as engine:
        got = await spoken(
            engine, "Hello\x07\nyou.", voice="amy", rate=1.1, emotion="happy", pitch_semitones=-2.0
        )
        assert np.array_equal(got, np.ones(99, np.int16))
        await spoken(engine)
        assert len(await spoken(engine, " ... \ud800")) == 0
    assert peer.asked == [
        {
            "model": "xtts",
            "input": "Hello you.",
            "response_format": "pcm",
            "language": "en",
            "voice": "amy",
            "speed": 1.1,
            "emotion": "happy",
            "pitch_semitones": -2.0,
        },
        {"model": "xtts", "input": "Hello.", "response_format": "pcm", "language": "en"},
    ]


async def test_another_rate_is_brought_to_the_promised_one(peer: RemotePeer) -> None:
    peer.sound = lambda: Response(SPEECH.tobytes(), headers={"X-Sample-Rate-Hz": "8000"})
    async with mouth(peer.base_url) as engine:
        assert abs(len(await spoken(engine)) - 24_000) < 20
        peer.sound = lambda: Response(SPEECH.tobytes(), headers={"X-Sample-Rate-Hz": "fast"})
        with pytest.raises(EngineFailed, match="X-Sample-Rate-Hz"):
            await spoken(engine)
        peer.sound = lambda: Response(wav(SPEECH, 8000), headers={"X-Sample-Rate-Hz": "24000"})
        assert abs(len(await spoken(engine)) - 24_000) < 20


async def test_closing_the_sound_leaves_the_server(peer: RemotePeer) -> None:
    peer.sound = lambda: peer.stuck(b"\1\0" * 100)
    async with mouth(peer.base_url) as engine:
        chunks = engine.synthesize(SpeechRequest("Hello.", "en"))
        assert len(await anext(chunks)) == 100
        await chunks.aclose()
        async with asyncio.timeout(20):
            await peer.left.wait()


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (lambda p: refusal(503, "64 texts", "engine_busy"), EngineBusy, "64 texts"),
        (lambda p: refusal(503, "loading", "engine_unavailable"), EngineUnavailable, "loading"),
        (lambda p: refusal(400, "no such", "voice_unknown"), VoiceUnknown, "no such"),
        (lambda p: refusal(401, "no", "invalid_api_key"), EngineUnavailable, "option token"),
        (lambda p: Response("<html>", 502), EngineFailed, "502"),
        (lambda p: Response(b""), EngineFailed, "no audio"),
        (lambda p: p.stuck(), DeadlineExceeded, "first_chunk_s"),
        (lambda p: p.stuck(b"\1\0" * 99), DeadlineExceeded, "timeout_s"),
        (
            lambda p: Response(b"\1\0" * 9, headers={"Content-Length": "99"}),
            EngineFailed,
            "hung up",
        ),
    ],
)
async def test_each_failure_to_speak_is_named(
    peer: RemotePeer, answer: Any, kind: type[SpeechError], told: str
) -> None:
    peer.sound = lambda: answer(peer)
    limits = {"first_chunk_s": "1", "timeout_s": "1"} if kind is DeadlineExceeded else PATIENT
    async with mouth(peer.base_url, **limits) as engine:
        with pytest.raises(kind, match=told):
            await spoken(engine)


async def test_only_the_models_voices_and_languages_are_taken(peer: RemotePeer) -> None:
    async with mouth(peer.base_url, model="xtts") as engine:
        with pytest.raises(VoiceUnknown, match="only amy"):
            await spoken(engine, voice="asha")
        with pytest.raises(LanguageUnsupported, match="mr"):
            await anext(engine.synthesize(SpeechRequest("नमस्कार", "mr")))
    idle = RemoteSynthesizer(options=RemoteSpeakingOptions())
    with pytest.raises(EngineUnavailable, match="start"):
        await spoken(idle)
    assert not peer.asked
