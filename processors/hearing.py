"""The caller's audio in, turns and their words out.

Audio ends here: it is cut into windows, each window's probability of speech drives the turn
policy, and the audio of a finished turn goes to the recogniser. All model work runs in the
pool; decodes of one call run one after the other, so words come in the order they were said.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup

from processors.call_clock import CallClock
from processors.frames import (
    HearingFailedFrame,
    ListenFrame,
    NoInputFrame,
    SpeechSustainedFrame,
    UtteranceHeardFrame,
)
from processors.turn_taking import (
    WINDOW_MS,
    NoInput,
    SpeechStarted,
    SpeechSustained,
    TurnEnded,
    TurnEvent,
    TurnPolicy,
)
from speech.errors import SpeechError
from speech.stt import Pcm, Recognizer

KEPT_AFTER_SPEECH_MS = 120
"""Silence left behind the last voice: enough for a soft last consonant."""

LAST_WORDS_S = 1.0
"""How long the end of the stream waits for the words said right before it. A sentence takes the
recogniser a few tenths of that; shorter loses "confirmed, bye", longer only delays the record."""


class SpeechProbability(Protocol):
    """The call's voice activity detector, with the call's own state."""

    async def __call__(self, window: Pcm) -> float:
        """The probability (0..1) that a window of int16 mono PCM at the line's rate is speech."""
        ...


@dataclass(frozen=True, slots=True)
class _Utterance:
    pcm: Pcm
    language: str
    hints: tuple[str, ...]
    start_ms: int
    end_ms: int
    decided_ms: int


