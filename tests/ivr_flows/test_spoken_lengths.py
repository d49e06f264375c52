"""What a flow is given must fit into what it says."""

from pathlib import Path

import pytest

from ivr_flows.errors import VariablesInvalid
from ivr_flows.loader import load
from ivr_flows.prompts import MAX_RENDERED_CHARACTERS, render
from ivr_flows.spoken_lengths import speakable_values

FLOW = """\
name: order
title: An order
languages: [en, hi]
start: ask
give_up: end
variables:
  shop: {max_length: 2000, default: the shop}
  items: {type: list, required: true, example: [tea]}
  note: {max_length: 2000, default: none}
nodes:
  ask:
    type: menu
    prompt:
      en: "{{ shop }}, {{ items | listed }}. Press 1."
      hi: "{{ items | listed }}. 1 दबाइए।"
    choices:
      agreed: {keys: ["1"], then: end}
    no_input: {then: end}
    no_match: {then: end}
  end:
    type: hangup
    disposition: completed
    prompt: {en: "Bye. {{ note }}", hi: "धन्यवाद।"}
"""


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.yaml"
    path.write_text(FLOW, encoding="utf-8")
    return path


def characters(count: int) -> list[str]:
    """A list that is read out with so many characters."""
    items = ["x" * 99] * (count // 101)
    return [*items, "y" * (count - len(", ".join(items)) - len(" and "))]


def test_a_prompt_at_the_limit_is_said_to_its_end(order: Path) -> None:
    flow = load(order)
    around = len("S, . Press 1.")
    given = {"shop": "S", "items": characters(MAX_RENDERED_CHARACTERS - around)}
    values = speakable_values(flow, given)
    said = render("{{ shop }}, {{ items | listed }}. Press 1.", values, "en")
    assert len(said) == MAX_RENDERED_CHARACTERS
    assert said.endswith("Press 1.")
    given["shop"] = "SS"
    with pytest.raises(VariablesInvalid) as refused:
        speakable_values(flow, given)
    assert set(refused.value.problems) == {"items"}
    problem = refused.value.problems["items"]
    assert '"ask.prompt" would be 2001 characters long; at most 2000' in problem


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"shop": "s" * 2000, "items": ["tea"]}, {"shop"}),
        ({"shop": "s" * 1900, "items": ["i" * 190] * 9}, {"shop"}),
        ({"shop": "s" * 1500, "items": ["i" * 190] * 20}, {"items"}),
        ({"shop": "s" * 2000, "items": ["i" * 190] * 30}, {"items", "shop"}),
        ({"items": ["tea"], "note": "n" * 2000}, {"note"}),
    ],
)
def test_what_has_to_be_shortened_is_named_and_nothing_else(
    order: Path, given: dict[str, object], named: set[str]
) -> None:
    with pytest.raises(VariablesInvalid) as refused:
        speakable_values(load(order), given)
    assert set(refused.value.problems) == named


def test_each_language_that_the_call_may_change_to_is_looked_at(tmp_path: Path) -> None:
    flow_file = tmp_path / "order.yaml"
    flow_file.write_text(FLOW.replace("{{ items | listed }}. Press", "{{ shop }} Press"), "utf-8")
    with pytest.raises(VariablesInvalid) as refused:
        speakable_values(load(flow_file), {"items": ["i" * 190] * 20})
    assert set(refused.value.problems) == {"items"}


def test_values_that_are_wrong_by_themselves_are_named_as_ever(order: Path) -> None:
    with pytest.raises(VariablesInvalid) as refused:
        speakable_values(load(order), {"note": "n" * 2001})
    assert set(refused.value.problems) == {"items", "note"}
