"""What Whisper made up is dropped, and what a caller said stays."""

import wave
import zlib

import numpy as np
import pytest

from speech.engines.moonshine import weights_folder
from speech.engines.whisper_guards import (
    Claim,
    Limits,
    Sound,
    Verdict,
    believable,
    is_credit,
    judge,
    kept_of,
    plain_words,
    ratio,
    sound_of,
)
from speech.resampling import resample

VOICE = Sound(sounding_s=1.2, level_db=-20.0, spread_db=25.0)
LONG_VOICE = Sound(sounding_s=20.0, level_db=-20.0, spread_db=25.0)
LINE_NOISE = Sound(sounding_s=2.0, level_db=-56.0, spread_db=2.0)
FAN = Sound(sounding_s=3.0, level_db=-30.0, spread_db=2.0)
CLICK = Sound(sounding_s=0.03, level_db=-25.0, spread_db=40.0)


def sure(text: str, *, log_probability: float = -0.2, no_speech: float = 0.01) -> Claim:
    return Claim(text, log_probability, no_speech)


@pytest.mark.parametrize(
    ("claim", "sound", "verdict"),
    [
        (sure("Yes, please."), VOICE, Verdict.SAID),
        (sure("हाँ जी, कन्फर्म है।"), VOICE, Verdict.SAID),
        (sure("yes", log_probability=-1.2), VOICE, Verdict.DOUBTFUL),
        (sure("yes", log_probability=-1.2, no_speech=0.7), VOICE, Verdict.SILENCE),
        # improbable silence, but sure words: OpenAI's rule keeps them
        (sure("Yes, please.", no_speech=0.9), VOICE, Verdict.SAID),
        (sure(""), VOICE, Verdict.SILENCE),
        (sure(" . . . "), VOICE, Verdict.SILENCE),
        # a real thank you survives, in each language
        (sure("Thank you."), VOICE, Verdict.SAID),
        (sure("Thank you!", log_probability=-0.9, no_speech=0.5), VOICE, Verdict.SAID),
        (sure("धन्यवाद।"), VOICE, Verdict.SAID),
        (sure("बहुत-बहुत धन्यवाद"), VOICE, Verdict.SAID),
        (sure("Okay, bye."), VOICE, Verdict.SAID),
        # the same where no voice was
        (sure("Thank you."), LINE_NOISE, Verdict.SILENCE),
        (sure("Thank you."), FAN, Verdict.SILENCE),
        (sure("Thank you."), CLICK, Verdict.SILENCE),
        (sure("धन्यवाद।"), FAN, Verdict.SILENCE),
        (sure("you"), FAN, Verdict.SILENCE),
        (sure("सब्सक्राइब"), FAN, Verdict.SILENCE),
        # or where the model itself doubts that somebody spoke
        (sure("Thank you.", no_speech=0.7), VOICE, Verdict.SILENCE),
        (sure("Bye.", log_probability=-1.1), VOICE, Verdict.SILENCE),
        # what nobody says to a telephone, however loud
        (sure("Thank you for watching!"), VOICE, Verdict.SILENCE),
        (sure("Subtitles by the Amara.org community"), VOICE, Verdict.SILENCE),
        (sure("देखने के लिए धन्यवाद।"), VOICE, Verdict.SILENCE),
        # loops
        (sure("go " * 60), LONG_VOICE, Verdict.DOUBTFUL),
        (sure("please call me " * 4), LONG_VOICE, Verdict.DOUBTFUL),
        (sure("no no no no"), VOICE, Verdict.SAID),
        (sure("zero zero zero zero five five"), VOICE, Verdict.SAID),
        # faster than anybody speaks
        (sure("the order is for two boxes of tea and three of rice for today"), VOICE, None),
        (sure("one two three"), CLICK, Verdict.SAID),
        (sure("one two three four five six"), CLICK, Verdict.DOUBTFUL),
    ],
)
def test_what_words_are_worth(claim: Claim, sound: Sound, verdict: Verdict | None) -> None:
    assert judge(claim, sound, Limits()) is (verdict or Verdict.DOUBTFUL)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for watching!",
        "Thank you so much for watching.",
        "Thank you for watching this video.",
        "Please subscribe to my channel.",
        "Like and subscribe to the channel",
        "Please like, share and subscribe",
        "Don't forget to subscribe!",
        "Subtitles by the Amara.org community",
        "Subtitles provided by someone",
        "Translated by somebody",
        "I'll see you in the next video.",
        "www.example.com",
        "देखने के लिए धन्यवाद",
        "वीडियो देखने के लिए आपका बहुत बहुत धन्यवाद",
        "चैनल को सब्सक्राइब करें",
        "हमारे चैनल को लाइक और सब्सक्राइब करें",
        "लाइक और सब्सक्राइब करें",
        "व्हिडिओ पाहिल्याबद्दल धन्यवाद",
        "पाहिल्याबद्दल आभार",
        "आमच्या चॅनल ला सबस्क्राईब करा",
    ],
)
def test_the_ends_of_videos_are_known(text: str) -> None:
    assert is_credit(plain_words(text))
    assert believable(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you.",
        "I want to subscribe to the monthly plan.",
        "I was watching the door.",
        "Cancel my subscription, thank you for calling.",
        "You can see it on the next page.",
        "I like the video call better.",
        "The caption is wrong.",
        "मुझे वीडियो देखना है",
        "धन्यवाद",
        "मैंने चैनल का पैसा दे दिया",
        "मला व्हिडिओ पाठवा",
    ],
)
def test_what_callers_say_is_no_credit(text: str) -> None:
    assert not is_credit(plain_words(text))
    assert " ".join(text.split()[at] for at in believable(text)) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Yes, confirm it. Thanks for watching!", "Yes, confirm it."),
        ("Thanks for watching! Yes, confirm it.", "Yes, confirm it."),
        ("हाँ जी। देखने के लिए धन्यवाद।", "हाँ जी।"),
        ("Ring me. " + "Ring me. " * 9, "Ring me."),
        ("Come " * 40 + "now", "Come now"),
        ("no no no no, I said no", "no no no no, I said no"),
        ("nine eight nine eight nine eight", "nine eight nine eight nine eight"),
        ("ok " * 8, "ok " * 8),
    ],
)
def test_what_stays_of_a_text(text: str, left: str) -> None:
    words = text.split()
    assert [words[at] for at in believable(text)] == left.split()


