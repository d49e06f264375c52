"""How settings read for people: their table, and one line for each wrong value.

Works on any pydantic model; knows nothing of the settings themselves. A value is shown only
where the model says that the field is plain text, a number, a path or a choice: what might hold
a secret (a group, an unknown name, a `SecretStr`) is never shown.
"""

import difflib
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from bot.setting_values import Allowed

_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_LONGEST_SHOWN = 80


class Show(Enum):
    """Whether the values of a field may be seen."""

    OPEN = "open"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, as a person reads it."""

    variable: str  # the environment variable
    allowed: str
    default: str
    description: str
    is_secret: bool
    value: str = ""  # "" where no settings were given; secrets: "set" or "not set"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A setting that is no group: where it stands in the model, and its field."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def show(self) -> Show:
        return Show.SECRET if SecretStr in _plain_types(self.field.annotation) else Show.OPEN

    @property
    def is_table(self) -> bool:
        return any(get_origin(kind) is dict for kind in _plain_types(self.field.annotation))


def rows(
    model: type[BaseModel], prefix: str, delimiter: str, settings: BaseModel | None
) -> tuple[SettingRow, ...]:
    """The settings of `model` in order, groups last opened, with values where given."""
    return tuple(
        SettingRow(
            variable=_variable(leaf.path, prefix, delimiter),
            allowed=allowed(leaf.field),
            default=_default(leaf),
            description=leaf.field.description or "",
            is_secret=leaf.show is Show.SECRET,
            value="" if settings is None else _shown_value(_at(settings, leaf.path)),
        )
        for leaf in _leaves(model)
    )


def markdown(table: tuple[SettingRow, ...]) -> str:
    """The settings as a page."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable or a line of `.env`; an option of the command line wins",
        "over the environment, and the environment over `.env`. A wrong value, or a name that does",
        "not exist, stops the start. This page is written by `callwright settings --markdown`.",
        "",
        "| variable | allowed | default | what it does |",
        "|---|---|---|---|",
    ]
    for row in table:
        cells = (f"`{row.variable}`", row.allowed, f"`{row.default}`", row.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def unknown_names(
    model: type[BaseModel], prefix: str, delimiter: str, names: frozenset[str]
) -> dict[str, str]:
    """The names (in capitals) with our prefix that are no settings, each with what to do."""
    leaves = tuple(_leaves(model))
    known = {_variable(leaf.path, prefix, delimiter) for leaf in leaves}
    groups = {_variable(leaf.path[:n], prefix, delimiter) for leaf in leaves for n in (1, 2)}
    tables = tuple(
        _variable(leaf.path, prefix, delimiter) + delimiter for leaf in leaves if leaf.is_table
    )
    problems: dict[str, str] = {}
    for name in names:
        if not name.startswith(prefix) or name in known | groups or name.startswith(tables):
            continue
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "see docs/settings.md for those there are"
        problems[name] = f"there is no such setting; {hint}"
    return problems


def explain(
    error: ValidationError, model: type[BaseModel], prefix: str, delimiter: str
) -> dict[str, str]:
    """Each wrong value of `error`: the variable, and what is wrong with it."""
    problems: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        loc = tuple(str(part) for part in detail["loc"] if part != "[key]")
        leaf, inside = _find(model, loc)
        message = detail["msg"].removeprefix("Value error, ")
        if leaf is None:
            problems.setdefault(_variable(loc, prefix, delimiter), _sentence(message))
            continue
        name = _variable(leaf.path, prefix, delimiter)
        if leaf.show is Show.SECRET:
            problems[name] = f"{_sentence(message)} (its value is a secret and is not shown)"
        elif inside:
            before = f"{problems[name]}; " if name in problems else ""
            problems[name] = f"{before}at {'.'.join(inside)}: {_sentence(message)}"
        elif leaf.is_table:  # what was meant for it may hold keys
            problems[name] = f"it must be {allowed(leaf.field)}"
        else:
            shown = _clip(repr(detail["input"]))
            problems[name] = f"{shown} is not allowed; it must be {allowed(leaf.field)}"
    return problems


def explain_source(message: str, prefix: str) -> dict[str, str]:
    """An error of the source itself: a table or group whose JSON cannot be read."""
    found = re.search(r'field "(\w+)"', message)
    name = prefix + found.group(1).upper() if found else prefix.rstrip("_")
    return {name: 'is not valid JSON; it must be an object, such as {"en": "moonshine"}'}


def allowed(field: FieldInfo) -> str:
    """What a field accepts, in words."""
    said = [item.words for item in _metadata(field) if isinstance(item, Allowed)]
    if said:
        return said[0]
    kinds = _plain_types(field.annotation)
    kind = kinds[0]
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(kind))
    if get_origin(kind) is frozenset:
        return "any of " + ", ".join(str(choice) for choice in get_args(get_args(kind)[0]))
    if get_origin(kind) is dict:
        return "a JSON object"
    words: dict[Any, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        Path: "a path",
        SecretStr: "text (secret)",
    }
    return words.get(kind, "text") + _bounds(field)


