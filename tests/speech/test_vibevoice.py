"""VibeVoice's client against a server that keeps the protocol of its realtime demo."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import numpy as np
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from speech.engines.vibevoice import VibeVoiceOptions, VibeVoiceSynthesizer
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    OptionInvalid,
    VoiceUnknown,
)
from speech.options import read_options
from speech.tts import SpeechRequest
from tests.speech.vibevoice_peer import VibeVoicePeer, vibevoice_peer

TONE = (8_000 * np.sin(2 * np.pi * 220 * np.arange(2_400) / 24_000)).astype("<i2").tobytes()
Options = Callable[..., VibeVoiceOptions]


@pytest.fixture
async def peer() -> AsyncIterator[VibeVoicePeer]:
    async with vibevoice_peer() as made:
        made.chunks = (TONE, TONE)
        yield made


@pytest.fixture
def options(peer: VibeVoicePeer) -> Options:
    def made(**more: object) -> VibeVoiceOptions:
        texts = {name: str(value) for name, value in ({"base_url": peer.base_url} | more).items()}
        return read_options("vibevoice", VibeVoiceOptions, texts)

    return made


@pytest.fixture
async def engine(options: Options) -> AsyncIterator[VibeVoiceSynthesizer]:
    made = VibeVoiceSynthesizer(options=options())
    await made.start()
    yield made
    await made.close()


async def heard(engine: VibeVoiceSynthesizer, request: SpeechRequest) -> int:
    """How many samples came."""
    return sum([len(pcm) async for pcm in engine.synthesize(request)])


async def test_it_asks_for_the_text_in_the_voice_and_hears_what_comes(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    assert await heard(engine, SpeechRequest("It's 5% & ready?", "en", "in-Samuel_man")) >= 4_800
    assert peer.asked == [
        {"text": "It's 5% & ready?", "voice": "in-Samuel_man", "cfg": "1.5", "steps": "5"}
    ]


async def test_its_voices_are_those_of_the_server_the_default_first(
    peer: VibeVoicePeer, options: Options
) -> None:
    engine = VibeVoiceSynthesizer(options=options(languages="en,de"))
    await engine.start()
    assert [(voice.name, voice.language) for voice in engine.voices] == [
        *(("en-Emma_woman", "en"), ("de-Spk0_man", "de"), ("en-Carter_man", "en")),
        ("in-Samuel_man", "en"),
    ]
    await heard(engine, SpeechRequest("Hallo.", "de"))
    await heard(engine, SpeechRequest("Hello.", "en"))
    assert [asked["voice"] for asked in peer.asked] == ["de-Spk0_man", "en-Emma_woman"]


async def test_audio_is_heard_as_it_comes_and_a_closed_stream_hangs_up(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    peer.chunks, peer.then = (TONE[:2_001], TONE[2_001:]), "hangs"
    async with aclosing(engine.synthesize(SpeechRequest("It is ready.", "en"))) as audio:
        first = await anext(audio)
        assert first.dtype == np.int16
        assert np.abs(first.astype(np.int32)).max() > 4_000
    await asyncio.wait_for(peer.left.wait(), 10)


async def test_sentences_are_asked_for_one_after_another(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    await heard(engine, SpeechRequest("It is ready. It leaves at noon.", "en"))
    assert [asked["text"] for asked in peer.asked] == ["It is ready.", "It leaves at noon."]


async def test_a_busy_server_is_asked_again_for_a_while(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    peer.busy_times = 2
    assert await heard(engine, SpeechRequest("Hello.", "en"))
    assert peer.busy_times == 0


async def test_a_server_that_stays_busy_is_named(peer: VibeVoicePeer, options: Options) -> None:
    engine = VibeVoiceSynthesizer(options=options(busy_wait_s=0))
    await engine.start()
    peer.then = "hangs"
    async with aclosing(engine.synthesize(SpeechRequest("It is ready.", "en"))) as audio:
        await anext(audio)
        with pytest.raises(EngineBusy, match="one at a time"):
            await heard(engine, SpeechRequest("Hello.", "en"))


@pytest.mark.parametrize(
    ("then", "says"),
    [("breaks", "broke on this text: .*CUDA out of memory"), ("is cut", "hung up")],
)
async def test_what_breaks_after_good_audio_is_named(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer, then: str, says: str
) -> None:
    peer.chunks, peer.then = (TONE,), then
    audio = engine.synthesize(SpeechRequest("Hello.", "en"))
    assert len(await anext(audio))
    with pytest.raises(EngineFailed, match=says):
        await anext(audio)


async def test_no_audio_for_a_text_with_words_is_a_failure(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    peer.chunks = ()
    with pytest.raises(EngineFailed, match="no audio for a text with words"):
        await heard(engine, SpeechRequest("Hello.", "en"))


async def test_silence_on_the_line_is_given_up(peer: VibeVoicePeer, options: Options) -> None:
    engine = VibeVoiceSynthesizer(options=options(first_chunk_s=0.3, timeout_s=0.3))
    await engine.start()
    peer.chunks, peer.then = (), "hangs"
    with pytest.raises(DeadlineExceeded, match="first_chunk_s"):
        await heard(engine, SpeechRequest("Hello.", "en"))


async def test_what_it_lacks_is_refused_by_name(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    with pytest.raises(LanguageUnsupported, match="vibevoice does not speak 'hi', only en"):
        await heard(engine, SpeechRequest("नमस्ते", "hi"))
    with pytest.raises(VoiceUnknown, match="no voice 'nobody' for en"):
        await heard(engine, SpeechRequest("Hello.", "en", "nobody"))
    for text in ("", "  ", "...!", "\x00"):
        assert await heard(engine, SpeechRequest(text, "en")) == 0
    with pytest.raises(ValueError, match="up to 20000 characters"):
        await heard(engine, SpeechRequest("a" * 20_001, "en"))
    assert peer.asked == []


async def test_the_longest_word_in_any_script_fits_into_a_request(
    engine: VibeVoiceSynthesizer, peer: VibeVoicePeer
) -> None:
    await heard(engine, SpeechRequest("क" * 2_000, "en"))
    assert "".join(asked["text"] for asked in peer.asked).replace(" ", "") == "क" * 2_000


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (JSONResponse({"voices": []}), "says no voices"),
        (JSONResponse([]), "says no voices"),
        (PlainTextResponse("hello"), "says no voices"),
        (JSONResponse({}, 404), "says no voices"),
        (JSONResponse({"voices": ["de-A"], "default_voice": "de-A"}), "has no voice for en"),
    ],
)
async def test_a_server_of_another_kind_is_named(
    peer: VibeVoicePeer, options: Options, config: Response, says: str
) -> None:
    peer.config = config
    with pytest.raises(EngineUnavailable, match=f"{says}.*"):
        await VibeVoiceSynthesizer(options=options()).start()


async def test_a_server_that_is_not_there_is_named_with_what_to_run(options: Options) -> None:
    gone = VibeVoiceSynthesizer(options=options(base_url="http://127.0.0.1:9"))
    with pytest.raises(EngineUnavailable, match=r"can't be reached.*vibevoice_realtime_demo\.py"):
        await gone.start()
    with pytest.raises(EngineFailed, match="not started"):
        await heard(gone, SpeechRequest("Hello.", "en"))
    await gone.close()
    await gone.close()


@pytest.mark.parametrize(
    ("option", "value"),
    [("base_url", "ws://x"), ("steps", "0"), ("guidance", "nan"), ("languages", "")],
)
def test_a_wrong_option_is_named(option: str, value: str) -> None:
    with pytest.raises(OptionInvalid, match=f"option '{option}'"):
        read_options("vibevoice", VibeVoiceOptions, {option: value})
