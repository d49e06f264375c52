"""The peer: Pipecat's own telephony pipeline on the same engines, as a server that Twilio calls.

    python -m benchmarks.stock_pipecat --port N

Wired as the `bot.py` of Pipecat's Twilio example is: FastAPIWebsocketTransport with
TwilioFrameSerializer, Silero in the user aggregator, the default turn strategies (VAD and
transcription start a turn, Smart Turn v3.2 ends it), 8 kHz in and out. It differs where it must:
Moonshine and espeak-ng stand for the cloud's services, one fixed sentence for the model's answer,
and it does not hang up over REST. Where the engines leave a choice, the faster way is taken. BLAS
has one thread (see `benchmarks/__init__.py`): else four calls at once hang for good in Smart Turn.
"""

import argparse
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMRunFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from speech.engines.espeak import EspeakSynthesizer
from speech.engines.moonshine import MoonshineRecognizer
from speech.errors import SpeechError
from speech.pool import EnginePool
from speech.speakable import speakable
from speech.stt import Recognizer
from speech.tts import SpeechRequest, Synthesizer

LINE_HZ = 8000
TTFS_P99_S = 0.3
"""What Pipecat asks each STT service for: the 99th percentile from the end of speech to its words.
Moonshine takes 0.05 to 0.2 s for a turn on a free core. Without it Pipecat assumes 1 s."""

SENTENCES = {
    "short": "Thank you, please go on.",
    "long": "Your order number four five one two was packed this morning and left our kitchen at "
    "half past ten, and the rider who is carrying it to you will reach the main gate of your "
    "building in about twenty minutes from now, so please keep your telephone near you and tell "
    "the guard to let the rider in.",
}
"""What is said at every turn of a call, the first included: what the flows in `flows/` say too."""


@dataclass(frozen=True, slots=True)
class Engines:
    """One set for all calls, as in Callwright."""

    recognizer: Recognizer
    synthesizer: Synthesizer


class MoonshineSTTService(SegmentedSTTService):
    """A turn's audio in, its words out."""

    def __init__(self, recognizer: Recognizer) -> None:
        settings = STTSettings(model="moonshine-tiny-en", language=None)
        super().__init__(settings=settings, ttfs_p99_latency=TTFS_P99_S)
        self._recognizer = recognizer

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        stream = self._recognizer.open(language="en", sample_rate_hz=self.sample_rate)
        stream.feed(np.frombuffer(audio, np.int16))
        try:
            transcript = await stream.finish()
        except SpeechError as error:
            yield ErrorFrame(error=str(error))
            return
        if transcript.text:
            yield TranscriptionFrame(transcript.text, self._user_id, time_now_iso8601())


class EspeakTTSService(TTSService):
    """A sentence in, its audio out at the engine's own rate: the transport resamples it whole."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=synthesizer.sample_rate_hz,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._synthesizer = synthesizer

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        request = SpeechRequest(speakable(text, "en"), "en")
        try:
            async with aclosing(self._synthesizer.synthesize(request)) as chunks:
                async for pcm in chunks:
                    yield TTSAudioRawFrame(
                        audio=pcm.tobytes(),
                        sample_rate=self.sample_rate,
                        num_channels=1,
                        context_id=context_id,
                    )
        except SpeechError as error:
            yield ErrorFrame(error=str(error))


class OneSentence(FrameProcessor):
    """Stands where the model stands: the same sentence for every turn, at once."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(self._sentence))
        await self.push_frame(LLMFullResponseEndFrame())


async def run_call(websocket: WebSocket, engines: Engines) -> None:
    """One call, from Twilio's `start` to the hang-up."""
    parse = cast(Any, parse_telephony_websocket)  # its answer reads as a mapping
    _, call = await parse(websocket)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=websocket,
        params=FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            add_wav_header=False,
            serializer=serializer,
        ),
    )
    context = LLMContext()
    user, assistant = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    stages: list[FrameProcessor] = [
        transport.input(),
        MoonshineSTTService(engines.recognizer),
        user,
        OneSentence(SENTENCES[call["body"].get("sentence", "short")]),
        EspeakTTSService(engines.synthesizer),
        transport.output(),
        assistant,
    ]
    worker = PipelineWorker(
        Pipeline(stages),
        params=PipelineParams(
            audio_in_sample_rate=LINE_HZ,
            audio_out_sample_rate=LINE_HZ,
            enable_metrics=True,
            enable_usage_metrics=True,
        ),
    )

    async def connected(_transport: object, _client: object) -> None:
        context.add_message({"role": "user", "content": "Please introduce yourself to the user."})
        await worker.queue_frames([LLMRunFrame()])

    async def disconnected(_transport: object, _client: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_connected", connected)
    transport.add_event_handler("on_client_disconnected", disconnected)
    runner = WorkerRunner(handle_sigint=False, force_gc=True)
    await runner.add_workers(worker)
    await runner.run()


def make_app() -> FastAPI:
    """POST / answers a call with TwiML (`?sentence=short|long`), /ws takes its stream."""
    pool = EnginePool()
    engines = Engines(MoonshineRecognizer(pool), EspeakSynthesizer())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with pool:
            await engines.recognizer.start()
            await engines.synthesizer.start()
            yield
            await engines.synthesizer.close()
            await engines.recognizer.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def answer(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        host, sentence = request.headers["host"], request.query_params.get("sentence", "short")
        document = (
            '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
            f'<Stream url="ws://{host}/ws"><Parameter name="sentence" value="{sentence}"/>'
            "</Stream></Connect></Response>"
        )
        return Response(document, media_type="application/xml")

    @app.websocket("/ws")
    async def stream(websocket: WebSocket) -> None:  # pyright: ignore[reportUnusedFunction]
        await websocket.accept()
        await run_call(websocket, engines)

    return app


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(make_app(), host=arguments.host, port=arguments.port, log_level="warning")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
