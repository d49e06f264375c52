"""The caller's audio in, turns and their words out.

Audio ends here: it is cut into windows, and each window's probability of speech drives the turn
policy. The words are decoded while the caller speaks, whenever the policy asks for them; what the
flow thinks of them goes back to the policy, which ends the turn. All model work runs in the pool,
and no frame waits for it. A call's decodes run one after the other, so words come in the order
they were said; only a partial is given up for them.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import numpy as np
from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InputTransportMessageFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor, FrameProcessorSetup

from processors.call_clock import CallClock
from processors.detectors import EndOfTurn, Listened, VoiceActivity
from processors.frames import (
    CallerVoiceFrame,
    HearingFailedFrame,
    ListenFrame,
    NoInputFrame,
    SpeechSustainedFrame,
    UtteranceHeardFrame,
)
from processors.hearing_work import FinishedTurn, WordsSoFar
from processors.kept_audio import KeptAudio
from processors.turn_taking import (
    MelodyWanted,
    NoInput,
    SpeechStarted,
    SpeechSustained,
    TurnEnded,
    TurnEvent,
    TurnPolicy,
    VoiceChanged,
    WordsWanted,
)
from processors.turn_thresholds import WINDOW_MS
from processors.utterance import Ear, Utterance
from speech.errors import ENGINE_FAILURES, DeadlineExceeded, SpeechError
from speech.loudness import SILENT_DB
from speech.stt import Pcm, Recognizer

LAST_WORDS_S = 1.0
"""How long the end of the stream waits for the words said right before it. A sentence takes the
recogniser a few tenths of that; shorter loses "confirmed, bye", longer only delays the record."""

ENDED_TURN = "ended_turn"
"""In the metadata of a key that ended a spoken number: it is no answer of its own."""


class Hearing(FrameProcessor):
    """`InputAudioRawFrame` in; `UtterancePartialFrame`, `UtteranceHeardFrame`,
    `SpeechSustainedFrame`, `NoInputFrame` out. Obeys `ListenFrame` from downstream; others pass.
    """

    def __init__(
        self,
        *,
        voice_activity: VoiceActivity,
        recognizer_for: Callable[[str], Recognizer | None],
        clock: CallClock,
        sample_rate_hz: int,
        policy: TurnPolicy | None = None,
        end_of_turn: EndOfTurn | None = None,
    ) -> None:
        """`recognizer_for` gives the ear of a language (ISO 639-1), None where there is none;
        `end_of_turn` is asked in free speech."""
        super().__init__()
        self._voice_activity = voice_activity
        self._recognizer_for = recognizer_for
        self._clock = clock
        self._sample_rate_hz = sample_rate_hz
        self._policy = policy or TurnPolicy()
        self._end_of_turn = end_of_turn
        self._window_samples = sample_rate_hz * WINDOW_MS // 1000
        self._pending = np.zeros(0, np.int16)
        self._kept = KeptAudio()
        self._turn_is_open = False
        self._utterance: Utterance | None = None  # of the open turn, where it can be recognised
        self._last: Utterance | None = None  # of the turn before
        self._ending_key: InputDTMFFrame | None = None
        self._has_stopped = False
        self._hangs = False  # voice activity does: nothing waits for it any more
        self._listen = ListenFrame(language="", speech=False)
        self._work: asyncio.Queue[WordsSoFar | FinishedTurn] = asyncio.Queue()
        self._decoder: asyncio.Task[None] | None = None
        self._partial: asyncio.Task[None] | None = None

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Start the task that decodes."""
        await super().setup(setup)
        self._decoder = self.create_task(self._decode())

    async def cleanup(self) -> None:
        """End the tasks that decode, and the utterances that nobody hears to their end."""
        await super().cleanup()
        await self._give_up_partial()
        if self._decoder:
            await self.cancel_task(self._decoder)
            self._decoder = None
        while not self._work.empty():
            self._work.get_nowait().utterance.cancel()
        if self._utterance is not None:
            self._utterance.cancel()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See the class."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._take_audio(np.frombuffer(frame.audio, np.int16))
        elif isinstance(frame, ListenFrame):
            self._expect(frame)
        elif isinstance(frame, InputDTMFFrame) and await self._ends_turn(frame):
            pass  # it follows the words that it ended
        else:
            if isinstance(frame, BotStartedSpeakingFrame | BotStoppedSpeakingFrame):
                self._policy.bot_speaks = isinstance(frame, BotStartedSpeakingFrame)
            elif isinstance(frame, InputTransportMessageFrame):
                await self._take_message(frame)
            await self.push_frame(frame, direction)

    def _expect(self, frame: ListenFrame) -> None:
        self._listen = frame
        self._policy.expect(frame.timeout_ms)
        self._policy.is_free_speech = frame.is_free_speech
        if self._utterance and (ear := self._ear()):
            self._utterance.listen_with(ear)

    async def _ends_turn(self, frame: InputDTMFFrame) -> bool:
        if frame.button.value != self._listen.finish_key or self._utterance is None:
            return False
        self._ending_key = frame
        await self._act_on(self._policy.finish())
        return True

    async def _take_audio(self, pcm: Pcm) -> None:
        self._clock.advance(len(pcm), self._sample_rate_hz)
        self._pending = np.concatenate((self._pending, pcm)) if len(self._pending) else pcm
        while len(self._pending) >= self._window_samples:
            window = self._pending[: self._window_samples]
            self._pending = self._pending[self._window_samples :]
            await self._take_window(window)

    async def _take_message(self, frame: InputTransportMessageFrame) -> None:
        """The stream is over: what was said right before goes ahead of its `stop`."""
        if self._has_stopped or frame.message.get("event") != "stop":
            return
        self._has_stopped = True
        await self._act_on(self._policy.finish())
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._work.join()
        except TimeoutError:
            logger.warning("the caller's last words were not recognised in time")

    async def _take_window(self, window: Pcm) -> None:
        if self._hangs or not self._listen.speech:
            with suppress(SpeechError):
                if not self._hangs:
                    await self._voice_activity.pass_over(window)
            self._forget()
            await self._act_on(self._policy.skip(WINDOW_MS))
            return
        try:
            listened = await self._voice_activity(window)
        except SpeechError as error:
            logger.warning("a window counts as silence, its voice isn't known: {}", error)
            listened = Listened(0.0, SILENT_DB, window)
            if isinstance(error, DeadlineExceeded):  # the call goes on by keys
                self._hangs = True
                await self.push_frame(HearingFailedFrame(reason=str(error)))
        self._kept.add(listened.pcm)
        await self._act_on(self._policy.window(listened.probability, listened.level_db))
        if self._turn_is_open:
            self._hand_on_audio(self._policy.last_voice_ms)
        else:
            self._kept.keep_last(self._policy.thresholds.idle_margin_ms, self._policy.now_ms)

    async def _act_on(self, events: tuple[TurnEvent, ...]) -> None:
        for event in events:
            match event:
                case SpeechStarted(at_ms):
                    self._open_turn(at_ms)
                case VoiceChanged(is_heard, at_ms, is_turn):
                    silent_ms = 0 if is_heard else self._policy.thresholds.words_silence_ms
                    await self.push_frame(CallerVoiceFrame(is_heard, at_ms, silent_ms, is_turn))
                case SpeechSustained(start_ms, at_ms):
                    await self.push_frame(SpeechSustainedFrame(start_ms=start_ms, at_ms=at_ms))
                case WordsWanted():
                    await self._want_words(is_urgent=event.is_urgent)
                case MelodyWanted():
                    if self._end_of_turn and (utterance := self._utterance):
                        self._ask_in_passing(self._learn_melody(self._end_of_turn, utterance))
                case TurnEnded():
                    await self._end_turn(event)
                case NoInput(at_ms):
                    if self._work.empty() and not self._turn_is_open:
                        await self.push_frame(NoInputFrame(at_ms=at_ms))

    # A turn

    def _ear(self) -> Ear | None:
        listen = self._listen
        recognizer = self._recognizer_for(listen.language)
        if recognizer is None:
            return None
        return Ear(
            recognizer,
            listen.language,
            self._sample_rate_hz,
            listen.hints,
            listen.expectation,
            listen.other_languages,
        )

    def _open_turn(self, start_ms: int) -> None:
        self._turn_is_open = True
        last, self._last = self._last, None
        before = last if last and last.may_go_on_at(start_ms) else None
        ear = self._ear()
        if ear is not None:
            first_ms = self._kept.from_ms
            self._utterance = Utterance(ear, first_ms=first_ms, start_ms=start_ms, before=before)

    def _hand_on_audio(self, voice_end_ms: int) -> None:
        """To the utterance, up to a little behind its last voice: the silence may be the end."""
        through_ms = voice_end_ms + self._policy.thresholds.words_silence_ms
        windows = self._kept.take(through_ms)
        if self._utterance is not None:
            self._utterance.take(windows)

    async def _want_words(self, *, is_urgent: bool) -> None:
        utterance = self._utterance
        if utterance is None:
            return
        self._hand_on_audio(self._policy.last_voice_ms)
        if is_urgent:
            await self._give_up_partial()
            self._work.put_nowait(WordsSoFar(utterance))
        elif self._work.empty():
            self._ask_in_passing(self._learn(utterance, is_urgent=False))

    async def _end_turn(self, ended: TurnEnded) -> None:
        self._hand_on_audio(ended.end_ms)
        utterance, self._utterance = self._utterance, None
        key, self._ending_key = self._ending_key, None
        self._turn_is_open = False
        if utterance is None:
            return
        utterance.is_over, utterance.end_ms = True, ended.end_ms
        self._last = None if key else utterance
        await self._give_up_partial()
        self._work.put_nowait(FinishedTurn(utterance, ended, self._clock.now_ms(), key))

    async def _give_up_partial(self) -> None:
        partial = self._partial
        if partial is not None and partial is not asyncio.current_task():
            self._partial = None
            await self.cancel_task(partial)

    def _forget(self) -> None:
        self._turn_is_open, self._last = False, None
        if self._utterance is not None:
            self._utterance.is_over = True
            self._utterance = None
        self._kept.clear(self._policy.now_ms + WINDOW_MS)

    # Its words

    def _ask_in_passing(self, question: Coroutine[object, object, None]) -> None:
        """At most one question whose answer may be given up."""
        if self._partial is None or self._partial.done():
            self._partial = self.create_task(question)
        else:
            question.close()

    async def _learn_melody(self, end_of_turn: EndOfTurn, utterance: Utterance) -> None:
        through_ms = self._policy.now_ms
        finished = await utterance.sounds_finished(end_of_turn, silence=self._kept.all())
        if finished is not None and utterance is self._utterance:
            await self._act_on(self._policy.sounded(finished, through_ms))

    async def _decode(self) -> None:
        while True:
            work = await self._work.get()
            try:
                if isinstance(work, FinishedTurn):
                    await self._tell(work)
                elif not work.utterance.is_over and self._work.empty():
                    await self._learn(work.utterance, is_urgent=True)
            except ENGINE_FAILURES as error:  # what the words are worth could not be told
                logger.exception("hearing broke")
                await self.push_frame(HearingFailedFrame(reason=repr(error)))
            finally:
                self._work.task_done()

    async def _learn(self, utterance: Utterance, *, is_urgent: bool) -> None:
        """What was said so far, and what the flow thinks of it."""
        try:
            transcript = await utterance.words(is_urgent=is_urgent)
        except ENGINE_FAILURES as error:
            if is_urgent:  # asked again, and reported, when the turn ends
                logger.warning("what was said so far could not be recognised: {!r}", error)
                await self._act_on(self._policy.judged("other", self._policy.now_ms))
            return
        if utterance is not self._utterance:
            return
        partial = utterance.partial_frame(transcript)
        await self.push_frame(partial)
        await self._act_on(self._policy.judged(partial.verdict, partial.through_ms))

    async def _tell(self, turn: FinishedTurn) -> None:
        utterance = turn.utterance
        try:
            said = await utterance.finish()
        except ENGINE_FAILURES as error:
            logger.error("an utterance could not be recognised: {!r}", error)
            await self.push_frame(HearingFailedFrame(reason=str(error) or type(error).__name__))
            said = None
        if said is not None:
            heard = UtteranceHeardFrame(
                text=said.alone.text,
                language=said.alone.language,
                confidence=said.alone.confidence,
                start_ms=turn.ended.start_ms,
                end_ms=turn.ended.end_ms,
                decided_ms=turn.decided_ms,
                transcript_ms=self._clock.now_ms(),
                whole=said.whole,
                whole_from_ms=utterance.whole_from_ms,
            )
            await self.push_frame(heard)
        if turn.key is not None:
            turn.key.metadata[ENDED_TURN] = said is not None and bool(said.alone.text)
            await self.push_frame(turn.key)
