"""Files go in, text comes out: what is asked of the engine, and what becomes of bad files."""

import asyncio
import io
import itertools
import json
import struct
import subprocess
import tracemalloc
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from speech.errors import DeadlineExceeded, EngineBusy
from speech.server.ffmpeg import find_ffmpeg
from speech.stt import Word
from tests.speech.server.own_speech_server import (
    RATE_HZ,
    ScriptedEar,
    broken,
    own_speech_server,
    refusal,
    tone,
    wav,
)

PATH = "/v1/audio/transcriptions"
SECOND = {"file": ("a.wav", wav(tone(1.0)))}


async def ask(
    content: bytes = SECOND["file"][1], ear: ScriptedEar | None = None, **form: str
) -> httpx.Response:
    async with own_speech_server(ear=ear or ScriptedEar(), max_audio_s=60.0) as server:
        return await server.http.post(PATH, files={"file": ("a.wav", content)}, data=form)


async def test_the_engine_is_given_language_hints_and_its_own_rate() -> None:
    ear = ScriptedEar()
    answer = await ask(wav(tone(1.0, 8_000), 8_000), ear, language="hi-IN", prompt="dal, naan")
    assert answer.json()["text"] == "1000 ms"
    assert ear.opened == [
        {"language": "hi", "rate_hz": RATE_HZ, "hints": ["dal", "naan"], "others": []}
    ]


async def test_without_a_language_the_engine_may_hear_any_it_knows() -> None:
    ear = ScriptedEar(heard_language="mr")
    answer = await ask(ear=ear, response_format="verbose_json")
    assert ear.opened[0]["language"] == "en"
    assert ear.opened[0]["others"] == ["hi", "mr"]
    assert answer.json()["language"] == "mr"


async def test_a_long_file_is_heard_in_parts_and_nothing_of_it_is_lost() -> None:
    ear = ScriptedEar()
    answer = await ask(wav(tone(59.0)), ear, response_format="verbose_json")
    segments = answer.json()["segments"]
    assert len(segments) == len(ear.opened) > 2
    assert segments[0]["start"] == 0
    assert segments[-1]["end"] == answer.json()["duration"] == 59.0
    for before, after in itertools.pairwise(segments):
        assert before["end"] == after["start"]


async def test_words_have_their_place_in_the_whole_file() -> None:
    ear = ScriptedEar(words=(Word("hello", 100, 400, 0.9), Word("there", 500, 900, 0.8)))
    answer = await ask(
        wav(tone(40.0)),
        ear,
        response_format="verbose_json",
        **{"timestamp_granularities[]": "word"},
    )
    words = answer.json()["words"]
    assert words[0] == {"word": "hello", "start": 0.1, "end": 0.4}
    assert words[2]["start"] > 10
    assert "segments" not in answer.json()


async def test_captions_follow_the_words() -> None:
    ear = ScriptedEar(words=tuple(Word(f"word{n}", n * 900, n * 900 + 500, 1) for n in range(10)))
    answer = await ask(wav(tone(10.0)), ear, response_format="vtt")
    cues = answer.text.removeprefix("WEBVTT\n\n").strip().split("\n\n")
    assert cues[0].startswith("00:00:00.000 --> 00:00:06.800\nword0 word1")
    assert len(cues) == 2


async def test_deltas_come_while_the_rest_is_still_heard() -> None:
    ear = ScriptedEar(gate=asyncio.Event())
    async with (
        own_speech_server(ear=ear) as server,
        asyncio.timeout(20),
    ):
        files = {"file": ("a.wav", wav(tone(30.0)))}
        assert ear.gate is not None
        asyncio.get_running_loop().call_soon(ear.gate.set)
        async with server.http.stream("POST", PATH, files=files, data={"stream": "true"}) as answer:
            events = [
                json.loads(line.removeprefix("data: "))
                async for line in answer.aiter_lines()
                if line
            ]
    assert [event["type"] for event in events[:-1]] == ["transcript.text.delta"] * (len(events) - 1)
    assert "".join(event["delta"] for event in events[:-1]) == events[-1]["text"]
    assert len(events) > 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("text.wav", b"this is no audio, whatever its name says" * 100),
        ("cut.wav", wav(tone(1.0))[:30]),
        ("header.wav", wav(np.empty(0, np.int16))),
        ("zeros.mp3", bytes(100_000)),
        ("playlist.m3u8", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("concat.txt", b"ffconcat version 1.0\nfile '/etc/passwd'\n"),
    ],
)
async def test_what_is_no_audio_is_refused_with_a_reason(name: str, content: bytes) -> None:
    async with own_speech_server(ear=ScriptedEar()) as server:
        answer = await server.http.post(PATH, files={"file": (name, content)})
    status, param, code = refusal(answer)
    assert (status, param) == (400, "file")
    assert code in ("empty_file", "invalid_audio", "no_audio")
    assert "/dev/fd" not in answer.text
    assert "root:" not in answer.text


