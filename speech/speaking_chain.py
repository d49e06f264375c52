"""Engines that speak, one behind the other: what the first can't say in time, the next says.

Each engine speaks through its own `SpeechCache`, so what it said once is said again in its voice
while it is down. A text that breaks off is said again from its beginning by the next engine: texts
come clause by clause, so a few words are said twice, in another voice.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from loguru import logger

from speech.cache import SpeechCache
from speech.errors import (
    ENGINE_FAILURES,
    DeadlineExceeded,
    LanguageUnsupported,
    SpeechError,
    VoiceUnknown,
    as_speech_error,
)
from speech.expression import suited
from speech.members import Member
from speech.stt import Pcm
from speech.tts import SpeechRequest, Synthesizer

PROMPT_S = 60.0
"""How long an engine may take for a prompt that is made ahead: one that makes whole sentences in
a third of their length needs 4 s for a long one, and more while it is still warming up. It is there
to notice an engine that hangs."""

Fit = Callable[[SpeechRequest, str, Synthesizer], SpeechRequest | None]
"""A request in the words of one engine (under that name); None: it does not have the voice."""


def own_voice(request: SpeechRequest, name: str, engine: Synthesizer) -> SpeechRequest:
    """The voice if the engine has it for the language, else the engine's own choice."""
    known = {voice.name for voice in engine.voices if voice.language == request.language}
    return request if request.voice in known else replace(request, voice=None)


@dataclass(frozen=True, slots=True)
class Mouth:
    """An engine that speaks, and what it said before."""

    member: Member[Synthesizer]
    cache: SpeechCache

    @property
    def engine(self) -> Synthesizer:
        return self.member.engine


