"""The engines by name, made from the table of `speech/engine_table.py` when they are asked for."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from speech.engine_table import ENGINES, EngineEntry, Kind
from speech.errors import EngineUnavailable
from speech.options import EngineOptions, read_options
from speech.pool import EnginePool
from speech.stt import Recognizer
from speech.tts import Synthesizer

NO_OPTIONS: Mapping[str, str] = {}


def entry(name: str, kind: Kind, engines: Sequence[EngineEntry] = ENGINES) -> EngineEntry:
    """The entry of that name.

    Raises:
        EngineUnavailable: there is none; names those there are.
    """
    known = [engine for engine in engines if engine.kind == kind]
    for engine in known:
        if engine.name == name:
            return engine
    names = ", ".join(engine.name for engine in known)
    raise EngineUnavailable(f"no engine that {kind} is called {name!r}; there are: {names}")


def make_recognizer(
    name: str,
    pool: EnginePool,
    options: Mapping[str, str] = NO_OPTIONS,
    *,
    engines: Sequence[EngineEntry] = ENGINES,
) -> Recognizer:
    """An engine that hears, not started, that decodes in `pool`.

    Raises:
        EngineUnavailable: the name is unknown, or a package it needs is not installed.
        OptionInvalid: an option is unknown or wrong.
    """
    return cast(Recognizer, _made(entry(name, "hears", engines), options, pool))


def make_synthesizer(
    name: str,
    options: Mapping[str, str] = NO_OPTIONS,
    *,
    engines: Sequence[EngineEntry] = ENGINES,
) -> Synthesizer:
    """An engine that speaks, not started.

    Raises:
        EngineUnavailable: the name is unknown, or a package it needs is not installed.
        OptionInvalid: an option is unknown or wrong.
    """
    return cast(Synthesizer, _made(entry(name, "speaks", engines), options))


def options_of(engine: EngineEntry) -> type[EngineOptions]:
    """What can be set for it."""
    return cast("type[EngineOptions]", _named(engine.options)) if engine.options else EngineOptions


def _made(engine: EngineEntry, options: Mapping[str, str], *needs: Any) -> Any:
    if missing := engine.missing():
        raise EngineUnavailable(
            f"{engine.name} needs {', '.join(missing)}, not installed here: "
            f"run `{engine.how_to_get_it}`"
        )
    chosen = read_options(engine.name, options_of(engine), options)
    factory = _named(engine.factory)
    return factory(*needs, options=chosen) if engine.options else factory(*needs)


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
