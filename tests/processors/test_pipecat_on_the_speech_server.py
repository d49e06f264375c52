"""Pipecat's own OpenAI services against the speech server: what one says, the other hears."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator

import numpy as np
import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.tests.utils import run_test

from speech.custom_voices import CustomVoices
from speech.pool import EnginePool
from speech.server.app import create_app
from speech.server.host import EngineHost, anything_fits
from speech.server.serve import DrainingServer
from speech.server.settings import ServerSettings, read_engines
from speech.voice_presets import load_presets

RATE_HZ = 24_000
TEXT = "Please confirm the order number four."


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    """A server with the embedded engines, as OpenAI's client wants its address."""
    async with EnginePool(2) as pool:
        host = EngineHost(pool, fits=anything_fits)
        await host.load(read_engines(["moonshine,espeak"]))
        settings = ServerSettings()
        app = create_app(host, settings, presets=load_presets(), customs=CustomVoices())
        server = DrainingServer(app, host, settings)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.run_on(listener))
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
            server.should_exit = True
            await serving
        await host.close()


async def spoken(url: str) -> list[Frame]:
    service = OpenAITTSService(api_key="none", base_url=url, sample_rate=RATE_HZ)
    down, up = await run_test(service, frames_to_send=[TTSSpeakFrame(TEXT)])
    return [*down, *up]


async def test_pipecat_s_own_services_speak_and_hear_through_the_server(url: str) -> None:
    frames = await spoken(url)
    assert not [frame for frame in frames if isinstance(frame, ErrorFrame)]
    audio = b"".join(frame.audio for frame in frames if isinstance(frame, TTSAudioRawFrame))
    assert 1.0 < len(audio) / (2 * RATE_HZ) < 6.0
    assert np.abs(np.frombuffer(audio, "<i2")).max() > 1_000

    service = OpenAISTTService(api_key="none", base_url=url, sample_rate=RATE_HZ)
    sent = InputAudioRawFrame(audio, RATE_HZ, 1)
    down, up = await run_test(
        service,
        frames_to_send=[
            VADUserStartedSpeakingFrame(),
            sent,
            VADUserStoppedSpeakingFrame(),
        ],
    )
    assert not [frame for frame in (*down, *up) if isinstance(frame, ErrorFrame)]
    heard = " ".join(frame.text for frame in down if isinstance(frame, TranscriptionFrame))
    words = set(re.findall(r"[a-z]+", heard.lower()))
    assert len(words & {"please", "confirm", "the", "order", "number", "four"}) >= 4, heard
