"""Text goes in, audio comes out: what the engine is asked, at what pace, and who can stop it."""

import asyncio
import io
import json
import subprocess
import wave
from typing import Any

import httpx
import numpy as np
import pytest

from speech.errors import EngineBusy, VoiceUnknown
from speech.server.ffmpeg import find_ffmpeg
from speech.tts import Expression, SpeechRequest
from tests.speech.server.own_speech_server import (
    ScriptedMouth,
    broken,
    own_speech_server,
    refusal,
)

PATH = "/v1/audio/speech"


async def ask(mouth: ScriptedMouth, path: str = PATH, **body: Any) -> httpx.Response:
    async with own_speech_server(mouth=mouth) as server:
        return await server.http.post(path, json={"response_format": "pcm", **body})


async def test_pcm_is_24_khz_whatever_the_engine_s_rate() -> None:
    answer = await ask(ScriptedMouth(sample_rate_hz=22_050, chunks=50), input="hello", voice="low")
    assert answer.headers["x-sample-rate-hz"] == "24000"
    assert answer.headers["content-type"] == "audio/pcm"
    assert abs(len(answer.content) // 2 - 24_000) < 10
    audio = np.frombuffer(answer.content, "<i2")
    assert 15_000 < np.abs(audio).max() < 18_000


async def test_a_wav_says_its_rate_and_any_program_can_read_it() -> None:
    answer = await ask(ScriptedMouth(), input="hello", response_format="wav", sample_rate_hz=8_000)
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8_000)
        assert abs(len(file.readframes(1 << 20)) // 2 - 800) <= 2


@pytest.mark.parametrize(
    ("response_format", "codec"),
    [("mp3", "mp3"), ("opus", "opus"), ("aac", "aac"), ("flac", "flac"), ("wav", "pcm_s16le")],
)
async def test_every_format_is_what_it_says(response_format: str, codec: str) -> None:
    answer = await ask(ScriptedMouth(chunks=50), input="hello", response_format=response_format)
    looked = await asyncio.to_thread(
        subprocess.run,
        [find_ffmpeg(), "-hide_banner", "-i", "pipe:0", "-f", "null", "-"],
        input=answer.content,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert f"Audio: {codec}" in looked.stderr.decode()


async def test_the_request_reaches_the_engine_with_what_it_can_do() -> None:
    mouth = ScriptedMouth(
        expression=Expression(
            sounds=frozenset({"laugh"}), emotions=frozenset({"happy"}), rates=(0.9, 1.1)
        )
    )
    await ask(
        mouth,
        input="Well [laugh] pay ₹50 [sigh]",
        voice="low",
        speed=4.0,
        emotion="happy",
        pitch_semitones=3,
    )
    assert mouth.requests == [
        SpeechRequest("Well [laugh] pay fifty rupees", "en", "low", 1.1, "happy", 0.0)
    ]


async def test_marks_in_the_text_count_where_the_request_says_nothing() -> None:
    mouth = ScriptedMouth(
        expression=Expression(emotions=frozenset({"calm", "sad"}), rates=(0.5, 2), has_pitch=True)
    )
    await ask(mouth, input="[emotion=calm] [rate=0.8] [pitch=-2] so", emotion="sad")
    assert mouth.requests == [SpeechRequest("so", "en", None, 0.8, "sad", -2.0)]


@pytest.mark.parametrize(
    ("body", "language", "voice"),
    [
        ({"input": "नमस्ते जी"}, "hi", None),
        ({"input": "hello"}, "en", None),
        ({"input": "hello", "voice": "nima"}, "hi", "nima"),
        ({"input": "hello", "voice": {"id": "nima"}}, "hi", "nima"),
        ({"input": "hello", "voice": "alloy", "language": "hi-IN"}, "hi", None),
        ({"input": "hello", "voice": "mouth/low"}, "en", "low"),
        ({"input": "hello", "voice": "professional"}, "en", None),
    ],
)
async def test_language_and_voice_are_found(
    body: dict[str, Any], language: str, voice: str | None
) -> None:
    mouth = ScriptedMouth()
    await ask(mouth, model="tts-1", **body)
    assert (mouth.requests[0].language, mouth.requests[0].voice) == (language, voice)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": " \n\u202e\u0000 "}, "input"),
        ({"input": 7}, "input"),
        ({"input": "x" * 5_000}, "input"),
        ({"input": "x", "speed": 9}, "speed"),
        ({"input": "x", "speed": "fast"}, "speed"),
        ({"input": "x", "response_format": "midi"}, "response_format"),
        ({"input": "x", "emotion": "furious"}, "emotion"),
        ({"input": "x", "sample_rate_hz": 7}, "sample_rate_hz"),
        ({"input": "x", "pitch_semitones": 99}, "pitch_semitones"),
        ({"input": "x", "language": "../../etc"}, "language"),
        ({"input": "x", "model": "nosuch"}, "model"),
        ({"input": "x", "voice": "nobody"}, "voice"),
        ({"input": "x", "voice": "custom:nothing"}, "voice"),
        ({"input": "x", "voice": "low", "language": "mr"}, "language"),
        ({"input": "x", "model": "mouth", "language": "mr"}, "language"),
        ({"input": "x", "stream_format": "carrier pigeon"}, "stream_format"),
    ],
)
async def test_a_wrong_field_is_named(body: dict[str, Any], param: str) -> None:
    mouth = ScriptedMouth()
    async with own_speech_server(mouth=mouth) as server:
        answer = await server.http.post(PATH, json=body)
    status, named, _ = refusal(answer)
    assert status in (400, 404)
    assert named == param
    assert mouth.requests == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_number_that_is_none_is_refused(number: str) -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        answer = await server.http.post(
            PATH,
            content=f'{{"input": "x", "speed": {number}}}',
            headers={"content-type": "application/json"},
        )
    assert refusal(answer)[:2] == (400, "speed")


