"""The part of JSON Schema that tools need: what it may hold, and whether a value fits it; pure.

A keyword that isn't known here is refused when the flow is loaded, never passed over in a call.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

MAX_DEPTH = 5
MAX_TEXT = 2000  # characters of one text; also bounds what a pattern is tried on

_KEYWORDS = frozenset(
    [
        "type",
        "description",
        "properties",
        "required",
        "additionalProperties",
        "enum",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "items",
        "minItems",
        "maxItems",
    ]
)
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int | float) and _is_number(value, whole=True),
    "number": lambda value: isinstance(value, int | float) and _is_number(value, whole=False),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
}
_COUNTS = frozenset(["minLength", "maxLength", "minItems", "maxItems"])

Path = tuple[str | int, ...]


def _is_number(value: float, *, whole: bool) -> bool:
    if isinstance(value, bool) or not math.isfinite(value):
        return False
    return float(value).is_integer() if whole else True


def problems_of_schema(schema: object, at: Path = ()) -> Iterator[tuple[Path, str, str]]:
    """What is wrong with a schema: where, what, and what to write instead."""
    if not isinstance(schema, Mapping):
        yield at, "a schema is a mapping", 'write e.g. {type: string, description: "..."}'
        return
    known = cast("Mapping[str, Any]", schema)
    if len(at) > 2 * MAX_DEPTH:
        yield at, "the schema is nested too deep", f"keep it within {MAX_DEPTH} levels"
        return
    for keyword in known:
        if keyword not in _KEYWORDS:
            fix = f"use {', '.join(sorted(_KEYWORDS))}"
            yield (*at, keyword), f'"{keyword}" is not known in a schema here', fix
    kind = known.get("type")
    if kind not in _TYPES:
        yield at, "the schema has no type that is known", f'add "type: {"|".join(_TYPES)}"'
        return
    yield from _values(known, at)
    properties = known.get("properties", {})
    if not isinstance(properties, Mapping):
        yield (*at, "properties"), '"properties" is a mapping', "write a name and its schema"
        return
    for name, inner in cast("Mapping[str, Any]", properties).items():
        yield from problems_of_schema(inner, (*at, "properties", name))
    required = known.get("required", ())
    if not isinstance(required, list | tuple):
        yield (*at, "required"), '"required" is a list', "write the names as [a, b]"
    else:
        for name in cast("Sequence[object]", required):
            if name not in properties:
                message = f'"{name}" is required and has no schema'
                yield (*at, "required"), message, 'describe it under "properties"'
    if "items" in known:
        yield from problems_of_schema(known["items"], (*at, "items"))


def _values(schema: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, str, str]]:
    for keyword in ("minimum", "maximum", *sorted(_COUNTS)):
        value = schema.get(keyword)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield (*at, keyword), f'"{keyword}" is a number', "write a number"
        elif keyword in _COUNTS and (value < 0 or value != int(value)):
            yield (*at, keyword), f'"{keyword}" counts something', "write a whole number"
    if "enum" in schema and not (isinstance(schema["enum"], list | tuple) and schema["enum"]):
        yield (*at, "enum"), '"enum" lists what is possible', "write [a, b]"
    pattern = schema.get("pattern")
    if pattern is not None:
        try:
            re.compile(str(pattern))
        except re.error as error:
            message = f'"pattern" is no regular expression ({error})'
            yield (*at, "pattern"), message, 'write e.g. "^[0-9]{4,10}$"'


def fault_of(schema: Mapping[str, Any], value: object, name: str = "the arguments") -> str:
    """Why a value doesn't fit a schema that has no problems; "" where it does."""
    kind = str(schema["type"])
    if not _TYPES[kind](value):
        return f"{name} must be of type {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{name} must be one of {', '.join(map(str, schema['enum']))}"
    match value:
        case str():
            return _text_fault(schema, value, name)
        case int() | float() if not isinstance(value, bool):
            return _number_fault(schema, value, name)
        case list() | tuple():
            return _list_fault(schema, cast("Sequence[object]", value), name)
        case Mapping():
            return _object_fault(schema, cast("Mapping[str, object]", value), name)
        case _:
            return ""


def _text_fault(schema: Mapping[str, Any], value: str, name: str) -> str:
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", MAX_TEXT), MAX_TEXT)
    if not least <= len(value) <= most:
        return f"{name} must have {least} to {most} characters"
    pattern = schema.get("pattern")
    if pattern is not None and not re.search(str(pattern), value):
        return f"{name} must match {pattern}"
    return ""


def _number_fault(schema: Mapping[str, Any], value: float, name: str) -> str:
    if value < schema.get("minimum", -math.inf):
        return f"{name} must be at least {schema['minimum']}"
    if value > schema.get("maximum", math.inf):
        return f"{name} must be at most {schema['maximum']}"
    return ""


def _list_fault(schema: Mapping[str, Any], value: Sequence[object], name: str) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 100)
    if not least <= len(value) <= most:
        return f"{name} must have {least} to {most} items"
    if "items" in schema:
        found = (fault_of(schema["items"], item, f"{name}[{at}]") for at, item in enumerate(value))
        return next(filter(None, found), "")
    return ""


def _object_fault(schema: Mapping[str, Any], value: Mapping[str, object], name: str) -> str:
    properties = cast("Mapping[str, Any]", schema.get("properties", {}))
    for wanted in schema.get("required", ()):
        if wanted not in value:
            return f'"{wanted}" is missing'
    for key, inner in value.items():
        if key not in properties:
            return f'"{key}" is not known; there are {", ".join(properties) or "none"}'
        if fault := fault_of(properties[key], inner, f'"{key}"'):
            return fault
    return ""
