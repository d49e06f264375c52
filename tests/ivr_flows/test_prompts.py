"""Texts with variables, and how values are written in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_flows import formats
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import Variable
from ivr_flows.prompts import evaluate, new_value, render, variables_in, variables_in_condition
from ivr_flows.variables import Url, clean, fitted


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (450, "₹450"),
        (1250.5, "₹1,250.50"),
        ("1250.50", "₹1,250.50"),
        (1234567, "₹12,34,567"),
        (12345678.9, "₹1,23,45,678.90"),
        (99999, "₹99,999"),
        (0, "₹0"),
        (0.999, "₹1"),
        (-20, "-₹20"),
        ("1,00,000", "₹1,00,000"),
        ("free", "free"),
        ("nan", "nan"),
        ("1e99", "1e99"),
        ("", ""),
    ],
)
def test_money_is_grouped_as_india_writes_it(value: object, written: str):
    assert formats.money(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(4.5, "4.5"), (1000, "1,000"), (-1234567, "-12,34,567"), ("7.10", "7.1"), ("x", "x")],
)
def test_numbers_are_grouped(value: object, written: str):
    assert formats.number(value) == written


@pytest.mark.parametrize(
    ("source", "language", "text"),
    [
        ("{{ '19:30' | time }}", "en", "7:30 PM"),
        ("{{ '2025-03-14T00:05:00' | time }}", "en", "12:05 AM"),
        ("{{ 'soon' | time }}", "en", "soon"),
        ("{{ '2025-03-14' | date }}", "en", "14 March 2025"),
        ("{{ '2025-03-14' | date }}", "hi", "14 मार्च 2025"),
        ("{{ '2025-08-01' | date }}", "mr", "1 ऑगस्ट 2025"),
        ("{{ 'today' | date }}", "en", "today"),
        ("{{ 'A-4522' | digits }}", "en", "A 4 5 2 2"),
        ("{{ '9876543210' | digits }}", "hi", "9 8 7 6 5, 4 3 2 1 0"),
        ("{{ '--' | digits }}.", "en", "."),
        ("{{ items | listed }}", "en", "naan, dal and rice"),
        ("{{ items | listed }}", "hi", "naan, dal और rice"),
        ("{{ none | listed }}x", "mr", "x"),
        ("{{ items | length }} things", "en", "3 things"),
        ("{% if n > 2 %}many{% else %}few{% endif %}", "en", "many"),
        ("{{ n * 2 + 1 }}", "en", "7"),
        ("{{ language }}", "mr", "mr"),
        ("  two\n  lines ", "en", "two lines"),
    ],
)
def test_a_text_is_rendered(source: str, language: str, text: str):
    values = {"items": ("naan", "dal", "rice"), "n": 3, "none": None}
    assert render(source, values, language) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''.join(x) }}",
        "{{ range(9) }}",
        "{{ lipsum() }}",
        "{{ cycler }} {{ x() }}",
        "{{ x | attr('y') }}",
        "{{ x | map('upper') }}",
        "{% for i in x %}{% endfor %}",
        "{% set y = 1 %}",
        "{% include 'x' %}",
        "{% macro m() %}{% endmacro %}",
        "{{ 9 ** 9 }}",
        "{{ x % 3 }}",
        "{{ x",
        "{% if x %}",
        "{{ x | }}",
        "{{ " + "(" * 3000 + "x" + ")" * 3000 + " }}",
    ],
)
def test_a_text_that_does_more_than_show_is_refused(source: str):
    with pytest.raises(TemplateInvalid) as caught:
        variables_in(source)
    assert caught.value.fix


@pytest.mark.parametrize(
    "source", ["{{ text * 1000000 }}", "{{ n + text }}", "{{ n / 0 }}", "{{ y }}"]
)
def test_a_text_that_does_not_fit_its_values_is_a_typed_error(source: str):
    with pytest.raises(TemplateInvalid):
        render(source, {"text": "a", "n": 1}, "en")


def test_a_rendered_text_has_an_end():
    assert len(render("{{ a }}{{ a }}", {"a": "x" * 1999}, "en")) == 2000


def test_only_a_url_stands_unquoted_in_an_address():
    values = {"base": Url("https://a.example/x?y=1"), "id": "a/b?c&d#e\n"}
    address = render("{{ base }}/{{ id }}", values, "en", for_url=True)
    assert address == "https://a.example/x?y=1/a%2Fb%3Fc%26d%23e%0A"
    assert render("{{ id }}", {"id": "https://evil.example/"}, "en", for_url=True) == (
        "https%3A%2F%2Fevil.example%2F"
    )


def test_conditions_are_expressions():
    assert variables_in_condition("a > 1 and b == 'x' or not c") == {"a", "b", "c"}
    assert evaluate("a > 1 and b == 'x'", {"a": 2, "b": "x"}, "en") is True
    assert evaluate("b in ['x', 'y']", {"b": "x"}, "en") is True
    assert evaluate("b is none", {"b": None}, "en") is True
    for bad in ("{{ a }}", "a >", "a; b", "a }} {{ b", "f(a)"):
        with pytest.raises(TemplateInvalid):
            variables_in_condition(bad)


@pytest.mark.parametrize(
    ("source", "value"),
    [("{{ n + 1 }}", 4), ("{{ n }} and {{ n }}", "3 and 3"), ("plain", "plain"), (True, True)],
)
def test_a_set_keeps_the_type_of_one_expression(source: str | bool, value: object):
    assert new_value(source, {"n": 3}, "en") == value


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", 4522, "4522"),
        ("text", " a\tb\n", "a b"),
        ("integer", "25", 25),
        ("integer", 25.0, 25),
        ("number", "1,250.50", 1250.5),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("list", "one thing", ("one thing",)),
        ("list", ["a", 2], ("a", "2")),
        ("list", [], ()),
        ("phone", "+91 98765-43210", "+919876543210"),
        ("url", "https://a.example/x", "https://a.example/x"),
    ],
)
def test_a_value_is_fitted_to_its_type(kind: str, raw: object, value: object):
    assert fitted(Variable.model_validate({"type": kind}), raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("text", True),
        ("text", {"a": 1}),
        ("integer", "25.5"),
        ("integer", True),
        pytest.param("integer", 10**5000, id="integer-huge"),
        ("number", "inf"),
        ("number", "१२"),
        ("boolean", "perhaps"),
        ("list", [["a"]]),
        ("phone", "call me"),
        ("url", "file:///etc/passwd"),
        ("url", "https://"),
        ("url", "http://[bad"),
        ("url", "https://a b"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, raw: object):
    with pytest.raises(ValueError, match=r"."):
        fitted(Variable.model_validate({"type": kind}), raw)


@given(st.text(max_size=60))
def test_any_value_is_said_as_it_is(value: str):
    shown = render("<{{ v }}>", {"v": clean(value)}, "en")
    assert shown == clean(f"<{clean(value)}>")
