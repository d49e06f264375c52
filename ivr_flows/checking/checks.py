"""All checks of a flow that has the right shape."""

from ivr_flows.checking.answers import check_answers, check_head
from ivr_flows.checking.conversations import check_conversations
from ivr_flows.checking.texts import TextChecks
from ivr_flows.checking.ways import check_targets, check_whole
from ivr_flows.errors import Problem
from ivr_flows.flow import Flow
from ivr_flows.graph import known_variables, ways
from ivr_flows.yaml_tree import Tree


def problems_of(flow: Flow, tree: Tree, broken: frozenset[str] = frozenset()) -> list[Problem]:
    """Everything wrong with a flow, in the order of the file.

    `broken` are nodes left out of `flow` because they have the wrong shape. What can only be said
    of the whole, such as a dead end, is then not looked for.
    """
    found = [*check_head(flow, tree), *check_targets(flow, tree, broken)]
    found += check_answers(flow, tree)
    found += check_conversations(flow, tree)
    known = {} if broken else known_variables(flow, ways(flow))
    found += TextChecks(flow, tree, known).run()
    if not broken and not any("no node" in problem.message for problem in found):
        found += check_whole(flow, tree)
    return sorted(dict.fromkeys(found), key=lambda problem: problem.line)
