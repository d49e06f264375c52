"""The part of JSON Schema that tools may use."""

from typing import Any

import pytest

from ivr_flows.json_schema import fault_of, problems_of_schema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "maxLength": 5},
        "count": {"type": "integer", "minimum": 1, "maximum": 3},
        "size": {"type": "string", "enum": ("s", "m")},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "gift": {"type": "boolean"},
        "price": {"type": "number"},
        "to": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ("city",)},
    },
    "required": ("id",),
}


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"id": "12", "count": 2.0, "size": "m", "tags": ["a"], "gift": True, "price": 1.5}, ""),
        ({"id": "12", "to": {"city": "Pune"}}, ""),
        ({}, '"id" is missing'),
        ({"id": 12}, "must be of type string"),
        ({"id": "x"}, "must match"),
        ({"id": "123456"}, "0 to 5 characters"),
        ({"id": "1", "count": True}, "must be of type integer"),
        ({"id": "1", "count": 1.5}, "must be of type integer"),
        ({"id": "1", "count": 0}, "must be at least 1"),
        ({"id": "1", "count": 4}, "must be at most 3"),
        ({"id": "1", "size": "xl"}, "must be one of s, m"),
        ({"id": "1", "tags": ["a", "b", "c"]}, "0 to 2 items"),
        ({"id": "1", "tags": [1]}, "tags"),
        ({"id": "1", "price": float("inf")}, "must be of type number"),
        ({"id": "1", "to": {}}, '"city" is missing'),
        ({"id": "1", "more": 1}, '"more" is not known'),
        ([], "must be of type object"),
    ],
)
def test_values_that_do_not_fit_have_a_fault(value: object, fault: str):
    found = fault_of(SCHEMA, value)
    assert (fault in found) if fault else found == ""


def test_a_good_schema_has_no_problems():
    assert list(problems_of_schema(SCHEMA)) == []


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ("string", "a schema is a mapping"),
        ({}, "no type"),
        ({"type": "date"}, "no type"),
        ({"type": "string", "format": "date"}, '"format" is not known'),
        ({"type": "string", "pattern": "("}, "no regular expression"),
        ({"type": "string", "minLength": -1}, "counts something"),
        ({"type": "integer", "minimum": "1"}, "is a number"),
        ({"type": "string", "enum": "a"}, "lists what is possible"),
        ({"type": "object", "properties": ["a"]}, "is a mapping"),
        ({"type": "object", "required": ("a",)}, "has no schema"),
        ({"type": "object", "required": "a"}, "is a list"),
        ({"type": "array", "items": "string"}, "a schema is a mapping"),
    ],
)
def test_a_schema_that_cannot_be_kept_is_refused(schema: object, problem: str):
    assert any(problem in message for _, message, _ in problems_of_schema(schema))


def test_a_schema_nested_without_end_is_refused():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "array", "items": schema}
    assert any("too deep" in message for _, message, _ in problems_of_schema(schema))
