"""XTTS v2 (coqui-tts): speaks 17 languages in any voice that it has heard for some seconds.

It needs torch and a GPU to keep up with a listener; on a processor it renders prompts ahead. A
stream has a thread of its own, the weights are shared. Its weights are for non-commercial use only.
"""

import asyncio
import gc
import importlib.util
import os
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from loguru import logger

from speech.engines import xtts_weights
from speech.engines.torch_worker import ModelThreads, Outlet
from speech.engines.xtts_loading import Loaded, load, voice_of
from speech.engines.xtts_options import XttsOptions
from speech.engines.xtts_speaking import RATES
from speech.engines.xtts_text import LANGUAGES, NEEDED_PACKAGES
from speech.engines.xtts_voice import Learned, packed
from speech.errors import EngineFailed, LanguageUnsupported, VoiceUnknown
from speech.pool import BEHIND_THE_LOOP
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice

SAMPLE_RATE_HZ = 24_000
LONGEST_TEXT_CHARS = 20_000  # twenty minutes of speech; what waits for its reader stays bounded


class XttsSynthesizer:
    """Implements `speech.tts.Synthesizer` and `speech.tts.VoiceCloner`."""

    def __init__(self, *, options: XttsOptions | None = None) -> None:
        """Set up; nothing is loaded, nor imported."""
        self._options = options or XttsOptions.model_validate({})
        self._loaded: Loaded | None = None
        self._voices: dict[str, tuple[Voice, Learned]] = {}  # by name, built-in ones first
        self._threads: ModelThreads | None = None
        self._releases: dict[str, threading.Event] = {}  # by voice: set when it is released

    @property
    def name(self) -> str:
        return "xtts"

    @property
    def version(self) -> str:
        """Of the engine, and once it has started of its weights and its precision."""
        if self._loaded is None:
            return "1"
        return f"1-{self._loaded.model.version}-{self._loaded.model.precision}"

    @property
    def languages(self) -> frozenset[str]:
        lacking = {
            language
            for language, package in NEEDED_PACKAGES.items()
            if importlib.util.find_spec(package) is None
        }
        known = LANGUAGES - lacking
        return known if self._loaded is None else known & self._loaded.model.languages

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Each voice once in each language, for every voice speaks all; the default one first."""
        default = self._options.default_voice
        names = dict.fromkeys([default, *self._voices] if default in self._voices else self._voices)
        return tuple(
            replace(self._voices[name][0], language=language)
            for language in sorted(self.languages)
            for name in names
        )

    @property
    def expression(self) -> Expression:
        return Expression(rates=RATES)

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    @property
    def max_streams(self) -> int:
        """How many texts it speaks at once; 0 before `start`."""
        return 0 if self._loaded is None else self._loaded.max_streams

    @property
    def streams(self) -> int:
        """How many it is speaking."""
        return 0 if self._threads is None else self._threads.speaking

    @property
    def decode_steps(self) -> int:
        """Tokens decoded since it was started, 46 ms of speech each."""
        return 0 if self._loaded is None else self._loaded.model.steps

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield the text's audio, ending in 60 ms of silence; nothing for a text without words.

        A rate beyond 0.9..1.1 is brought into it. Closing it stops the decoding at the next token.

        Raises:
            LanguageUnsupported, VoiceUnknown: before the first chunk.
            EngineBusy: `max_streams` texts are being spoken; at once.
            EngineFailed: the model broke, the engine is not started, or the voice was released.
            ValueError: the rate is not 0.5..2.0, or the text is too long.
        """
        if request.language not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise LanguageUnsupported(f"xtts does not speak {request.language!r}, only {known}")
        if not 0.5 <= request.rate <= 2.0:
            raise ValueError(f"rate must be 0.5..2.0, not {request.rate}")
        if len(request.text) > LONGEST_TEXT_CHARS:
            raise ValueError(
                f"text must be up to {LONGEST_TEXT_CHARS} characters, not {len(request.text)}"
            )
        loaded, threads = self._started()
        name, learned = self._voice(request.voice)
        released = self._releases.setdefault(name, threading.Event())

        def speak(outlet: Outlet) -> None:
            _stand_back()
            for pcm in loaded.speaker.spoken(
                request, learned, lambda: outlet.is_stopped or released.is_set()
            ):
                outlet.put(pcm)
            outlet.check()
            if released.is_set():
                raise EngineFailed(f"xtts was told to forget the voice {name!r} while it spoke")

        with threads.admitted():
            async with aclosing(threads.stream(speak)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        """What it needs to speak in the voice of `reference`; the first 30 s of it are used.

        Raises:
            EngineFailed: there is too little speech in it, or the engine is not started.
        """
        loaded, threads = self._started()

        def work() -> bytes:
            _stand_back()
            learned = loaded.speaker.learn(reference, sample_rate_hz)
            return packed(learned, loaded.model.version)

        return await threads.run(work)

    def hold(self, voice: Voice, learned: bytes) -> None:
        """Speak from now on as `voice` too; one of the same name is replaced.

        Raises:
            EngineFailed: the bytes are not such, or of other weights, or it is not started.
        """
        loaded, _ = self._started()
        self._voices[voice.name] = (voice, voice_of(loaded.model, learned))

    def release(self, voice_name: str) -> None:
        """Forget a voice; what is being said in it ends. One that isn't held is no error."""
        self._voices.pop(voice_name, None)
        if (released := self._releases.pop(voice_name, None)) is not None:
            released.set()

    async def start(self) -> None:
        """Load the weights, speak to nobody, and measure how many streams keep up.

        Raises:
            EngineUnavailable: a package, a file or the weights are missing; says how to get them.
        """
        if self._loaded is not None:
            return
        loaded = await asyncio.to_thread(load, self._options)
        self._loaded, self._voices = loaded, dict(loaded.voices)
        self._threads = ModelThreads(
            self.name,
            threads=1 + loaded.max_streams,  # one learns voices
            at_once=loaded.max_streams,
        )
        logger.info(
            "xtts: {} voices on {}, {} streams at once. {}",
            *(len(loaded.voices), loaded.model.device, loaded.max_streams, xtts_weights.LICENCE),
        )

    async def close(self) -> None:
        """End what is being said, and free the weights. Safe to call again."""
        threads, self._threads = self._threads, None
        loaded, self._loaded, self._voices = self._loaded, None, {}
        if threads is not None and loaded is not None:
            await threads.close()
            loaded.model.free()
            await asyncio.to_thread(gc.collect)

    def _started(self) -> tuple[Loaded, ModelThreads]:
        if self._loaded is None or self._threads is None:
            raise EngineFailed("xtts is not started, or closed")
        return self._loaded, self._threads

    def _voice(self, wanted: str | None) -> tuple[str, Learned]:
        """A voice by name; None: the default one, or else the first."""
        first = next(iter(self._voices), "")
        name = wanted if wanted is not None else self._options.default_voice or first
        held = self._voices.get(name)
        if held is None:
            known = ", ".join(self._voices) or "none: add speakers_xtts.pth or a learned voice"
            raise VoiceUnknown(f"xtts has no voice {name!r}, only {known}")
        return name, held[1]


def _stand_back() -> None:
    """Let the event loop have the processor before these threads."""
    if sys.platform == "linux":  # where a nice value is a thread's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BEHIND_THE_LOOP)
