"""A recognition stream over a peer that is sent whole utterances and answers with their words.

As `speech/segmented.py`, but what decodes is on the network: it costs no worker of the pool, it
costs money or another's time, and it may hang. So partials are only asked for where that is
allowed, one at a time, and silence is never sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed
from speech.silence import levels_db
from speech.stt import Pcm, Transcript, Word
from speech.utterance_buffer import UtteranceBuffer, check_pcm

_SHORTEST_MS = 100
"""OpenAI refuses less; it is a click or a breath anyway."""

_SILENT_DB = -60.0
"""The loudest 10 ms up to which a piece of audio has nothing in it: the noise of a quiet telephone
line. Whisper makes "Thank you." of it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the peer made of an utterance."""

    text: str  # "" when no words were found
    language: str  # ISO 639-1
    confidence: float  # 0..1
    words: tuple[Word, ...] = ()


Ask = Callable[[Pcm, int], Awaitable[Heard]]
"""From an utterance, int16 mono, and its rate in Hz to its words; raises only `SpeechError`."""


class WholeUtteranceStream:
    """One utterance: a buffer, and requests. Implements `speech.stt.RecognitionStream`."""

    def __init__(
        self,
        *,
        ask: Ask,
        language: str,
        sample_rate_hz: int,
        deadline_s: float,
        partial_every_ms: int = 0,
        max_audio_s: float = 120.0,
    ) -> None:
        """Open the stream.

        Args:
            ask: sends an utterance to the peer.
            language: ISO 639-1, of the transcript of silence.
            sample_rate_hz: the rate of the audio that `feed` takes.
            deadline_s: after which `partial` and `finish` raise DeadlineExceeded.
            partial_every_ms: how much new audio a partial that isn't urgent needs; 0: none is made.
            max_audio_s: audio beyond this is dropped, with a warning.
        """
        self._ask = ask
        self._language = language
        self._audio = UtteranceBuffer(sample_rate_hz=sample_rate_hz, max_audio_s=max_audio_s)
        self._deadline_s = deadline_s
        self._partial_samples = partial_every_ms * sample_rate_hz // 1000
        self._asked_samples = 0  # of the last request
        self._closed = False
        self._requests: set[asyncio.Task[Heard]] = set()
        self._last: tuple[int, Heard] | None = None  # samples sent, and what they were

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
        """The words so far. Costs nothing when nothing came since the last one.

        Raises:
            EngineBusy: it isn't urgent, and partials are off, or too little came since the last.
        """
        self._check_open()
        if not is_urgent and not self._is_due():
            raise EngineBusy("no partial transcript now (option partial_every_ms)")
        return self._transcript(await self._heard(), is_final=False)

    async def finish(self) -> Transcript:
        """The words of the whole utterance; pending partials are cancelled."""
        self._check_open()
        self._closed = True
        self._cancel_requests()
        try:
            return self._transcript(await self._heard(), is_final=True)
        finally:
            self._audio.clear()

    def cancel(self) -> None:
        """Close the stream; a pending `partial` or `finish` raises CancelledError."""
        self._closed = True
        self._cancel_requests()
        self._audio.clear()

    def _is_due(self) -> bool:
        new_samples = self._audio.samples - self._asked_samples
        return not self._requests and 0 < self._partial_samples <= new_samples

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    def _cancel_requests(self) -> None:
        for request in tuple(self._requests):
            request.cancel()

    async def _heard(self) -> tuple[int, Heard]:
        samples = self._audio.samples
        if self._last is not None and self._last[0] == samples:
            return self._last
        utterance = self._audio.whole()
        if is_silent(utterance, self._audio.rate_hz):
            return samples, Heard("", self._language, 0.0)
        self._asked_samples = samples
        # A task, because `cancel` and `finish` must be able to end it; this one awaits its end.
        request = asyncio.ensure_future(self._asked(utterance))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        heard = await request
        if self._last is None or self._last[0] < samples:
            self._last = (samples, heard)
        return samples, heard

    async def _asked(self, utterance: Pcm) -> Heard:
        limit = asyncio.timeout(self._deadline_s)
        try:
            async with limit:
                return await self._ask(utterance, self._audio.rate_hz)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                f"no words within {self._deadline_s:g} s (option timeout_s)"
            ) from error

    def _transcript(self, made: tuple[int, Heard], *, is_final: bool) -> Transcript:
        samples, heard = made
        return Transcript(
            text=heard.text,
            language=heard.language,
            confidence=heard.confidence,
            is_final=is_final,
            audio_ms=samples * 1000 // self._audio.rate_hz,
            words=heard.words,
        )


def is_silent(pcm: Pcm, sample_rate_hz: int) -> bool:
    """Whether there is nothing in it to be heard: it is too short, or never louder than a line."""
    if len(pcm) < sample_rate_hz * _SHORTEST_MS // 1000:
        return True
    levels = levels_db(pcm.astype(np.float32) * np.float32(1 / 32768), sample_rate_hz)
    return bool(levels.max() <= _SILENT_DB)
