"""A recognition stream over an engine that decodes whole segments.

The stream keeps the utterance in memory and hands a copy to the engine's decode function in the
pool, for a partial or for the final transcript. Feeding it costs an append: the resampling to the
model's rate is the decode function's, once a decode.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from speech.errors import EngineBusy, EngineFailed
from speech.pool import EnginePool, Priority
from speech.stt import Pcm, Transcript, Word
from speech.utterance_buffer import UtteranceBuffer, check_pcm


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decode function made of a segment."""

    text: str  # "" when no words were found
    confidence: float  # 0..1
    words: tuple[Word, ...] = ()


Decode = Callable[[Pcm, int], Decoded]
"""From a segment, int16 mono, and its rate in Hz to its words. Runs in a pool's thread, several
at once; raises only `SpeechError`."""


class SegmentedStream:
    """One utterance: a buffer, and jobs in the pool. Implements `speech.stt.RecognitionStream`."""

    def __init__(
        self,
        *,
        pool: EnginePool,
        decode: Decode,
        language: str,
        sample_rate_hz: int,
        deadline_s: float = 30.0,
        max_audio_s: float = 120.0,
    ) -> None:
        """Open the stream.

        Args:
            pool: where `decode` runs.
            decode: the engine.
            language: ISO 639-1, handed through to the transcripts.
            sample_rate_hz: the rate of the audio that `feed` takes.
            deadline_s: after which `partial` and `finish` raise DeadlineExceeded.
            max_audio_s: audio beyond this is dropped, with a warning: it bounds the memory
                (16 kB a second at 8 kHz) and the time that one decode occupies a worker.
        """
        self._pool = pool
        self._decode = decode
        self._language = language
        self._audio = UtteranceBuffer(sample_rate_hz=sample_rate_hz, max_audio_s=max_audio_s)
        self._deadline_s = deadline_s
        self._closed = False
        self._jobs: set[asyncio.Future[Decoded]] = set()
        self._last: tuple[int, Decoded] | None = None  # samples decoded, and what they were

    def feed(self, pcm: Pcm) -> None:
        """Keep a copy of `pcm`, int16 mono of any length at the stream's rate.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
            EngineFailed: the stream is closed.
        """
        check_pcm(pcm)
        self._check_open()
        self._audio.feed(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """Decode what was fed so far. Costs nothing when nothing came since the last one.

        Raises:
            EngineBusy: others wait for a worker, and this may be left out.
        """
        self._check_open()
        if not is_urgent and self._pool.is_busy:
            raise EngineBusy("no partial transcript while other work waits")
        priority = Priority.FINAL if is_urgent else Priority.PARTIAL
        return self._transcript(await self._decoded(priority), is_final=False)

    async def finish(self) -> Transcript:
        """Decode the whole utterance and close the stream; pending partials are cancelled."""
        self._check_open()
        self._closed = True
        self._cancel_jobs()
        try:
            return self._transcript(await self._decoded(Priority.FINAL), is_final=True)
        finally:
            self._audio.clear()

    def cancel(self) -> None:
        """Close the stream; a pending `partial` or `finish` raises CancelledError."""
        self._closed = True
        self._cancel_jobs()
        self._audio.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    def _cancel_jobs(self) -> None:
        for job in tuple(self._jobs):
            job.cancel()

    async def _decoded(self, priority: Priority) -> tuple[int, Decoded]:
        samples = self._audio.samples
        if self._last is not None and self._last[0] == samples:
            return self._last
        segment = self._audio.whole()
        job = self._pool.submit(self._decode, segment, self._audio.rate_hz, priority=priority)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        decoded = await self._pool.wait(job, self._deadline_s)
        if self._last is None or self._last[0] < samples:
            self._last = (samples, decoded)
        return samples, decoded

    def _transcript(self, made: tuple[int, Decoded], *, is_final: bool) -> Transcript:
        samples, decoded = made
        return Transcript(
            text=decoded.text,
            language=self._language,
            confidence=decoded.confidence,
            is_final=is_final,
            audio_ms=samples * 1000 // self._audio.rate_hz,
            words=decoded.words,
        )
