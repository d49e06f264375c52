"""OpenAI's own Python client against the server with the embedded engines, as its examples go."""

import asyncio
import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

FOX = "the quick brown fox jumped over the lazy dogs"


@pytest.fixture
def client(embedded_server: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{embedded_server}/v1", api_key="none", max_retries=0) as made:
        yield made


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def assert_fox(text: str) -> None:
    """The embedded ear slips on a synthetic voice, so half of the words are enough."""
    assert len(words(text) & words(FOX)) >= 4, text


def test_the_client_s_audio_example_runs_and_hears_what_it_said(
    client: OpenAI, tmp_path: Path
) -> None:
    file = tmp_path / "speech.mp3"
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=FOX
    ) as response:
        response.stream_to_file(file)
    assert_fox(client.audio.transcriptions.create(model="whisper-1", file=file).text)
    assert_fox(client.audio.translations.create(model="whisper-1", file=file).text)


async def test_the_client_s_streaming_example_gets_pcm_at_24_khz(embedded_server: str) -> None:
    async with (
        AsyncOpenAI(base_url=f"{embedded_server}/v1", api_key="none", max_retries=0) as client,
        client.audio.speech.with_streaming_response.create(
            model="tts-1",
            voice="alloy",
            response_format="pcm",
            input="""I see skies of blue and clouds of white
                     The bright blessed days, the dark sacred nights""",
        ) as response,
    ):
        assert response.headers["x-sample-rate-hz"] == "24000"
        pieces = [piece async for piece in response.iter_bytes(chunk_size=1024)]
    audio = b"".join(pieces)
    assert len(audio) % 2 == 0
    assert 3.0 < len(audio) / 48_000 < 12.0


def test_the_client_s_readme_example_sends_a_file_from_memory(client: OpenAI) -> None:
    speech = client.audio.speech.create(
        model="tts-1", voice="alloy", input=FOX, response_format="wav"
    )
    memory = io.BytesIO(speech.read())
    heard = client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=("audio.wav", memory, "audio/wav")
    )
    assert_fox(heard.text)


def test_a_streamed_transcription_gives_deltas_that_make_the_text(client: OpenAI) -> None:
    speech = client.audio.speech.create(
        model="espeak", voice="en-us", input=" . ".join([FOX] * 5), response_format="flac"
    )
    stream = client.audio.transcriptions.create(
        model="moonshine", file=("a.flac", speech.read()), stream=True
    )
    events = list(stream)
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    done = [event.text for event in events if event.type == "transcript.text.done"]
    assert len(deltas) > 1
    assert ["".join(deltas)] == done
    assert_fox(done[0])


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_what_it_says_in_every_format_it_hears_again(client: OpenAI, response_format: str) -> None:
    speech = client.audio.speech.create(
        model="tts-1",
        voice="alloy",
        input=FOX,
        response_format=response_format,  # pyright: ignore
    )
    heard = client.audio.transcriptions.create(
        model="whisper-1", file=(f"a.{response_format}", speech.read())
    )
    assert_fox(heard.text)


def test_speech_as_events_is_the_same_audio(client: OpenAI) -> None:
    whole = client.audio.speech.create(
        model="espeak", voice="en-us", input=FOX, response_format="pcm"
    ).read()
    with client.audio.speech.with_streaming_response.create(
        model="espeak", voice="en-us", input=FOX, response_format="pcm", stream_format="sse"
    ) as response:
        lines = [line for line in response.iter_lines() if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert events[-1]["type"] == "speech.audio.done"
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert abs(len(audio) - len(whole)) < 0.02 * len(whole)  # espeak varies by some samples


def test_speed_and_hindi_are_taken(client: OpenAI) -> None:
    def length(speed: float) -> int:
        spoken = client.audio.speech.create(
            model="tts-1",
            voice="alloy",
            input="नमस्ते, आपका ऑर्डर तैयार है।",
            response_format="pcm",
            speed=speed,
        )
        assert spoken.response.headers["x-language"] == "hi"
        return len(spoken.read())

    assert length(2.0) < length(1.0) < length(0.5)


def test_verbose_json_text_srt_and_vtt_are_what_the_client_expects(client: OpenAI) -> None:
    file = (
        "a.wav",
        client.audio.speech.create(
            model="tts-1", voice="alloy", input=FOX, response_format="wav"
        ).read(),
    )
    verbose = client.audio.transcriptions.create(
        model="whisper-1",
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert verbose.language == "en"
    assert verbose.duration > 2
    assert verbose.segments
    assert verbose.segments[0].avg_logprob <= 0
    for response_format, beginning in (("srt", "1\n00:00:00,000 -->"), ("vtt", "WEBVTT\n\n00:00")):
        captions = client.audio.transcriptions.create(
            model="whisper-1",
            file=file,
            response_format=response_format,  # pyright: ignore
        )
        assert str(captions).startswith(beginning)
    text = client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text")
    assert_fox(str(text))


def test_errors_are_the_client_s_own_exceptions_and_name_the_field(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.audio.speech.create(model="nosuch", voice="alloy", input="hello")
    assert (missing.value.param, missing.value.code) == ("model", "model_not_found")
    with pytest.raises(openai.BadRequestError) as wrong:
        client.audio.speech.create(model="tts-1", voice="no such voice", input="hello")
    assert (wrong.value.param, wrong.value.code) == ("voice", "voice_unknown")
    with pytest.raises(openai.BadRequestError) as language:
        client.audio.transcriptions.create(
            model="whisper-1", file=("a.wav", b"RIFF"), language="hi"
        )
    assert language.value.param == "language"


async def test_the_models_are_listed(embedded_server: str) -> None:
    async with AsyncOpenAI(base_url=f"{embedded_server}/v1", api_key="none") as client:
        models, one = await asyncio.gather(
            client.models.list(), client.models.retrieve("moonshine")
        )
    assert [model.id for model in models.data] == ["moonshine", "espeak"]
    assert one.id == "moonshine"
