"""The protocol of an engine that hears: audio goes in as it comes, text comes out.

A `Recognizer` is loaded once a process and shared by all calls. Each utterance gets its own
`RecognitionStream`: it is fed without model work, and asked for a partial or the final
transcript, which runs in the pool. Engines raise only `speech.errors.SpeechError`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
"""int16 mono PCM, shape (n,); the rate is said where it is used."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word, with its place in the utterance where the engine knows it."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float  # 0..1


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an engine made of an utterance."""

    text: str  # "" when no words were found
    language: str  # ISO 639-1: "en", "hi", "mr"
    confidence: float  # 0..1; the mean probability of the tokens where the engine gives it
    is_final: bool
    audio_ms: int  # how much audio it was made from
    words: tuple[Word, ...] = ()
    engine: str = ""  # which engine of several heard it; "" where there is one


class RecognitionStream(Protocol):
    """One utterance on its way through an engine."""

    def feed(self, pcm: Pcm) -> None:
        """Take more audio, int16 mono at the stream's rate. Never blocks, never decodes."""
        ...

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """Decode what has been fed so far; `is_final` is False.

        `is_urgent`: as soon as a final transcript, because these may be the last words. Else it
        gives way to other work, and raises EngineBusy where it would have to wait for it.
        """
        ...

    async def finish(self) -> Transcript:
        """Decode the whole utterance and close the stream; `is_final` is True.

        Costs nothing when nothing was fed since an urgent partial: that was the final one.
        """
        ...

    def cancel(self) -> None:
        """Drop queued work and close the stream; a pending `partial` or `finish` is cancelled."""
        ...


class Recognizer(Protocol):
    """An engine that hears."""

    @property
    def name(self) -> str:
        """The name in the registry, e.g. "moonshine"."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The ISO 639-1 codes that it understands."""
        ...

    @property
    def sample_rate_hz(self) -> int:
        """The rate its model wants. Streams resample to it once, when they decode."""
        ...

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance of `language` whose audio comes at `sample_rate_hz`.

        `hints` are phrases one of which is likely to be said, or single words of which several
        are likely to be said in a row (digits); engines without hot words ignore them.
        `other_languages` (ISO 639-1) may be spoken instead of `language`, or among it: an engine
        that can tell says in the transcript which it was; others ignore them, known or not.

        Raises:
            LanguageUnsupported: the engine does not know `language`.
        """
        ...

    async def start(self) -> None:
        """Load the weights and run once, so that the first call is not the slow one.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        ...

    async def close(self) -> None:
        """Free what `start` took."""
        ...
