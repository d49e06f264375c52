"""The engines of this process by model id: loaded, lent to requests, and exchanged while they run.

Who uses an engine borrows it for one utterance or one text. An engine that was exchanged is closed
when the last of its borrowers has given it back, so no call notices.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from loguru import logger

from speech.engine_table import Kind
from speech.errors import EngineBusy, EngineUnavailable, LanguageUnsupported
from speech.pool import EnginePool
from speech.registry import entry, make_recognizer, make_synthesizer
from speech.server.errors import ApiError
from speech.server.settings import EngineSpec
from speech.stt import Recognizer
from speech.tts import Synthesizer

E = TypeVar("E", Recognizer, Synthesizer)

CheckFits = Callable[[str, Mapping[str, str]], None]
"""Raises EngineUnavailable where an engine of that name with those options does not fit into the
memory that is left; called before anything is loaded."""

# What OpenAI's clients ask for unless they are told otherwise: the first engine that can.
_FIRST_THAT_CAN = frozenset({"", "default", "whisper-1", "tts-1", "tts-1-hd", "tts-1-1106"})
_OPENAI_PREFIX = "gpt-"


class ShuttingDown(EngineBusy):
    """The server ends what it has begun and begins nothing else."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model, for those who watch."""

    model: str
    engine: str
    kind: Kind
    in_flight: int
    max_streams: int
    is_draining: bool


class Loaded(Generic[E]):
    """An engine in use, and how many use it."""

    def __init__(self, spec: EngineSpec, engine: E) -> None:
        self.spec = spec
        self.engine: E = engine
        self.in_flight = 0
        self.is_retired = False
        self.drained = asyncio.Event()

    def state(self, model: str) -> ModelState:
        return ModelState(
            model,
            self.spec.engine,
            self.spec.kind,
            self.in_flight,
            self.spec.max_streams,
            self.is_retired,
        )


