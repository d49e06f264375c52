"""The processors of a call, in their order."""

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from processors.echo_placement import EchoPlacement
from processors.recorder import Recorder
from processors.taps import BotTap, CallerTap


def call_pipeline(
    transport: BaseTransport,
    *,
    hearing: FrameProcessor,
    driver: FrameProcessor,
    speaking: FrameProcessor,
    recorder: Recorder | None,
    echo: EchoPlacement | None,
) -> Pipeline:
    """Audio comes in on the left and leaves on the right; only frames go back."""
    return Pipeline(
        [
            transport.input(),
            CallerTap(recorder, echo),
            hearing,
            driver,
            speaking,
            transport.output(),
            BotTap(recorder, echo),
        ]
    )
