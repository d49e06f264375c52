"""What is wrong with a request and what to write instead, in words of its writer."""

import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

Error = Mapping[str, Any]
"""One of pydantic's: `type`, `loc`, `msg`, `input`, perhaps `ctx`."""

NOT_JSON = 'not sent as JSON; add the header "Content-Type: application/json"'


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="Where it is, as a path.", examples=["body.to"])
    problem: str = Field(
        description="What is wrong, and what to write.",
        examples=['missing; write e.g. "+919876543210"'],
    )


def field_problems(
    errors: Sequence[Error], body: object, fields: Mapping[str, FieldInfo]
) -> list[FieldProblem]:
    """One problem for each field that pydantic found wrong.

    `body`: as it came, parsed where it could be. `fields`: those of the body, whose examples are
    shown; none for a request without one.
    """
    by_field: dict[str, list[Error]] = {}
    for error in errors:
        by_field.setdefault(".".join(_place(error, body)), []).append(error)
    return [
        FieldProblem(field=field, problem=_problem(field, found, fields))
        for field, found in by_field.items()
    ]


def _place(error: Error, body: object) -> list[str]:
    """The path as the writer knows it: without the names of the types that were tried there."""
    loc = list(error["loc"])
    if loc[:1] != ["body"]:
        return [str(part) for part in loc]
    place, here = ["body"], body
    for part in loc[1:]:
        is_there = isinstance(here, dict) and part in here
        is_there = is_there or (isinstance(here, list) and isinstance(part, int))
        if is_there or error["type"] == "missing":
            here = cast("Any", here)[part] if is_there else None
            place.append(str(part))
    return place


def _problem(place: str, errors: Sequence[Error], fields: Mapping[str, FieldInfo]) -> str:
    parts = place.split(".")
    if parts == ["body"]:
        return _of_the_body(errors[0], fields)
    longest = next((error for error in errors if error["type"] == "string_too_long"), None)
    if longest is None and len(errors) > 1:  # one for each type that it might have had
        return "write a text, a number, true or false, or a list of these"
    error = longest or errors[0]
    if error["type"] == "extra_forbidden":
        return _unknown(parts[-1], fields)
    say = _WORDS.get(error["type"])
    problem = str(error["msg"]) if say is None else say(error.get("ctx") or {})
    example = _example(fields[parts[1]]) if len(parts) == 2 and parts[1] in fields else None
    is_shown = example is not None and parts[0] == "body" and error["type"] in _WITH_EXAMPLE
    return f"{problem}; write e.g. {_json(example)}" if is_shown else problem


def _of_the_body(error: Error, fields: Mapping[str, FieldInfo]) -> str:
    required = {name: _example(field) for name, field in fields.items() if field.is_required()}
    fix = f"send a JSON object such as {_json(required)}"
    if isinstance(error["input"], bytes):
        return NOT_JSON
    if error["type"] == "missing":
        return f"missing; {fix}"
    if error["type"] == "json_invalid":
        at = error["loc"][-1]
        where = f" at character {at + 1}" if isinstance(at, int) else ""
        return f"no JSON: {error['ctx']['error']}{where}; {fix}"
    return f"not an object; {fix}"


def _unknown(name: str, fields: Mapping[str, FieldInfo]) -> str:
    near = get_close_matches(name, fields, n=1)
    known = f'write "{near[0]}"' if near else f"there are {', '.join(fields)}"
    return f"there is no such field; {known}"


def _example(field: FieldInfo) -> Any:
    return field.examples[0] if field.examples else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_TIME = "not a time; write it as 2025-03-14T19:30:00Z"
_WITH_EXAMPLE = {"missing", "string_type", "dict_type", "string_too_short"}
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "missing",
    "string_type": lambda _: "not a text in quotes",
    "dict_type": lambda _: "not an object of names and values",
    "string_too_short": lambda ctx: "empty" if ctx["min_length"] == 1 else "too short",
    "string_too_long": lambda ctx: f"too long; write {ctx['max_length']} characters at most",
    "too_long": lambda ctx: f"too many; give {ctx['max_length']} at most",
    "int_type": lambda _: "not a whole number",
    "int_parsing": lambda _: "not a whole number",
    "greater_than_equal": lambda ctx: f"too small; write {ctx['ge']} or more",
    "less_than_equal": lambda ctx: f"too large; write {ctx['le']} or less",
    "enum": lambda ctx: f"not known; write {ctx['expected']}",
    "datetime_type": lambda _: _TIME,
    "datetime_parsing": lambda _: _TIME,
    "datetime_from_date_parsing": lambda _: _TIME,
}
