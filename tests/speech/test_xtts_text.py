"""A text in the pieces that XTTS can speak, with a tokenizer of one token a character."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.clauses import Piece
from speech.engines.xtts_text import clean, digits_apart, most_audio_tokens, speakable_pieces


def cut(text: str, language: str = "en", *, chars: int = 250, tokens: int = 400) -> list[Piece]:
    return speakable_pieces(
        text, language, longest_chars=chars, most_tokens=tokens, count_tokens=len
    )


def test_sentences_stand_alone_and_a_sentence_stays_whole() -> None:
    assert cut("Of course, I can help. Which order is it?") == [
        Piece("Of course, I can help.", True),
        Piece("Which order is it?", True),
    ]


def test_a_sentence_over_the_limit_ends_at_a_clause() -> None:
    text = "Your order has left the kitchen, and the rider is on the way, but the road is closed."
    made = cut(text, chars=50)
    assert " ".join(piece.text for piece in made) == text
    assert [piece.text[-1] for piece in made] == [",", ",", "."]
    assert [piece.ends_sentence for piece in made] == [False, False, True]


def test_hindi_ends_with_a_danda() -> None:
    made = cut("आपका ऑर्डर आ गया है। राइडर दरवाज़े पर है।", "hi", chars=150)
    assert [piece.text for piece in made] == ["आपका ऑर्डर आ गया है।", "राइडर दरवाज़े पर है।"]


def test_chinese_is_cut_at_its_own_signs() -> None:
    text = "您的订单已经离开厨房，骑手正在路上。" * 5
    made = cut(text, "zh", chars=40)
    assert "".join(piece.text.replace(" ", "") for piece in made) == text
    assert all(len(piece.text) <= 40 and piece.text[-1] in "，。" for piece in made)


def test_what_the_tokenizer_makes_too_much_of_is_cut_again() -> None:
    made = speakable_pieces(
        "one two three four five six seven eight nine ten",
        "en",
        longest_chars=250,
        most_tokens=40,
        count_tokens=lambda piece: 5 * len(piece),
    )
    assert all(5 * len(piece.text) <= 40 for piece in made)
    assert [piece.ends_sentence for piece in made] == [False] * (len(made) - 1) + [True]


@pytest.mark.parametrize("text", ["", " \n", "...", "?!", "\0\x1b", "\ud800", "।", "😀"])
def test_what_has_no_words_has_no_pieces(text: str) -> None:
    assert cut(text) == []


@pytest.mark.parametrize(
    ("text", "language", "cleaned"),
    [
        ("a\0b\n c\u2028d", "en", "a b c d"),
        ("हाँ \ud83d जी", "hi", "हाँ जी"),
        ("आपके 3 ऑर्डर", "hi", "आपके तीन ऑर्डर"),
        ("3 orders", "en", "three orders"),
        ("3 pedidos", "es", "3 pedidos"),  # coqui-tts says it
        ("1234567890123", "es", "1 2 3 4 5 6 7 8 9 0 1 2 3"),
    ],
)
def test_only_what_can_be_said_is_left(text: str, language: str, cleaned: str) -> None:
    assert clean(text, language) == cleaned


@pytest.mark.parametrize(
    ("text", "apart"),
    [("0.000001 metri", "0 0 0 0 0 0 1 metri"), ("3. patro", "3 patro"), ("a 12/34", "a 1 2 3 4")],
)
def test_a_number_that_no_table_can_read_is_read_digit_by_digit(text: str, apart: str) -> None:
    assert digits_apart(text) == apart


@given(st.text(max_size=400), st.sampled_from(["en", "hi", "fr", "ja"]), st.integers(40, 250))
@settings(max_examples=150, deadline=None)
def test_any_text_is_cut_under_both_limits(text: str, language: str, chars: int) -> None:
    for piece in speakable_pieces(
        text,
        language,
        longest_chars=chars,
        most_tokens=60,
        count_tokens=lambda part: len(part.encode()),
    ):
        assert len(piece.text) <= chars
        assert len(piece.text.encode()) <= 60
        assert any(character.isalnum() for character in piece.text)


@given(st.text(alphabet="0123456789.,-/:₹$% abकर", max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_digit_is_left_in_hindi(text: str) -> None:
    assert not any(character in "0123456789" for character in clean(text, "hi"))


@pytest.mark.parametrize(
    ("text", "longest_chars", "tokens"),
    [("Yes.", 250, 63), ("x" * 100, 250, 543), ("x" * 250, 250, 600), ("はい", 71, 71)],
)
def test_speech_that_does_not_end_is_ended(text: str, longest_chars: int, tokens: int) -> None:
    assert most_audio_tokens(text, longest_chars=longest_chars, most=600) == tokens
