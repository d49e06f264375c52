"""The values of a conversation's variables: checked at the start, fitted where they change."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ivr_flows.errors import VariablesInvalid
from ivr_flows.flow import Flow, Value, Variable

MAX_LIST_ITEMS = 50


class Url(str):
    """An address given as a whole: it may stand in a request's url without being quoted."""

    __slots__ = ()


def first_values(flow: Flow, given: Mapping[str, object]) -> dict[str, Value]:
    """The variables that a call starts with: those given, else their defaults, else None.

    Raises:
        VariablesInvalid: one is missing, unknown, of another type or too long; names all of them.
    """
    problems = problems_of_values(flow, given)
    values: dict[str, Value] = {}
    for name, variable in flow.variables.items():
        raw = given.get(name)
        if raw is None and variable.required:
            problems[name] = f"missing; give {described(variable)}"
        elif name not in problems:
            values[name] = fitted(variable, variable.default if raw is None else raw)
    if problems:
        raise VariablesInvalid(flow.name, problems)
    return values


def problems_of_values(flow: Flow, given: Mapping[str, object]) -> dict[str, str]:
    """What is wrong with the values given, by name: not known, of another type or too long.

    Those that are missing may come from elsewhere; `first_values` refuses them.
    """
    problems: dict[str, str] = {}
    for name, raw in given.items():
        variable = flow.variables.get(name)
        if variable is None:
            problems[name] = f"unknown; the flow knows {', '.join(flow.variables) or 'none'}"
        elif raw is not None:
            try:
                _check_length(variable, fitted(variable, raw))
            except ValueError as error:
                problems[name] = str(error)
    return problems


def described(variable: Variable) -> str:
    """What a value must be, with the example: 'a number of at least 0, e.g. 450'."""
    article = "an" if variable.type == "integer" else "a"
    limits = [
        f"at {word} {limit:,.9g}".replace(",", "")
        for word, limit in (("least", variable.min), ("most", variable.max))
        if limit is not None
    ]
    bounds = f" of {' and '.join(limits)}" if limits else ""
    example = ""
    if variable.example is not None:
        example = f", e.g. {json.dumps(variable.example, ensure_ascii=False)}"
    return f"{article} {variable.type}{bounds}{example}"


def fitted(variable: Variable, raw: object) -> Value:
    """`raw` as the variable's type, its text cleaned of control signs and line ends.

    Raises:
        ValueError: it can't be taken for that type, or lies outside of the variable's min and
            max; the message says what is wanted.
    """
    if raw is None:
        return None
    value = _as_type(variable.type, raw)
    if value is None or not _is_within(variable, value):
        raise ValueError(f"{str(raw)[:40]!r} is not {described(variable)}")
    return value


def _is_within(variable: Variable, value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return (variable.min is None or value >= variable.min) and (
        variable.max is None or value <= variable.max
    )


def cut_to_length(variable: Variable, value: Value) -> Value:
    """`value` within the variable's length: for what the caller or the business said mid-call."""
    if isinstance(value, str) and not isinstance(value, Url):
        return value[: variable.max_length]
    if isinstance(value, tuple):
        return tuple(item[: variable.max_length] for item in value[:MAX_LIST_ITEMS])
    return value


def clean(text: str) -> str:
    """One line, without control and direction signs that would confuse logs or voices."""
    kept = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
        for sign in unicodedata.normalize("NFC", text)
        # Joiners (Cf) shape Devanagari; the other format signs turn text around or hide in it.
        if unicodedata.category(sign) not in ("Cf", "Cs") or sign in "\u200c\u200d"
    )
    return " ".join(kept.split())


def _check_length(variable: Variable, value: Value) -> None:
    items = value if isinstance(value, tuple) else (value,)
    longest = max((len(item) for item in items if isinstance(item, str)), default=0)
    if longest > variable.max_length:
        raise ValueError(f"{longest} characters; keep it within {variable.max_length}")
    if len(items) > MAX_LIST_ITEMS:
        raise ValueError(f"{len(items)} items; keep it within {MAX_LIST_ITEMS}")


def _as_type(kind: str, raw: object) -> Value:
    match kind:
        case "boolean":
            words = {"true": True, "false": False, "1": True, "0": False}
            return raw if isinstance(raw, bool) else words.get(str(raw).strip().lower())
        case "integer" | "number":
            return _as_number(raw, whole=kind == "integer")
        case "list":
            if isinstance(raw, list | tuple):
                items = [_as_text(item) for item in cast("list[Any]", raw)]
                return None if None in items else tuple(item for item in items if item)
            text = _as_text(raw)
            return None if text is None else (text,) if text else ()
        case "url":
            text = _as_text(raw)
            return Url(text) if text and _is_http(text) else None
        case "phone":
            text = re.sub(r"[\s().-]", "", _as_text(raw) or "")
            return text if re.fullmatch(r"\+?\d{3,15}", text, re.ASCII) else None
        case _:
            return _as_text(raw)


def _as_text(raw: object) -> str | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    return clean(str(raw))


def _as_number(raw: object, *, whole: bool) -> int | float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    text = str(raw).replace(",", "").strip()
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,9})?", text, re.ASCII):
        return None
    number = float(text)
    if number.is_integer():
        return int(number)
    return None if whole else number


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
