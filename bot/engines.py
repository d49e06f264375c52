"""The engines that the settings choose: made, started, and put in their order per language."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from loguru import logger

from bot.engine_settings import option_fault, options_of
from bot.errors import StartFailed
from bot.pipecat_engines import make_recognizer, make_synthesizer
from bot.settings import Settings
from bot.voice import Speaks
from speech.agent_voices import AgentPackages
from speech.cache import SpeechCache
from speech.custom_voices import CustomVoices
from speech.errors import EngineUnavailable, OptionInvalid, SpeechError, VoicesInvalid
from speech.hearing_chain import RecognizerChain
from speech.learned_voice import AGENT, CUSTOM
from speech.members import Engine, Member
from speech.pool import EnginePool
from speech.redis_store import RedisStore
from speech.speaking_chain import Mouth, SpeechChain
from speech.stt import Recognizer
from speech.tts import Synthesizer
from speech.voice_presets import load_presets
from speech.voices import VoiceShelf

E = TypeVar("E", bound=Engine)


@dataclass(frozen=True, slots=True)
class Ears:
    """The engines that hear."""

    by_language: Mapping[str, Recognizer]
    members: tuple[Member[Recognizer], ...]


@dataclass(frozen=True, slots=True)
class Mouths:
    """The engines that speak."""

    by_language: Mapping[str, Speaks]
    members: tuple[Member[Synthesizer], ...]
    caches: tuple[SpeechCache, ...]
    shelf: VoiceShelf

    async def get_ready(self, voices: Mapping[str, str]) -> None:
        """See to it that learned voices can be spoken in; what can't is spoken in another."""
        engines = {member.name: member.engine for member in self.members}
        for name in sorted(set(voices.values())):
            if name.startswith((CUSTOM, AGENT)):
                try:
                    await self.shelf.ready(name, engines)
                except SpeechError as error:
                    logger.warning("{} is spoken in another voice: {}", name, error)


async def open_ears(settings: Settings, pool: EnginePool, stack: AsyncExitStack) -> Ears:
    """Raises StartFailed: a language would have no ear; says why."""

    def make(engine: str, options: Mapping[str, str]) -> Recognizer:
        return make_recognizer(engine, pool, options)

    members = await _started(
        settings, settings.hearing, "CALLWRIGHT_HEARING", make, settings.timeouts.hearing_s, stack
    )
    by_language = {
        language: RecognizerChain([members[name] for name in names])
        for language, names in settings.hearing.items()
    }
    return Ears(by_language, tuple(members.values()))


async def open_mouths(settings: Settings, stack: AsyncExitStack) -> Mouths:
    """Raises StartFailed: a language would have no voice; says why."""
    members = await _started(
        settings,
        settings.speaking,
        "CALLWRIGHT_SPEAKING",
        make_synthesizer,
        settings.timeouts.speaking_s,
        stack,
    )
    redis = _redis(settings, stack)
    custom = _custom_voices(members, redis, stack)
    shelf = await _shelf(settings, members, custom)
    await _check_voices(settings, members, shelf)
    keeps = "speech_cache" not in settings.without
    mouths = {
        name: Mouth(
            member,
            SpeechCache(
                member.engine,
                folder=settings.data_dir / "speech" if keeps else None,
                memory_bytes=settings.speech_cache_bytes // len(members) if keeps else 0,
                redis=redis if keeps else None,
                lease=shelf.lease,
            ),
        )
        for name, member in members.items()
    }
    if custom is not None:
        for mouth in mouths.values():
            custom.tell(mouth.cache.forget)
    return Mouths(
        {
            language: SpeechChain([mouths[name] for name in names], fit=shelf.fit)
            for language, names in settings.speaking.items()
        },
        tuple(members.values()),
        tuple(mouth.cache for mouth in mouths.values()),
        shelf,
    )


def _redis(settings: Settings, stack: AsyncExitStack) -> RedisStore | None:
    if settings.redis_url is None:
        return None
    try:
        store = RedisStore(settings.redis_url.get_secret_value())
    except SpeechError as error:
        raise StartFailed(f"CALLWRIGHT_REDIS_URL: {error}") from error
    stack.push_async_callback(store.close)
    return store


