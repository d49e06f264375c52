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

import numpy as np
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
from processors.frames import (
    FillerFrame,
    SayFrame,
    UtteranceEndedFrame,
    UtteranceStartedFrame,
)
from processors.playout import Played, Playout, rest_of
from processors.resume_point import resume_point
from speech.errors import ENGINE_FAILURES, DeadlineExceeded, SpeechError, as_speech_error
from speech.expression import without_marks
from speech.stt import Pcm

MARK_EVERY_MS = 400
"""Bounds how much of an interrupted sentence is guessed by the clock instead of known."""

VOICE_S = 6.0
"""How long a voice may give nothing while it is waited for. espeak replaces a worker that hung in
5 s; callers hang up after about 10 s of silence, half of which a filler covers."""

FILLER_VOICE_S = 0.2
"""The same for a filler, which lies in the cache or is of no use."""

PAUSE_MS = 200
"""Between a filler and the reply: people leave that much between two turns (Stivers et al.
2009)."""


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
        voice_s: float = VOICE_S,
    ) -> None:
        """`packet_ms`: the line's packet; marks stand on its multiples. `sends_marks`: False for
        lines that don't return any. `voice_s`: silence of the speaker's that is a failure."""
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
        self._voice_s = voice_s
        self._playout = Playout()
        self._mouth = asyncio.Lock()  # held from an utterance's first sound to its last
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
        if isinstance(frame, FillerFrame):
            await self._fill(frame)
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
        words = without_marks(frame.text)
        if not frame.heard_ms:
            sound = self._speaker.speak(frame.text, frame.language)
            await self._utter(frame.utterance_id, words, _in_time(sound, self._voice_s))
            return
        rest = rest_of(words, frame.heard_text)
        try:
            pcm, skipped_ms = await self._sound_of_rest(frame)
        except SpeechError as error:
            await self._report_failure(frame.utterance_id, rest, error)
            return
        await self._utter(frame.utterance_id, rest, _at_once(pcm), skipped_ms=skipped_ms)

    async def _sound_of_rest(self, frame: SayFrame) -> tuple[Pcm, float]:
        """What was not heard, from the word on that was heard last; and where that is, in ms.

        The sound lies in the cache: it was made for those who heard its beginning.
        """
        sound = _in_time(self._speaker.speak(frame.text, frame.language), self._voice_s)
        async with aclosing(sound) as chunks:
            made = [chunk async for chunk in chunks]
        pcm = np.concatenate(made) if made else np.zeros(0, np.int16)
        point = resume_point(
            without_marks(frame.text),
            heard_ms=frame.heard_ms,
            duration_ms=len(pcm) * 1000 / self._sample_rate_hz,
            sample_rate_hz=self._sample_rate_hz,
            pcm=pcm,
        )
        return pcm[point.start_sample :], point.start_sample * 1000 / self._sample_rate_hz

    async def _fill(self, frame: FillerFrame) -> None:
        if self._is_taken:
            await self._leave_out(frame.utterance_id, frame.text)
            return
        sound = _in_time(self._speaker.speak(frame.text, frame.language), FILLER_VOICE_S)
        await self._utter(frame.utterance_id, frame.text, sound, pause_ms=PAUSE_MS, waits=False)

    @property
    def _is_taken(self) -> bool:
        """Whether something is being said, or has not been played yet."""
        return self._mouth.locked() or not self._playout.is_idle

    async def _leave_out(self, utterance_id: int, text: str) -> None:
        await self._report(Played(utterance_id, text, "", None, self._clock.now_ms(), True))

    async def _utter(
        self,
        utterance_id: int,
        text: str,
        sound: AsyncGenerator[Pcm, None],
        *,
        skipped_ms: float = 0.0,
        pause_ms: int = 0,
        waits: bool = True,
    ) -> None:
        """Send one utterance whole: nothing comes between its first sound and its last.

        `waits`: until what is being said has been sent; else it is left out then."""
        async with aclosing(sound) as chunks:
            try:
                first = await anext(chunks, None)
            except SpeechError as error:
                await self._report_failure(utterance_id, text, error)
                return
            if not waits and self._is_taken:
                await self._leave_out(utterance_id, text)
                return
            async with self._mouth:
                self._playout.begin(utterance_id, text, skipped_ms=skipped_ms)
                if first is None:
                    played = self._playout.complete_without_audio(
                        utterance_id, self._clock.now_ms()
                    )
                    if played:
                        await self._report(played)
                    return
                await self._send_all(utterance_id, first, chunks, pause_ms)

    async def _send_all(
        self, utterance_id: int, first: Pcm, more: AsyncGenerator[Pcm, None], pause_ms: int
    ) -> None:
        context_id = str(utterance_id)
        marks_were_due = await self._stop_waiting()  # of earlier utterances
        await self.push_frame(TTSStartedFrame(context_id=context_id))
        # The first mark tells when the far end began to play.
        to_mark = await self._send(first, utterance_id, self._packet_samples)
        failure: SpeechError | None = None
        try:
            async for chunk in more:
                marks_were_due = await self._stop_waiting() or marks_were_due
                to_mark = await self._send(chunk, utterance_id, to_mark)
        except SpeechError as error:
            failure = error
        pause = np.zeros(pause_ms * self._sample_rate_hz // 1000, np.int16)
        await self._send(pause, utterance_id, to_mark)
        # The stop flushes the output's last part of a packet, so it goes before the mark.
        await self.push_frame(TTSStoppedFrame(context_id=context_id))
        if failure is None:
            await self._push_mark(self._playout.complete(utterance_id))
            return
        logger.error("an utterance broke off: {}", failure)
        broken = self._playout.break_off(utterance_id, self._clock.now_ms())
        await self._report(broken, str(failure))
        if marks_were_due:
            await self._wait_for_marks()

    async def _report_failure(self, utterance_id: int, text: str, error: SpeechError) -> None:
        logger.error("could not speak {!r}: {}", text, error)
        now_ms = self._clock.now_ms()
        await self._report(Played(utterance_id, text, "", None, now_ms, False), str(error))

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
                heard_ms=round(played.heard_ms),
            ),
            FrameDirection.UPSTREAM,
        )


async def _at_once(pcm: Pcm) -> AsyncGenerator[Pcm, None]:
    if len(pcm):
        yield pcm


async def _in_time(sound: AsyncGenerator[Pcm, None], quiet_s: float) -> AsyncGenerator[Pcm, None]:
    """The sound's chunks that hold any.

    Raises:
        SpeechError: the voice's, and whatever else an engine breaks its word with.
        DeadlineExceeded: none comes for `quiet_s`.
    """
    async with aclosing(sound) as chunks:
        while True:
            limit = asyncio.timeout(quiet_s)
            try:
                async with limit:
                    chunk = await anext(chunks, None)
            except ENGINE_FAILURES as error:
                if isinstance(error, TimeoutError) and limit.expired():
                    raise DeadlineExceeded(f"the voice gave nothing for {quiet_s:g} s") from None
                failure = as_speech_error(error, "the voice")
                break
            if chunk is None:
                return
            if len(chunk):
                yield chunk
        raise failure