class Hearing(FrameProcessor):
    """`InputAudioRawFrame` in; `UtteranceHeardFrame`, `SpeechSustainedFrame`, `NoInputFrame` out.

    Obeys `ListenFrame` from downstream. Other frames pass.
    """

    def __init__(
        self,
        *,
        probability: SpeechProbability,
        recognizer_for: Callable[[str], Recognizer | None],
        clock: CallClock,
        sample_rate_hz: int,
        policy: TurnPolicy | None = None,
    ) -> None:
        """`recognizer_for` gives the ear of a language (ISO 639-1), None where there is none."""
        super().__init__()
        self._probability = probability
        self._recognizer_for = recognizer_for
        self._clock = clock
        self._sample_rate_hz = sample_rate_hz
        self._policy = policy or TurnPolicy()
        self._window_samples = sample_rate_hz * WINDOW_MS // 1000
        self._pending = np.zeros(0, np.int16)
        self._kept: list[Pcm] = []  # windows from `_kept_from_ms` on
        self._kept_from_ms = 0
        self._turn_is_open = False
        self._has_stopped = False
        self._listen = ListenFrame(language="", speech=False)
        self._utterances: asyncio.Queue[_Utterance] = asyncio.Queue()
        self._decoder: asyncio.Task[None] | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Start the task that decodes."""
        await super().setup(setup)
        self._decoder = self.create_task(self._decode_utterances())

    async def cleanup(self) -> None:
        """End the task that decodes."""
        await super().cleanup()
        if self._decoder:
            await self.cancel_task(self._decoder)
            self._decoder = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See the class."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._take_audio(np.frombuffer(frame.audio, np.int16))
        elif isinstance(frame, ListenFrame):
            self._expect(frame)
        else:
            if (
                isinstance(frame, InputTransportMessageFrame)
                and frame.message.get("event") == "stop"
            ):
                await self._hear_last_words()
            await self.push_frame(frame, direction)
            if isinstance(frame, StartFrame):
                logger.debug("hearing at {} Hz", self._sample_rate_hz)

    def _expect(self, frame: ListenFrame) -> None:
        self._listen = frame
        self._policy.expect(frame.timeout_ms)

    async def _take_audio(self, pcm: Pcm) -> None:
        self._clock.advance(len(pcm), self._sample_rate_hz)
        self._pending = np.concatenate((self._pending, pcm)) if len(self._pending) else pcm
        while len(self._pending) >= self._window_samples:
            window = self._pending[: self._window_samples]
            self._pending = self._pending[self._window_samples :]
            await self._take_window(window)

    async def _hear_last_words(self) -> None:
        """The stream is over: what was said right before goes ahead of its `stop`."""
        if self._has_stopped:
            return
        self._has_stopped = True
        await self._act_on(self._policy.finish())
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._utterances.join()
        except TimeoutError:
            logger.warning("the caller's last words were not recognised in time")

    async def _take_window(self, window: Pcm) -> None:
        if not self._listen.speech:
            self._forget()
            await self._act_on(self._policy.skip(WINDOW_MS))
            return
        self._kept.append(window)
        try:
            probability = await self._probability(window)
        except SpeechError as error:
            # Without an answer the window counts as silence: the call goes on by keys.
            logger.warning("voice activity detection failed: {}", error)
            probability = 0.0
        await self._act_on(self._policy.window(probability))
        if not self._turn_is_open:
            self._keep_last(self._policy.thresholds.idle_margin_ms)

    async def _act_on(self, events: tuple[TurnEvent, ...]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    self._turn_is_open = True
                case SpeechSustained(start_ms, at_ms):
                    await self.push_frame(SpeechSustainedFrame(start_ms=start_ms, at_ms=at_ms))
                case TurnEnded():
                    self._turn_is_open = False
                    self._utterances.put_nowait(self._cut(event))
                case NoInput(at_ms):
                    await self._push_no_input(at_ms)

    async def _push_no_input(self, at_ms: int) -> None:
        if self._utterances.empty() and not self._turn_is_open:
            await self.push_frame(NoInputFrame(at_ms=at_ms))

    def _cut(self, turn: TurnEnded) -> _Utterance:
        audio = np.concatenate(self._kept)
        first_ms = max(turn.start_ms - self._policy.thresholds.idle_margin_ms, self._kept_from_ms)
        first = (first_ms - self._kept_from_ms) * self._sample_rate_hz // 1000
        last_ms = turn.end_ms + KEPT_AFTER_SPEECH_MS
        last = (last_ms - self._kept_from_ms) * self._sample_rate_hz // 1000
        return _Utterance(
            audio[first:last],
            self._listen.language,
            self._listen.hints,
            turn.start_ms,
            turn.end_ms,
            self._clock.now_ms(),
        )

    def _keep_last(self, duration_ms: int) -> None:
        surplus = len(self._kept) - (duration_ms + WINDOW_MS - 1) // WINDOW_MS
        if surplus > 0:
            del self._kept[:surplus]
        self._kept_from_ms = self._policy.now_ms - len(self._kept) * WINDOW_MS

    def _forget(self) -> None:
        self._turn_is_open = False
        self._kept.clear()
        self._kept_from_ms = self._policy.now_ms + WINDOW_MS

    async def _decode_utterances(self) -> None:
        while True:
            utterance = await self._utterances.get()
            try:
                await self._decode(utterance, self.push_frame)
            finally:
                self._utterances.task_done()

    async def _decode(
        self, utterance: _Utterance, push: Callable[[Frame], Awaitable[None]]
    ) -> None:
        recognizer = self._recognizer_for(utterance.language)
        if recognizer is None:
            return
        try:
            stream = recognizer.open(
                language=utterance.language,
                sample_rate_hz=self._sample_rate_hz,
                hints=utterance.hints,
            )
            stream.feed(utterance.pcm)
            transcript = await stream.finish()
        except (SpeechError, ValueError, RuntimeError, MemoryError) as error:
            # Recognisers promise SpeechError; the others are what engines break their word with,
            # and the caller's next turn must find an ear.
            logger.error("{} could not recognise an utterance: {!r}", recognizer.name, error)
            await push(HearingFailedFrame(reason=str(error) or type(error).__name__))
            return
        await push(
            UtteranceHeardFrame(
                text=transcript.text,
                language=transcript.language,
                confidence=transcript.confidence,
                start_ms=utterance.start_ms,
                end_ms=utterance.end_ms,
                decided_ms=utterance.decided_ms,
                transcript_ms=self._clock.now_ms(),
            )
        )
