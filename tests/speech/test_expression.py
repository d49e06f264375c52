"""What a text asks of a voice is never read aloud, and reaches engines that know it."""

import pytest

from speech.clauses import pieces
from speech.expression import SOUNDS, Marked, read, suited, without_marks
from speech.speakable import speakable
from speech.tts import Expression, SpeechRequest


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Hello.", Marked("Hello.", None, None, None)),
        ("[emotion=happy] Hello.", Marked("Hello.", "happy", None, None)),
        ("[ Emotion = HAPPY ][rate=0.95] Hello.", Marked("Hello.", "happy", 0.95, None)),
        ("Well [pitch=-2] hello.", Marked("Well hello.", None, None, -2.0)),
        ("[Laugh] Hello.", Marked("[laugh] Hello.", None, None, None)),
        ("[rate=1] [rate=1.2] Hello.", Marked("Hello.", None, 1.2, None)),
        ("[emotion=murderous] Hello.", Marked("Hello.", None, None, None)),
        ("[rate=9] [pitch=40] Hello.", Marked("Hello.", None, None, None)),
        ("[rate=fast] [rate=nan] Hello.", Marked("Hello.", None, None, None)),
        ("[gallery] stays.", Marked("[gallery] stays.", None, None, None)),
        ("", Marked("", None, None, None)),
    ],
)
def test_settings_are_taken_out_of_a_text(text: str, marked: Marked) -> None:
    assert read(text) == marked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Well [laugh] done.", "Well done."),
        ("[sigh] [emotion=sad] ठीक है।", "ठीक है।"),
        ("[cough]", ""),
        ("a [b] c", "a [b] c"),
    ],
)
def test_captions_have_the_words_alone(text: str, words: str) -> None:
    assert without_marks(text) == words


def test_an_engine_gets_the_sounds_that_it_knows() -> None:
    request = SpeechRequest("Well [laugh] that [sigh] is [cough] it.", "en")
    knows = Expression(sounds=frozenset({"laugh", "cough"}))
    assert suited(request, knows).text == "Well [laugh] that is [cough] it."
    assert suited(request, Expression()).text == "Well that is it."


@pytest.mark.parametrize(("asked", "done"), [(0.5, 0.9), (1.0, 1.0), (2.0, 1.1)])
def test_the_rate_stays_where_the_engine_is_good(asked: float, done: float) -> None:
    request = SpeechRequest("Hello.", "en", rate=asked)
    assert suited(request, Expression(rates=(0.9, 1.1))).rate == done


@pytest.mark.parametrize("sound", sorted(SOUNDS))
@pytest.mark.parametrize(("language", "words"), [("en", "Well, ₹50."), ("hi", "हाँ, ₹50।")])
def test_a_sound_comes_whole_through_all_that_is_done_to_a_text(
    sound: str, language: str, words: str
) -> None:
    text = speakable(f"[{sound}] {words}", language)
    assert f"[{sound}]" in next(iter(pieces(text, language))).text
    assert without_marks(text) == speakable(words, language)
