"""The processors of a call, in their order."""

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from processors.recorder import Recorder


def call_pipeline(
    transport: BaseTransport,
    *,
    hearing: FrameProcessor,
    driver: FrameProcessor,
    speaking: FrameProcessor,
    recorder: Recorder | None,
) -> Pipeline:
    """Audio comes in on the left and leaves on the right; only frames go back."""
    before = [recorder.caller_tap()] if recorder else []
    after = [recorder.bot_tap()] if recorder else []
    return Pipeline(
        [
            transport.input(),
            *before,
            hearing,
            driver,
            speaking,
            transport.output(),
            *after,
        ]
    )
