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
        self._members = list(members)  # not tried yet, in their order
        self._left_alone: list[Member[Recognizer]] = []  # asked when no other is left
        self._wanted = wanted
        self._audio: list[Pcm] = []
        self._member: Member[Recognizer] | None = None  # whose stream this is
        self._stream: RecognitionStream | None = None
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
        member = self._current()
        try:
            transcript = await self._in_time(
                member, lambda stream: stream.partial(), member.deadline_s
            )
        except EngineBusy:
            raise  # of no account: it was not urgent
        except DeadlineExceeded as error:
            raise EngineBusy(str(error)) from error  # it may have waited for work that was
        except ENGINE_FAILURES as error:
            if self._has_next:
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

    @property
    def _has_next(self) -> bool:
        return bool(self._members or self._left_alone)

    def _current(self) -> Member[Recognizer]:
        """Whose turn it is. Those that are left alone come last: waiting beats hearing nothing."""
        while self._member is None:
            if not self._members:
                self._member = self._left_alone.pop(0)
            elif self._members[0].may_try():
                self._member = self._members.pop(0)
            else:
                self._left_alone.append(self._members.pop(0))
        return self._member

    async def _asked(self, ask: Callable[[RecognitionStream], Awaitable[Transcript]]) -> Transcript:
        while True:
            member = self._current()
            # The last one has the time that the call has: nobody stands in for it.
            deadline_s = member.deadline_s if self._has_next else None
            try:
                transcript = await self._in_time(member, ask, deadline_s)
            except LanguageUnsupported:
                if not self._has_next:
                    raise
                self._drop(member)
            except ENGINE_FAILURES as error:
                if not self._has_next:
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
        stream = self._opened(member)
        try:
            async with asyncio.timeout(deadline_s):
                return await ask(stream)
        except TimeoutError:
            raise DeadlineExceeded(f"{member.name} gave no words in {deadline_s:g} s") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if stream is self._stream or self._is_closed or (task and task.cancelling()):
                raise
            # Whoever asked beside this one gave the engine up, and its stream with it.
            raise EngineFailed(f"{member.name} was given up") from None

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
        """The next one hears it, from its beginning. Two may find out at once that it failed."""
        if member is self._member:
            logger.warning("{} failed, another engine hears it: {}", member.name, error)
            member.failed(error)
            self._drop(member)

    def _drop(self, member: Member[Recognizer]) -> None:
        if member is not self._member:
            return
        self._member = None
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
