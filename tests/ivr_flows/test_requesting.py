"""A request stays on the path that the flow names, whatever is put into it."""

import pytest

from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import RequestNode
from ivr_flows.requesting import request_action

NODE = RequestNode(
    type="request",
    url="https://shop.example/v1/orders/{{ order }}/cancel",
    then="done",
    failure="sorry",
)


@pytest.mark.parametrize("order", [".", ".."])
def test_a_value_that_would_leave_the_path_is_refused(order: str) -> None:
    with pytest.raises(TemplateInvalid):
        request_action("cancel", NODE, {"order": order}, "en")


@pytest.mark.parametrize(
    ("order", "path"),
    [("4522", "4522"), ("../admin", "..%2Fadmin"), ("a b", "a%20b"), ("1..2", "1..2")],
)
def test_a_value_is_one_part_of_the_path(order: str, path: str) -> None:
    action = request_action("cancel", NODE, {"order": order}, "en")
    assert action.url == f"https://shop.example/v1/orders/{path}/cancel"
