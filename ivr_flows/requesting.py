"""What the business is asked over HTTP, and what is taken from its answer."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ivr_flows.actions import Request
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import HttpCall, Value
from ivr_flows.prompts import new_value, render

_MISSING = object()


def request_action(
    name: str, node: HttpCall, variables: Mapping[str, Value], language: str
) -> Request:
    """The request of a node with its variables in place.

    Raises:
        TemplateInvalid: they don't fit, or make no web address.
    """
    url = render(node.url, variables, language, for_url=True)
    if not url.startswith(("http://", "https://")):
        raise TemplateInvalid("no address to ask", "give the url's variable a value")
    if not {".", ".."}.isdisjoint(urlsplit(url).path.split("/")):
        # A value that leaves the path which the flow names: ".." makes /orders/../cancel of it.
        raise TemplateInvalid("a value is no part of an address", 'a value can\'t be "." or ".."')
    return Request(
        node=name,
        method=node.method,
        url=url,
        timeout_ms=round(node.timeout_s * 1000),
        headers={key: render(text, variables, language) for key, text in node.headers.items()},
        json=_filled(node.json_body, variables, language),
    )


def _filled(part: Any, variables: Mapping[str, Value], language: str) -> Any:
    match part:
        case str():
            value = new_value(part, variables, language)
            return list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value
        case dict():
            fields = cast("dict[str, Any]", part)
            return {key: _filled(value, variables, language) for key, value in fields.items()}
        case tuple():
            items = cast("tuple[Any, ...]", part)
            return [_filled(value, variables, language) for value in items]
        case _:
            return part


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
