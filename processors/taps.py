"""What passes on the caller's side and on the bot's, shown to the recorder and to the echo's model.

One tap a side for both: each processor that audio passes costs every packet of every call.
"""

from typing import Any

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.echo_placement import EchoPlacement
from processors.recorder import Recorder


class _Tap(FrameProcessor):
    """Passes frames on at once, without a queue of its own."""

    def __init__(self, recorder: Recorder | None, echo: EchoPlacement | None) -> None:
        super().__init__(enable_direct_mode=True)
        self._recorder = recorder
        self._echo = echo


class CallerTap(_Tap):
    """Belongs right behind `transport.input()`. What it sees passes."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note the caller's audio, and the marks that were played."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, InputAudioRawFrame):
                self._take_audio(frame)
            elif isinstance(frame, InputTransportMessageFrame):
                self._take_message(frame)
        await self.push_frame(frame, direction)

    def _take_audio(self, frame: InputAudioRawFrame) -> None:
        if self._recorder:
            self._recorder.caller(frame)
        if self._echo:
            self._echo.caller(frame)

    def _take_message(self, frame: InputTransportMessageFrame) -> None:
        name = _mark_name(frame.message)
        if self._recorder and name is not None and not frame.message.get("cleared"):
            self._recorder.echo(name, frame.metadata.get("line_ms"))


class BotTap(_Tap):
    """Belongs right behind `transport.output()`, and sees the voice as it left, ducked and all.

    The voice ends here, since nobody behind wants it; all else passes.
    """

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note the bot's audio, its marks, and interruptions."""
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, OutputAudioRawFrame):
                self._take_audio(frame)
                return
            if isinstance(frame, OutputTransportMessageFrame):
                name = _mark_name(frame.message)
                if self._recorder and name is not None:
                    self._recorder.mark(name)
            elif isinstance(frame, InterruptionFrame):
                self._clear()
        await self.push_frame(frame, direction)

    def _take_audio(self, frame: OutputAudioRawFrame) -> None:
        if self._recorder:
            self._recorder.bot(frame)
        if self._echo:
            self._echo.bot(frame)

    def _clear(self) -> None:
        if self._recorder:
            self._recorder.clear()
        if self._echo:
            self._echo.clear()


def _mark_name(message: Any) -> str | None:
    """The name in {"event": "mark", "mark": {"name": ...}}, None for any other message."""
    return message["mark"]["name"] if message.get("event") == "mark" else None
