"""The doctor's look at the engines: each speaks a word in each of its languages, and each that
hears is played that word."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from bot.doctor.machine import Check, State
from bot.engine_settings import options_of
from bot.pipecat_engines import ALL_ENGINES, make_recognizer, make_synthesizer
from bot.settings import Settings
from speech.engine_table import EngineEntry, Kind
from speech.errors import SpeechError, VoicesInvalid, VoiceUnknown
from speech.learned_voice import AGENT, CUSTOM
from speech.pool import EnginePool
from speech.stt import Pcm, Recognizer
from speech.tts import SpeechRequest, Synthesizer
from speech.voice_presets import load_presets
from speech.voices import VoiceShelf

LEARNED = (AGENT, CUSTOM)
"""Voices that are there only once they were added: a call sees to them at its start."""

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


@dataclass(slots=True)
class _TriedVoices:
    """The voices that the settings want, and what of them no engine has."""

    wanted: Mapping[str, str]  # by language
    shelf: VoiceShelf
    faults: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """By language: what is wrong with its voice, and what to do."""
    fine: set[str] = field(default_factory=set[str])

    @classmethod
    async def of(cls, settings: Settings) -> "_TriedVoices":
        try:
            presets = await asyncio.to_thread(
                load_presets,
                settings.voices_file,
                members=tuple({name for names in settings.speaking.values() for name in names}),
            )
        except VoicesInvalid as error:
            found = cls(settings.voices, VoiceShelf(await asyncio.to_thread(load_presets)))
            fault = (f"CALLWRIGHT_VOICES_FILE: {error}", "mend the file")
            found.faults = dict.fromkeys(settings.speaking, fault)
            return found
        return cls(settings.voices, VoiceShelf(presets))

    async def of_engine(self, trial: _Trial, mouth: Synthesizer, language: str) -> str | None:
        """The engine's voice for the one that is wanted; None: its own choice."""
        wanted = self.wanted.get(language)
        if language not in trial.languages or wanted is None or wanted.startswith(LEARNED):
            return None
        try:
            choice, *_ = await self.shelf.resolve(wanted, language, {trial.name: mouth})
        except VoiceUnknown as error:
            if language not in self.fine:
                what, _, there = str(error).partition("; ")
                fix = f"set CALLWRIGHT_VOICES__{language.upper()} to another: {there}"
                self.faults[language] = (what, fix)
            return None
        self.fine.add(language)
        self.faults.pop(language, None)
        return choice.voice


MakeMouth = Callable[[str, Mapping[str, str]], Synthesizer]
MakeEar = Callable[[str, EnginePool, Mapping[str, str]], Recognizer]


async def examine_engines(
    settings: Settings,
    engines: Sequence[EngineEntry] = ALL_ENGINES,
    *,
    speaking: MakeMouth = make_synthesizer,
    hearing: MakeEar = make_recognizer,
) -> tuple[Check, ...]:
    """Try those that are set and those that need no setting; say what each language can do."""
    checks: list[Check] = []
    words: dict[str, SpokenWord] = {}
    works: set[tuple[Kind, str, str]] = set()  # kind, the settings' name of the engine, language
    voices = await _TriedVoices.of(settings)
    for trial in _trials(settings, settings.speaking, engines, "speaks"):
        spoken, check = await _try_speaking(trial, voices, speaking)
        checks.append(check)
        works |= {("speaks", trial.name, language) for language in spoken}
        words = {**spoken, **words}
    async with EnginePool(1) as pool:
        for trial in _trials(settings, settings.hearing, engines, "hears"):
            heard, check = await _try_hearing(trial, words, pool, hearing)
            checks.append(check)
            works |= {("hears", trial.name, language) for language in heard}
    languages = (_language(name, settings, works, voices.faults) for name in _languages(settings))
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
    trial: _Trial, voices: _TriedVoices, make: MakeMouth
) -> tuple[dict[str, SpokenWord], Check]:
    """A language whose voice the engine lacks is tried without."""
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
                    voice = await voices.of_engine(trial, mouth, language)
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