def _bounds(field: FieldInfo) -> str:
    low = high = ""
    for item in _metadata(field):
        if isinstance(item, annotated_types.Ge):
            low = f"from {item.ge:,}"
        elif isinstance(item, annotated_types.Gt):
            low = f"over {item.gt:,}"
        elif isinstance(item, annotated_types.Le):
            high = f"to {item.le:,}" if low.startswith("from") else f"at most {item.le:,}"
    joint = " " if low.startswith("from") else ", "
    text = joint.join(part for part in (low, high) if part)
    return f" {text}" if text else ""


def _metadata(field: FieldInfo) -> Iterator[Any]:
    """What stands in `Annotated`, also inside of `X | None`."""
    yield from field.metadata
    if get_origin(field.annotation) not in (Union, types.UnionType):
        return
    for part in get_args(field.annotation):
        if get_origin(part) is Annotated:
            for item in get_args(part)[1:]:
                yield from item.metadata if isinstance(item, FieldInfo) else (item,)


def _plain_types(annotation: Any) -> tuple[Any, ...]:
    """The types of an annotation, without None and without `Annotated`."""
    if get_origin(annotation) is Annotated:
        return _plain_types(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(
            kind
            for part in get_args(annotation)
            if part is not type(None)
            for kind in _plain_types(part)
        )
    return (annotation,)


def _group(field: FieldInfo) -> type[BaseModel] | None:
    kind = _plain_types(field.annotation)[0]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[_Leaf]:
    for name, field in model.model_fields.items():
        group = _group(field)
        if group is None:
            yield _Leaf((*path, name), field)
        else:
            yield from _leaves(group, (*path, name))


def _find(model: type[BaseModel], loc: tuple[str, ...]) -> tuple[_Leaf | None, tuple[str, ...]]:
    """The setting that `loc` lies in, and the rest of `loc` inside it."""
    for leaf in _leaves(model):
        if loc[: len(leaf.path)] == leaf.path:
            return leaf, loc[len(leaf.path) :]
    return None, ()


def _variable(path: tuple[str, ...], prefix: str, delimiter: str) -> str:
    return (prefix + delimiter.join(path)).upper()


def _at(settings: BaseModel, path: tuple[str, ...]) -> object:
    value: object = settings
    for name in path:
        value = getattr(value, name)
    return value


def _default(leaf: _Leaf) -> str:
    return _shown_value(leaf.field.get_default(call_default_factory=True))


def _shown_value(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, SecretStr):
        return "set" if value.get_secret_value() else "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        items = cast(Mapping[str, object], value).items()
        return "{" + ", ".join(f"{key}: {_shown_value(item)}" for key, item in items) + "}"
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, cast(frozenset[object], value)))) or "none"
    if isinstance(value, BaseModel):
        return "/".join(str(getattr(value, name)) for name in type(value).model_fields)
    return str(value)


def _clip(text: str) -> str:
    text = _USERINFO.sub("***@", text)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _sentence(message: str) -> str:
    return message[:1].lower() + message[1:]
