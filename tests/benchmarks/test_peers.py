"""What the benchmarks call."""

import pytest

from benchmarks.peers import FLOWS, NODES
from ivr_flows.loader import load_bytes


@pytest.mark.parametrize("node", NODES)
def test_the_flow_of_each_node_loads(node: str) -> None:
    name = f"bench_{node}"
    assert load_bytes((FLOWS / f"{name}.yaml").read_bytes(), name).start
