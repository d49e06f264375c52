"""Texts with {{ variables }}: which are allowed, and what they become.

A template is written by the flow's author and is still kept small: a list of what may stand in it,
no loops, no calls, no attributes. A value comes from anybody and is never a template itself.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr_flows import formats
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import Value
from ivr_flows.variables import Url, clean

MAX_RENDERED_CHARACTERS = 2000  # two minutes of speech; nobody listens longer
RESERVED = frozenset({"language"})  # known in every template besides the flow's variables

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_LONE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")
_PLAIN_FILTERS = ("lower", "upper", "title", "trim", "length", "first", "last", "round", "default")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.If,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply numbers only: a text times a number is a way to fill the memory."""
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError("only numbers can be multiplied")
        return super().call_binop(context, operator, left, right)


def _nothing_as_blank(value: Any) -> Any:
    return "" if value is None else value


def _for_url(value: Any) -> Any:
    if isinstance(value, Url):
        return value
    return "" if value is None else quote(str(value), safe="")


def _in_language(write: Callable[[object, str], str]) -> Callable[..., str]:
    @pass_context
    def in_language(context: Context, value: object) -> str:
        return write(value, str(context.get("language", "en")))

    return in_language


def _environment(finalize: Callable[[Any], Any]) -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined, finalize=finalize, autoescape=False, cache_size=0
    )
    known = cast("dict[str, Any]", environment.filters)
    filters: dict[str, Any] = {name: known[name] for name in _PLAIN_FILTERS}
    filters |= {
        "money": formats.money,
        "number": formats.number,
        "digits": formats.digits,
        "time": formats.clock_time,
        "date": _in_language(formats.calendar_date),
        "listed": _in_language(formats.listed),
    }
    untyped = cast("Any", environment)
    untyped.filters, untyped.globals = filters, {}
    return environment


_PROMPTS = _environment(_nothing_as_blank)
_URLS = _environment(_for_url)


@lru_cache(maxsize=4096)
def variables_in(source: str) -> frozenset[str]:
    """The variables that a text uses.

    Raises:
        TemplateInvalid: it isn't a template, or holds what a template may not hold.
    """
    return _names(_parsed(source, "text", "write variables as {{ name }} and close every bracket"))


@lru_cache(maxsize=1024)
def variables_in_condition(source: str) -> frozenset[str]:
    """The variables that an expression uses; raises TemplateInvalid like `variables_in`."""
    fix = 'write e.g. amount > 500 and city == "Pune"'
    if any(sign in source for sign in ("{{", "}}", "{%", "%}")):
        raise TemplateInvalid("a condition stands without brackets", fix)
    return _names(_parsed("{{ (" + source + ") }}", "condition", fix))


def _parsed(source: str, what: str, fix: str) -> nodes.Template:
    try:
        return _PROMPTS.parse(source)
    except TemplateSyntaxError as error:
        if _LONE_EQUALS.search(_QUOTED.sub("", source)):
            fix = 'compare with two equals signs: state == "delivered"'
        raise TemplateInvalid(f"the {what} can't be read: {error.message}", fix) from None
    except RecursionError:
        raise TemplateInvalid(f"the {what} is nested too deep", "write it simpler") from None


def _names(tree: nodes.Template) -> frozenset[str]:
    names: set[str] = set()
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__.lower()
            fix = "use variables, filters, comparisons, and/or/not, + - * / and if"
            raise TemplateInvalid(f'"{what}" is not allowed in a text', fix)
        if isinstance(node, nodes.Filter) and node.name not in _PROMPTS.filters:
            fix = f"use one of {', '.join(sorted(_PROMPTS.filters))}"
            raise TemplateInvalid(f'there is no filter "{node.name}"', fix)
        if isinstance(node, nodes.Test) and node.name not in ("none", "even", "odd"):
            fix = "use is none, is not none, or a comparison"
            raise TemplateInvalid(f'there is no test "{node.name}"', fix)
        if isinstance(node, nodes.Name):
            names.add(node.name)
    return frozenset(names - RESERVED)


def is_static(source: str) -> bool:
    """Whether a text is the same in every call."""
    return "{{" not in source and "{%" not in source


@lru_cache(maxsize=4096)
def _compiled(source: str, *, for_url: bool) -> Callable[..., str]:
    variables_in(source)
    return (_URLS if for_url else _PROMPTS).from_string(source).render


@lru_cache(maxsize=1024)
def _expression(source: str) -> Callable[..., Any]:
    variables_in_condition(source)
    return cast("Callable[..., Any]", _PROMPTS.compile_expression(source, undefined_to_none=False))


def render(
    source: str, variables: Mapping[str, Value], language: str, *, for_url: bool = False
) -> str:
    """The text with its variables in place, on one line, cut to MAX_RENDERED_CHARACTERS.

    With `for_url`, values are quoted for an address, except those of type `url`.

    Raises:
        TemplateInvalid: a variable is unknown or doesn't fit what the text does with it.
    """
    text = render_whole(source, variables, language, for_url=for_url)
    return text if is_static(source) else text[:MAX_RENDERED_CHARACTERS]


def render_whole(
    source: str, variables: Mapping[str, Value], language: str, *, for_url: bool = False
) -> str:
    """The same, however long it becomes; raises TemplateInvalid like `render`."""
    if is_static(source):
        return clean(source)
    template = _compiled(source, for_url=for_url)
    text = _guarded(partial(template, {**variables, "language": language}))
    return clean(str(text))


def evaluate(source: str, variables: Mapping[str, Value], language: str) -> Any:
    """The value of an expression; raises TemplateInvalid like `render`."""
    return _guarded(partial(_expression(source), {**variables, "language": language}))


def _guarded(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TemplateInvalid:
        raise
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        message = f"the text does not fit its variables: {str(error)[:120]}"
        raise TemplateInvalid(message, "give the variable a default of the right type") from None


def new_value(raw: Value, variables: Mapping[str, Value], language: str) -> Any:
    """What a `set` gives: a constant, the value of one {{ expression }}, or a rendered text."""
    if not isinstance(raw, str) or is_static(raw):
        return raw
    inner = raw.strip()[2:-2]
    is_one_expression = raw.strip()[:2] == "{{" and raw.strip()[-2:] == "}}" and "{{" not in inner
    if is_one_expression and "}}" not in inner:
        return evaluate(inner, variables, language)
    return render(raw, variables, language)
