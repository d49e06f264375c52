"""The doctor's look at the engines: each speaks a word in each of its languages, and each that
hears is played that word."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from bot.doctor.machine import Check, State
from bot.settings import Settings
from bot.voice import voice_fault
from speech.engine_table import ENGINES, EngineEntry, Kind
from speech.errors import SpeechError
from speech.pool import EnginePool
from speech.registry import make_recognizer, make_synthesizer
from speech.stt import Pcm, Recognizer
from speech.tts import SpeechRequest, Synthesizer

TRY_S = 30.0
"""For an engine to load and do one word; longer than any of them takes on a slow disk."""
SHORTEST_WORD_MS = 50  # less is no word, whatever the engine says

WORDS: Mapping[str, str] = {"en": "thank you", "hi": "धन्यवाद", "mr": "धन्यवाद"}


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as an engine spoke it: int16 mono PCM."""

    pcm: Pcm
    sample_rate_hz: int


async def examine_engines(
    settings: Settings,
    engines: Sequence[EngineEntry] = ENGINES,
    *,
    speaking: Callable[[str], Synthesizer] = make_synthesizer,
    hearing: Callable[[str, EnginePool], Recognizer] = make_recognizer,
) -> tuple[Check, ...]:
    """Try every engine, and say what each language can do with those that are set."""
    checks: list[Check] = []
    words: dict[str, SpokenWord] = {}
    works: set[tuple[Kind, str, str]] = set()  # kind, engine, language
    faults: dict[str, tuple[str, str]] = {}  # language: what is wrong with its voice, what to do
    for engine in engines:
        if engine.kind == "speaks":
            spoken, check = await _try_speaking(engine, settings, speaking, faults)
            checks.append(check)
            works |= {("speaks", engine.name, language) for language in spoken}
            words = {**spoken, **words}
    async with EnginePool(1) as pool:
        for engine in engines:
            if engine.kind == "hears":
                heard, check = await _try_hearing(engine, settings, words, pool, hearing)
                checks.append(check)
                works |= {("hears", engine.name, language) for language in heard}
    languages = (_language(name, settings, works, faults) for name in _languages(settings))
    return (*checks, *languages)


def _languages(settings: Settings) -> tuple[str, ...]:
    wanted = {
        settings.default_language,
        *settings.speaking,
        *settings.hearing,
        *settings.voices,
    }
    return tuple(sorted(wanted))


def _language(
    name: str,
    settings: Settings,
    works: Set[tuple[Kind, str, str]],
    faults: Mapping[str, tuple[str, str]],
) -> Check:
    """What a call in this language can do."""
    title = f"language {name}"
    mouth, ear = settings.speaking.get(name), settings.hearing.get(name)
    if mouth is None or ("speaks", mouth, name) not in works:
        detail = f"cannot be spoken: {mouth or 'no engine is set'}"
        fix = f"set CALLWRIGHT_SPEAKING__{name.upper()} to an engine that works above"
        return Check(title, State.BROKEN, detail, fix)
    if name in faults:
        what, fix = faults[name]
        return Check(title, State.BROKEN, f"cannot be spoken: {what}", fix)
    if ear is None:
        detail = f"speaks ({mouth}); answers by keys only, for nothing hears it"
        fix = f"set CALLWRIGHT_HEARING__{name.upper()} to an engine that hears it"
        return Check(title, State.OPTIONAL, detail, fix)
    if ("hears", ear, name) not in works:
        fix = f"mend {ear}, or set CALLWRIGHT_HEARING__{name.upper()} (none: keys only)"
        return Check(title, State.BROKEN, f"speaks ({mouth}); {ear} does not hear it", fix)
    return Check(title, State.OK, f"speaks ({mouth}), hears ({ear})")