def _custom_voices(
    members: Mapping[str, Member[Synthesizer]], redis: RedisStore | None, stack: AsyncExitStack
) -> CustomVoices | None:
    """None where no engine learns any: a speech server keeps those of its engines itself."""
    if not any(hasattr(member.engine, "learn") for member in members.values()):
        return None
    custom = CustomVoices(redis=redis)
    stack.push_async_callback(custom.close)
    return custom


async def _shelf(
    settings: Settings,
    members: Mapping[str, Member[Synthesizer]],
    custom: CustomVoices | None,
) -> VoiceShelf:
    """The voices by name. Raises StartFailed: the user's file of presets is wrong."""
    try:
        presets = await asyncio.to_thread(
            load_presets, settings.voices_file, members=tuple(members)
        )
    except VoicesInvalid as error:
        raise StartFailed(f"CALLWRIGHT_VOICES_FILE: {error}") from error
    agents = AgentPackages(settings.data_dir / "artifacts" / "agents")
    shelf = VoiceShelf(presets, custom=custom, agents=agents)
    if settings.voices:
        for fault in shelf.faults({name: member.engine for name, member in members.items()}):
            logger.warning("{}", fault)
    return shelf


async def _started(
    settings: Settings,
    chains: Mapping[str, tuple[str, ...]],
    setting: str,
    make: Callable[[str, Mapping[str, str]], E],
    deadline_s: float,
    stack: AsyncExitStack,
) -> dict[str, Member[E]]:
    """Every engine that some language names, by that name. At least one of each chain is started.

    Raises:
        StartFailed: none of a chain is; or one that is named can't be made as it is set.
    """
    members: dict[str, Member[E]] = {}
    faults: dict[str, str] = {}
    for name in sorted({name for names in chains.values() for name in names}):
        engine, options = options_of(settings.engines, name)
        try:
            members[name] = Member(name, make(engine, options), deadline_s=deadline_s)
        except OptionInvalid as error:
            other = _other_half(settings, chains, name)
            raise StartFailed(
                option_fault(settings.engines, name, error, half=setting, other=other)
            ) from error
        except EngineUnavailable as error:
            raise StartFailed(f"{setting}: {error}") from error
        stack.push_async_callback(members[name].engine.close)
    async with asyncio.TaskGroup() as tasks:
        for member in members.values():
            tasks.create_task(_start(member, faults))
    for language, names in chains.items():
        if not any(members[name].is_started for name in names):
            raise StartFailed("\n".join(f"{setting}: {faults[name]}" for name in names))
        for name in names:
            if name in faults:
                logger.warning("{} {}: {}", setting, language, faults[name])
    return members


def _other_half(settings: Settings, chains: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The setting of the other chains, if they use an engine of that name, too; else ""."""
    is_hearing = chains is settings.hearing
    others = settings.speaking if is_hearing else settings.hearing
    if not any(name in names for names in others.values()):
        return ""
    return "CALLWRIGHT_SPEAKING" if is_hearing else "CALLWRIGHT_HEARING"


async def _start(member: Member[E], faults: dict[str, str]) -> None:
    try:
        await member.start()
    except EngineUnavailable as error:
        faults[member.name] = str(error)


async def _check_voices(
    settings: Settings, members: Mapping[str, Member[Synthesizer]], shelf: VoiceShelf
) -> None:
    """Raises StartFailed: a line for each voice that nobody has.

    A server that is down may have it when it comes up, and a learned voice may be made meanwhile:
    calls speak in another until then.
    """
    faults: list[str] = []
    for language, wanted in settings.voices.items():
        names = settings.speaking.get(language)
        if names is None:
            fix = f"set CALLWRIGHT_SPEAKING__{language.upper()}"
            faults.append(f"CALLWRIGHT_VOICES: no engine speaks {language}; {fix}")
            continue
        try:
            await shelf.resolve(wanted, language, {name: members[name].engine for name in names})
        except SpeechError as error:
            fault = f"CALLWRIGHT_VOICES__{language.upper()}: {error}"
            is_learned = wanted.startswith((CUSTOM, AGENT))
            if is_learned or not all(members[name].is_started for name in names):
                logger.warning("{}: calls speak in another voice until it is there", fault)
            else:
                faults.append(fault)
    if faults:
        raise StartFailed("\n".join(faults))
