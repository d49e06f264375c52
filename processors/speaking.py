"""Texts in, audio for the line out, and the truth about what of it was heard.

Each utterance leaves as Pipecat's `TTSStartedFrame`, audio, `TTSStoppedFrame`, with a mark after
its first packet, one after every further `MARK_EVERY_MS` of audio and one at its end (see
`playout.py`). Where marks don't come back, the end of the local playout plus a time-out stands in
for them.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputTransportMessageFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from processors.call_clock import CallClock
from processors.frames import SayFrame, UtteranceEndedFrame, UtteranceStartedFrame
from processors.playout import Played, Playout
from speech.errors import SpeechError
from speech.stt import Pcm

MARK_EVERY_MS = 400
"""Bounds how much of an interrupted sentence is guessed by the clock instead of known."""


class Speaker(Protocol):
    """Makes a text audible at the line's rate, from the cache where it can."""

    def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        """int16 mono PCM at the line's rate. Raises `speech.errors.SpeechError`."""
        ...


class Speaking(FrameProcessor):
    """Carries out `SayFrame`; `UtteranceStartedFrame` and `UtteranceEndedFrame` go upstream."""

    def __init__(
        self,
        *,
        speaker: Speaker,
        clock: CallClock,
        sample_rate_hz: int,
        packet_ms: int,
        mark_timeout_ms: int,
        sends_marks: bool = True,
    ) -> None:
        """`packet_ms`: the line's packet; marks stand on its multiples. `sends_marks`: False for
        lines that don't return any."""
        super().__init__()
        self._speaker = speaker
        self._clock = clock
        self._sample_rate_hz = sample_rate_hz
        self._packet_samples = packet_ms * sample_rate_hz // 1000
        self._mark_every_samples = (
            -(-MARK_EVERY_MS // packet_ms) * packet_ms * sample_rate_hz // 1000
        )
        self._mark_timeout_ms = mark_timeout_ms
        self._sends_marks = sends_marks
        self._playout = Playout()
        self._mark_waiter: asyncio.Task[None] | None = None

    async def cleanup(self) -> None:
        """End the wait for marks."""
        await super().cleanup()
        await self._stop_waiting()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See the class."""
        await super().process_frame(frame, direction)
        if isinstance(frame, SayFrame):
            await self._say(frame)
            return
        if isinstance(frame, InterruptionFrame):
            await self._clear()
        elif isinstance(frame, BotStartedSpeakingFrame):
            await self._started(direction)
        elif isinstance(frame, BotStoppedSpeakingFrame) and direction is FrameDirection.UPSTREAM:
            await self._wait_for_marks()
        elif isinstance(frame, InputTransportMessageFrame):
            await self._take_message(frame)
        await self.push_frame(frame, direction)

    async def _say(self, frame: SayFrame) -> None:
        utterance_id = frame.utterance_id
        context_id = str(utterance_id)
        self._playout.begin(utterance_id, frame.text)
        await self.push_frame(TTSStartedFrame(context_id=context_id))
        to_mark = self._packet_samples  # the first tells when the far end began to play
        marks_were_due = False  # of earlier utterances
        try:
            async with aclosing(self._speaker.speak(frame.text, frame.language)) as chunks:
                async for chunk in chunks:
                    if len(chunk):
                        marks_were_due = await self._stop_waiting() or marks_were_due
                    to_mark = await self._send(chunk, utterance_id, to_mark)
        except SpeechError as error:
            logger.error("could not speak {!r}: {}", frame.text, error)
            self._playout.drop(utterance_id)
            await self.push_frame(TTSStoppedFrame(context_id=context_id))
            await self._report(
                Played(utterance_id, frame.text, "", None, self._clock.now_ms(), False), str(error)
            )
            if marks_were_due:
                await self._wait_for_marks()
            return
        # The stop flushes the output's last part of a packet, so it goes before the mark.
        await self.push_frame(TTSStoppedFrame(context_id=context_id))
        played = self._playout.complete_without_audio(utterance_id, self._clock.now_ms())
        if played:
            await self._report(played)
        else:
            await self._push_mark(self._playout.complete(utterance_id))

    async def _send(self, chunk: Pcm, utterance_id: int, to_mark: int) -> int:
        """Send one chunk, cut where marks stand; the samples up to the next mark."""
        while len(chunk):
            piece = chunk[:to_mark]
            chunk = chunk[len(piece) :]
            to_mark -= len(piece)
            self._playout.add_audio(utterance_id, len(piece) * 1000 / self._sample_rate_hz)
            await self.push_frame(
                TTSAudioRawFrame(
                    audio=piece.tobytes(),
                    sample_rate=self._sample_rate_hz,
                    num_channels=1,
                    context_id=str(utterance_id),
                )
            )
            if to_mark == 0:
                await self._push_mark(self._playout.add_mark(utterance_id))
                to_mark = self._mark_every_samples
        return to_mark

    async def _push_mark(self, name: str) -> None:
        if self._sends_marks:
            message = {"event": "mark", "mark": {"name": name}}
            await self.push_frame(OutputTransportMessageFrame(message=message))

    async def _take_message(self, frame: InputTransportMessageFrame) -> None:
        message = frame.message
        if message.get("event") != "mark" or message.get("cleared"):
            return
        played = self._playout.mark_returned(message["mark"]["name"], self._clock.now_ms())
        if played:
            await self._report(played)

    async def _started(self, direction: FrameDirection) -> None:
        if direction is not FrameDirection.UPSTREAM:
            return
        await self._stop_waiting()
        now_ms = self._clock.now_ms()
        utterance_id = self._playout.started(now_ms)
        if utterance_id is not None:
            await self.push_frame(
                UtteranceStartedFrame(utterance_id=utterance_id, at_ms=now_ms),
                FrameDirection.UPSTREAM,
            )

    async def _clear(self) -> None:
        await self._stop_waiting()
        for played in self._playout.clear(self._clock.now_ms()):
            await self._report(played)

    async def _wait_for_marks(self) -> None:
        """The line has been sent everything: its marks are due."""
        await self._stop_waiting()
        if not self._playout.is_idle:
            self._mark_waiter = self.create_task(self._give_up_on_marks())

    async def _give_up_on_marks(self) -> None:
        await asyncio.sleep(self._mark_timeout_ms / 1000)
        for played in self._playout.played_by_time(self._clock.now_ms()):
            await self._report(played)

    async def _stop_waiting(self) -> bool:
        """Whether there was a wait to stop."""
        waiter, self._mark_waiter = self._mark_waiter, None
        if waiter is None or waiter.done() or waiter is asyncio.current_task():
            return False
        await self.cancel_task(waiter)
        return True

    async def _report(self, played: Played, failure: str | None = None) -> None:
        await self.push_frame(
            UtteranceEndedFrame(
                utterance_id=played.utterance_id,
                heard_text=played.heard_text,
                start_ms=played.start_ms,
                end_ms=played.end_ms,
                is_interrupted=played.is_interrupted,
                failure=failure,
            ),
            FrameDirection.UPSTREAM,
        )