async def test_bodies_that_are_no_json_are_refused() -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        for content in (b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000):
            answer = await server.http.post(
                PATH, content=content, headers={"content-type": "application/json"}
            )
            assert refusal(answer)[0] == 400
        megabytes = await server.http.post(PATH, json={"input": "x" * (2 << 20)})
    assert refusal(megabytes)[::2] == (413, "too_large")


async def test_halves_of_characters_and_control_signs_never_reach_the_engine() -> None:
    mouth = ScriptedMouth()
    async with own_speech_server(mouth=mouth) as server:
        await server.http.post(PATH, json={"input": "ab\u0001c\u202ed\ufeffe क्\u200dष"})
        half = await server.http.post(
            PATH, content=rb'{"input": "\ud800"}', headers={"content-type": "application/json"}
        )
    assert refusal(half)[:2] == (400, "input")
    assert [request.text for request in mouth.requests] == ["ab cde क्\u200dष"]


async def test_the_first_chunk_comes_before_the_last_is_made() -> None:
    mouth = ScriptedMouth(chunks=1_000_000)
    async with own_speech_server(mouth=mouth) as server, asyncio.timeout(20):
        async with server.http.stream(
            "POST", PATH, json={"input": "x", "response_format": "pcm"}
        ) as answer:
            assert len(await anext(answer.aiter_bytes())) > 0
        await mouth.ended.wait()  # the client left, and so the engine stopped
        await server.host.quiet()
    assert mouth.given < mouth.chunks


@pytest.mark.parametrize("response_format", ["pcm", "flac"])
async def test_who_does_not_read_is_waited_for_and_not_buffered_for(response_format: str) -> None:
    mouth = ScriptedMouth(chunks=10_000_000)
    async with own_speech_server(mouth=mouth, write_s=0.5) as server, asyncio.timeout(30):
        async with server.http.stream(
            "POST", PATH, json={"input": "x", "response_format": response_format}
        ):
            await mouth.ended.wait()  # it took nothing, and is dropped for it
        await server.host.quiet()
    # What fits into the sockets' and pipes' buffers; FLAC's are worth more seconds than PCM's.
    assert mouth.given * 0.02 < 3_000


async def test_a_client_that_leaves_before_the_first_chunk_stops_the_engine() -> None:
    mouth = ScriptedMouth(gate=asyncio.Event())
    async with own_speech_server(mouth=mouth) as server, asyncio.timeout(10):
        asking = asyncio.create_task(server.http.post(PATH, json={"input": "x"}))
        while not mouth.requests:
            await asyncio.sleep(0.01)
        asking.cancel()
        await mouth.ended.wait()
        await server.host.quiet()


async def test_an_engine_that_makes_no_sound_is_given_up() -> None:
    mouth = ScriptedMouth(gate=asyncio.Event())
    async with own_speech_server(mouth=mouth, first_chunk_s=0.2) as server:
        answer = await server.http.post(PATH, json={"input": "x"})
        assert refusal(answer)[::2] == (504, "deadline_exceeded")
        assert server.host.in_flight == 0