class EngineHost:
    """All engines of the server."""

    def __init__(self, pool: EnginePool, *, fits: CheckFits, max_streams: int = 64) -> None:
        """Load nothing yet.

        Args:
            pool: where engines that hear decode; the host does not close it.
            fits: asked before an engine is made.
            max_streams: at once for each engine whose spec does not say.
        """
        self._pool = pool
        self._fits = fits
        self._max_streams = max_streams
        self._hears: dict[str, Loaded[Recognizer]] = {}
        self._speaks: dict[str, Loaded[Synthesizer]] = {}
        self._retired: list[Loaded[Recognizer] | Loaded[Synthesizer]] = []
        self._drains: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.is_draining = False

    async def load(self, specs: Sequence[EngineSpec]) -> None:
        """Make, load and warm them, one after the other; all or none.

        Raises:
            SpeechError: one can't be loaded; says why and what to do.
        """
        try:
            for spec in specs:
                await self.switch(spec)
        except BaseException:
            await self.close()
            raise

    async def switch(self, spec: EngineSpec) -> None:
        """Load and warm an engine, then let new requests for its model id go to it.

        What it replaces goes on serving until then, and afterwards those whom it serves already.

        Raises:
            SpeechError: it can't be loaded, or doesn't fit; what served before serves on.
        """
        async with self._loading:
            self._fits(spec.engine, spec.options)
            logger.info("loading {} as {}", spec.engine, spec.model)
            if spec.kind == "hears":
                ear = make_recognizer(spec.engine, self._pool, spec.options)
                self.adopt(spec, await started(ear))
            else:
                mouth = make_synthesizer(spec.engine, spec.options)
                self.adopt(spec, await started(mouth))

    def adopt(self, spec: EngineSpec, engine: Recognizer | Synthesizer) -> None:
        """Give an engine that was started the new requests for its model id; close it with us."""
        spec = replace(spec, max_streams=spec.max_streams or self._max_streams)
        if spec.kind == "hears":
            old = self._hears.get(spec.model)
            self._hears[spec.model] = Loaded(spec, cast(Recognizer, engine))
        else:
            old = self._speaks.get(spec.model)
            self._speaks[spec.model] = Loaded(spec, cast(Synthesizer, engine))
        if old is not None:
            self._retire(old)

    def find(self, model: str) -> Kind | None:
        """What the model of that id does; None if there is none."""
        if model in self._hears:
            return "hears"
        return "speaks" if model in self._speaks else None

    def spec(self, model: str, kind: Kind) -> EngineSpec | None:
        """How the engine of that model was asked for, `max_streams` filled in; None: no such."""
        loaded = self._hears.get(model) if kind == "hears" else self._speaks.get(model)
        return loaded.spec if loaded else None

    @property
    def recognizers(self) -> Mapping[str, Recognizer]:
        """The engines that hear, by model id, in the order of `--engines`."""
        return {model: loaded.engine for model, loaded in self._hears.items()}

    @property
    def synthesizers(self) -> Mapping[str, Synthesizer]:
        """The engines that speak, by model id, in the order of `--engines`."""
        return {model: loaded.engine for model, loaded in self._speaks.items()}

    @property
    def states(self) -> tuple[ModelState, ...]:
        """All models, and what is left of those that were exchanged."""
        present = {**self._hears, **{f"\0{m}": s for m, s in self._speaks.items()}}
        return (
            *(loaded.state(model.removeprefix("\0")) for model, loaded in present.items()),
            *(loaded.state(loaded.spec.model) for loaded in self._retired),
        )

    @property
    def in_flight(self) -> int:
        """Utterances and texts that engines work on or wait for."""
        return sum(state.in_flight for state in self.states)

    def hearing_model(self, asked: str, language: str | None) -> str:
        """The id of the engine that hears meant by `asked` (or by OpenAI's name for its own).

        Raises:
            ApiError: 404, no such model.
            LanguageUnsupported: none of them knows the language.
        """
        return _choose(self.recognizers, asked, language, "hears")

    def speaking_model(self, asked: str, language: str | None, emotion: str | None = None) -> str:
        """The same for one that speaks; of several the first that knows the emotion."""
        able = {
            model: engine
            for model, engine in self.synthesizers.items()
            if emotion in engine.expression.emotions
            and (language is None or language in engine.languages)
        }
        if is_any(asked) and able:
            return next(iter(able))
        return _choose(self.synthesizers, asked, language, "speaks")

    @contextmanager
    def ear(self, model: str) -> Generator[Recognizer]:
        """Borrow an engine that hears for one utterance.

        Raises:
            EngineBusy: as many as may have borrowed it.
        """
        loaded = self._lend(self._hears[model])
        try:
            yield loaded.engine
        finally:
            self._give_back(loaded)

    @contextmanager
    def mouth(self, model: str) -> Generator[Synthesizer]:
        """Borrow an engine that speaks for one text.

        Raises:
            EngineBusy: as many as may have borrowed it.
        """
        loaded = self._lend(self._speaks[model])
        try:
            yield loaded.engine
        finally:
            self._give_back(loaded)

    async def quiet(self) -> None:
        """Wait until nobody uses an engine."""
        await self._quiet.wait()

    async def close(self) -> None:
        """Close all engines, whoever uses them."""
        for task in tuple(self._drains):
            task.cancel()
        if self._drains:
            await asyncio.wait(self._drains)
        for loaded in (*self._hears.values(), *self._speaks.values(), *self._retired):
            await loaded.engine.close()
        self._hears.clear()
        self._speaks.clear()
        self._retired.clear()

    def _lend(self, loaded: Loaded[E]) -> Loaded[E]:
        if self.is_draining:
            raise ShuttingDown("the server is shutting down: ask another one")
        if loaded.in_flight >= loaded.spec.max_streams:
            raise EngineBusy(
                f"{loaded.spec.model} works on {loaded.in_flight} streams, as many as it may: try "
                "again, ask another server, or raise --max-streams"
            )
        loaded.in_flight += 1
        self._quiet.clear()
        return loaded

    def _give_back(self, loaded: Loaded[Recognizer] | Loaded[Synthesizer]) -> None:
        loaded.in_flight -= 1
        if loaded.is_retired and not loaded.in_flight:
            loaded.drained.set()
        if not self.in_flight:
            self._quiet.set()

    def _retire(self, old: Loaded[Recognizer] | Loaded[Synthesizer]) -> None:
        old.is_retired = True
        if not old.in_flight:
            old.drained.set()
        self._retired.append(old)
        task = asyncio.create_task(self._drain(old), name=f"drain-{old.spec.model}")
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def _drain(self, old: Loaded[Recognizer] | Loaded[Synthesizer]) -> None:
        """Close an exchanged engine when nobody uses it. Each use has time limits of its own."""
        await old.drained.wait()
        await old.engine.close()
        self._retired.remove(old)
        logger.info("{} was exchanged; the old engine is closed", old.spec.model)


def anything_fits(engine: str, options: Mapping[str, str]) -> None:
    """Where nobody watches the memory."""


def is_any(model: str) -> bool:
    """Whether a client leaves the choice to the server."""
    return model in _FIRST_THAT_CAN or model.startswith(_OPENAI_PREFIX)


async def started(engine: E) -> E:
    """The engine, loaded and warm; it holds nothing where that fails."""
    try:
        await engine.start()
    except BaseException:  # what is half loaded may hold a GPU's memory
        await engine.close()
        raise
    return engine


def _choose(
    engines: Mapping[str, Recognizer] | Mapping[str, Synthesizer],
    asked: str,
    language: str | None,
    kind: Kind,
) -> str:
    known = ", ".join(engines) or "none"
    if not engines:
        how = "moonshine" if kind == "hears" else "espeak"
        raise EngineUnavailable(
            f"no engine that {kind} is loaded here: start the server with one, --engines {how}"
        )
    if asked in engines:
        return asked
    if not is_any(asked):
        hint = _registry_hint(asked, kind)
        raise ApiError(
            404,
            f"no model that {kind} is called {asked[:60]!r}; there are: {known}{hint}",
            param="model",
            code="model_not_found",
        )
    for model, engine in engines.items():
        if language is None or language in engine.languages:
            return model
    languages = sorted({one for engine in engines.values() for one in engine.languages})
    raise LanguageUnsupported(
        f"no model here {kind} {language!r}; they know {', '.join(languages)}"
    )


def _registry_hint(asked: str, kind: Kind) -> str:
    try:
        name = entry(asked, kind).name
    except EngineUnavailable:
        return ""
    return f" (start the server with --engines {name} to have it)"
