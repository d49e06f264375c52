"""Whether `converse` nodes can be carried out: tools that fit together, ways that lead where they
say, variables that are there."""

from collections.abc import Iterator, Mapping

from ivr_flows.checking.ways import suggestion
from ivr_flows.converse_node import OWN_TOOLS
from ivr_flows.errors import Problem, TemplateInvalid
from ivr_flows.flow import (
    CollectNode,
    ConverseNode,
    Flow,
    HangUpNode,
    ListenNode,
    MenuNode,
    RequestNode,
    SayNode,
    SetNode,
    TransferNode,
    Value,
)
from ivr_flows.guarding import SAFE
from ivr_flows.json_schema import problems_of_schema
from ivr_flows.prompts import variables_in
from ivr_flows.yaml_tree import Path, Tree


def check_conversations(flow: Flow, tree: Tree) -> Iterator[Problem]:
    """What is wrong with the `converse` nodes."""
    from_outside = _from_outside(flow)
    for name, node in flow.nodes.items():
        if isinstance(node, ConverseNode):
            found = (*_problems(flow, node), *_rules_from_outside(node, from_outside))
            for path, message, fix in found:
                at: Path = ("nodes", name, *path)
                yield Problem(tree.file, tree.line(at), f'node "{name}": {message}', fix)


def _problems(flow: Flow, node: ConverseNode) -> Iterator[tuple[Path, str, str]]:
    yield from _names(node)
    yield from _variables(flow, node)
    for name, request in node.requests.items():
        at: Path = ("requests", name, "parameters")
        if request.parameters:
            yield from problems_of_schema(request.parameters, at)
            if request.parameters.get("type") != "object":
                yield at, "parameters are an object", 'write "type: object" and "properties"'
    if node.may_hang_up is not None:
        end = flow.nodes.get(node.may_hang_up)
        if end is not None and not isinstance(end, HangUpNode):
            message = f'may_hang_up leads to "{node.may_hang_up}", which is no hangup'
            yield ("may_hang_up",), message, "name a node of type hangup"
    if node.person in flow.nodes and not _reaches_person(flow, node.person):
        message = f'person leads to "{node.person}", which brings nobody on the line'
        yield ("person",), message, "name a transfer node, or one that only says something first"
    if node.guard.withheld is None:
        for language in flow.languages:
            if language not in SAFE:
                message = f'nothing is said in "{language}" in the place of what may not be said'
                yield ("guard",), message, 'add "guard: {withheld: {...}}" with your own words'


def _names(node: ConverseNode) -> Iterator[tuple[Path, str, str]]:
    groups: Mapping[str, Mapping[str, object]] = {"exits": node.exits, "requests": node.requests}
    for group, named in groups.items():
        for name in named:
            if name in OWN_TOOLS:
                yield (group, name), f'"{name}" is a tool of every model', "choose another name"
    for name in node.exits:
        if name in node.requests:
            yield ("requests", name), f'an exit is named "{name}", too', "choose another name"


def _variables(flow: Flow, node: ConverseNode) -> Iterator[tuple[Path, str, str]]:
    named: list[tuple[Path, str]] = [(("knows", at), n) for at, n in enumerate(node.knows)]
    named += [(("may_set", at), n) for at, n in enumerate(node.may_set)]
    for name, way in node.exits.items():
        named += [(("exits", name, "parameters", n), n) for n in way.parameters]
    for name, request in node.requests.items():
        named += [(("requests", name, "save", n), n) for n in request.save]
    for path, name in named:
        if name not in flow.variables:
            fix = suggestion(name, flow.variables) + ' or declare it under "variables"'
            yield path, f'unknown variable "{name}"', fix


def _rules_from_outside(
    node: ConverseNode, from_outside: frozenset[str]
) -> Iterator[tuple[Path, str, str]]:
    """Values that a caller or a service gives, in a text that the model is to obey."""
    for field in ("goal", "instructions", "facts"):
        for name in sorted(_named_in(str(getattr(node, field))) & from_outside):
            message = f'"{field}" has "{name}" in it, which a caller or a service can set'
            fix = (
                f'take it out and add it to "knows": [{name}]; it then stands with the data of'
                " the call, not among the rules"
            )
            yield (field,), message, fix


def _from_outside(flow: Flow) -> frozenset[str]:
    """The variables that somebody else than the flow's file and whoever starts a call can set."""
    found: set[str] = set()
    computed: list[tuple[str, Value]] = []
    for node in flow.nodes.values():
        match node:
            case ConverseNode():
                found |= {*node.may_set, *(n for e in node.exits.values() for n in e.parameters)}
                found |= {name for request in node.requests.values() for name in request.save}
                computed += [each for way in node.exits.values() for each in way.set.items()]
            case RequestNode():
                found |= set(node.save)
            case CollectNode():
                found.add(node.variable)
            case ListenNode():
                found |= {node.variable, *node.extract}
            case MenuNode():
                found |= set(node.extract)
                computed += [each for way in node.choices.values() for each in way.set.items()]
            case SetNode():
                computed += node.values.items()
            case _:
                pass
    while more := {n for n, value in computed if n not in found and _named_in(value) & found}:
        found |= more  # what is computed from them
    return frozenset(found)


def _named_in(source: Value) -> frozenset[str]:
    """The variables of a text, line by line as the model is shown it."""
    names: set[str] = set()
    for line in source.splitlines() if isinstance(source, str) else ():
        try:
            names |= variables_in(line)
        except TemplateInvalid:
            continue  # said by the checks of texts
    return frozenset(names)


def _reaches_person(flow: Flow, name: str) -> bool:
    """Whether a transfer follows, with nothing before it that asks or decides."""
    for _ in flow.nodes:
        node = flow.nodes.get(name)
        if not isinstance(node, SayNode | SetNode):
            return isinstance(node, TransferNode)
        name = node.then
    return False
