"""The settings that choose engines: their order for each language, and their options."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from bot.setting_values import Allowed

_SECRET_PARTS = ("key", "token", "password", "secret")


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(name for each in value.split(",") if (name := each.strip()))
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


def options_of(engines: Mapping[str, EngineOptionTexts], name: str) -> tuple[str, dict[str, str]]:
    """The engine that is meant by a name of the settings, and its options."""
    options = {key: value.get_secret_value() for key, value in engines.get(name, {}).items()}
    return options.pop("engine", name), options


def option_secrets(engines: Mapping[str, EngineOptionTexts]) -> frozenset[str]:
    """The values that must not stand in a log."""
    return frozenset(
        value.get_secret_value()
        for options in engines.values()
        for name, value in options.items()
        if any(part in name for part in _SECRET_PARTS) and value.get_secret_value()
    )
