"""An engine whose replicas are elsewhere, as the speech server sees it. Needs Ray's handles."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from speech.cluster.wire import EngineFacts, Failure, HearAsk, SpeakAsk
from speech.engines.whole_utterances import Heard, WholeUtteranceStream
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
)
from speech.stt import Pcm, RecognitionStream, Transcript
from speech.tts import Expression, SpeechRequest, Voice

ray: Any = importlib.import_module("ray")
_exceptions: Any = importlib.import_module("ray.exceptions")
_serving: Any = importlib.import_module("ray.serve.exceptions")

START_S = 900.0
"""For a replica to be placed and to load; the first one may download some GB."""

HEAR_S = 30.0
LEARN_S = 120.0
PARTIAL_EVERY_MS = 500


class ClusterRecognizer:
    """Implements `speech.stt.Recognizer` over the replicas of an engine."""

    def __init__(self, handle: Any) -> None:
        """`handle`: Ray Serve's, of a deployment of `HearingReplica`."""
        self._handle = handle
        self._facts = EngineFacts("", frozenset(), 16_000)

    @property
    def name(self) -> str:
        return self._facts.name

    @property
    def languages(self) -> frozenset[str]:
        return self._facts.languages

    @property
    def sample_rate_hz(self) -> int:
        return self._facts.sample_rate_hz

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance; each decode goes to whichever replica is free.

        Raises:
            LanguageUnsupported: the engine does not know `language`.
        """
        if language not in self.languages:
            raise LanguageUnsupported(
                f"{self.name} does not understand {language!r}, only "
                f"{', '.join(sorted(self.languages))}"
            )

        async def ask(pcm: Pcm, rate_hz: int) -> Heard:
            given = HearAsk(pcm, rate_hz, language, tuple(hints), tuple(other_languages))
            heard: Transcript = await _answer(self._handle.hear.remote(given), HEAR_S)
            return Heard(heard.text, heard.language, heard.confidence, heard.words)

        return WholeUtteranceStream(
            ask=ask,
            language=language,
            sample_rate_hz=sample_rate_hz,
            deadline_s=HEAR_S,
            partial_every_ms=PARTIAL_EVERY_MS,
        )

    async def start(self) -> None:
        """Wait until a replica has loaded.

        Raises:
            EngineUnavailable: none did, and why.
        """
        self._facts = await _answer(self._handle.facts.remote(), START_S)

    async def close(self) -> None:
        """Nothing: the replicas are not ours."""


class ClusterSynthesizer:
    """Implements `speech.tts.Synthesizer` over the replicas of an engine.

    A learned voice lies in Ray's object store and goes along with each text as a reference; Ray
    sends the text to a replica that holds the voice already, where there is one.
    """

    def __init__(self, handle: Any) -> None:
        """`handle`: Ray Serve's, of a deployment of `SpeakingReplica`."""
        self._handle = handle
        self._facts = EngineFacts("", frozenset(), 24_000)
        self._learned: dict[str, tuple[Voice, Any]] = {}

    @property
    def name(self) -> str:
        return self._facts.name

    @property
    def version(self) -> str:
        return self._facts.version

    @property
    def languages(self) -> frozenset[str]:
        return self._facts.languages

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The engine's own, and those that it is to hold."""
        return (*self._facts.voices, *(voice for voice, _ in self._learned.values()))

    @property
    def expression(self) -> Expression:
        return self._facts.expression

    @property
    def sample_rate_hz(self) -> int:
        return self._facts.sample_rate_hz

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        """Yield audio as a replica makes it. Closing the generator stops that replica's engine.

        Raises:
            SpeechError: what the replica's engine raised.
            EngineFailed: the replica is gone; another try goes to another one.
            EngineBusy: all replicas have as many streams as they may.
        """
        handle, ask = self._handle.options(stream=True), SpeakAsk(request)
        if request.voice in self._learned:
            voice, learned = self._learned[request.voice]
            ask = SpeakAsk(request, voice, learned)
            handle = handle.options(multiplexed_model_id=voice.name)
        answer = handle.speak.remote(ask)
        try:
            with _ray_failures():
                async for chunk in answer:
                    if isinstance(chunk, Failure):
                        raise chunk.error
                    yield cast(Pcm, chunk)
        finally:
            answer.cancel()

    async def start(self) -> None:
        """Wait until a replica has loaded.

        Raises:
            EngineUnavailable: none did, and why.
        """
        self._facts = await _answer(self._handle.facts.remote(), START_S)

    async def close(self) -> None:
        """Forget the voices; the replicas are not ours."""
        self._learned.clear()


class ClusterCloner(ClusterSynthesizer):
    """The same of an engine that imitates voices: `speech.tts.VoiceCloner` besides."""

    async def learn(self, reference: Pcm, sample_rate_hz: int) -> bytes:
        """What the engine needs to speak in the voice of `reference`; made on any replica."""
        return await _answer(self._handle.learn.remote(reference, sample_rate_hz), LEARN_S)

    def hold(self, voice: Voice, learned: bytes) -> None:
        """Speak as `voice` from now on; the first text in it takes it to a replica."""
        self._learned[voice.name] = (voice, ray.put(learned))

    def release(self, voice_name: str) -> None:
        """Forget it here; replicas drop it when they need its room, and nobody can ask for it."""
        self._learned.pop(voice_name, None)


async def synthesizer(handle: Any) -> ClusterSynthesizer:
    """The engine behind `handle`, started, as one that can learn voices if it can."""
    facts: EngineFacts = await _answer(handle.facts.remote(), START_S)
    engine = ClusterCloner(handle) if facts.can_learn else ClusterSynthesizer(handle)
    await engine.start()
    return engine


async def _answer(asked: Any, limit_s: float) -> Any:
    """What a replica answered, or its failure raised."""
    try:
        with _ray_failures():
            async with asyncio.timeout(limit_s):
                answer = await asked
    except TimeoutError as error:
        asked.cancel()
        raise DeadlineExceeded(f"no replica answered within {limit_s:g} s") from error
    except asyncio.CancelledError:
        asked.cancel()
        raise
    if isinstance(answer, Failure):
        raise answer.error
    return answer


@contextmanager
def _ray_failures() -> Any:
    """Ray's errors as ours."""
    try:
        yield
    except _serving.BackPressureError as error:
        raise EngineBusy("all replicas have as many streams as they may") from error
    except _serving.DeploymentUnavailableError as error:
        raise EngineUnavailable("the engine's deployment does not start; see Ray's log") from error
    except (_exceptions.RayError, _serving.RayServeException) as error:
        line = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise EngineFailed(f"a replica broke or is gone: {line[0][:200]}") from error
