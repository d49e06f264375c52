"""One utterance on its way through a Pipecat service that hears.

Audio goes to the service when words are wanted. It says of each of its answers up to where in its
audio that one goes (`HeardThroughFrame`), so it is known when the last word has come.
"""

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pipecat.frames.frames import (
    DataFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from processors.service_line import ServiceLine, ServiceLines
from speech.engines.whole_utterances import is_silent
from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed
from speech.stt import Pcm, Transcript, Word

_CHUNK_MS = 100  # of one message
_NEARLY_ALL_S = 0.1  # an answer that goes so far goes to the end: services count in frames
_MAX_AUDIO_S = 120.0


@dataclass
class HeardThroughFrame(DataFrame):
    """A service has answered, perhaps without words."""

    through_s: float  # of all audio that its connection was sent
    is_final: bool  # words up to there will not change
    is_last: bool  # the answer to a request for all words


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of one answer."""

    text: str
    confidence: float  # 0..1
    language: str | None  # ISO 639-1, where the service tells
    words: tuple[Word, ...]  # times of all audio that the connection was sent


Read = Callable[[Frame], Heard]
"""From a (Interim)TranscriptionFrame to its words."""

MakeLine = Callable[[str, int], ServiceLine]
"""From a language (ISO 639-1) and a rate in Hz to a line with such a service, not started. It
pushes HeardThroughFrame."""


class PipecatStream:
    """One utterance. Implements `speech.stt.RecognitionStream`."""

    def __init__(
        self,
        *,
        lines: ServiceLines,
        make: MakeLine,
        read: Read,
        language: str,
        sample_rate_hz: int,
        timeout_s: float,
    ) -> None:
        self._lines = lines
        self._make = make
        self._read = read
        self._language = language
        self._rate_hz = sample_rate_hz
        self._timeout_s = timeout_s
        self._audio: list[Pcm] = []  # not yet sent
        self._samples = 0  # of the utterance, sent or not
        self._line: ServiceLine | None = None
        self._forgotten: weakref.finalize[[], PipecatStream] | None = None  # drops the line
        self._first_sample = 0  # of the utterance, on the line
        self._final: list[Heard] = []
        self._interim: Heard | None = None
        self._through_s = 0.0  # on the line
        self._owed = 0  # answers to a request for all words
        self._whole: tuple[int, Transcript] | None = None  # samples, and all their words
        self._asking = asyncio.Lock()
        self._waiters: set[asyncio.Task[Transcript]] = set()
        self._is_speaking = False  # as far as the service was told
        self._closed = False

    def feed(self, pcm: Pcm) -> None:
        """Keep a copy of `pcm`, int16 mono of any length at the stream's rate.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
            EngineFailed: the stream is closed.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"feed int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
        self._check_open()
        pcm = pcm[: max(0, int(_MAX_AUDIO_S * self._rate_hz) - self._samples)]
        if len(pcm):
            self._audio.append(pcm.copy())
            self._samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """The words that the service has told so far; urgent: all that were said.

        Raises:
            EngineBusy: it isn't urgent, and the service has told nothing yet.
        """
        self._check_open()
        return await self._awaited(self._all(is_final=False) if is_urgent else self._so_far())

    async def finish(self) -> Transcript:
        """Every word; pending partials are cancelled. The connection is free afterwards."""
        self._check_open()
        self._closed = True
        self._cancel_waiters()
        try:
            transcript = await self._awaited(self._all(is_final=True))
        except BaseException:
            self._leave(is_well=False)
            raise
        self._leave(is_well=True)
        return transcript

    def cancel(self) -> None:
        """Close the stream; its connection still owes words, so it is dropped."""
        self._closed = True
        self._cancel_waiters()
        self._leave(is_well=False)

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    def _cancel_waiters(self) -> None:
        for waiter in tuple(self._waiters):
            waiter.cancel()

    def _leave(self, *, is_well: bool) -> None:
        line, self._line = self._line, None
        self._audio.clear()
        if self._forgotten is not None:
            self._forgotten.detach()
        if line is not None and is_well:
            self._lines.give_back((self._language, self._rate_hz), line)
        elif line is not None:
            self._lines.drop(line)

    async def _awaited(self, work: Coroutine[Any, Any, Transcript]) -> Transcript:
        """In a task, because `cancel` and `finish` must be able to end it; this one awaits it."""
        task = asyncio.ensure_future(self._in_time(work))
        self._waiters.add(task)
        task.add_done_callback(self._waiters.discard)
        return await task

    async def _in_time(self, work: Coroutine[Any, Any, Transcript]) -> Transcript:
        try:
            async with asyncio.timeout(self._timeout_s), self._asking:
                return await work
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no words within {self._timeout_s:g} s (option timeout_s)"
            ) from error
        finally:
            work.close()

    async def _so_far(self) -> Transcript:
        line = await self._sent()
        if line is None:
            raise EngineBusy("nothing was said yet")
        while line.has_more:
            self._take(await line.next())
        if not self._final and self._interim is None:
            raise EngineBusy("the service has not told any words yet")
        return self._transcript(is_final=False)

    async def _all(self, *, is_final: bool) -> Transcript:
        if self._whole is not None and self._whole[0] == self._samples:
            return replace(self._whole[1], is_final=is_final)
        line = await self._sent()
        if line is not None:
            await line.send(VADUserStoppedSpeakingFrame())
            self._owed += 1
            self._is_speaking = False
            while not self._take(await line.next()):
                pass
            self._through_s = line.sent_samples / self._rate_hz
        transcript = self._transcript(is_final=is_final)
        self._whole = (self._samples, transcript)
        return transcript

    async def _sent(self) -> ServiceLine | None:
        """The line, which has all the audio; None as long as that is silence."""
        pending = np.concatenate(self._audio) if self._audio else np.empty(0, np.int16)
        if self._line is None:
            if is_silent(pending, self._rate_hz):
                return None
            kind = (self._language, self._rate_hz)
            line = self._line = await self._lines.take(kind, lambda: self._make(*kind))
            self._forgotten = weakref.finalize(self, _in_this_loop(self._lines.drop, line))
            self._forgotten.atexit = False
            self._first_sample = line.sent_samples
        line = self._line
        self._audio.clear()
        if len(pending) and not self._is_speaking:
            self._is_speaking = True
            await line.send(VADUserStartedSpeakingFrame())
        step = self._rate_hz * _CHUNK_MS // 1000
        line.sent_samples += len(pending)
        await line.send(
            *(
                InputAudioRawFrame(
                    audio=pending[at : at + step].astype("<i2").tobytes(),
                    sample_rate=self._rate_hz,
                    num_channels=1,
                )
                for at in range(0, len(pending), step)
            )
        )
        return line

    def _take(self, frame: Frame) -> bool:
        """Whether it was the last of what the service has to say of the audio sent."""
        if isinstance(frame, InterimTranscriptionFrame):
            self._interim = self._read(frame)
        elif isinstance(frame, TranscriptionFrame):
            self._final.append(self._read(frame))
            self._interim = None
        elif isinstance(frame, HeardThroughFrame):
            self._through_s = max(self._through_s, frame.through_s)
            if frame.is_last:
                self._owed -= 1
                return self._owed == 0
            line = self._line
            sent_s = line.sent_samples / self._rate_hz if line is not None else 0.0
            return frame.is_final and frame.through_s >= sent_s - _NEARLY_ALL_S
        return False

    def _transcript(self, *, is_final: bool) -> Transcript:
        first_ms = self._first_sample * 1000 // self._rate_hz
        heard = [*self._final, *([self._interim] if self._interim else [])]
        told = [one for one in heard if one.text.strip()]
        weights = [len(one.text.split()) for one in told]
        weighed = sum(one.confidence * n for one, n in zip(told, weights, strict=True))
        languages = [one.language for one in told if one.language]
        fed_ms = self._samples * 1000 // self._rate_hz
        through_ms = round(self._through_s * 1000) - first_ms
        return Transcript(
            text=" ".join(one.text.strip() for one in told),
            language=languages[0] if languages else self._language,
            confidence=weighed / sum(weights) if told else 0.0,
            is_final=is_final,
            audio_ms=fed_ms if is_final or self._line is None else min(max(through_ms, 0), fed_ms),
            words=tuple(
                replace(word, start_ms=word.start_ms - first_ms, end_ms=word.end_ms - first_ms)
                for one in told
                for word in one.words
            ),
        )


def _in_this_loop(drop: Callable[[ServiceLine], None], line: ServiceLine) -> Callable[[], object]:
    """Drops a line in the loop that runs now: a stream may be forgotten in any thread."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(drop, line)

    return end
