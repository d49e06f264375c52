"""The ways through a flow: which node leads where, on what, and what is known by then; pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    ConverseNode,
    DecideNode,
    Flow,
    ListenNode,
    MenuNode,
    Node,
    RequestNode,
    SayNode,
    SetNode,
    TransferNode,
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    """One way out of a node."""

    label: str  # what makes it be taken, e.g. "1 · confirm", "no input"; "" for the only way
    target: str
    path: Path  # of the field that names the target
    by_caller: bool = False  # only the caller's answer opens it
    sets: frozenset[str] = frozenset()  # variables that have a value once it is taken
    is_global: bool = False  # an answer that counts anywhere


def exits(flow: Flow, name: str) -> tuple[Exit, ...]:
    """Every way out of the node `name`, in the file's order."""
    node = flow.nodes[name]
    return tuple(_own_exits(node, ("nodes", name))) + tuple(_global_exits(flow, node))


def _own_exits(node: Node, at: Path) -> Iterator[Exit]:
    match node:
        case SayNode():
            yield Exit("", node.then, (*at, "then"))
        case SetNode():
            yield Exit("", node.then, (*at, "then"), sets=frozenset(node.values))
        case DecideNode():
            for index, branch in enumerate(node.branches):
                yield Exit(branch.when, branch.then, (*at, "branches", index, "then"))
            yield Exit("otherwise", node.otherwise, (*at, "otherwise"))
        case RequestNode():
            yield Exit("ok", node.then, (*at, "then"), sets=frozenset(node.save))
            for status, target in node.on_status.items():
                yield Exit(status, target, (*at, "on_status", status))
            yield Exit("failure", node.failure, (*at, "failure"))
        case TransferNode():
            yield Exit("nobody there", node.failed, (*at, "failed"))
        case ConverseNode():
            yield from _of_conversation(node, at)
        case AskingNode():
            yield from _answers(node, at)
        case _:
            return


def _answers(node: MenuNode | CollectNode | ListenNode, at: Path) -> Iterator[Exit]:
    if isinstance(node, MenuNode):
        for name, choice in node.choices.items():
            if choice.then is not None:
                label = f"{' '.join(choice.keys)} · {name.replace('_', ' ')}"
                path = (*at, "choices", name, "then")
                yield Exit(label, choice.then, path, by_caller=True, sets=frozenset(choice.set))
    else:
        label = node.variable.replace("_", " ")
        sets = frozenset({node.variable})
        yield Exit(label, node.then, (*at, "then"), by_caller=True, sets=sets)
    yield Exit("no input", node.no_input.then, (*at, "no_input", "then"))
    if isinstance(node, MenuNode | CollectNode):
        yield Exit("no match", node.no_match.then, (*at, "no_match", "then"))
    elif node.without_ear is not None:
        yield Exit("no ear", node.without_ear, (*at, "without_ear"))


def _of_conversation(node: ConverseNode, at: Path) -> Iterator[Exit]:
    for name, way in node.exits.items():
        filled = {n for n, parameter in way.parameters.items() if parameter.required}
        sets = frozenset(filled | way.set.keys())
        path = (*at, "exits", name, "then")
        yield Exit(name.replace("_", " "), way.then, path, by_caller=True, sets=sets)
    yield Exit("a person", node.person, (*at, "person"), by_caller=True)
    if node.may_hang_up is not None:
        yield Exit("hang up", node.may_hang_up, (*at, "may_hang_up"), by_caller=True)
    if node.limits.then is not None:
        yield Exit("limits", node.limits.then, (*at, "limits", "then"))
    yield Exit("no input", node.no_input.then, (*at, "no_input", "then"))
    yield Exit("no model", node.fallback, (*at, "fallback"))


def _global_exits(flow: Flow, node: Node) -> Iterator[Exit]:
    operator = flow.anywhere.operator
    if operator is None or not isinstance(node, AskingNode):
        return
    if isinstance(node, MenuNode) and "operator" in node.choices:
        return
    label = " · ".join(["".join(operator.keys), "operator"]).removeprefix(" · ")
    path = ("anywhere", "operator", "then")
    yield Exit(label, operator.then, path, by_caller=True, is_global=True)


def ways(flow: Flow) -> dict[str, tuple[Exit, ...]]:
    """The exits of every node that lead to a node there is."""
    return {
        name: tuple(way for way in exits(flow, name) if way.target in flow.nodes)
        for name in flow.nodes
    }


def reachable(flow: Flow, graph: dict[str, tuple[Exit, ...]]) -> frozenset[str]:
    """The nodes that a call can get to: from the start, or by giving up."""
    found: set[str] = set()
    waiting = [name for name in (flow.start, flow.give_up) if name in flow.nodes]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [way.target for way in graph[name]]
    return frozenset(found)


def can_end(flow: Flow, graph: dict[str, tuple[Exit, ...]]) -> frozenset[str]:
    """The nodes from which an end (hangup or transfer) can be reached."""
    ends = {name for name, node in flow.nodes.items() if node.type in ("hangup", "transfer")}
    while more := {
        name
        for name, out in graph.items()
        if name not in ends and any(way.target in ends for way in out)
    }:
        ends |= more
    return frozenset(ends)


def silent_loop(graph: dict[str, tuple[Exit, ...]]) -> tuple[Exit, ...]:
    """A way round that a call takes without any answer of the caller, () if there is none.

    With no such way every call ends after a bounded number of silences and misunderstandings.
    """
    done: set[str] = set()
    for start in graph:
        trail: list[tuple[str, Iterator[Exit]]] = [(start, iter(graph[start]))]
        taken: list[Exit] = []
        while trail:
            name, rest = trail[-1]
            way = next((w for w in rest if not w.by_caller and w.target not in done), None)
            if way is None:
                done.add(name)
                trail.pop()
                taken = taken[:-1]
                continue
            here = [node for node, _ in trail]
            if way.target in here:
                return (*taken[here.index(way.target) :], way)
            taken.append(way)
            trail.append((way.target, iter(graph[way.target])))
    return ()


def known_variables(flow: Flow, graph: dict[str, tuple[Exit, ...]]) -> dict[str, frozenset[str]]:
    """For each node the variables that surely have a value when a call gets there."""
    everything = frozenset(flow.variables)
    given = frozenset(
        name
        for name, variable in flow.variables.items()
        if variable.required or variable.default is not None
    )
    known = dict.fromkeys(flow.nodes, everything)
    # Giving up can come from anywhere, so nothing more than the given is sure there.
    waiting = [name for name in (flow.start, flow.give_up) if name in flow.nodes]
    known |= dict.fromkeys(waiting, given)
    while waiting:
        name = waiting.pop()
        for way in graph[name]:
            after = known[way.target] & (known[name] | way.sets)
            if after != known[way.target]:
                known[way.target] = after
                waiting.append(way.target)
    return known