class SpeechChain:
    """Speaks one language through its engines, with the methods of a `SpeechCache`."""

    def __init__(self, mouths: Sequence[Mouth], *, fit: Fit = own_voice) -> None:
        """`mouths` in their order; somebody else starts and closes their engines."""
        if not mouths:
            raise ValueError("a chain needs an engine")
        self._mouths = tuple(mouths)
        self._fit = fit

    @property
    def mouths(self) -> tuple[Mouth, ...]:
        """In their order."""
        return self._mouths

    async def speak(
        self, request: SpeechRequest, *, sample_rate_hz: int, is_prompt: bool = False
    ) -> AsyncGenerator[Pcm, None]:
        """Yield the request's audio, int16 mono at `sample_rate_hz`, as it is made.

        Closing the generator early stops the engine. `is_prompt` as for `SpeechCache.speak`.

        Raises:
            SpeechError: the last engine's, when none could say it; an `EngineFailed` where that
                was none of them.
        """
        async with aclosing(
            self._speak(request, _Asked(sample_rate_hz, is_prompt=is_prompt))
        ) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _speak(self, request: SpeechRequest, asked: "_Asked") -> AsyncGenerator[Pcm, None]:
        plans = self._plans(request)
        if not plans:
            raise _nobody(request, self._mouths)
        left: list[_Plan] = []
        failure: SpeechError | None = None
        while plans or left:
            is_left = not plans
            # Those that are left alone come last: waiting for one beats saying nothing.
            plan = left.pop(0) if is_left else plans.pop(0)
            kept = await plan.mouth.cache.holds(plan.request, sample_rate_hz=asked.sample_rate_hz)
            if not (kept or is_left or plan.mouth.member.may_try()):
                left.append(plan)
                continue
            # The last one has the time that the call has, and so has one behind which stand only
            # such as are left alone themselves: what they would say is not worth giving it up.
            stands_in = [
                other
                for other in (left if is_left else plans)
                if (other.member.is_started if is_left else not other.member.is_left_alone)
            ]
            speech = self._said(plan, asked, kept=kept, is_left=is_left, is_last=not stands_in)
            try:
                async with aclosing(speech) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except VoiceUnknown as error:  # it is over, or its engine has forgotten it
                failure = error
                if plan.request.voice is not None:
                    plans.insert(0, plan.without_voice())
            except ENGINE_FAILURES as error:
                failure = as_speech_error(error, plan.member.name)
            else:
                return
            if plans or left:
                logger.warning("{} did not say it: {}", plan.member.name, failure)
        assert failure is not None
        raise failure

    async def _said(
        self, plan: "_Plan", asked: "_Asked", *, kept: bool, is_left: bool, is_last: bool
    ) -> AsyncGenerator[Pcm, None]:
        """What one engine, or its cache, says; its member is told how it went.

        Who closes this after the first sound has heard that the engine is well; who closes it
        before knows nothing, and another finds out.
        """
        member = plan.member
        sound = plan.mouth.cache.speak(
            plan.request, sample_rate_hz=asked.sample_rate_hz, is_prompt=asked.is_prompt
        )
        deadline_s = asked.patience_s or (None if is_last else member.deadline_s)
        has_spoken = has_failed = False
        try:
            async with aclosing(_in_time(sound, deadline_s, member.name)) as chunks:
                async for chunk in chunks:
                    has_spoken = True
                    yield chunk
            has_spoken = True  # a text without words too
        except (LanguageUnsupported, VoiceUnknown):
            raise
        except ENGINE_FAILURES as error:
            member.failed(error)
            has_failed = True
            raise
        finally:
            if has_spoken and not has_failed and not kept:
                member.succeeded()
            elif not is_left and not kept:
                member.let_go()

    async def holds(self, request: SpeechRequest, *, sample_rate_hz: int) -> bool:
        """Whether it would come at once, without synthesis."""
        for plan in self._plans(request):
            if await plan.mouth.cache.holds(plan.request, sample_rate_hz=sample_rate_hz):
                return True
            if not plan.mouth.member.is_left_alone:
                return False
        return False

    async def prewarm(
        self, requests: Iterable[SpeechRequest], *, sample_rate_hz: int, is_prompt: bool = True
    ) -> list[tuple[SpeechRequest, SpeechError]]:
        """Have everything ready that is known to be said; return what failed, and why.

        Nobody waits for a prompt, so its engine has `PROMPT_S` for each sound, and is left alone
        if it hangs, not if it is slow. What is no prompt is made for a call, in the call's time.
        """
        asked = _Asked(sample_rate_hz, is_prompt, patience_s=PROMPT_S if is_prompt else None)
        failed: list[tuple[SpeechRequest, SpeechError]] = []
        for request in requests:
            try:
                async with aclosing(self._speak(request, asked)) as sound:
                    async for _ in sound:
                        pass
            except SpeechError as error:
                failed.append((request, error))
        return failed

    def _plans(self, request: SpeechRequest) -> "list[_Plan]":
        """Who may say it, and how each is asked.

        Where the wanted voice fails, or is over, another engine's own beats silence.
        """
        plans: list[_Plan] = []
        others: list[_Plan] = []
        for mouth in self._mouths:
            if request.language not in mouth.engine.languages:
                continue
            fitted = self._fit(request, mouth.member.name, mouth.engine)
            asked = fitted or replace(request, voice=None)
            plan = _Plan(mouth, suited(asked, mouth.engine.expression))
            (others if fitted is None else plans).append(plan)
        return [*plans, *others]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is the same for every engine that is asked."""

    sample_rate_hz: int
    is_prompt: bool
    patience_s: float | None = None  # for each sound, of every engine; None: a call waits


@dataclass(frozen=True, slots=True)
class _Plan:
    """Who is asked, and how."""

    mouth: Mouth
    request: SpeechRequest

    @property
    def member(self) -> Member[Synthesizer]:
        return self.mouth.member

    def without_voice(self) -> "_Plan":
        return _Plan(self.mouth, replace(self.request, voice=None))


def _nobody(request: SpeechRequest, mouths: Sequence[Mouth]) -> SpeechError:
    names = ", ".join(mouth.member.name for mouth in mouths)
    if all(request.language not in mouth.engine.languages for mouth in mouths):
        return LanguageUnsupported(f"none of {names} speaks {request.language!r}")
    return VoiceUnknown(f"none of {names} has the voice {request.voice!r} for {request.language}")


async def _in_time(
    sound: AsyncGenerator[Pcm, None], quiet_s: float | None, name: str
) -> AsyncGenerator[Pcm, None]:
    """Raises DeadlineExceeded when no more sound comes for `quiet_s`."""
    async with aclosing(sound) as chunks:
        while True:
            limit = asyncio.timeout(quiet_s)
            try:
                async with limit:
                    chunk = await anext(chunks, None)
            except TimeoutError:
                if not limit.expired():
                    raise  # the engine's own
                raise DeadlineExceeded(f"{name} gave no sound for {quiet_s:g} s") from None
            if chunk is None:
                return
            yield chunk
