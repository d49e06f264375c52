"""A call's voice: text to the line's audio, through the speakable words and the cache.

A text that is kept whole (a prompt without variables, rendered at the start) is spoken whole: its
melody is the engine's own. Any other is spoken and kept in pieces: the first is short and comes
soon, and those that many texts share ("Say confirm, or press 1.") are made once.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import lru_cache

from speech.cache import SpeechCache
from speech.clauses import pieces
from speech.piecewise import spoken
from speech.speakable import speakable
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer


def voice_fault(mouth: Synthesizer, language: str, wanted: str | None) -> tuple[str, str] | None:
    """Why `mouth` can't speak a language with the voice that the settings want, and what to set.

    None where it can; `wanted` None is the engine's own choice.
    """
    names = [voice.name for voice in mouth.voices if voice.language == language]
    if wanted is None or wanted in names:
        return None
    what = f"{mouth.name} has no voice {wanted!r} for {language}"
    known = ", ".join(names)
    variable = f"CALLWRIGHT_VOICES__{language.upper()}"
    return what, f"set {variable} to one of {known}" if names else f"leave {variable} out"


class Voice:
    """Speaks each language with the voice that the settings give it."""

    def __init__(
        self, caches: Mapping[str, SpeechCache], voices: Mapping[str, str | None], rate_hz: int
    ) -> None:
        """`caches`: language -> the engine's cache; `voices`: language -> its voice, None: the
        engine's own choice; `rate_hz`: the line's rate."""
        self._caches = caches
        self._voices = voices
        self._rate_hz = rate_hz

    def request(self, text: str, language: str) -> SpeechRequest:
        """What the engine is asked for."""
        return SpeechRequest(_speakable(text, language), language, self._voices.get(language))

    async def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        """int16 mono PCM at the line's rate. Raises `speech.errors.SpeechError`."""
        if await self._is_kept_whole(text, language):
            sound = self._make(text, language)
        else:
            sound = spoken(
                pieces(text, language),
                lambda piece: self._make(piece, language),
                sample_rate_hz=self._rate_hz,
            )
        async with aclosing(sound) as chunks:
            async for chunk in chunks:
                yield chunk

    async def prepare(self, text: str, language: str) -> None:
        """Have it in the cache; what fails here fails again, and is told, when it is spoken."""
        if not await self._is_kept_whole(text, language):
            requests = [self.request(piece.text, language) for piece in pieces(text, language)]
            await self._caches[language].prewarm(requests, sample_rate_hz=self._rate_hz)

    async def _is_kept_whole(self, text: str, language: str) -> bool:
        request = self.request(text, language)
        return await self._caches[language].holds(request, sample_rate_hz=self._rate_hz)

    def _make(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        request = self.request(text, language)
        return self._caches[language].speak(request, sample_rate_hz=self._rate_hz)


@lru_cache(maxsize=1024)
def _speakable(text: str, language: str) -> str:
    """3 ms for two sentences with numbers, on the event loop: once for each text."""
    return speakable(text, language)
