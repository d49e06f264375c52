"""A streamed reply in clauses: however it is cut into tokens, placeholders stay whole."""

import pytest

from bot.reply_clauses import ReplyClauses

REPLY = "Sure, it costs {{ amount | money }}. It comes at {{at|time}} today, I see."
CLAUSES = ["Sure, it costs {{amount|money}}.", "It comes at {{at|time}} today, I see."]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_pieces_do_not_depend_on_the_tokens(size: int):
    clauses = ReplyClauses("en")
    found: list[str] = []
    for at in range(0, len(REPLY), size):
        found += clauses.feed(REPLY[at : at + size])
    assert [*found, *clauses.finish()] == CLAUSES


def test_a_bracket_that_is_never_closed_is_let_go():
    clauses = ReplyClauses("en")
    found = clauses.feed("It is {{ amount and so on. " + "And on. " * 20)
    assert found
    assert "amount" in " ".join([*found, *clauses.finish()])


def test_the_rest_of_a_reply_that_was_cut_is_left_out():
    clauses = ReplyClauses("en")
    assert clauses.feed("It is on the way. The rider ") == ["It is on the way."]
    assert clauses.finish(is_cut=True) == []


def test_a_reply_of_one_unfinished_sentence_is_said_all_the_same():
    clauses = ReplyClauses("en")
    assert [*clauses.feed("It is on"), *clauses.finish(is_cut=True)] == ["It is on"]


def test_a_language_without_tables_is_cut_as_english():
    clauses = ReplyClauses("ta")
    assert clauses.feed("Vanakkam nanbare. Eppadi ") == ["Vanakkam nanbare."]
