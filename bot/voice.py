"""A call's voice: text to the line's audio, through the speakable words and the cache.

A text that is kept whole (a prompt without variables, rendered at the start) is spoken whole: its
melody is the engine's own. Any other is spoken and kept in pieces: the first is short and comes
soon, and those that many texts share ("Say confirm, or press 1.") are made once.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from functools import lru_cache
from typing import Protocol

from speech.clauses import pieces
from speech.errors import SpeechError
from speech.expression import Marked, read
from speech.piecewise import spoken
from speech.speakable import speakable
from speech.stt import Pcm
from speech.tts import SpeechRequest


class Speaks(Protocol):
    """An engine with its cache, or several behind each other."""

    def speak(
        self, request: SpeechRequest, *, sample_rate_hz: int
    ) -> AsyncGenerator[Pcm, None]: ...

    async def holds(self, request: SpeechRequest, *, sample_rate_hz: int) -> bool: ...

    async def prewarm(
        self, requests: Iterable[SpeechRequest], *, sample_rate_hz: int, is_prompt: bool = True
    ) -> list[tuple[SpeechRequest, SpeechError]]: ...


class Voice:
    """Speaks each language with the voice that the settings give it."""

    def __init__(
        self, mouths: Mapping[str, Speaks], voices: Mapping[str, str | None], rate_hz: int
    ) -> None:
        """`mouths`: language -> who speaks it; `voices`: language -> its voice, None: the
        engine's own choice; `rate_hz`: the line's rate."""
        self._mouths = mouths
        self._voices = voices
        self._rate_hz = rate_hz

    def request(self, text: str, language: str) -> SpeechRequest:
        """What the engine is asked for. Marks in `text` (`speech.expression`) count."""
        marked = read(text)
        return self._request(marked.text, language, marked)

    def _request(self, text: str, language: str, marked: Marked) -> SpeechRequest:
        """`text` is a part of what was `marked`, whose settings hold for all of it."""
        return SpeechRequest(
            _speakable(text, language),
            language,
            self._voices.get(language),
            rate=marked.rate or 1.0,
            emotion=marked.emotion,
            pitch_semitones=marked.pitch_semitones or 0.0,
        )

    async def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        """int16 mono PCM at the line's rate. Raises `speech.errors.SpeechError`."""
        marked = read(text)
        if await self._is_kept_whole(text, language):
            sound = self._make(self.request(text, language))
        else:
            sound = spoken(
                pieces(marked.text, language),
                lambda piece: self._make(self._request(piece, language, marked)),
                sample_rate_hz=self._rate_hz,
            )
        async with aclosing(sound) as chunks:
            async for chunk in chunks:
                yield chunk

    async def prepare(self, text: str, language: str) -> None:
        """Have it in the cache; what fails here fails again, and is told, when it is spoken."""
        if not await self._is_kept_whole(text, language):
            marked = read(text)
            parts = pieces(marked.text, language)
            requests = [self._request(part.text, language, marked) for part in parts]
            await self._mouths[language].prewarm(
                requests, sample_rate_hz=self._rate_hz, is_prompt=False
            )

    async def _is_kept_whole(self, text: str, language: str) -> bool:
        request = self.request(text, language)
        return await self._mouths[language].holds(request, sample_rate_hz=self._rate_hz)

    def _make(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        return self._mouths[request.language].speak(request, sample_rate_hz=self._rate_hz)


@lru_cache(maxsize=1024)
def _speakable(text: str, language: str) -> str:
    """3 ms for two sentences with numbers, on the event loop: once for each text."""
    return speakable(text, language)
