"""A drawing of a flow is sound, complete and can be read."""

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from ivr_flows.draw import mermaid, svg
from ivr_flows.layout import Card, Line, arrange
from tests.ivr_flows.shipped_flows import FLOWS


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("language", ["en", "hi", None])
def test_an_svg_is_xml_with_a_card_for_each_node(flow: str, language: str | None):
    root = ElementTree.fromstring(svg(FLOWS[flow], language))
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for name in FLOWS[flow].nodes:
        assert name.replace("_", " ")[:25] in [text[:25] for text in texts]
    assert "no input, no match" in texts
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")


@pytest.mark.parametrize("flow", FLOWS)
def test_no_two_cards_overlap(flow: str):
    root = ElementTree.fromstring(svg(FLOWS[flow]))
    space = "{http://www.w3.org/2000/svg}"
    boxes: list[tuple[float, float, float, float]] = []
    for group in root.iter(f"{space}g"):
        box = group.find(f"{space}rect")
        if box is not None:
            place = re.findall(r"[-\d.]+", group.attrib["transform"])
            x, y = float(place[0]), float(place[1])
            boxes.append((x, y, x + float(box.attrib["width"]), y + float(box.attrib["height"])))
    assert len(boxes) >= len(FLOWS[flow].nodes)
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert all(x0 >= 0 and y0 >= 0 for x0, y0, _, _ in boxes)


@pytest.mark.parametrize("flow", FLOWS)
def test_mermaid_names_every_node_and_way(flow: str):
    text = mermaid(FLOWS[flow])
    assert text.startswith("flowchart LR\n")
    for name in FLOWS[flow].nodes:
        assert f"n_{name}" in text
    assert '|"9 · a person asked for"| n_person' in text
    for line in text.splitlines()[1:]:
        assert re.fullmatch(r"  n_\w+(.*\".*\".*| (-->|-\.->)(\|\"[^\"]*\"\|)? n_\w+)", line), line


def test_hostile_texts_are_escaped():
    flow = FLOWS["vendor_confirmation"].model_copy(update={"title": "<script>alert('1')</script>&"})
    assert "<script>" not in svg(flow)


def test_a_line_that_goes_back_leaves_and_enters_on_the_right_sides():
    cards = [Card(name, 100, 50) for name in "abc"]
    lines = [Line("a", "b", 20), Line("b", "c", 20), Line("c", "a", 30), Line("b", "b", 40)]
    layout = arrange(cards, lines, entry=10)
    xs = [layout.places[name][0] for name in "abc"]
    assert xs == sorted(xs)
    assert [route.is_back for route in layout.routes] == [False, False, True, True]
    back = layout.routes[2].points
    assert back[0] == (layout.places["c"][0] + 100, layout.places["c"][1] + 30)
    assert back[-1] == (layout.places["a"][0], layout.places["a"][1] + 10)


def test_crossings_are_taken_out():
    cards = [Card(name, 100, 50) for name in ("root", "u", "v", "x", "y")]
    lines = [Line("root", "u", 10), Line("root", "v", 30), Line("u", "y", 20), Line("v", "x", 20)]
    places = arrange(cards, lines, entry=10).places
    assert (places["u"][1] < places["v"][1]) == (places["y"][1] < places["x"][1])