@pytest.mark.parametrize("response_format", ["pcm", "wav", "mp3"])
async def test_what_fails_before_the_first_chunk_has_a_status(response_format: str) -> None:
    for failure, status in ((VoiceUnknown("no"), 400), (EngineBusy("no"), 503), (broken(), 500)):
        mouth = ScriptedMouth(failure=failure)
        answer = await ask(mouth, input="x", response_format=response_format)
        assert refusal(answer)[0] == status


@pytest.mark.parametrize("response_format", ["pcm", "wav", "mp3"])
async def test_what_fails_later_breaks_the_answer_off(response_format: str) -> None:
    mouth = ScriptedMouth(chunks=400, failure=broken(), fails_after=200)
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(mouth, input="x", response_format=response_format)
    assert mouth.ended.is_set()


async def test_what_fails_later_is_said_in_an_event() -> None:
    mouth = ScriptedMouth(failure=broken(), fails_after=2)
    answer = await ask(mouth, input="x", stream_format="sse")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line]
    assert events[0]["type"] == "speech.audio.delta"
    assert events[-1]["error"]["code"] == "engine_failed"


async def test_a_text_is_measured_before_anything_is_done_with_it() -> None:
    answer = await ask(ScriptedMouth(), input=" " * 500_000)
    assert refusal(answer) == (400, "input", "text_too_long")


async def test_a_text_without_sound_is_an_empty_file_and_no_error() -> None:
    mouth = ScriptedMouth(chunks=0)
    assert (await ask(mouth, input="x")).content == b""
    answer = await ask(mouth, input="x", response_format="wav")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.readframes(10) == b""


@pytest.mark.parametrize("text", ["...", "—", "[laugh]", " [laugh] [sigh]! ", "[rate=0.9]"])
async def test_a_text_without_words_is_refused(text: str) -> None:
    mouth = ScriptedMouth(expression=Expression(sounds=frozenset({"cough"})))
    answer = await ask(mouth, input=text)
    assert refusal(answer) == (400, "input", "empty")
    assert "there are no words in it" in answer.text
    assert mouth.requests == []
    answer = await ask(mouth, "/synthesize/stream", text=text)
    assert refusal(answer) == (400, "text", "empty")


async def test_a_sound_that_the_engine_knows_is_spoken_without_words() -> None:
    mouth = ScriptedMouth(expression=Expression(sounds=frozenset({"laugh"})))
    assert (await ask(mouth, input="[laugh]")).status_code == 200
    assert mouth.requests[0].text == "[laugh]"


async def test_emotion_is_required_where_the_path_says_so_and_told_whether_it_was_known() -> None:
    path = "/v1/audio/speech/with-emotion"
    mouth = ScriptedMouth(expression=Expression(emotions=frozenset({"happy"})))
    assert refusal(await ask(mouth, path, input="x"))[:2] == (400, "emotion")
    assert refusal(await ask(mouth, path, input="x", emotion=None))[:2] == (400, "emotion")
    known = await ask(mouth, path, input="x", emotion="happy")
    unknown = await ask(mouth, path, input="x", emotion="sad")
    assert known.headers["x-emotion-applied"] == "yes"
    assert unknown.headers["x-emotion-applied"] == "no"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech/stream", {"input": "x"}),
        ("/synthesize/stream", {"text": "x", "voice": "low", "rate": 1.0, "pitch_shift": 0}),
    ],
)
async def test_a_stream_comes_in_pieces_of_40_ms(path: str, body: dict[str, Any]) -> None:
    async with (
        own_speech_server(mouth=ScriptedMouth(chunks=25)) as server,
        server.http.stream("POST", path, json=body) as answer,
    ):
        raw = [piece async for piece in answer.aiter_raw()]
    # Pieces may be read together, never apart.
    assert {len(piece) % 1920 for piece in raw[:-1]} == {0}
    assert sum(map(len, raw)) == 24_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate", 9),
        ("pitch_shift", 99),
        ("agent_id", "a b"),
        ("agent_id", "A123"),
        ("voice", "nobody"),
        ("text", ""),
    ],
)
async def test_a_wrong_field_of_synthesize_is_named(field: str, value: object) -> None:
    answer = await ask(ScriptedMouth(), "/synthesize/stream", **{"text": "x", field: value})
    assert refusal(answer)[:2] == (400, field)
