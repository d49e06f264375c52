"""Hints for the recogniser: what the question asks for, in the call's language, and no more."""

from pathlib import Path
from typing import Any

import pytest

import ivr_flows
from ivr_flows.actions import Listen
from ivr_flows.events import Heard, Played, Pressed, Started
from ivr_flows.flow import ListenNode
from ivr_flows.interpreter import Interpreter
from ivr_flows.likely_words import names_at
from ivr_flows.loader import load

SHIPPED = Path(ivr_flows.__file__).with_name("flows")


def hints(lunch: Any, *events: Any) -> set[str]:
    _, steps = lunch.talk(*events)
    listens = [action for step in steps for action in step if isinstance(action, Listen)]
    return set(listens[-1].hints)


def test_a_menu_hints_at_its_phrases_and_those_that_count_anywhere(lunch: Any) -> None:
    found = hints(lunch, Played())
    assert {"rice", "bread", "a person", "say that again"} <= found
    assert not {"yes", "no"} & found


def test_digits_are_hinted_at_where_digits_are_asked_for(lunch: Any) -> None:
    found = hints(lunch, Pressed("2"), Played())
    assert {"zero", "nine", "double"} <= found
    assert not {"rice", "ten"} & found


def test_a_read_back_hints_at_yes_and_no(lunch: Any) -> None:
    found = hints(lunch, Pressed("1"), Played(), Heard("twelve"), Played())
    assert {"yes", "no"} <= found
    assert "twelve" not in found


HINTED = """
name: stock
title: Stock
languages: [en, hi]
start: ask
give_up: bye
variables:
  items: {type: list, required: true, example: [2 garlic naan, 1 x dal]}
  shop: {default: Annapurna}
  remark: {}
nodes:
  ask:
    type: NODE
    prompt: {en: "What is out?", hi: "क्या नहीं है?"}
    hints: ["{{ items }}", "{{ shop }}", sold out]
    no_input: {then: bye}
    OWN
  bye:
    type: hangup
    disposition: completed
"""
OWN = {
    "listen": "variable: remark\n    then: bye",
    "menu": "no_match: {then: bye}\n    choices: {more: {keys: [1], phrases: {en: [that is all], "
    "hi: [बस]}, then: bye}}",
}


def hinted(tmp_path: Path, kind: str, items: list[str], language: str = "en") -> tuple[str, ...]:
    file = tmp_path / "stock.yaml"
    file.write_text(HINTED.replace("NODE", kind).replace("OWN", OWN[kind]), "utf-8")
    interpreter = Interpreter(load(file), hearing=frozenset({"en", "hi"}))
    state = interpreter.start_state({"items": items}, language)
    _, actions = interpreter.step(state, Started())
    return next(action.hints for action in actions if isinstance(action, Listen))


@pytest.mark.parametrize("language", ["en", "hi"])
def test_names_that_a_node_hints_at_are_told_one_by_one_without_quantities(
    tmp_path: Path, language: str
) -> None:
    found = hinted(tmp_path, "listen", ["2 garlic naan", "1 x dal", "garlic naan"], language)
    assert found == ("garlic naan", "dal", "Annapurna", "sold out")


def test_names_come_before_a_menus_words_and_leave_them_room(tmp_path: Path) -> None:
    found = hinted(tmp_path, "menu", [f"dish {at}" for at in range(30)])
    assert found[:12] == tuple(f"dish {at}" for at in range(12))
    assert found[12:] == ("that is all",)


def test_a_name_that_is_none_is_left_out(tmp_path: Path) -> None:
    assert hinted(tmp_path, "listen", ["9" * 81, " ", "dal"])[0] == "dal"


def test_the_shipped_flow_hints_at_the_items_where_a_reason_is_told() -> None:
    flow = load(SHIPPED / "vendor_confirmation.yaml")
    node = flow.nodes["ask_remark"]
    assert isinstance(node, ListenNode)
    found = names_at(node, {"items": ("2 paneer butter masala", "4 garlic naan")}, "hi")
    assert found == ("paneer butter masala", "garlic naan")


@pytest.mark.parametrize("events", [("1",), ("3",)])
def test_an_open_question_and_a_number_hint_at_nothing(lunch: Any, events: Any) -> None:
    assert hints(lunch, *map(Pressed, events), Played()) == set()
