"""What engines that speak piece by piece share: pieces, voices, samples."""

import numpy as np
import pytest

from speech.engines.piece_speaking import LONGEST_TEXT_CHARS, pcm_of, pieces_of, voice_of
from speech.errors import LanguageUnsupported, VoiceUnknown
from speech.tts import SpeechRequest, Voice

VOICES = (Voice("ann", "en", ""), Voice("bob", "en", ""), Voice("asha", "hi", ""))


def texts(text: str, language: str = "en", longest_chars: int = 200) -> list[str]:
    return [piece.text for piece in pieces_of(text, language, longest_chars=longest_chars)]


@pytest.mark.parametrize(
    ("text", "language", "pieces"),
    [
        ("It is ready. It leaves at noon.", "en", ["It is ready.", "It leaves at noon."]),
        ("आपका ऑर्डर तैयार है। धन्यवाद।", "hi", ["आपका ऑर्डर तैयार है।", "धन्यवाद।"]),
        ("Estoy bien. Gracias.", "es", ["Estoy bien.", "Gracias."]),
        ("मेरो नाम हो। धन्यवाद।", "ne", ["मेरो नाम हो।", "धन्यवाद।"]),
        ("今日は。元気ですか？はい。", "ja", ["今日は。", "元気ですか？", "はい。"]),
        ("a\x00b\n\u2028c", "en", ["a b c"]),
        ("[laugh] Well.", "en", ["[laugh] Well."]),
        ("", "en", []),
        (" … — ?!", "en", []),
    ],
)
def test_a_text_in_pieces(text: str, language: str, pieces: list[str]) -> None:
    assert texts(text, language) == pieces


def test_no_piece_is_longer_than_the_limit_and_nothing_is_lost() -> None:
    text = "word " * 300 + "x" * 500
    made = texts(text, "fr", 120)
    assert max(map(len, made)) <= 120
    assert "".join("".join(made).split()) == "".join(text.split())


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="text must be up to 20000 characters, not 20001"):
        texts("a" * (LONGEST_TEXT_CHARS + 1))


def chosen(language: str, voice: str | None, rate: float = 1.0) -> str:
    request = SpeechRequest("x", language, voice, rate)
    return voice_of(request, engine="trial", languages={"en", "hi", "fr"}, voices=VOICES).name


def test_the_voice_that_is_asked_for_or_the_first_of_the_language() -> None:
    assert chosen("en", None) == "ann"
    assert chosen("en", "bob") == "bob"
    assert chosen("hi", None) == "asha"


@pytest.mark.parametrize(
    ("language", "voice", "error", "says"),
    [
        ("mr", None, LanguageUnsupported, "trial does not speak 'mr', only en, fr, hi"),
        ("en", "asha", VoiceUnknown, "the voice 'asha' speaks hi, not en"),
        ("en", "carl", VoiceUnknown, "no voice 'carl' for en; it has: ann, bob"),
        ("fr", None, VoiceUnknown, "trial has no voice for fr here"),
        ("fr", "carl", VoiceUnknown, "no voice 'carl' for fr; it has: none"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    language: str, voice: str | None, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        chosen(language, voice)


@pytest.mark.parametrize("rate", [0.0, 0.49, 2.01, float("nan"), float("inf"), -1.0])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"rate must be 0\.5\.\.2\.0, not"):
        chosen("en", None, rate)


def test_samples_become_int16_without_wrapping() -> None:
    given = np.array([[0.0, 1.0, -1.0, 5.0, -5.0, np.nan, np.inf, -np.inf, 0.5]], np.float32)
    made = pcm_of(given)
    assert made.dtype == np.int16
    assert made.tolist() == [0, 32767, -32767, 32767, -32767, 0, 0, 0, 16383]
