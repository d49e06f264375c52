"""The doctor's look at the engines: each speaks a word in each of its languages, and each that
hears is played that word."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from bot.doctor.machine import Check, State
from bot.engine_settings import options_of
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


@dataclass(frozen=True, slots=True)
class _Trial:
    """An engine under one of the names that the settings give it."""

    name: str
    engine: EngineEntry
    options: Mapping[str, str]
    languages: frozenset[str]  # that are to use it

    @property
    def is_tried(self) -> bool:
        return self.engine.is_installed and (self.engine.is_embedded or bool(self.languages))


MakeMouth = Callable[[str, Mapping[str, str]], Synthesizer]
MakeEar = Callable[[str, EnginePool, Mapping[str, str]], Recognizer]


async def examine_engines(
    settings: Settings,
    engines: Sequence[EngineEntry] = ENGINES,
    *,
    speaking: MakeMouth = make_synthesizer,
    hearing: MakeEar = make_recognizer,
) -> tuple[Check, ...]:
    """Try those that are set and those that need no setting; say what each language can do."""
    checks: list[Check] = []
    words: dict[str, SpokenWord] = {}
    works: set[tuple[Kind, str, str]] = set()  # kind, the settings' name of the engine, language
    faults: dict[str, tuple[str, str]] = {}  # language: what is wrong with its voice, what to do
    for trial in _trials(settings, settings.speaking, engines, "speaks"):
        spoken, check = await _try_speaking(trial, settings, speaking, faults)
        checks.append(check)
        works |= {("speaks", trial.name, language) for language in spoken}
        words = {**spoken, **words}
    async with EnginePool(1) as pool:
        for trial in _trials(settings, settings.hearing, engines, "hears"):
            heard, check = await _try_hearing(trial, words, pool, hearing)
            checks.append(check)
            works |= {("hears", trial.name, language) for language in heard}
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
    mouths, ears = settings.speaking.get(name, ()), settings.hearing.get(name, ())
    mouth, ear = ", ".join(mouths), ", ".join(ears)
    if not any(("speaks", one, name) in works for one in mouths):
        detail = f"cannot be spoken: {mouth or 'no engine is set'}"
        fix = f"set CALLWRIGHT_SPEAKING__{name.upper()} to an engine that works above"
        return Check(title, State.BROKEN, detail, fix)
    if name in faults:
        what, fix = faults[name]
        return Check(title, State.BROKEN, f"cannot be spoken: {what}", fix)
    if not ears:
        detail = f"speaks ({mouth}); answers by keys only, for nothing hears it"
        fix = f"set CALLWRIGHT_HEARING__{name.upper()} to an engine that hears it"
        return Check(title, State.OPTIONAL, detail, fix)
    if not any(("hears", one, name) in works for one in ears):
        fix = f"mend {ear}, or set CALLWRIGHT_HEARING__{name.upper()} (none: keys only)"
        return Check(title, State.BROKEN, f"speaks ({mouth}); {ear} does not hear it", fix)
    return Check(title, State.OK, f"speaks ({mouth}), hears ({ear})")


def _trials(
    settings: Settings,
    chosen: Mapping[str, tuple[str, ...]],
    engines: Sequence[EngineEntry],
    kind: Kind,
) -> Iterator[_Trial]:
    """Each engine once for each name that the settings give it, and once where they give none."""
    for engine in engines:
        if engine.kind != kind:
            continue
        users: dict[str, set[str]] = {}
        for language, names in chosen.items():
            for name in names:
                if options_of(settings.engines, name)[0] == engine.name:
                    users.setdefault(name, set()).add(language)
        for name, languages in (users or {engine.name: set[str]()}).items():
            options = options_of(settings.engines, name)[1]
            yield _Trial(name, engine, options, frozenset(languages))


async def _try_speaking(
    trial: _Trial,
    settings: Settings,
    make: MakeMouth,
    faults: dict[str, tuple[str, str]],
) -> tuple[dict[str, SpokenWord], Check]:
    """`faults` is filled with the languages whose voice the engine lacks; it is tried without."""
    engine, wanted = trial.engine, trial.languages
    spoken: dict[str, SpokenWord] = {}
    if not trial.is_tried:
        return spoken, _untried(trial)
    try:
        async with asyncio.timeout(TRY_S):
            mouth = make(engine.name, trial.options)
            try:
                await mouth.start()
                for language in sorted(wanted or mouth.languages):
                    voice = settings.voices.get(language) if language in wanted else None
                    if fault := voice_fault(mouth, language, voice):
                        faults[language], voice = fault, None
                    spoken[language] = await _say(mouth, language, voice)
            finally:
                await mouth.close()
    except TimeoutError:
        return {}, _failed(trial, f"not a word in {TRY_S:g} s")
    except SpeechError as error:
        return spoken, _failed(trial, str(error))
    lengths = {name: 1000 * len(word.pcm) // word.sample_rate_hz for name, word in spoken.items()}
    mute = [language for language, ms in lengths.items() if ms < SHORTEST_WORD_MS]
    if mute:
        good = {name: word for name, word in spoken.items() if name not in mute}
        return good, _failed(trial, f"silent in {', '.join(mute)}")
    detail = f"speaks {', '.join(sorted(spoken))}; {engine.licence}"
    return spoken, Check(_title(trial), State.OK, detail)


async def _say(mouth: Synthesizer, language: str, voice: str | None) -> SpokenWord:
    request = SpeechRequest(WORDS.get(language, WORDS["en"]), language, voice)
    parts: list[Pcm] = [np.zeros(0, np.int16)]
    async with aclosing(mouth.synthesize(request)) as chunks:
        async for chunk in chunks:
            parts.append(chunk)  # noqa: PERF401 - the generator has to be closed
    return SpokenWord(np.concatenate(parts), mouth.sample_rate_hz)


async def _try_hearing(
    trial: _Trial,
    words: Mapping[str, SpokenWord],
    pool: EnginePool,
    make: MakeEar,
) -> tuple[frozenset[str], Check]:
    engine = trial.engine
    if not trial.is_tried:
        return frozenset(), _untried(trial)
    heard: dict[str, str] = {}
    try:
        async with asyncio.timeout(TRY_S):
            ear = make(engine.name, pool, trial.options)
            try:
                await ear.start()
                for language in sorted(ear.languages & words.keys()):
                    heard[language] = await _listen(ear, language, words[language])
            finally:
                await ear.close()
    except TimeoutError:
        return frozenset(), _failed(trial, f"no word understood in {TRY_S:g} s")
    except SpeechError as error:
        return frozenset(), _failed(trial, str(error))
    works = frozenset(language for language, said in heard.items() if said)
    deaf = heard.keys() - works
    if deaf:
        return works, _failed(trial, f"heard nothing in {', '.join(sorted(deaf))}")
    untried = ear.languages - heard.keys()
    said = ", ".join(f"{name} (“{text}”)" for name, text in sorted(heard.items()))
    rest = f"; not tried, for nothing speaks it: {', '.join(sorted(untried))}" if untried else ""
    detail = f"hears {said or 'nothing yet'}{rest}; {engine.licence}"
    return works | untried, Check(_title(trial), State.OK, detail)


async def _listen(ear: Recognizer, language: str, word: SpokenWord) -> str:
    stream = ear.open(language=language, sample_rate_hz=word.sample_rate_hz)
    try:
        stream.feed(word.pcm)
        return (await stream.finish()).text.strip()
    finally:
        stream.cancel()


def _title(trial: _Trial) -> str:
    name, engine = trial.name, trial.engine.name
    return f"engine {name}" if name == engine else f"engine {name} ({engine})"


def _untried(trial: _Trial) -> Check:
    engine = trial.engine
    if engine.is_installed:
        detail = f"{engine.kind} {', '.join(engine.languages)}; not tried, for nothing uses it"
        return Check(_title(trial), State.OPTIONAL, detail, "docs/engines.md tells how it is set")
    state = State.MISSING if trial.languages else State.OPTIONAL
    detail = f"{engine.kind} {', '.join(engine.languages)}; needs {engine.needs}"
    return Check(_title(trial), state, detail, engine.how_to_get_it)


def _failed(trial: _Trial, reason: str) -> Check:
    state = State.BROKEN if trial.languages else State.OPTIONAL
    return Check(_title(trial), state, f"does not work: {reason}", trial.engine.how_to_get_it)
