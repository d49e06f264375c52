"""The engine `openai`, both ways, against an endpoint that keeps OpenAI's audio API."""

import asyncio
import io
import math
import wave
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest

from speech.engines.openai_hearing import (
    UNKNOWN_CONFIDENCE,
    OpenAIHearingOptions,
    OpenAIRecognizer,
    wav,
)
from speech.engines.openai_speaking import OpenAISpeakingOptions, OpenAISynthesizer
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
from speech.tts import SpeechRequest, Synthesizer
from tests.speech.openai_peer import KEY, OpenAIPeer, Reply, error, openai_peer, sound, words

RATE_HZ = 8000
SPEECH = (np.sin(np.arange(RATE_HZ) / 5) * 8000).astype(np.int16)  # 1 s
SILENCE = np.zeros(RATE_HZ, np.int16)


@pytest.fixture
async def peer() -> AsyncGenerator[OpenAIPeer]:
    async with openai_peer() as served:
        yield served


@pytest.fixture
async def pool() -> AsyncGenerator[EnginePool]:
    async with EnginePool(1) as threads:
        yield threads


@asynccontextmanager
async def ear(peer: OpenAIPeer, pool: EnginePool, **given: str) -> AsyncGenerator[OpenAIRecognizer]:
    options = read_options("openai", OpenAIHearingOptions, reached(peer, given))
    engine = OpenAIRecognizer(pool, options=options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def mouth(peer: OpenAIPeer, **given: str) -> AsyncGenerator[OpenAISynthesizer]:
    written = reached(peer, {"first_chunk_s": "30", **given})
    options = read_options("openai", OpenAISpeakingOptions, written)
    engine = OpenAISynthesizer(options=options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def reached(peer: OpenAIPeer, given: Mapping[str, str]) -> dict[str, str]:
    patient = {"connect_s": "20", "timeout_s": "30"}  # for a machine that has other work
    return {"base_url": peer.base_url, "api_key": KEY, **patient, **given}


def opened(engine: OpenAIRecognizer, pcm: Pcm = SPEECH) -> RecognitionStream:
    stream = engine.open(language="en", sample_rate_hz=RATE_HZ, hints=("confirm", "cancel"))
    stream.feed(pcm)
    return stream


async def spoken(engine: Synthesizer, text: str = "Hello.", **more: object) -> Pcm:
    request = SpeechRequest(text, "en", **more)  # pyright: ignore[reportArgumentType]
    async with aclosing(engine.synthesize(request)) as chunks:
        return np.concatenate([np.empty(0, np.int16), *[chunk async for chunk in chunks]])


async def test_an_utterance_is_sent_whole_at_the_lines_rate(
    peer: OpenAIPeer, pool: EnginePool
) -> None:
    peer.answer(words(" Confirm. "))
    async with ear(peer, pool, prompt="Rider, vendor.") as engine:
        stream = engine.open(language="en", sample_rate_hz=RATE_HZ, hints=("confirm", "cancel"))
        stream.feed(SPEECH[:3000])
        stream.feed(SPEECH[3000:])
        heard = await stream.finish()
    assert (heard.text, heard.language, heard.is_final, heard.audio_ms) == (
        "Confirm.",
        "en",
        True,
        1000,
    )
    assert peer.asked == [
        {
            "model": "whisper-1",
            "language": "en",
            "prompt": "Rider, vendor. confirm, cancel",
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["segment"],
        }
    ]
    with wave.open(io.BytesIO(peer.audio[0])) as sent:
        assert (sent.getnchannels(), sent.getsampwidth(), sent.getframerate()) == (1, 2, RATE_HZ)
        assert np.array_equal(np.frombuffer(sent.readframes(RATE_HZ), "<i2"), SPEECH)


async def test_what_the_segments_say_becomes_confidence_and_words(
    peer: OpenAIPeer, pool: EnginePool
) -> None:
    peer.answer(
        words(
            "Yes confirm. Thank you.",
            language="english",
            segments=[
                {"text": " Yes confirm.", "start": 0, "end": 3, "avg_logprob": -0.1},
                {
                    "text": " Thank you.",
                    "start": 3,
                    "end": 4,
                    "avg_logprob": -1.4,
                    "no_speech_prob": 0.9,
                },
            ],
            words=[
                {"word": " Yes", "start": 0.1, "end": 0.4, "probability": 0.5},
                {"word": "confirm.", "start": 0.5, "end": 1.25},
                {"word": "Thank", "start": 3.1, "end": 3.3},
            ],
        )
    )
    async with ear(peer, pool, word_times="yes") as engine:
        heard = await opened(engine).finish()
    assert peer.asked[0]["timestamp_granularities[]"] == ["segment", "word"]
    assert heard.text == "Yes confirm."  # the phantom sentence behind it is gone
    assert heard.confidence == pytest.approx(math.exp(-0.1))
    assert [(w.text, w.start_ms, w.end_ms) for w in heard.words] == [
        ("Yes", 100, 400),
        ("confirm.", 500, 1250),
    ]
    assert [w.confidence for w in heard.words] == [0.5, pytest.approx(math.exp(-0.1))]


async def test_an_endpoint_that_gives_only_text_is_believed_so_far(
    peer: OpenAIPeer, pool: EnginePool
) -> None:
    peer.answer(words("haan"))
    async with ear(peer, pool, answer="json", model="whisper-1") as engine:
        assert (await opened(engine).finish()).confidence == UNKNOWN_CONFIDENCE
    assert "timestamp_granularities[]" not in peer.asked[0]


async def test_models_that_know_only_json_are_asked_for_what_they_give(
    peer: OpenAIPeer, pool: EnginePool
) -> None:
    peer.models = ("gpt-4o-transcribe", "gpt-transcribe")
    peer.answer(words("two five", logprobs=[{"token": "two", "logprob": -0.5}, {"token": "five"}]))
    async with ear(peer, pool, answer="json", model="gpt-4o-transcribe") as engine:
        heard = await opened(engine).finish()
    assert peer.asked[0]["include[]"] == ["logprobs"]
    assert heard.confidence == pytest.approx(math.exp(-0.5))
    peer.answer(words("haan confirm", languages=[{"code": "hi"}]))
    async with ear(peer, pool, answer="json", model="gpt-transcribe") as engine:
        stream = engine.open(
            language="en", sample_rate_hz=RATE_HZ, hints=("confirm",), other_languages=("hi",)
        )
        stream.feed(SPEECH)
        assert (await stream.finish()).language == "hi"
    assert peer.asked[1]["languages[]"] == ["en", "hi"]
    assert peer.asked[1]["keywords[]"] == ["confirm"]
    assert not {"language", "prompt"} & peer.asked[1].keys()


async def test_which_of_several_languages_it_was_is_the_endpoints_to_say(
    peer: OpenAIPeer, pool: EnginePool
) -> None:
    peer.answer(words("haan", language="hindi"), words("haan", language="Urdu"), words("yes"))
    async with ear(peer, pool) as engine:
        found: list[str] = []
        for _ in range(2):
            stream = engine.open(
                language="en", sample_rate_hz=RATE_HZ, other_languages=("hi", "mr")
            )
            stream.feed(SPEECH)
            found.append((await stream.finish()).language)
    assert found == ["hi", "en"]
    # A language that nobody expected is asked about again, as the first.
    assert [asked.get("language") for asked in peer.asked] == [None, None, "en"]


@pytest.mark.parametrize("pcm", [SILENCE, SPEECH[:400], SPEECH[:0]])
async def test_silence_costs_nothing(peer: OpenAIPeer, pool: EnginePool, pcm: Pcm) -> None:
    async with ear(peer, pool) as engine:
        heard = await opened(engine, pcm).finish()
    assert (heard.text, heard.is_final, heard.audio_ms) == ("", True, len(pcm) // 8)
    assert not peer.asked


async def test_partials_are_off_unless_they_are_urgent(peer: OpenAIPeer, pool: EnginePool) -> None:
    peer.answer(words("confirm"))
    async with ear(peer, pool) as engine:
        stream = opened(engine)
        with pytest.raises(EngineBusy, match="partial_every_ms"):
            await stream.partial()
        assert not peer.asked
        assert not (await stream.partial(is_urgent=True)).is_final
        assert (await stream.finish()).is_final
    assert len(peer.asked) == 1  # the urgent one was the final one


async def test_partials_that_are_allowed_want_new_audio(peer: OpenAIPeer, pool: EnginePool) -> None:
    peer.answer(words("one"), words("one two"))
    async with ear(peer, pool, partial_every_ms="500") as engine:
        stream = opened(engine)
        assert (await stream.partial()).text == "one"
        stream.feed(SPEECH[:3999])
        with pytest.raises(EngineBusy):
            await stream.partial()
        stream.feed(SPEECH[:1])
        assert (await stream.partial()).text == "one two"


async def test_finishing_ends_a_partial_that_hangs(peer: OpenAIPeer, pool: EnginePool) -> None:
    peer.answer(Reply(then="hangs"), words("done"))
    async with ear(peer, pool) as engine:
        stream = opened(engine)
        partial = asyncio.ensure_future(stream.partial(is_urgent=True))
        await peer.arrived.wait()
        assert (await stream.finish()).text == "done"
        with pytest.raises(asyncio.CancelledError):
            await partial


async def test_cancelling_ends_the_request(peer: OpenAIPeer, pool: EnginePool) -> None:
    peer.answer(Reply(then="hangs"))
    async with ear(peer, pool) as engine:
        stream = opened(engine)
        finish = asyncio.ensure_future(stream.finish())
        await peer.arrived.wait()
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await finish
        async with asyncio.timeout(10):
            await peer.left.wait()
        with pytest.raises(EngineFailed, match="closed"):
            stream.feed(SPEECH)


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        (error(429, "Rate limit reached"), EngineBusy, "too much to do"),
        (error(503, "Loading"), EngineBusy, "503"),
        (error(429, "Pay", "insufficient_quota"), EngineUnavailable, "api_key"),
        (error(401, f"Incorrect API key provided: {KEY}"), EngineUnavailable, "api_key"),
        (error(404, "no such model"), EngineUnavailable, "option model, now 'whisper-1'"),
        (error(400, "Audio file is too short"), EngineFailed, "too short"),
        (error(500, f"broke on {KEY}"), EngineFailed, "broke on \\*\\*\\*"),
        (Reply(b"<html>", kind="text/html"), EngineFailed, "no transcript"),
        (Reply(b'{"text": null}'), EngineFailed, "no transcript"),
        (Reply(b'{"text": "a"', kind="application/json"), EngineFailed, "no transcript"),
        (Reply((b'{"te',), then="is cut"), EngineFailed, "hung up"),
        (Reply((b'{"te',), then="hangs"), DeadlineExceeded, "timeout_s"),
    ],
)
async def test_each_failure_is_named(
    peer: OpenAIPeer, pool: EnginePool, reply: Reply, kind: type[SpeechError], told: str
) -> None:
    peer.answer(reply)
    limit_s = "1" if reply.then == "hangs" else "30"
    async with ear(peer, pool, timeout_s=limit_s) as engine:
        with pytest.raises(kind, match=told) as failed:
            await opened(engine).finish()
    assert KEY not in str(failed.value)
    assert len(peer.asked) == 1  # nothing is tried again behind the caller's back


async def test_what_is_not_open_says_so(pool: EnginePool) -> None:
    engine = OpenAIRecognizer(pool, options=OpenAIHearingOptions())
    with pytest.raises(LanguageUnsupported, match="option languages"):
        engine.open(language="ta", sample_rate_hz=RATE_HZ)
    with pytest.raises(EngineUnavailable, match="start"):
        engine.open(language="hi", sample_rate_hz=RATE_HZ)
    await engine.close()
    await engine.close()


async def test_a_start_without_the_endpoint_names_the_option(
    peer: OpenAIPeer, pool: EnginePool, unused_tcp_port: int
) -> None:
    cases = {
        "api_key": {"api_key": "wrong"},
        "set option model to one of whisper-1": {"model": "whisper-2"},
        "base_url": {"base_url": f"http://127.0.0.1:{unused_tcp_port}/v1"},
        "404": {"base_url": peer.base_url.removesuffix("/v1")},
        "no URL": {"base_url": "http://localhost:port"},
    }
    for told, given in cases.items():
        with pytest.raises(EngineUnavailable, match=told):
            async with ear(peer, pool, **given):
                pass
    peer.models_reply = Reply(b"<html>a proxy</html>", kind="text/html")
    with pytest.raises(EngineUnavailable, match="no list of models"):
        async with mouth(peer):
            pass
    async with mouth(peer, check="no"):
        pass


async def test_audio_is_passed_on_while_it_comes(peer: OpenAIPeer) -> None:
    audio = SPEECH.astype("<i2").tobytes()
    peer.answer(sound(audio[:1001], audio[1001:3000], then="hangs"))
    async with mouth(peer) as engine:
        chunks = engine.synthesize(SpeechRequest("Hello.", "en", voice="nova", rate=1.25))
        got = np.empty(0, np.int16)
        while len(got) < 1500:
            got = np.concatenate([got, await anext(chunks)])
        assert np.array_equal(got, SPEECH[:1500])  # cut in the middle of a sample, and whole again
        await chunks.aclose()
        async with asyncio.timeout(10):
            await peer.left.wait()  # the endpoint knows at once that nobody listens
    assert peer.asked == [
        {
            "input": "Hello.",
            "model": "gpt-4o-mini-tts",
            "voice": "nova",
            "response_format": "pcm",
            "speed": 1.25,
        }
    ]


async def test_a_wav_file_loses_its_header_and_comes_at_the_promised_rate(
    peer: OpenAIPeer,
) -> None:
    file = wav(np.repeat(SPEECH, 3), 24_000)
    odd = file[:36] + b"LIST\x03\x00\x00\x00abc\x00" + file[36:40] + b"\xff\xff\xff\xff" + file[44:]
    for kind in (file, odd):
        peer.answer(sound(kind[:7], kind[7:50], kind[50:], kind="audio/wav"))
        async with mouth(peer, response_format="wav") as engine:
            assert np.array_equal(await spoken(engine), np.repeat(SPEECH, 3))
    peer.answer(sound(wav(SPEECH, 8000), kind="audio/wav"))
    async with mouth(peer) as engine:  # asked for raw samples, and got this
        assert abs(len(await spoken(engine)) - 24_000) < 20


@pytest.mark.parametrize("text", ["", " \n", "...", "\ud800", "\0"])
async def test_a_text_without_words_costs_nothing(peer: OpenAIPeer, text: str) -> None:
    async with mouth(peer) as engine:
        assert len(await spoken(engine, text)) == 0
    assert not peer.asked


async def test_a_long_text_goes_in_pieces_that_the_endpoint_takes(peer: OpenAIPeer) -> None:
    peer.answer(sound(b"\x01\x00" * 10))
    async with mouth(peer) as engine:
        assert len(await spoken(engine, "word\x07 " * 2000)) == 30
    assert [len(asked["input"]) for asked in peer.asked] == [3999, 3999, 1999]


async def test_an_emotion_is_told_to_models_that_are_told(peer: OpenAIPeer) -> None:
    peer.answer(sound(b"\x01\x00" * 10))
    async with mouth(peer, instructions="A calm Indian voice.") as engine:
        assert "happy" in engine.expression.emotions
        await spoken(engine, emotion="happy")
    assert peer.asked[0]["instructions"] == "A calm Indian voice. Sound happy."
    peer.models = ("tts-1",)
    async with mouth(peer, model="tts-1") as engine:
        assert not engine.expression.emotions
        await spoken(engine)
    assert "instructions" not in peer.asked[1]


@pytest.mark.parametrize(
    ("reply", "kind", "told"),
    [
        (error(429, "Rate limit reached"), EngineBusy, "too much"),
        (error(401, "no"), EngineUnavailable, "api_key"),
        (error(400, "speed"), EngineFailed, "speed"),
        (sound(b"ID3", kind="audio/mpeg"), EngineFailed, "response_format"),
        (sound(kind="audio/pcm"), EngineFailed, "no audio"),
        (sound(wav(SPEECH, 2000), kind="audio/wav"), EngineFailed, "2000 Hz"),
        (sound(b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + b"a" * 99), EngineFailed, "format"),
        (sound(b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff"), EngineFailed, "without samples"),
        (sound(b"RIFF\0\0\0\0WAVEfmt "), EngineFailed, "no audio"),
        (sound(then="hangs"), DeadlineExceeded, "first_chunk_s"),
        (sound(b"\1\0" * 99, then="hangs"), DeadlineExceeded, "timeout_s"),
        (sound(b"\1\0" * 99, then="is cut"), EngineFailed, "hung up"),
    ],
)
async def test_each_failure_to_speak_is_named(
    peer: OpenAIPeer, reply: Reply, kind: type[SpeechError], told: str
) -> None:
    peer.answer(reply)
    limit_s = "1" if reply.then == "hangs" else "30"
    async with mouth(peer, first_chunk_s=limit_s, timeout_s=limit_s) as engine:
        with pytest.raises(kind, match=told):
            await spoken(engine)


async def test_only_its_voices_and_languages_are_taken(peer: OpenAIPeer) -> None:
    async with mouth(peer, languages="en,hi", voices="alloy, tara:hi") as engine:
        assert [(v.name, v.language) for v in engine.voices] == [
            ("alloy", "en"),
            ("alloy", "hi"),
            ("tara", "hi"),
        ]
        with pytest.raises(VoiceUnknown, match="tara"):
            await spoken(engine, voice="tara")
        with pytest.raises(LanguageUnsupported, match="option languages"):
            await anext(engine.synthesize(SpeechRequest("नमस्कार", "mr")))
    assert not peer.asked


def test_the_version_changes_with_what_is_heard() -> None:
    def version(**given: str) -> str:
        options = read_options("openai", OpenAISpeakingOptions, given)
        return OpenAISynthesizer(options=options).version

    assert version() == version(timeout_s="9")
    others = ({"model": "tts-1"}, {"instructions": "Calm."}, {"base_url": "http://127.0.0.1/v1"})
    assert len({version(), *(version(**given) for given in others)}) == 4


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"base_url": "localhost"}, "base_url.*http://"),
        ({"languages": "english"}, "languages"),
        ({"languages": ""}, "languages"),
        ({"timeout_s": "nan"}, "timeout_s"),
        ({"api-key": "sk-secret"}, "no option 'api-key'"),
        ({"languages": "en,hi", "voices": "tara:hi"}, "voices.*'en'"),
    ],
)
def test_a_wrong_option_is_named_and_its_value_kept_secret(
    given: dict[str, str], told: str
) -> None:
    with pytest.raises(OptionInvalid, match=told) as failed:
        read_options("openai", OpenAISpeakingOptions, given)
    assert "sk-secret" not in str(failed.value)
