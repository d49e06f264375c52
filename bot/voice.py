"""A call's voice: text to the line's audio, through the speakable words and the cache."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from speech.cache import SpeechCache
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
        return SpeechRequest(speakable(text, language), language, self._voices.get(language))

    async def speak(self, text: str, language: str) -> AsyncGenerator[Pcm, None]:
        """int16 mono PCM at the line's rate. Raises `speech.errors.SpeechError`."""
        request = self.request(text, language)
        cache = self._caches[language]
        async with aclosing(cache.speak(request, sample_rate_hz=self._rate_hz)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def prepare(self, text: str, language: str) -> None:
        """Have it in the cache; what fails here fails again, and is told, when it is spoken."""
        requests = [self.request(text, language)]
        await self._caches[language].prewarm(requests, sample_rate_hz=self._rate_hz)
