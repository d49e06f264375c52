"""The settings that choose engines: their order for each language, and their options."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Protocol

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from bot.setting_values import Allowed

_SECRET_PARTS = ("key", "token", "password", "secret")


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    # In small letters, as the names in variables are read.
    names = tuple(name for each in value.lower().split(",") if (name := each.strip()))
    if not names:
        raise ValueError("name an engine, or none")
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise ValueError(f"{doubled} is named twice")
    return names


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


EngineNames = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_names),
    Allowed("names of engines with commas between"),
]
"""Engines of one language: the first is used, the next where it fails."""

EngineOptionTexts = dict[str, Annotated[SecretStr, BeforeValidator(_text)]]
"""An engine's options by name, as they are written. Any may be a key, so none is ever shown."""

Chains = Mapping[str, tuple[str, ...]]
"""The engines of each language, by the settings' names for them."""


def options_of(engines: Mapping[str, EngineOptionTexts], name: str) -> tuple[str, dict[str, str]]:
    """The engine that is meant by a name of the settings, and its options."""
    by_name = {known.lower(): one for known, one in engines.items()}
    given = by_name.get(name, {})
    options = {key: value.get_secret_value() for key, value in given.items()}
    return options.pop("engine", name), options


class EngineChoice(Protocol):
    """The settings that choose engines."""

    @property
    def hearing(self) -> Chains: ...

    @property
    def speaking(self) -> Chains: ...

    @property
    def engines(self) -> Mapping[str, EngineOptionTexts]: ...


def unused(settings: EngineChoice, *defaults: Chains) -> dict[str, str]:
    """The variable of each engine that has options and that no language uses; the fix.

    The engines of `defaults` count as used, whatever stands in their place.
    """
    chains = (settings.hearing, settings.speaking, *defaults)
    used = {name for chain in chains for names in chain.values() for name in names}
    faults: dict[str, str] = {}
    for name in settings.engines:
        if name.lower() in used:
            continue
        near = get_close_matches(name.lower(), sorted(used), n=1)
        meant = f"did you mean {variable(near[0])}? Else " if near else ""
        faults[variable(name)] = (
            f"no language hears or speaks with {name!r}; {meant}name it in CALLWRIGHT_HEARING__EN "
            "or CALLWRIGHT_SPEAKING__EN, or remove its options"
        )
    return faults


def option_fault(
    engines: Mapping[str, EngineOptionTexts], name: str, error: Exception, *, half: str, other: str
) -> str:
    """What is told of an option that an engine refuses.

    Args:
        engines: the options of all.
        name: the settings' name for the engine.
        error: what it says.
        half: the setting whose engine of that name it is.
        other: the setting that uses the name, too, and so the same options; "" where none does.
    """
    fault = f"{variable(name)}: {error}"
    if not other:
        return fault
    own = f"{name}_{'ear' if half.endswith('HEARING') else 'mouth'}"
    engine = options_of(engines, name)[0]
    return (
        f"{fault} ({half} refuses it; {other} has the same name and options: write {own} for "
        f"{name} in {half}, with {variable(own)}__ENGINE={engine} and options of its own)"
    )


def variable(name: str) -> str:
    """The beginning of the variables with an engine's options."""
    return f"CALLWRIGHT_ENGINES__{name.upper()}"


def option_secrets(engines: Mapping[str, EngineOptionTexts]) -> frozenset[str]:
    """The values that must not stand in a log."""
    return frozenset(
        value.get_secret_value()
        for options in engines.values()
        for name, value in options.items()
        if any(part in name for part in _SECRET_PARTS) and value.get_secret_value()
    )
