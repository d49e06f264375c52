"""Pipecat's services as engines, against servers that keep the providers' protocols."""

import asyncio
import gc
import importlib.util
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest

from processors.deepgram_ear import DeepgramOptions, DeepgramRecognizer
from processors.elevenlabs_mouth import RATE_HZ as SOUND_HZ
from processors.elevenlabs_mouth import ElevenLabsOptions, ElevenLabsSynthesizer
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    OptionInvalid,
    SpeechError,
    VoiceUnknown,
)
from speech.options import read_options
from speech.pool import EnginePool
from speech.stt import Pcm, RecognitionStream
from speech.tts import SpeechRequest
from speech.voice_presets import load_presets
from speech.voices import VoiceShelf
from tests.processors.cloud_peers import (
    KEY,
    DeepgramPeer,
    ElevenLabsPeer,
    deepgram_peer,
    elevenlabs_peer,
)

RATE_HZ = 8000
PATIENT = {"connect_s": "20", "first_chunk_s": "30", "timeout_s": "30"}  # on a busy machine
SPEECH = (np.sin(np.arange(RATE_HZ) / 5) * 8000).astype(np.int16)  # 1 s

has_deepgram = pytest.mark.skipif(
    importlib.util.find_spec("deepgram") is None, reason="deepgram-sdk is not installed"
)


@pytest.fixture
async def deepgram() -> AsyncGenerator[DeepgramPeer]:
    async with deepgram_peer() as peer:
        yield peer


@pytest.fixture
async def elevenlabs() -> AsyncGenerator[ElevenLabsPeer]:
    async with elevenlabs_peer() as peer:
        yield peer


@pytest.fixture
async def pool() -> AsyncGenerator[EnginePool]:
    async with EnginePool(1) as threads:
        yield threads


@asynccontextmanager
async def ear(url: str, pool: EnginePool, **given: str) -> AsyncGenerator[DeepgramRecognizer]:
    written = {"api_key": KEY, "base_url": url, "timeout_s": "30", "connect_s": "20", **given}
    engine = DeepgramRecognizer(pool, options=read_options("deepgram", DeepgramOptions, written))
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def mouth(url: str, **given: str) -> AsyncGenerator[ElevenLabsSynthesizer]:
    written = {"api_key": KEY, "base_url": url, "voices": "asha, amy", **PATIENT, **given}
    options = read_options("elevenlabs", ElevenLabsOptions, written)
    engine = ElevenLabsSynthesizer(options=options)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def opened(engine: DeepgramRecognizer, pcm: Pcm = SPEECH) -> RecognitionStream:
    stream = engine.open(language="en", sample_rate_hz=RATE_HZ)
    stream.feed(pcm)
    return stream


async def spoken(engine: ElevenLabsSynthesizer, text: str = "Hello.", **more: object) -> Pcm:
    request = SpeechRequest(text, "en", **more)  # pyright: ignore[reportArgumentType]
    async with aclosing(engine.synthesize(request)) as chunks:
        return np.concatenate([np.empty(0, np.int16), *[chunk async for chunk in chunks]])


@has_deepgram
async def test_deepgram_hears_an_utterance(deepgram: DeepgramPeer, pool: EnginePool) -> None:
    async with ear(deepgram.base_url, pool, keyterms="Ola, Uber") as engine:
        heard = await opened(engine).finish()
    assert (heard.text, heard.language, heard.confidence) == ("10 tenths", "en", 0.9)
    assert (heard.is_final, heard.audio_ms) == (True, 1000)
    assert [(w.text, w.start_ms, w.end_ms, w.confidence) for w in heard.words] == [
        ("10", 0, 1000, 0.75),
        ("tenths", 0, 1000, 0.75),
    ]
    assert bytes(deepgram.audio) == SPEECH.astype("<i2").tobytes()
    query = deepgram.queries[0]
    assert (query["model"], query["language"], query["sample_rate"]) == ("nova-3", "en", "8000")
    assert query["encoding"] == "linear16"


@has_deepgram
async def test_utterances_of_a_language_share_deepgrams_connection(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool, multilingual="yes") as engine:
        first = await opened(engine, SPEECH[:4000]).finish()
        second = await opened(engine, SPEECH[:1600]).finish()
        assert (first.text, second.text) == ("5 tenths", "2 tenths")
        assert [word.start_ms for word in second.words] == [0, 0]  # counted from its own start
        assert deepgram.sockets == 1
        stream = engine.open(language="mr", sample_rate_hz=RATE_HZ)
        stream.feed(SPEECH)
        await stream.finish()
    assert [query["language"] for query in deepgram.queries] == ["multi", "mr"]


