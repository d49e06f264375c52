"""The processors of a call, in their order."""

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from processors.echo_tap import EchoTaps
from processors.recorder import Recorder


def call_pipeline(
    transport: BaseTransport,
    *,
    hearing: FrameProcessor,
    driver: FrameProcessor,
    speaking: FrameProcessor,
    recorder: Recorder | None,
    echo: EchoTaps | None,
) -> Pipeline:
    """Audio comes in on the left and leaves on the right; only frames go back."""
    listeners = [each for each in (recorder, echo) if each is not None]
    before = [each.caller_tap() for each in listeners]
    after = [each.bot_tap() for each in listeners]
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
