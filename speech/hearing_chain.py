"""Engines that hear, one behind the other: what the first can't do in time, the next does.

The audio of an utterance is kept, so that another engine can hear all of it within the turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from loguru import logger

from speech.errors import (
    ENGINE_FAILURES,
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
)
from speech.members import Member
from speech.stt import Pcm, RecognitionStream, Recognizer, Transcript


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What each engine's stream is opened with."""

    language: str
    sample_rate_hz: int
    hints: tuple[str, ...]
    other_languages: tuple[str, ...]


class RecognizerChain:
    """Implements `speech.stt.Recognizer` for one language, with the engines of that language."""

    def __init__(self, members: Sequence[Member[Recognizer]]) -> None:
        """`members` in their order; somebody else starts and closes them."""
        if not members:
            raise ValueError("a chain needs an engine")
        self._members = tuple(members)

    @property
    def name(self) -> str:
        return ", ".join(member.name for member in self._members)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset[str]().union(*(member.engine.languages for member in self._members))

    @property
    def sample_rate_hz(self) -> int:
        return self._members[0].engine.sample_rate_hz

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        """Start an utterance.

        Raises:
            LanguageUnsupported: no engine of the chain knows `language`.
        """
        able = [member for member in self._members if language in member.engine.languages]
        if not able:
            raise LanguageUnsupported(f"none of {self.name} understands {language!r}")
        wanted = _Wanted(language, sample_rate_hz, tuple(hints), tuple(other_languages))
        return _ChainedStream(able, wanted)

    async def start(self) -> None:
        """Nothing: the members are started by their owner."""

    async def close(self) -> None:
        """Nothing: the members are closed by their owner."""


class _ChainedStream:
    """One utterance. Implements `speech.stt.RecognitionStream`."""

    def __init__(self, members: Sequence[Member[Recognizer]], wanted: _Wanted) -> None:
        ready = [member for member in members if member.may_try()]
        # When all were left alone, waiting for one beats hearing nothing.
        self._members = ready or list(members)
        self._wanted = wanted
        self._audio: list[Pcm] = []
        self._stream: RecognitionStream | None = None  # of the first of `_members`
        self._fed = 0
        self._is_closed = False

    def feed(self, pcm: Pcm) -> None:
        """Take more audio. Raises EngineFailed when the stream is closed."""
        if self._is_closed:
            raise EngineFailed("the recognition stream is closed: open one for each utterance")
        self._audio.append(pcm.copy())

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """As `RecognitionStream.partial`; one that is not urgent is not asked of another engine."""
        if is_urgent:
            return await self._asked(lambda stream: stream.partial(is_urgent=True))
        member = self._members[0]
        try:
            transcript = await self._opened(member).partial()
        except EngineBusy:
            raise  # of no account: it was not urgent
        except ENGINE_FAILURES as error:
            if len(self._members) > 1:
                self._leave(member, error)
            raise
        return replace(transcript, engine=member.name)

    async def finish(self) -> Transcript:
        """Every word, of the first engine that gives them in time."""
        try:
            return await self._asked(lambda stream: stream.finish())
        finally:
            self._is_closed = True
            self._audio.clear()

    def cancel(self) -> None:
        """Drop the work under way."""
        self._is_closed = True
        self._audio.clear()
        if self._stream is not None:
            self._stream.cancel()

    async def _asked(self, ask: Callable[[RecognitionStream], Awaitable[Transcript]]) -> Transcript:
        while True:
            member, is_last = self._members[0], len(self._members) == 1
            # The last one has the time that the call has: nobody stands in for it.
            deadline_s = None if is_last else member.deadline_s
            try:
                transcript = await self._in_time(member, ask, deadline_s)
            except LanguageUnsupported:
                if is_last:
                    raise
                self._drop_first()
            except ENGINE_FAILURES as error:
                if is_last:
                    member.failed(error)
                    raise
                self._leave(member, error)
            else:
                member.succeeded()
                return replace(transcript, engine=member.name)

    async def _in_time(
        self,
        member: Member[Recognizer],
        ask: Callable[[RecognitionStream], Awaitable[Transcript]],
        deadline_s: float | None,
    ) -> Transcript:
        try:
            async with asyncio.timeout(deadline_s):
                return await ask(self._opened(member))
        except TimeoutError:
            raise DeadlineExceeded(f"{member.name} gave no words in {deadline_s:g} s") from None

    def _opened(self, member: Member[Recognizer]) -> RecognitionStream:
        if self._stream is None:
            if not member.is_started:
                raise EngineUnavailable(f"{member.name} has not started")
            wanted = self._wanted
            self._stream = member.engine.open(
                language=wanted.language,
                sample_rate_hz=wanted.sample_rate_hz,
                hints=wanted.hints,
                other_languages=wanted.other_languages,
            )
            self._fed = 0
        for pcm in self._audio[self._fed :]:
            self._stream.feed(pcm)
        self._fed = len(self._audio)
        return self._stream

    def _leave(self, member: Member[Recognizer], error: Exception) -> None:
        """The next one hears it, from its beginning."""
        logger.warning("{} failed, {} hears it: {}", member.name, self._members[1].name, error)
        member.failed(error)
        self._drop_first()

    def _drop_first(self) -> None:
        del self._members[0]
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
