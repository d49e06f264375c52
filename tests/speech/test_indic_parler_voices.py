"""The voices of Indic Parler, and what the model is told of how to speak."""

import pytest

from speech.engines.indic_parler_voices import EMOTIONS, LANGUAGES, all_voices, description_of
from speech.expression import EMOTIONS as ALL_EMOTIONS
from speech.tts import SpeechRequest, Voice

VOICES = {voice.name: voice for voice in all_voices()}


def told(voice: str, **how: object) -> str:
    known = VOICES[voice]
    return description_of(known, SpeechRequest("x", known.language, voice, **how))  # pyright: ignore[reportArgumentType]


def test_every_voice_has_a_name_of_its_own() -> None:
    assert len(VOICES) == len(all_voices())


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_language_has_three_presets_and_a_plain_default(language: str) -> None:
    own = [voice for voice in all_voices() if voice.language == language]
    assert "+" not in own[0].name
    assert {voice.name.partition("+")[2] for voice in own} >= {
        "professional",
        "friendly",
        "technical",
    }


@pytest.mark.parametrize(
    ("voice", "how", "says"),
    [
        ("Divya", {}, "Divya speaks in an expressive tone, with a moderately pitched voice"),
        ("Rohit+friendly", {}, "Rohit speaks in a warm, friendly and conversational manner, with"),
        ("Sunita", {"emotion": "sad"}, "Sunita speaks in a sad and subdued tone, with"),
        (
            "Sunita+professional",
            {"emotion": "apologetic"},
            "confident and clear manner and in a soft, apologetic and sympathetic tone, with",
        ),
        ("ur-female", {}, "A female speaker of Urdu speaks in"),
        ("sd-male+technical", {}, "A male speaker of Sindhi speaks in a precise"),
        ("Divya", {"rate": 0.7}, "at a very slow pace"),
        ("Divya", {"rate": 0.9}, "at a slightly slow pace"),
        ("Divya", {"rate": 1.0}, "at a moderate pace"),
        ("Divya", {"rate": 1.15}, "at a slightly fast pace"),
        ("Divya", {"rate": 1.4}, "at a very fast pace"),
        ("Divya", {"pitch_semitones": -12.0}, "a very low-pitched voice"),
        ("Divya", {"pitch_semitones": -2.0}, "a slightly low-pitched voice"),
        ("Divya", {"pitch_semitones": 2.0}, "a slightly high-pitched voice"),
        ("Divya", {"pitch_semitones": 12.0}, "a very high-pitched voice"),
    ],
)
def test_the_description_says_who_and_how(voice: str, how: dict[str, object], says: str) -> None:
    assert says in told(voice, **how)


def test_every_description_asks_for_a_clear_recording() -> None:
    assert told("Divya").endswith("and no background noise.")


def test_each_emotion_changes_the_description() -> None:
    assert EMOTIONS == ALL_EMOTIONS
    assert len({told("Divya", emotion=emotion) for emotion in EMOTIONS}) == len(EMOTIONS)


def test_a_voices_language_is_one_that_is_declared() -> None:
    assert {voice.language for voice in all_voices()} == LANGUAGES
    assert all(isinstance(voice, Voice) for voice in all_voices())
