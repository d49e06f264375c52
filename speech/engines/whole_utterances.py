"""A recognition stream over a peer that is sent whole utterances and answers with their words.

As `speech/segmented.py`, but what decodes is on the network: it costs no worker of the pool, it
costs money or another's time, and it may hang. So partials are only asked for where that is
allowed, one at a time, and silence is never sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from loguru import logger

from speech.errors import DeadlineExceeded, EngineBusy, EngineFailed
from speech.silence import levels_db
from speech.stt import Pcm, Transcript, Word

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
        if not 4_000 <= sample_rate_hz <= 192_000:
            raise ValueError(f"sample_rate_hz must be 4000..192000, not {sample_rate_hz}")
        self._ask = ask
        self._language = language
        self._rate_hz = sample_rate_hz
        self._deadline_s = deadline_s
        self._partial_samples = partial_every_ms * sample_rate_hz // 1000
        self._max_samples = int(max_audio_s * sample_rate_hz)
        self._chunks: list[Pcm] = []
        self._samples = 0
        self._asked_samples = 0  # of the last request
        self._overflowed = False
        self._closed = False
        self._requests: set[asyncio.Task[Heard]] = set()
        self._last: tuple[int, Heard] | None = None  # samples sent, and what they were

    def feed(self, pcm: Pcm) -> None:
        """Keep a copy of `pcm`, int16 mono of any length at the stream's rate.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
            EngineFailed: the stream is closed.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"feed int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
        self._check_open()
        room = self._max_samples - self._samples
        if len(pcm) > room:
            if not self._overflowed:
                limit_s = self._max_samples // self._rate_hz
                logger.warning("An utterance longer than {} s: the rest is not heard", limit_s)
            self._overflowed = True
            pcm = pcm[:room]
        if len(pcm):
            self._chunks.append(pcm.copy())  # the caller may reuse its buffer
            self._samples += len(pcm)

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
            self._chunks.clear()

    def cancel(self) -> None:
        """Close the stream; a pending `partial` or `finish` raises CancelledError."""
        self._closed = True
        self._cancel_requests()
        self._chunks.clear()

    def _is_due(self) -> bool:
        new_samples = self._samples - self._asked_samples
        return not self._requests and 0 < self._partial_samples <= new_samples

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    def _cancel_requests(self) -> None:
        for request in tuple(self._requests):
            request.cancel()

    async def _heard(self) -> tuple[int, Heard]:
        samples = self._samples
        if self._last is not None and self._last[0] == samples:
            return self._last
        utterance = np.concatenate(self._chunks) if self._chunks else np.empty(0, np.int16)
        self._chunks = [utterance] if samples else []  # so that the next copy is cheap
        if is_silent(utterance, self._rate_hz):
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
                return await self._ask(utterance, self._rate_hz)
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
            audio_ms=samples * 1000 // self._rate_hz,
            words=heard.words,
        )


def is_silent(pcm: Pcm, sample_rate_hz: int) -> bool:
    """Whether there is nothing in it to be heard: it is too short, or never louder than a line."""
    if len(pcm) < sample_rate_hz * _SHORTEST_MS // 1000:
        return True
    levels = levels_db(pcm.astype(np.float32) * np.float32(1 / 32768), sample_rate_hz)
    return bool(levels.max() <= _SILENT_DB)