def test_a_loop_in_the_middle_keeps_its_first_round_and_what_is_behind_it() -> None:
    words = ["a", *(["b", "c"] * 5), "d"]
    assert [words[at] for at in kept_of(words)] == ["a", "b", "c", "d"]
    assert kept_of([]) == []


def test_a_prompt_that_is_recited_over_noise_is_dropped_and_one_that_is_said_stays() -> None:
    prompt = "confirm, cancel, change the time, talk to a person"
    assert judge(sure("Confirm, cancel, change"), FAN, Limits(), prompt=prompt) is Verdict.SILENCE
    assert judge(sure("Change the time."), VOICE, Limits(), prompt=prompt) is Verdict.SAID
    assert judge(sure("Confirm."), FAN, Limits(), prompt=prompt) is Verdict.SAID
    assert judge(sure("Cancel the time"), FAN, Limits(), prompt=prompt) is Verdict.SAID


def test_ordinary_hindi_is_as_far_from_a_loop_as_english_is() -> None:
    text = (
        "नमस्ते, मैं दिल्ली से बोल रहा हूँ, मेरा ऑर्डर कल शाम तक पहुँच जाना चाहिए था लेकिन अभी तक नहीं आया है, "
        "कृपया बताइए कि सामान कहाँ है और कब तक मिल पाएगा, मुझे आज ही उसकी ज़रूरत है।"
    )
    stock = len(text.encode()) / len(zlib.compress(text.encode()))
    assert stock > 1.9
    assert ratio(text) < 1.4
    assert judge(sure(text), LONG_VOICE, Limits()) is Verdict.SAID
    assert ratio("हाँ जी " * 40) > Limits().compression_ratio
    assert ratio("") == 0


def test_a_voice_and_what_is_none_are_told_apart_by_their_levels() -> None:
    with wave.open(str(weights_folder().parent / "two_cities.wav")) as audio:
        pcm = np.frombuffer(audio.readframes(audio.getnframes()), np.int16)
        read = resample(pcm, audio.getframerate(), 16_000)
    for at in range(0, len(read) - 16_000, 16_000):
        assert sound_of(read[at : at + 16_000], 16_000).could_hold(3)
    random = np.random.default_rng(3)
    seconds = np.arange(32_000) / 16_000
    for level in (0.0005, 0.005, 0.05, 0.3):
        noise = random.normal(0, level, 32_000).astype(np.float32)
        assert not sound_of(noise, 16_000).may_be_a_voice
        tone = (level * np.sin(2 * np.pi * 425 * seconds)).astype(np.float32)
        assert not sound_of(tone, 16_000).may_be_a_voice
    click = np.zeros(16_000, np.float32)
    click[8_000:8_400] = 0.5
    assert not sound_of(click, 16_000).could_hold(1)
    assert not sound_of(np.zeros(100, np.float32), 16_000).may_be_a_voice
