"""From a file to a flow that can't go wrong in a call, or the list of what to change in it."""

from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ivr_flows.checking.checks import problems_of
from ivr_flows.checking.ways import suggestion
from ivr_flows.errors import FlowInvalid, FlowUnknown, Problem
from ivr_flows.flow import Flow, Part
from ivr_flows.yaml_tree import MAX_FILE_BYTES, Tree, parse

SHIPPED = Path(__file__).parent / "flows"
_SUFFIXES = (".yaml", ".yml")

_MISSING = {
    "no_input": ("no way out on no input", 'add "no_input: {then: ...}"'),
    "no_match": ("no way out on no match", 'add "no_match: {then: ...}"'),
    "then": ("no way on", 'add "then: ..."'),
    "otherwise": ("no way out when no condition holds", 'add "otherwise: ..."'),
    "failure": ("no way out when the request fails", 'add "failure: ..."'),
    "failed": ("no way out when nobody takes the call", 'add "failed: ..."'),
    "fallback": ("no way on without a language model", 'add "fallback: ..."'),
    "person": ("no way to a person", 'add "person: ..." with a transfer node'),
    "give_up": ("no end for a call that can't go on", 'add "give_up: ..." with a hangup node'),
}
_FIXES = {
    "string_type": 'write text, in "quotes" if it looks like a number',
    "int_type": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "tuple_type": "write a list: [a, b]",
    "dict_type": 'write "name: value" lines, indented',
    "model_type": 'write "field: value" lines, indented',
    "model_attributes_type": 'write "field: value" lines, indented',
    "string_too_long": "write it shorter",
    "string_too_short": "write something",
    "too_short": "give at least one",
    "value_error": "keep exactly one",
}
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,39}$": "start with a small letter; then small letters, digits and _",
    r"^[a-z]{2,3}$": "write a language's code, such as en, hi or mr",
    r"^[0-9*#]$": 'write one key in quotes: "0" to "9", "*" or "#"',
    r"^([1-5]\d\d|[1-5]xx)$": 'write a status such as "404" or "5xx", in quotes',
}


def load(path: Path) -> Flow:
    """Read and check a flow's file.

    Raises:
        FlowUnknown: the file can't be read.
        FlowInvalid: it can't be used; holds every problem with its line and fix.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FlowUnknown(f"{path}: can't be read ({error.strerror}); check the path") from None
    return load_bytes(data, str(path))


def load_bytes(data: bytes, file: str) -> Flow:
    """The same for a file's content; `file` is what problems call it."""
    tree = parse(data, file)
    try:
        flow = Flow.model_validate(tree.values)
    except ValidationError as error:
        raise FlowInvalid(_all_problems(tree, error)) from None
    problems = problems_of(flow, tree)
    if problems:
        raise FlowInvalid(problems)
    return flow


def check_file(path: Path) -> tuple[Problem, ...]:
    """Everything wrong with a flow's file; () if it can be used.

    Raises:
        FlowUnknown: the file can't be read.
    """
    try:
        load(path)
    except FlowInvalid as error:
        return error.problems
    return ()


def _all_problems(tree: Tree, error: ValidationError) -> list[Problem]:
    """The problems of shape, and those of everything that has its shape nevertheless."""
    found = [_problem(tree, details) for details in error.errors(include_url=False)]
    paths = [details["loc"] for details in error.errors(include_url=False)]
    nodes = tree.values.get("nodes")
    if isinstance(nodes, dict) and all(len(loc) > 1 and loc[0] == "nodes" for loc in paths):
        broken = frozenset(str(loc[1]) for loc in paths)
        sound = {name: node for name, node in nodes.items() if name not in broken}
        try:
            flow = Flow.model_validate({**tree.values, "nodes": sound})
        except ValidationError:
            pass  # no sound node is left
        else:
            found += problems_of(flow, tree, broken)
    return sorted(dict.fromkeys(found), key=lambda problem: problem.line)


def _problem(tree: Tree, details: ErrorDetails) -> Problem:
    path = tuple(step for step in details["loc"] if step != "[key]")
    field = str(path[-1]) if path else "the file"
    where = f'node "{path[1]}": ' if len(path) > 1 and path[0] == "nodes" else ""
    message, fix = _said(details, field)
    return Problem(tree.file, tree.line(path), where + message, fix)


def _said(details: ErrorDetails, field: str) -> tuple[str, str]:
    kind, context = details["type"], details.get("ctx") or {}
    shown = f"{details['input']!r}"[:60]
    if kind == "missing":
        return _MISSING.get(field, (f'"{field}" is missing', f'add "{field}: ..."'))
    if kind == "extra_forbidden":
        return f'unknown field "{field}"', f"remove it, or {suggestion(field, _fields())}"
    if kind == "union_tag_not_found":
        return '"type" is missing', f"add one of {_node_types()}"
    if kind == "union_tag_invalid":
        return f'there is no type "{context.get("tag")}"', f"use one of {_node_types()}"
    if kind == "literal_error":
        return f'"{field}" can\'t be {shown}', f"use {context.get('expected')}"
    if kind == "string_pattern_mismatch":
        fix = _PATTERNS.get(str(context.get("pattern")), "write it as the schema says")
        return f"{shown} can't stand here ({field})", fix
    fix = _FIXES.get(kind, "write it as docs/write-a-flow.md says")
    return f'"{field}": {details["msg"]}, not {shown}', fix


def _node_types() -> str:
    return "say, menu, collect, listen, decide, set, request, converse, transfer, hangup"


def _fields() -> frozenset[str]:
    found: set[str] = set()
    waiting: list[type[Part]] = [Part]
    while waiting:
        part = waiting.pop()
        waiting += part.__subclasses__()
        found |= {field.alias or name for name, field in part.model_fields.items()}
    return frozenset(found - {"texts", "json_body"})


def load_folder(folder: Path) -> dict[str, Flow]:
    """The flows of all *.yaml and *.yml files in a folder, by name.

    Raises:
        FlowUnknown: the folder, or a file of it, can't be read.
        FlowInvalid: with the problems of all files together; also where two flows share a name.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise FlowUnknown(f"{folder} can't be read as a folder ({error.strerror})") from None
    flows: dict[str, Flow] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            flow = load(path)
        except FlowInvalid as error:
            problems += error.problems
            continue
        if flow.name in flows:
            message = f'another file of this folder has a flow "{flow.name}"'
            problems.append(Problem(str(path), 1, message, "give one another name"))
        flows[flow.name] = flow
    if problems:
        raise FlowInvalid(problems)
    return flows


def shipped(name: str) -> Flow:
    """One of the flows that come with Callwright.

    Raises:
        FlowUnknown: there is none of that name.
    """
    names = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    if name not in names:
        raise FlowUnknown(f'there is no shipped flow "{name}"; there are {", ".join(names)}')
    return load(SHIPPED / f"{name}.yaml")
