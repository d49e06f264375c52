"""Engines that hear, one behind the other: what the first can't do in time, the next does.

The audio of an utterance is kept, so that another engine can hear all of it within the turn. Where
there is one engine, its own stream is used and nothing is kept.
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
    SpeechError,
    as_speech_error,
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

    def opened(self, member: Member[Recognizer]) -> RecognitionStream:
        return member.engine.open(
            language=self.language,
            sample_rate_hz=self.sample_rate_hz,
            hints=self.hints,
            other_languages=self.other_languages,
        )


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
        if len(self._members) == 1:
            return _LoneStream(able[0], wanted.opened(able[0]))
        return _ChainedStream(able, wanted)

    async def start(self) -> None:
        """Nothing: the members are started by their owner."""

    async def close(self) -> None:
        """Nothing: the members are closed by their owner."""


class _LoneStream:
    """One utterance of an engine that nobody stands in for: its failures are counted, and the
    audio is the engine's own matter. Implements `speech.stt.RecognitionStream`."""

    def __init__(self, member: Member[Recognizer], stream: RecognitionStream) -> None:
        self._member = member
        self._stream = stream
        self.feed = stream.feed
        self.cancel = stream.cancel

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        """As `RecognitionStream.partial`; one that is not urgent may be late."""
        try:
            return await self._stream.partial(is_urgent=is_urgent)
        except ENGINE_FAILURES as error:
            failure = as_speech_error(error, self._member.name)
            if is_urgent or not isinstance(error, DeadlineExceeded):
                self._count(failure)
        raise failure

    async def finish(self) -> Transcript:
        """Every word."""
        try:
            transcript = await self._stream.finish()
        except ENGINE_FAILURES as error:
            failure = as_speech_error(error, self._member.name)
            self._count(failure)
        else:
            self._member.succeeded()
            return transcript
        raise failure

    def _count(self, failure: SpeechError) -> None:
        if not isinstance(failure, LanguageUnsupported):
            self._member.failed(failure)


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
        self._was_left = False  # the member was left alone, and is asked nevertheless
        self._on_trial: Member[Recognizer] | None = None  # until it is told how that went
        self._has_words = False  # the member gave some, if only in passing
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
            failure = as_speech_error(error, member.name)
        else:
            self._has_words = True
            return replace(transcript, engine=member.name)
        raise failure

    async def finish(self) -> Transcript:
        """Every word, of the first engine that gives them in time."""
        try:
            return await self._asked(lambda stream: stream.finish())
        finally:
            self._close()

    def cancel(self) -> None:
        """Drop the work under way."""
        self._close()
        if self._stream is not None:
            self._stream.cancel()

    def _close(self) -> None:
        self._is_closed = True
        self._audio.clear()
        self._end_trial()

    def _end_trial(self) -> None:
        """Words in passing are enough; where there are none, another utterance finds out."""
        member, self._on_trial = self._on_trial, None
        if member is not None and self._has_words:
            member.succeeded()
        elif member is not None:
            member.let_go()

    @property
    def _has_next(self) -> bool:
        return bool(self._members or self._left_alone)

    @property
    def _has_stand_in(self) -> bool:
        """Whether another one would hear it who is not worse off than the one whose turn it is."""
        if self._was_left:
            return any(member.is_started for member in self._left_alone)
        return any(not member.is_left_alone for member in self._members)

    def _current(self) -> Member[Recognizer]:
        """Whose turn it is. Those that are left alone come last: waiting beats hearing nothing."""
        while self._member is None:
            if not self._members:
                self._member, self._was_left = self._left_alone.pop(0), True
            elif self._members[0].may_try():
                self._member = self._members.pop(0)
                self._on_trial = self._member if self._member.is_left_alone else None
            else:
                self._left_alone.append(self._members.pop(0))
        return self._member

    async def _asked(self, ask: Callable[[RecognitionStream], Awaitable[Transcript]]) -> Transcript:
        while True:
            member = self._current()
            # The last one has the time that the call has: nobody stands in for it.
            deadline_s = member.deadline_s if self._has_stand_in else None
            try:
                transcript = await self._in_time(member, ask, deadline_s)
            except LanguageUnsupported:
                if not self._has_next:
                    raise
                self._drop(member)
            except ENGINE_FAILURES as error:
                if not self._has_next:
                    self._failed(member, error)
                    failure = as_speech_error(error, member.name)
                    break
                self._leave(member, error)
            else:
                self._on_trial = None
                member.succeeded()
                return replace(transcript, engine=member.name)
        raise failure

    async def _in_time(
        self,
        member: Member[Recognizer],
        ask: Callable[[RecognitionStream], Awaitable[Transcript]],
        deadline_s: float | None,
    ) -> Transcript:
        stream = self._opened(member)
        limit = asyncio.timeout(deadline_s)
        try:
            async with limit:
                return await ask(stream)
        except TimeoutError:
            if not limit.expired():
                raise  # the engine's own
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
            self._stream = self._wanted.opened(member)
            self._fed = 0
        for pcm in self._audio[self._fed :]:
            self._stream.feed(pcm)
        self._fed = len(self._audio)
        return self._stream

    def _leave(self, member: Member[Recognizer], error: Exception) -> None:
        """The next one hears it, from its beginning. Two may find out at once that it failed."""
        if member is self._member:
            logger.warning("{} failed, another engine hears it: {}", member.name, error)
            self._failed(member, error)
            self._drop(member)

    def _failed(self, member: Member[Recognizer], error: Exception) -> None:
        self._on_trial = None
        member.failed(error)

    def _drop(self, member: Member[Recognizer]) -> None:
        if member is not self._member:
            return
        self._end_trial()
        self._member, self._has_words = None, False
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
