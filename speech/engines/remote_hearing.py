"""`remote` hears: an engine of Callwright's own speech server, over its websocket.

The server has the engines, their packages and their devices; here is only the wire. A lost
connection is noticed at once, and a server that hangs at the deadline.
"""

import asyncio
import itertools
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
from loguru import logger
from pydantic import Field

from speech.engines.remote_lines import Lines
from speech.engines.remote_server import RemoteOptions, RemoteServer
from speech.engines.remote_utterance import Answer, RemoteUtterance
from speech.errors import (
    DeadlineExceeded,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    SpeechError,
)
from speech.pool import EnginePool
from speech.stt import Pcm, RecognitionStream, Transcript, Word

_LANGUAGES_BEFORE_START = ("en", "hi", "mr")

_MOST_HINTS, _HINT_CHARS = 500, 200  # the server refuses more

_MAX_AUDIO_S = 100.0
"""Audio of an utterance beyond this is dropped: the server takes 110 s of one."""


class RemoteHearingOptions(RemoteOptions):
    """What can be set for `remote` as an ear."""

    timeout_s: float = Field(
        default=4.0, gt=0, le=60, description="How long words may take before they are given up"
    )


class RemoteRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(self, pool: EnginePool, *, options: RemoteHearingOptions) -> None:
        """Set up; nothing is opened. `pool` is not used: nothing is decoded here."""
        del pool
        self._options = options
        self._server = RemoteServer(options, timeout_s=options.timeout_s)
        url = "ws" + options.base_url.removeprefix("http") + "/ws/stream"
        self._lines = Lines(url, options.headers, connect_s=options.connect_s)
        self._languages = frozenset(options.languages or _LANGUAGES_BEFORE_START)
        self._is_started = False
        self._ids = itertools.count(1)
        self._utterances: set[RemoteUtterance] = set()

    @property
    def name(self) -> str:
        return "remote"

    @property
    def languages(self) -> frozenset[str]:
        """Those of the server's model, from `start` on."""
        return self._languages

    @property
    def sample_rate_hz(self) -> int:
        return 16_000

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance, in a running loop.

        Raises:
            LanguageUnsupported: the server's model does not know `language`.
            EngineUnavailable: `start` was not called, or failed.
        """
        if language not in self._languages:
            known = ", ".join(sorted(self._languages))
            raise LanguageUnsupported(f"remote does not understand {language!r}, only {known}")
        if not self._is_started:
            raise EngineUnavailable("remote is not started: await its start() first")
        if not 4_000 <= sample_rate_hz <= 192_000:
            raise ValueError(f"sample_rate_hz must be 4000..192000, not {sample_rate_hz}")
        start = {
            "model": self._options.model,
            "language": language,
            "other_languages": list(other_languages),
            "sample_rate_hz": sample_rate_hz,
            "hints": [hint[:_HINT_CHARS] for hint in hints[:_MOST_HINTS]],
            "partial_every_ms": 0,
        }
        utterance = RemoteUtterance(
            self._lines,
            start,
            utterance_id=f"u{next(self._ids)}",
            timeout_s=self._options.timeout_s,
        )
        self._utterances.add(utterance)
        utterance.task.add_done_callback(lambda _: self._utterances.discard(utterance))
        return RemoteStream(
            utterance,
            language=language,
            sample_rate_hz=sample_rate_hz,
            deadline_s=self._options.timeout_s,
        )

    async def start(self) -> None:
        """See what the server's model knows, and open a first connection.

        Raises:
            EngineUnavailable: the server doesn't answer, or lacks the model; names the option.
        """
        known = {
            language for model in await self._server.models("hears") for language in model.languages
        }
        wanted = self._options.languages or tuple(known)
        if missing := sorted(set(wanted) - known):
            raise EngineUnavailable(
                f"the model {self._options.model!r} of {self._options.base_url} does not "
                f"understand {', '.join(missing)}, only {', '.join(sorted(known))}: "
                "set option languages or model"
            )
        try:
            await self._lines.give_back(await self._lines.take())
        except EngineUnavailable:
            raise
        except SpeechError as error:
            raise EngineUnavailable(str(error)) from error
        self._languages = frozenset(wanted)
        self._is_started = True

    async def close(self) -> None:
        """Close the connections; utterances under way fail."""
        self._is_started = False
        tasks = [utterance.task for utterance in self._utterances]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._lines.close()
        await self._server.close()


class RemoteStream:
    """One utterance. Implements `speech.stt.RecognitionStream`."""

    def __init__(
        self,
        utterance: RemoteUtterance,
        *,
        language: str,
        sample_rate_hz: int,
        deadline_s: float,
    ) -> None:
        """A stream that is forgotten without `finish` or `cancel` cancels `utterance`."""
        self._utterance = utterance
        self._language = language
        self._rate_hz = sample_rate_hz
        self._deadline_s = deadline_s
        self._samples = 0
        self._closed = False
        self._last: tuple[int, Answer] | None = None  # samples, and the words of an urgent partial
        self._end = weakref.finalize(self, _end_in_loop(utterance))
        self._end.atexit = False

    def feed(self, pcm: Pcm) -> None:
        """Send `pcm`, int16 mono of any length at the stream's rate, as soon as the line is free.

        Raises:
            TypeError: it is not a one-dimensional int16 array.
            EngineFailed: the stream is closed.
        """
        if pcm.dtype != np.int16 or pcm.ndim != 1:
            raise TypeError(f"feed int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
        self._check_open()
        room = int(_MAX_AUDIO_S * self._rate_hz) - self._samples
        if len(pcm) > room:
            if room:
                logger.warning(
                    "An utterance longer than {:g} s: the rest is not heard", _MAX_AUDIO_S
                )
            pcm = pcm[:room]
        for at in range(0, len(pcm), self._rate_hz):  # a second at once at most
            self._utterance.send(pcm[at : at + self._rate_hz].astype("<i2").tobytes())
        self._samples += len(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """The words so far. Raises EngineBusy if it isn't urgent and the server has other work."""
        self._check_open()
        samples = self._samples
        if self._last is None or self._last[0] != samples:
            answer = await self._in_time(self._utterance.partial(is_urgent=is_urgent))
            if not is_urgent:  # decoded in passing: a guess, and not what a turn is answered by
                return self._transcript(samples, answer, is_final=False)
            self._last = (samples, answer)
        return self._transcript(*self._last, is_final=False)

    async def finish(self) -> Transcript:
        """Every word; pending partials are cancelled. The connection is free afterwards."""
        self._check_open()
        self._closed = True
        try:
            if self._last is not None and self._last[0] == self._samples:
                return self._transcript(*self._last, is_final=True)
            answer = await self._in_time(self._utterance.finish())
            return self._transcript(self._samples, answer, is_final=True)
        finally:
            self._utterance.cancel()

    def cancel(self) -> None:
        """Close the stream; a pending `partial` or `finish` raises CancelledError."""
        self._closed = True
        self._utterance.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")

    async def _in_time(self, answer: Coroutine[Any, Any, Answer]) -> Answer:
        limit = asyncio.timeout(self._deadline_s)
        try:
            async with limit:
                return await answer
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no words within {self._deadline_s:g} s (option timeout_s)"
            ) from error

    def _transcript(self, samples: int, answer: Answer, *, is_final: bool) -> Transcript:
        return Transcript(
            text=answer.text,
            language=answer.language or self._language,
            confidence=min(max(answer.confidence, 0.0), 1.0),
            is_final=is_final,
            audio_ms=samples * 1000 // self._rate_hz,
            words=tuple(
                Word(word.text, word.start_ms, word.end_ms, word.confidence)
                for word in answer.words or ()
            ),
        )


def _end_in_loop(utterance: RemoteUtterance) -> Callable[[], object]:
    """Cancels it in its loop: a stream may be forgotten in any thread."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(utterance.cancel)

    return end
