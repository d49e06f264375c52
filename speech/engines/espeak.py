"""espeak-ng: speaks English, Hindi and Marathi everywhere, at once, and plainly.

The library comes with the espeakng-loader wheel. It is GPL-3 and has global state, so it runs in
a process of its own (`espeak_worker.py`); this module never loads it. A sentence is spoken
in about 3 ms; texts of many calls take turns, sentence by sentence.
"""

import importlib.util
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from speech.engines.espeak_process import EspeakProcess
from speech.errors import EngineFailed, EngineUnavailable, LanguageUnsupported, VoiceUnknown
from speech.silence import TailTrimmer
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

HOW_TO_GET_IT = "run `pip install espeakng-loader==0.2.4`"

# Our names on the left; espeak's own on the right are files below espeak-ng-data/lang.
_ACCENTS = {
    "en-us": ("en", "gmw/en-US", "English (America)"),
    "en-gb": ("en", "gmw/en", "English (Great Britain)"),
    "en-rp": ("en", "gmw/en-GB-x-rp", "English (Received Pronunciation)"),
    "hi": ("hi", "inc/hi", "Hindi"),
    "mr": ("mr", "inc/mr", "Marathi"),
}

# Variants give the same language another throat: for test callers that must sound different.
_VARIANTS = {
    "f2": "female",
    "f3": "female, soft",
    "f4": "female, low",
    "m3": "male, deep",
    "m7": "male, light",
    "Annie": "female, clear",
    "Gene": "male, clear",
    "Storm": "male, slow and full",
}

_WORDS_A_MINUTE = 165
"""At rate 1.0: a little slower than espeak's own 175, for listeners who can't see what is said.
Between 140 and 190 moonshine's errors on it show no trend. 0.5..2.0 stays inside espeak's
80..450, beyond which it stops changing."""

_PIECE_CHARS = 300
"""Longer texts are spoken in pieces cut after a sentence, or a word: so one call's long text does
not hold up the others (300 characters take 15 ms), and what waits to be played stays small."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # \x01 would be a command to espeak
_PIECE = re.compile(
    rf"\S.{{0,{_PIECE_CHARS - 2}}}[.!?।…](?=\s|$)"  # as many sentences as fit
    rf"|\S.{{0,{_PIECE_CHARS - 1}}}(?=\s|$)|\S{{1,{_PIECE_CHARS}}}"
)


class EspeakSynthesizer:
    """Implements `speech.tts.Synthesizer`."""

    def __init__(self, *, process: EspeakProcess | None = None) -> None:
        """Set up; nothing is started.

        Args:
            process: the worker; None means one over the wheel's library.
        """
        self._process = process

    @property
    def name(self) -> str:
        return "espeak"

    @property
    def version(self) -> str:
        """The wheel's library and how we use it."""
        return f"1.52.0-{_WORDS_A_MINUTE}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(language for language, _, _ in _ACCENTS.values())

    @property
    def voices(self) -> tuple[Voice, ...]:
        plain = [Voice(name, lang, what) for name, (lang, _, what) in _ACCENTS.items()]
        varied = [
            Voice(f"{name}+{variant}", lang, f"{what}, {how}")
            for name, (lang, _, what) in _ACCENTS.items()
            for variant, how in _VARIANTS.items()
        ]
        return (*plain, *varied)

    @property
    def expression(self) -> Expression:
        return Expression(rates=(0.5, 2.0))

    @property
    def sample_rate_hz(self) -> int:
        return 22_050

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, ending in 60 ms of silence; nothing for a text without words.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineFailed: the worker broke, and a second one too if nothing had been yielded.
            ValueError: the rate is not 0.5..2.0.
        """
        voice = self._espeak_voice(request)
        if not 0.5 <= request.rate <= 2.0:
            raise ValueError(f"rate must be 0.5..2.0, not {request.rate}")
        words_per_minute = round(_WORDS_A_MINUTE * request.rate)
        for piece in pieces(request.text):
            trimmer = TailTrimmer(sample_rate_hz=self.sample_rate_hz)
            async with aclosing(self._speak(voice, words_per_minute, piece)) as spoken:
                async for pcm in spoken:
                    if len(ready := trimmer.push(pcm)):
                        yield ready
            if len(tail := trimmer.finish()):
                yield tail

    async def start(self) -> None:
        """Start the worker and speak one word to nobody.

        Raises:
            EngineUnavailable: the wheel is missing or its library does not load.
        """
        try:
            async for _ in self._speak("gmw/en-US", _WORDS_A_MINUTE, "ready"):
                pass
        except EngineFailed as error:
            raise EngineUnavailable(f"espeak does not speak ({error}): {HOW_TO_GET_IT}") from error

    async def close(self) -> None:
        """End the worker."""
        if self._process is not None:
            await self._process.close()

    def _espeak_voice(self, request: SpeechRequest) -> str:
        if request.language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise LanguageUnsupported(f"espeak does not speak {request.language!r}, only {known}")
        wanted = request.voice
        if wanted is None:
            wanted = next(v.name for v in self.voices if v.language == request.language)
        accent, _, variant = wanted.partition("+")
        known_accent = _ACCENTS.get(accent)
        if known_accent is None or (wanted != accent and variant not in _VARIANTS):
            names = ", ".join(voice.name for voice in self.voices)
            raise VoiceUnknown(f"espeak has no voice {wanted!r}, only {names}")
        language, name, _ = known_accent
        if language != request.language:
            raise VoiceUnknown(f"the voice {wanted!r} speaks {language}, not {request.language}")
        return f"{name}+{variant}" if variant else name

    async def _speak(
        self, voice: str, words_per_minute: int, text: str
    ) -> AsyncGenerator[Pcm, None]:
        """One piece, tried again in a fresh worker if the first broke before it said anything."""
        process = self._worker()
        for last_try in (False, True):
            started = False
            try:
                stream = process.speak(voice=voice, words_per_minute=words_per_minute, text=text)
                async with aclosing(stream):
                    async for pcm in stream:
                        started = True
                        yield pcm
            except EngineFailed:
                if started or last_try:
                    raise
                continue
            else:
                return

    def _worker(self) -> EspeakProcess:
        if self._process is None:
            folder = library_folder()
            self._process = EspeakProcess(
                library=folder / "libespeak-ng.so", data=folder / "espeak-ng-data"
            )
        return self._process


def library_folder() -> Path:
    """Where the espeakng-loader wheel keeps library and data, found without importing it.

    Raises:
        EngineUnavailable: it is not installed.
    """
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(f"espeakng-loader is not installed: {HOW_TO_GET_IT}")
    folder = Path(spec.submodule_search_locations[0])
    if not (folder / "libespeak-ng.so").is_file():
        raise EngineUnavailable(f"no libespeak-ng.so in {folder}: {HOW_TO_GET_IT}")
    return folder


def pieces(text: str) -> list[str]:
    """`text` without control characters, in pieces of at most 300 characters."""
    plain = _CONTROLS.sub(" ", text).strip()
    if len(plain) <= _PIECE_CHARS:
        return [plain] if plain else []
    return [piece.group() for piece in _PIECE.finditer(plain)]
