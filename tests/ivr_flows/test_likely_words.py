"""Hints for the recogniser: what the question asks for, in the call's language, and no more."""

from typing import Any

import pytest

from ivr_flows.actions import Listen
from ivr_flows.events import Heard, Played, Pressed


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


@pytest.mark.parametrize("events", [("1",), ("3",)])
def test_an_open_question_and_a_number_hint_at_nothing(lunch: Any, events: Any) -> None:
    assert hints(lunch, *map(Pressed, events), Played()) == set()
