"""Whisper hears English, Hindi, Marathi and their mixtures, on a GPU or a CPU (MIT).

The weights are downloaded on first use, or lie in a folder. One network a device serves all calls
of the process: on a GPU in batches of what arrives together, on a CPU one thread a decode.
"""

import asyncio
from collections.abc import Sequence

from speech.engines.whisper_attempts import SAMPLE_RATE_HZ
from speech.engines.whisper_batching import Road
from speech.engines.whisper_loading import NETWORKS, Holder, fetch
from speech.engines.whisper_model import WhisperNetwork
from speech.engines.whisper_options import WhisperOptions
from speech.engines.whisper_stream import WhisperStream
from speech.engines.whisper_tries import Ear
from speech.errors import EngineUnavailable, LanguageUnsupported
from speech.pool import EnginePool
from speech.stt import RecognitionStream


class WhisperRecognizer:
    """Implements `speech.stt.Recognizer`."""

    def __init__(self, pool: EnginePool, *, options: WhisperOptions | None = None) -> None:
        """Set up; nothing is loaded. `pool`: where it decodes, or, on a GPU, prepares."""
        self._pool = pool
        self._options = options or WhisperOptions()
        self._holder: Holder | None = None
        self._loaded: tuple[WhisperNetwork, Road] | None = None
        is_english = self._options.model.endswith(".en")
        self._languages = ("en",) if is_english else self._options.language_codes

    @property
    def name(self) -> str:
        return "whisper"

    @property
    def languages(self) -> frozenset[str]:
        """Those of the options that the model knows; before `start`, as far as its name tells."""
        return frozenset(self._languages)

    @property
    def sample_rate_hz(self) -> int:
        return SAMPLE_RATE_HZ

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance; the transcript says which of the languages it was.

        `hints` are hot words: it prefers them to what sounds alike.

        Raises:
            LanguageUnsupported: the model or its option `languages` lacks `language`.
            EngineUnavailable: `start` was not called, or failed.
        """
        if language not in self._languages:
            raise LanguageUnsupported(
                f"whisper does not understand {language!r} here, only "
                f"{', '.join(sorted(self._languages))}: see its options languages and model"
            )
        if self._loaded is None:
            raise EngineUnavailable("whisper is not loaded: await its start() first")
        network, road = self._loaded
        others = other_languages if self._options.detection == "detect" else ()
        ear = Ear(
            network=network,
            road=road,
            pool=self._pool,
            options=self._options,
            languages=tuple(
                dict.fromkeys((language, *(one for one in others if one in self._languages)))
            ),
            hints=tuple(hints),
            sample_rate_hz=sample_rate_hz,
        )
        return WhisperStream(ear)

    async def start(self) -> None:
        """Load the network, unless another has on this device, and run it once.

        Raises:
            EngineUnavailable: a package, the weights or the device are missing; says what to do.
        """
        if self._loaded is not None:
            return
        self._holder = holder = Holder()
        await asyncio.to_thread(fetch, self._options)  # would rob the pool of a worker
        loaded = await self._pool.run(NETWORKS.take, holder, self._options, self._pool)
        known = tuple(one for one in self._languages if loaded[0].knows(one))
        if not known:
            await self.close()
            raise EngineUnavailable(
                f"whisper's model knows none of {', '.join(self._languages)}: take a multilingual "
                "one (small, large-v3-turbo), or set its option languages"
            )
        self._languages = known
        self._loaded = loaded

    async def close(self) -> None:
        """Let go of the network; it is freed when no other uses it. May be called again."""
        holder, self._holder, self._loaded = self._holder, None, None
        if holder is not None:
            await asyncio.to_thread(NETWORKS.give_back, holder)
