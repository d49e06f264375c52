"""What is taken from the business's answer to a request."""

from collections.abc import Mapping
from typing import Any, cast

_MISSING = object()


def picked(body: Any, wanted: Mapping[str, str]) -> dict[str, object]:
    """variable -> value, for each path of `wanted` ("data.items.0.name") that `body` has.

    null counts as missing: a text with nothing in its place would be said.
    """
    found: dict[str, object] = {}
    for variable, path in wanted.items():
        value = _at(body, path)
        if value is not _MISSING and value is not None:
            found[variable] = value
    return found


def _at(body: Any, path: str) -> object:
    here = body
    for step in path.split("."):
        if isinstance(here, Mapping) and step in here:
            here = cast("Mapping[str, Any]", here)[step]
        elif isinstance(here, list | tuple) and step.isdecimal() and len(step) < 6:
            items = cast("list[Any]", here)
            if int(step) >= len(items):
                return _MISSING
            here = items[int(step)]
        else:
            return _MISSING
    return here
