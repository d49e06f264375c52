"""Whether a flow hangs together: every way leads to a node, every node to an end."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ivr_flows.errors import Problem
from ivr_flows.flow import Flow
from ivr_flows.graph import Exit, can_end, exits, reachable, silent_loop, ways
from ivr_flows.yaml_tree import Path, Tree


def suggestion(name: str, known: Iterable[str]) -> str:
    """The fix for a name that isn't there: the one most like it, else the list."""
    names = list(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f'write "{close[0]}"'
    return f"use one of {', '.join(sorted(names)[:12])}" if names else "declare it first"


def check_targets(flow: Flow, tree: Tree, also_known: frozenset[str]) -> Iterator[Problem]:
    """Names of nodes that don't exist; `also_known` are nodes that exist and are broken."""
    known = frozenset(flow.nodes) | also_known
    for field, target in (("start", flow.start), ("give_up", flow.give_up)):
        if target not in known:
            message = f'{field} is "{target}", and there is no such node'
            yield Problem(tree.file, tree.line((field,)), message, suggestion(target, known))
    seen: set[Path] = set()
    for name in flow.nodes:
        for way in exits(flow, name):
            if way.target not in known and way.path not in seen:
                seen.add(way.path)
                where = "anywhere" if way.is_global else f'node "{name}"'
                message = f'{where}: "{way.target}" is no node of this flow'
                yield Problem(
                    tree.file, tree.line(way.path), message, suggestion(way.target, known)
                )


def check_whole(flow: Flow, tree: Tree) -> Iterator[Problem]:
    """Unreachable nodes, nodes without a way to an end, ways round that need no answer."""
    graph = ways(flow)
    reached, ending = reachable(flow, graph), can_end(flow, graph)
    for name in flow.nodes:
        line = tree.line(("nodes", name))
        if name not in reached:
            message = f'node "{name}" can\'t be reached'
            fix = f'lead to it with a "then: {name}", or remove it'
            yield Problem(tree.file, line, message, fix)
        elif name not in ending:
            message = f'node "{name}": a dead end, no way from here ends the call'
            fix = "lead one of its ways to a hangup or transfer node"
            yield Problem(tree.file, line, message, fix)
    if loop := silent_loop(graph):
        yield _loop_problem(loop, tree)
    end = flow.nodes.get(flow.give_up)
    if end is not None and end.type not in ("hangup", "transfer"):
        message = f'give_up leads to "{flow.give_up}", which does not end the call'
        fix = "name a hangup or transfer node"
        yield Problem(tree.file, tree.line(("give_up",)), message, fix)


def _loop_problem(loop: tuple[Exit, ...], tree: Tree) -> Problem:
    names = " -> ".join([loop[-1].target, *(way.target for way in loop)])
    message = f"a loop without an answer of the caller: {names}"
    return Problem(
        tree.file,
        tree.line(loop[-1].path),
        message,
        "lead this way to a node outside the loop; a silent call must come to an end",
    )