async def test_a_file_of_no_channels_is_refused() -> None:
    content = bytearray(wav(tone(1.0)))
    content[22:24] = struct.pack("<H", 0)
    answer = await ask(bytes(content))
    assert refusal(answer) == (400, "file", "no_channels")
    assert "0 channels" in answer.text


async def test_a_file_of_no_channels_in_another_coding_is_refused() -> None:
    target = io.BytesIO()
    soundfile.write(target, tone(1.0), 16_000, format="WAV", subtype="FLOAT")
    content = bytearray(target.getvalue())
    content[22:24] = struct.pack("<H", 0)
    answer = await ask(bytes(content))
    assert refusal(answer) == (400, "file", "no_channels")


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    """Pictures without a sound."""
    file = tmp_path / "film.mp4"
    source = ("-f", "lavfi", "-i", "color=size=16x16:duration=0.2")
    subprocess.run(
        [find_ffmpeg(), "-v", "error", *source, "-c:v", "mpeg4", str(file)], check=True, timeout=60
    )
    return file.read_bytes()


async def test_a_film_without_sound_is_refused(film: bytes) -> None:
    answer = await ask(film)
    assert refusal(answer) == (400, "file", "no_audio_track")
    assert "no audio track" in answer.text


async def test_a_file_of_very_many_channels_is_refused_or_heard_but_hurts_nobody() -> None:
    content = bytearray(wav(tone(1.0)))
    content[22:24] = struct.pack("<H", 65_535)
    assert (await ask(bytes(content))).status_code in (200, 400)


async def test_hours_that_are_small_in_bytes_are_refused_before_they_fill_the_memory() -> None:
    target = io.BytesIO()
    silence = np.zeros(3 * 3600 * 8_000, np.int16)
    soundfile.write(target, silence, 8_000, format="FLAC")
    assert len(target.getvalue()) < 1 << 20
    answer = await ask(target.getvalue())
    assert refusal(answer) == (400, "file", "audio_too_long")
    assert "60 s" in answer.text


async def test_a_wav_of_few_samples_a_second_is_measured_before_it_is_resampled() -> None:
    content = wav(np.zeros(3 * 3600 * 1_000, np.int16), 1_000)
    tracemalloc.start()
    try:
        answer = await ask(content)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refusal(answer) == (400, "file", "audio_too_long")
    assert peak_bytes < 200 << 20  # three hours at 16 kHz are 345 MB


async def test_a_stream_s_wav_of_unknown_length_is_taken() -> None:
    content = bytearray(wav(tone(1.0)))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    assert (await ask(bytes(content))).json()["text"] == "1000 ms"


async def test_two_channels_are_mixed() -> None:
    stereo = np.repeat(tone(1.0), 2)
    assert (await ask(wav(stereo, channels=2))).json()["text"] == "1000 ms"


async def test_a_24_bit_file_goes_through_ffmpeg() -> None:
    target = io.BytesIO()
    soundfile.write(target, tone(1.0).astype(np.float64) / 32768, RATE_HZ, "PCM_24", format="WAV")
    assert (await ask(target.getvalue())).json()["text"] == "1000 ms"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", "diarized_json"),
        ("language", "klingon language"),
        ("language", "xx"),
        ("temperature", "nan"),
        ("temperature", "2"),
        ("temperature", "warm"),
        ("stream", "perhaps"),
        ("timestamp_granularities[]", "syllable"),
        ("timestamp_granularities[]", "word"),  # needs verbose_json
    ],
)
async def test_a_wrong_field_is_named(field: str, value: str) -> None:
    status, param, _ = refusal(await ask(**{field: value}))
    assert (status, param) == (400, field.removesuffix("[]"))


async def test_an_unknown_model_lists_those_there_are() -> None:
    answer = await ask(model="whisper-99")
    assert refusal(answer) == (404, "model", "model_not_found")
    assert "ear" in answer.json()["error"]["message"]


async def test_a_form_without_a_file_and_a_body_without_a_form_are_told_what_to_send() -> None:
    async with own_speech_server(ear=ScriptedEar()) as server:
        no_file = await server.http.post(PATH, files={"other": b"x"})
        text = await server.http.post(PATH, files={"file": (None, b"just text")})
        no_form = await server.http.post(PATH, json={"file": "x"})
        bare = await server.http.post(PATH, headers={"content-type": "multipart/form-data"})
    assert refusal(no_file) == (400, "file", "missing")
    assert refusal(text) == (400, "file", "missing")
    assert refusal(no_form) == (415, "file", "not_multipart")
    assert refusal(bare)[0] == 400


