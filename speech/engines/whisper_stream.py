"""One utterance on its way through Whisper: its audio, what was decoded of it, and its words.

Feeding costs an append. Words are asked for in two qualities: in passing (greedy, one try, given up
where others wait) and for good (beams, tries at doubtful words, word times).
"""

import asyncio
from dataclasses import dataclass, replace

from speech.engines.whisper_tries import Ear, Heard, Prepared, Tries, Work, joined, prepared
from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed
from speech.pool import Priority
from speech.stt import Pcm, Transcript
from speech.utterance_buffer import UtteranceBuffer, check_pcm


@dataclass(frozen=True, slots=True)
class _Last:
    """What was decoded last."""

    samples: int  # of the utterance
    is_for_good: bool
    transcript: Transcript


class WhisperStream:
    """Implements `speech.stt.RecognitionStream`."""

    def __init__(self, ear: Ear, *, deadline_s: float = 30.0, max_audio_s: float = 120.0) -> None:
        """Open the stream.

        Args:
            ear: the network, and what this utterance is expected to be.
            deadline_s: after which `partial` and `finish` raise DeadlineExceeded.
            max_audio_s: audio beyond this is dropped, with a warning: it bounds the memory
                (16 kB a second at 8 kHz) and the time that it occupies the network.
        """
        self._ear = ear
        self._deadline_s = deadline_s
        self._audio = UtteranceBuffer(sample_rate_hz=ear.sample_rate_hz, max_audio_s=max_audio_s)
        self._every_samples = ear.options.partial_every_ms * ear.sample_rate_hz // 1000
        self._closed = False
        self._works: set[Work] = set()
        self._last: _Last | None = None
        # Parts that ended at a pause stay as they are while more is said.
        self._known: dict[tuple[tuple[int, int], bool], Heard] = {}

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
        """The words so far.

        In passing they are not decoded again before `partial_every_ms` of new sound: whoever
        compares two partials for what stays must not be given the same decode twice.

        Raises:
            EngineBusy: in passing only; others wait, or too little is new.
        """
        self._check_open()
        new = self._audio.samples - (self._last.samples if self._last else 0)
        if not is_urgent and new:
            if self._last and new < self._every_samples:
                raise EngineBusy("too little is new since the last partial transcript")
            if self._ear.pool.is_busy or self._ear.road.is_busy:
                raise EngineBusy("no partial transcript while other work waits")
        return replace(await self._words(is_for_good=is_urgent), is_final=False)

    async def finish(self) -> Transcript:
        """The words of the whole utterance; closes the stream, and cancels pending partials."""
        self._check_open()
        self._closed = True
        self._cancel_works()
        try:
            return replace(await self._words(is_for_good=True), is_final=True)
        finally:
            self._audio.clear()
            self._known.clear()

    def cancel(self) -> None:
        """Close the stream; a pending `partial` or `finish` raises CancelledError."""
        self._closed = True
        self._cancel_works()
        self._audio.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    def _cancel_works(self) -> None:
        for work in tuple(self._works):
            work.cancel()

    async def _words(self, *, is_for_good: bool) -> Transcript:
        samples, last = self._audio.samples, self._last
        if last and last.samples == samples and (last.is_for_good or not is_for_good):
            return last.transcript
        pcm = self._audio.whole()
        work = Work()
        self._works.add(work)
        limit = asyncio.timeout(self._deadline_s)
        try:
            async with limit:
                heard = await self._hear(pcm, work, is_for_good=is_for_good)
        except TimeoutError as error:
            if not limit.expired():
                raise  # the network's own
            raise DeadlineExceeded(f"no words within {self._deadline_s:g} s") from error
        finally:
            self._works.discard(work)
        transcript = Transcript(
            text=heard.text,
            language=heard.language,
            confidence=heard.confidence,
            is_final=is_for_good,
            audio_ms=samples * 1000 // self._ear.sample_rate_hz,
            words=heard.words,
        )
        if self._last is None or self._last.samples <= samples:
            self._last = _Last(samples, is_for_good, transcript)
        return transcript

    async def _hear(self, pcm: Pcm, work: Work, *, is_for_good: bool) -> Heard:
        began_s = asyncio.get_running_loop().time()
        priority = Priority.FINAL if is_for_good else Priority.PARTIAL
        ear = self._ear
        cut = await work.wait(lambda: ear.pool.submit(prepared, ear, pcm, priority=priority))
        heard = await self._hear_parts(cut, work, is_for_good, began_s)
        return joined(heard, ear.languages[0])

    async def _hear_parts(
        self, cut: Prepared, work: Work, is_for_good: bool, began_s: float
    ) -> list[Heard]:
        """What is in each part; those not known are decoded side by side."""
        heard: dict[tuple[int, int], Heard] = {}
        missing: list[Tries] = []
        spans: list[tuple[int, int]] = []
        for part in cut.parts:
            known = self._known.get((part.span, is_for_good))
            if known is not None:
                heard[part.span] = known
                continue
            spans.append(part.span)
            missing.append(
                Tries(self._ear, part, cut.prompts, is_for_good=is_for_good, began_s=began_s)
            )
        made = await _all_of(missing, work)
        for span, one in zip(spans, made, strict=True):
            heard[span] = self._known[span, is_for_good] = one
        return [heard[part.span] for part in cut.parts]


async def _all_of(tries: list[Tries], work: Work) -> list[Heard]:
    if len(tries) == 1:
        return [await tries[0].run(work)]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run(work)) for one in tries]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]