@has_deepgram
async def test_deepgrams_words_come_while_the_caller_speaks(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool) as engine:
        stream = opened(engine, SPEECH[:4000])
        with pytest.raises(EngineBusy):
            await stream.partial()  # sent, and not answered yet
        urgent = await stream.partial(is_urgent=True)
        assert (urgent.text, urgent.is_final, urgent.audio_ms) == ("5 tenths", False, 500)
        assert (await stream.partial()).text == "5 tenths"
        stream.feed(SPEECH[:2400])
        heard = await stream.finish()
    assert (heard.text, heard.audio_ms) == ("5 tenths 3 tenths", 800)


@has_deepgram
async def test_an_urgent_partial_is_the_final_one_if_nothing_was_said_since(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool) as engine:
        stream = opened(engine)
        await stream.partial(is_urgent=True)
        assert (await stream.finish()).is_final
    assert deepgram.told.count("Finalize") == 1


@has_deepgram
async def test_audio_without_words_is_told_from_a_missing_answer(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    deepgram.silent = True
    async with ear(deepgram.base_url, pool) as engine:
        assert (await opened(engine).finish()).text == ""
        deepgram.answers_finalize = False  # which Deepgram does when little audio is left
        assert (await opened(engine).finish()).text == ""
        before = len(deepgram.audio)
        heard = await opened(engine, np.zeros(RATE_HZ, np.int16)).finish()
        assert (heard.text, heard.audio_ms) == ("", 1000)
        assert len(deepgram.audio) == before  # silence costs nothing


@has_deepgram
async def test_a_deepgram_that_hangs_costs_the_deadline(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool, timeout_s="2") as engine:
        deepgram.hangs = True
        with pytest.raises(DeadlineExceeded, match="timeout_s"):
            await opened(engine).finish()
        deepgram.hangs = False
        assert (await opened(engine).finish()).text == "10 tenths"
    assert deepgram.sockets == 2


@has_deepgram
@pytest.mark.parametrize("at", ["audio", "Finalize"])
async def test_a_deepgram_that_hangs_up_fails_at_once(
    deepgram: DeepgramPeer, pool: EnginePool, at: str
) -> None:
    async with ear(deepgram.base_url, pool) as engine:
        deepgram.hangs_up_at = at
        with pytest.raises(EngineFailed):
            await opened(engine).finish()
        deepgram.hangs_up_at = ""
        assert (await opened(engine).finish()).text == "10 tenths"


@has_deepgram
async def test_cancelling_drops_what_deepgram_owes(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool) as engine:
        deepgram.hangs = True
        stream = opened(engine)
        finish = asyncio.ensure_future(stream.finish())
        await deepgram.until("Finalize")
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finish
        with pytest.raises(EngineFailed, match="closed"):
            stream.feed(SPEECH)
        deepgram.hangs = False
        assert (await opened(engine).finish()).text == "10 tenths"


@has_deepgram
async def test_a_stream_that_is_forgotten_leaves_deepgram(
    deepgram: DeepgramPeer, pool: EnginePool
) -> None:
    async with ear(deepgram.base_url, pool) as engine:
        stream = opened(engine)
        await stream.partial(is_urgent=True)
        del stream
        gc.collect()
        await deepgram.until("CloseStream")


@has_deepgram
async def test_deepgram_that_cannot_be_used_says_why(
    deepgram: DeepgramPeer, pool: EnginePool, unused_tcp_port: int
) -> None:
    with pytest.raises(EngineUnavailable, match="api_key"):
        async with ear(deepgram.base_url, pool, api_key="wrong"):
            pass
    with pytest.raises(EngineUnavailable, match=r"^deepgram\b.*base_url"):
        async with ear(f"ws://127.0.0.1:{unused_tcp_port}", pool, connect_s="1"):
            pass
    with pytest.raises(OptionInvalid, match="api_key"):
        DeepgramRecognizer(pool, options=DeepgramOptions())
    async with ear(deepgram.base_url, pool, languages="en") as engine:
        with pytest.raises(LanguageUnsupported, match="only en"):
            engine.open(language="hi", sample_rate_hz=RATE_HZ)


@has_deepgram
async def test_a_deepgram_cloud_that_is_not_reached_is_named_without_an_option_that_is_not_set(
    pool: EnginePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(EngineUnavailable, match=r"^deepgram\b.*can this machine reach it") as told:
        async with ear("", pool, connect_s="0.5"):
            pass
    assert "base_url" not in str(told.value)
    assert "Telling" not in str(told.value)


async def test_a_voice_of_elevenlabs_that_is_named_as_a_preset_speaks_as_it(
    elevenlabs: ElevenLabsPeer,
) -> None:
    voices = "amy, asha:en=friendly, isha:hi=friendly"
    async with mouth(elevenlabs.base_url, voices=voices) as engine:
        shelf = VoiceShelf(load_presets())
        for language, text in (("en", "Hello."), ("hi", "नमस्ते")):
            asked = SpeechRequest(text, language, "friendly")
            fitted = shelf.fit(asked, "elevenlabs", engine)
            assert fitted is not None
            async for _ in engine.synthesize(fitted):
                pass
        assert [path.split("/")[3] for path in elevenlabs.paths[-2:]] == ["asha", "isha"]
        same = read_options("elevenlabs", ElevenLabsOptions, {"voices": "amy", "api_key": KEY})
        assert engine.version != ElevenLabsSynthesizer(options=same).version


async def test_elevenlabs_speaks(elevenlabs: ElevenLabsPeer) -> None:
    async with mouth(elevenlabs.base_url, stability="0.4") as engine:
        assert engine.sample_rate_hz == SOUND_HZ
        assert len(await spoken(engine, "Hello.")) == 2 * 160 * len("Hello.")
        assert len(await spoken(engine, "Hello\n again.")) == 2 * 160 * len("Hello again.")
        assert elevenlabs.sockets == 1
        await spoken(engine, voice="amy", rate=5.0)
    assert elevenlabs.paths == [
        f"/v1/text-to-speech/{voice}/multi-stream-input" for voice in ("asha", "amy")
    ]
    query = elevenlabs.queries[0]
    assert query["output_format"] == "pcm_16000"
    assert (query["model_id"], query["language_code"]) == ("eleven_flash_v2_5", "en")
    settings = [told["voice_settings"] for told in elevenlabs.told if "voice_settings" in told]
    assert settings == [{"stability": 0.4}] * 2 + [{"stability": 0.4, "speed": 1.2}]


async def test_leaving_a_sound_of_elevenlabs_leaves_its_connection(
    elevenlabs: ElevenLabsPeer,
) -> None:
    async with mouth(elevenlabs.base_url) as engine:
        elevenlabs.mode = "hangs after a chunk"
        chunks = engine.synthesize(SpeechRequest("Hello.", "en"))
        assert len(await anext(chunks)) == 160 * len("Hello.")
        await chunks.aclose()
        async with asyncio.timeout(20):
            await elevenlabs.left.wait()
        elevenlabs.mode = "speaks"
        assert len(await spoken(engine, "Hello.")) == 2 * 160 * len("Hello.")


@pytest.mark.parametrize(
    ("mode", "kind", "told"),
    [
        ("is silent", EngineFailed, None),
        ("hangs", DeadlineExceeded, "first_chunk_s"),
        ("hangs after a chunk", DeadlineExceeded, "timeout_s"),
        ("hangs up", SpeechError, None),
    ],
)
async def test_each_failure_of_elevenlabs_is_named(
    elevenlabs: ElevenLabsPeer, mode: str, kind: type[SpeechError], told: str | None
) -> None:
    limits = {"first_chunk_s": "2", "timeout_s": "2"} if kind is DeadlineExceeded else {}
    async with mouth(elevenlabs.base_url, **limits) as engine:
        elevenlabs.mode = mode
        with pytest.raises(kind, match=told):
            await spoken(engine)
        elevenlabs.mode = "speaks"
        assert len(await spoken(engine)) > 0


async def test_elevenlabs_that_cannot_be_used_says_why(
    elevenlabs: ElevenLabsPeer, unused_tcp_port: int
) -> None:
    with pytest.raises(EngineUnavailable, match="api_key"):
        async with mouth(elevenlabs.base_url, api_key="wrong"):
            pass
    with pytest.raises(EngineUnavailable, match="base_url"):
        async with mouth(f"ws://127.0.0.1:{unused_tcp_port}"):
            pass
    with pytest.raises(OptionInvalid, match="api_key"):
        ElevenLabsSynthesizer(options=ElevenLabsOptions())
    with pytest.raises(OptionInvalid, match=r"'mr'.*eleven_v3"):
        async with mouth(elevenlabs.base_url, languages="en,mr"):
            pass
    with pytest.raises(OptionInvalid, match="letters and digits"):
        read_options("elevenlabs", ElevenLabsOptions, {"voices": "../admin"})
    assert elevenlabs.sockets == 0


async def test_only_the_voices_and_languages_of_elevenlabs_are_taken(
    elevenlabs: ElevenLabsPeer,
) -> None:
    async with mouth(elevenlabs.base_url, voices="amy:en,asha:hi") as engine:
        assert [(v.name, v.language) for v in engine.voices] == [("amy", "en"), ("asha", "hi")]
        with pytest.raises(VoiceUnknown, match="only amy"):
            await spoken(engine, voice="asha")
        with pytest.raises(LanguageUnsupported, match="mr"):
            await anext(engine.synthesize(SpeechRequest("नमस्कार", "mr")))
        assert len(await spoken(engine, " ... \ud800")) == 0