async def test_a_thousand_fields_are_too_many() -> None:
    fields = {f"field{number}": "x" for number in range(1000)}
    assert refusal(await ask(**fields))[0] == 400


async def test_a_field_of_a_megabyte_is_too_long() -> None:
    assert refusal(await ask(prompt="x" * (1 << 20)))[0] == 400


async def test_a_body_beyond_the_limit_is_refused_whether_it_says_its_length_or_not() -> None:
    async def unannounced() -> AsyncGenerator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(64):
            yield bytes(65_536)

    form = {"content-type": "multipart/form-data; boundary=b"}
    async with own_speech_server(ear=ScriptedEar(), max_upload_bytes=1 << 20) as server:
        told = await server.http.post(PATH, files={"file": ("a.wav", bytes((1 << 20) + 70_000))})
        untold = await server.http.post(PATH, content=unannounced(), headers=form)
    assert refusal(told) == refusal(untold) == (413, "file", "too_large")


async def test_a_gigabyte_is_refused_before_it_is_sent() -> None:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 30}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    async with own_speech_server(ear=ScriptedEar()) as server:
        answer = await raw_answer(server.base_url, head.encode())
        assert b" 413 " in answer.partition(b"\r\n")[0]
        assert (await server.http.get("/healthz")).status_code == 200


async def test_a_body_that_stops_coming_is_not_waited_for() -> None:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    async with own_speech_server(ear=ScriptedEar(), body_idle_s=0.2) as server:
        answer = await raw_answer(server.base_url, head.encode())
    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b"body_incomplete" in answer


async def raw_answer(base_url: str, request: bytes) -> bytes:
    """All that the server says until it closes."""
    port = int(base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(20):
        writer.write(request)
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (broken(), 500, "engine_failed"),
        (EngineBusy("too much work"), 503, "engine_busy"),
        (DeadlineExceeded("too slow"), 504, "deadline_exceeded"),
    ],
)
async def test_an_engine_s_failure_has_its_own_status(
    failure: Exception, status: int, code: str
) -> None:
    answer = await ask(ear=ScriptedEar(failure=failure))  # pyright: ignore
    assert refusal(answer) == (status, None, code)
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_client_that_leaves_frees_the_engine() -> None:
    ear = ScriptedEar(gate=asyncio.Event())
    async with own_speech_server(ear=ear) as server, asyncio.timeout(10):
        asking = asyncio.create_task(server.http.post(PATH, files=SECOND))
        await ear.decoding.wait()
        assert server.host.in_flight == 1
        asking.cancel()
        await ear.cancelled.wait()
        await server.host.quiet()


async def test_more_files_at_once_than_allowed_are_refused_with_a_time_to_come_again() -> None:
    ear = ScriptedEar(gate=asyncio.Event())
    async with own_speech_server(ear=ear, max_streams=1) as server, asyncio.timeout(10):
        first = asyncio.create_task(server.http.post(PATH, files=SECOND))
        await ear.decoding.wait()
        second = await server.http.post(PATH, files=SECOND)
        assert refusal(second) == (503, None, "engine_busy")
        assert second.headers["retry-after"] == "1"
        assert ear.gate is not None
        ear.gate.set()
        assert (await first).status_code == 200


async def test_the_language_of_a_file_is_told_by_an_engine_that_can() -> None:
    path = "/v1/audio/detect-language"
    async with own_speech_server(ear=ScriptedEar(heard_language="hi")) as server:
        told = await server.http.post(path, files=SECOND)
    assert told.json() == {
        "language": "hi",
        "confidence": 0.9,
        "text": "1000 ms",
        "model": "ear",
    }
    async with own_speech_server(ear=ScriptedEar(languages=frozenset({"en"}))) as server:
        assert refusal(await server.http.post(path, files=SECOND))[1:] == (
            "model",
            "one_language_only",
        )


async def test_only_english_is_translated() -> None:
    path = "/v1/audio/translations"
    async with own_speech_server(ear=ScriptedEar(heard_language="hi")) as server:
        answer = await server.http.post(path, files=SECOND)
    assert refusal(answer) == (400, "file", "translation_unsupported")


def test_the_wav_that_tests_send_is_one() -> None:
    with wave.open(io.BytesIO(wav(tone(0.5)))) as file:
        assert file.getnframes() == RATE_HZ // 2