async def _try_speaking(
    engine: EngineEntry,
    settings: Settings,
    make: Callable[[str], Synthesizer],
    faults: dict[str, tuple[str, str]],
) -> tuple[dict[str, SpokenWord], Check]:
    """`faults` is filled with the languages whose voice the engine lacks; it is tried without."""
    wanted = {name for name, used in settings.speaking.items() if used == engine.name}
    spoken: dict[str, SpokenWord] = {}
    if not engine.is_installed:
        return spoken, _absent(engine, bool(wanted))
    try:
        async with asyncio.timeout(TRY_S):
            mouth = make(engine.name)
            try:
                await mouth.start()
                for language in sorted(mouth.languages):
                    voice = settings.voices.get(language) if language in wanted else None
                    if fault := voice_fault(mouth, language, voice):
                        faults[language], voice = fault, None
                    spoken[language] = await _say(mouth, language, voice)
            finally:
                await mouth.close()
    except TimeoutError:
        return {}, _failed(engine, bool(wanted), f"not a word in {TRY_S:g} s")
    except SpeechError as error:
        return spoken, _failed(engine, bool(wanted), str(error))
    lengths = {name: 1000 * len(word.pcm) // word.sample_rate_hz for name, word in spoken.items()}
    mute = [language for language, ms in lengths.items() if ms < SHORTEST_WORD_MS]
    if mute:
        good = {name: word for name, word in spoken.items() if name not in mute}
        return good, _failed(engine, bool(wanted), f"silent in {', '.join(mute)}")
    detail = f"speaks {', '.join(sorted(spoken))}; {engine.licence}"
    return spoken, Check(_title(engine), State.OK, detail)


async def _say(mouth: Synthesizer, language: str, voice: str | None) -> SpokenWord:
    request = SpeechRequest(WORDS.get(language, WORDS["en"]), language, voice)
    parts: list[Pcm] = [np.zeros(0, np.int16)]
    async with aclosing(mouth.synthesize(request)) as chunks:
        async for chunk in chunks:
            parts.append(chunk)  # noqa: PERF401 - the generator has to be closed
    return SpokenWord(np.concatenate(parts), mouth.sample_rate_hz)


async def _try_hearing(
    engine: EngineEntry,
    settings: Settings,
    words: Mapping[str, SpokenWord],
    pool: EnginePool,
    make: Callable[[str, EnginePool], Recognizer],
) -> tuple[frozenset[str], Check]:
    wanted = engine.name in settings.hearing.values()
    if not engine.is_installed:
        return frozenset(), _absent(engine, wanted)
    heard: dict[str, str] = {}
    try:
        async with asyncio.timeout(TRY_S):
            ear = make(engine.name, pool)
            try:
                await ear.start()
                for language in sorted(ear.languages & words.keys()):
                    heard[language] = await _listen(ear, language, words[language])
            finally:
                await ear.close()
    except TimeoutError:
        return frozenset(), _failed(engine, wanted, f"no word understood in {TRY_S:g} s")
    except SpeechError as error:
        return frozenset(), _failed(engine, wanted, str(error))
    works = frozenset(language for language, said in heard.items() if said)
    deaf = heard.keys() - works
    if deaf:
        return works, _failed(engine, wanted, f"heard nothing in {', '.join(sorted(deaf))}")
    untried = ear.languages - heard.keys()
    said = ", ".join(f"{name} (“{text}”)" for name, text in sorted(heard.items()))
    rest = f"; not tried, for nothing speaks it: {', '.join(sorted(untried))}" if untried else ""
    detail = f"hears {said or 'nothing yet'}{rest}; {engine.licence}"
    return works | untried, Check(_title(engine), State.OK, detail)


async def _listen(ear: Recognizer, language: str, word: SpokenWord) -> str:
    stream = ear.open(language=language, sample_rate_hz=word.sample_rate_hz)
    try:
        stream.feed(word.pcm)
        return (await stream.finish()).text.strip()
    finally:
        stream.cancel()


def _title(engine: EngineEntry) -> str:
    return f"engine {engine.name}"


def _absent(engine: EngineEntry, wanted: bool) -> Check:
    state = State.MISSING if wanted else State.OPTIONAL
    detail = f"{engine.kind} {', '.join(engine.languages)}; needs {engine.needs}"
    return Check(_title(engine), state, detail, engine.how_to_get_it)


def _failed(engine: EngineEntry, wanted: bool, reason: str) -> Check:
    state = State.BROKEN if wanted else State.OPTIONAL
    return Check(_title(engine), state, f"does not work: {reason}", engine.how_to_get_it)
