"""Likely words: which tokens they are, and when they are taken for what was heard."""

from collections.abc import Sequence

import numpy as np
import pytest

from speech.engines.espeak import EspeakSynthesizer
from speech.engines.moonshine import MoonshineRecognizer
from speech.engines.moonshine_hints import (
    LIKELIER,
    MOST_PHRASES,
    Hints,
    Tokenizer,
    WordRow,
    belief,
    clearness_of,
    lead_of,
    nearest,
)
from speech.pool import EnginePool
from speech.resampling import resample
from speech.tts import SpeechRequest

SPACE = "\u2581"
VOCABULARY = [
    *("", "<s>", "</s>", "t", "w", "o", "T", "e", "n", SPACE, ",", ".", "tw", "two"),
    *(SPACE + "two", SPACE + "T", SPACE + "t", "en", ",", "."),
]
COMMA, STOP, END, TWO = 18, 19, 2, 14


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer([text.encode() for text in VOCABULARY])


def test_pairs_are_joined_in_the_order_of_their_numbers(tokenizer: Tokenizer) -> None:
    # "en" would be longer than nothing, but "▁t" comes before it, and "▁two" is not reached.
    assert [VOCABULARY[t] for t in tokenizer.encode("two ten")] == [
        SPACE + "two",
        SPACE + "t",
        "en",
    ]


def test_of_two_tokens_with_one_text_the_later_is_used(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("two.")[-1] == STOP


def test_a_text_with_letters_of_no_token_has_no_tokens(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("two haan हाँ") == ()


def test_hints_in_other_letters_are_left_out(tokenizer: Tokenizer) -> None:
    assert tokenizer.hints(["हाँ", "नहीं बोलिए", "", "12"], end=END) == Hints()


def test_a_phrase_of_many_words_makes_all_hints_sentences(tokenizer: Tokenizer) -> None:
    hints = tokenizer.hints(["two ten", "two", "two ten"], end=END)
    assert hints.row is None
    assert [phrase[-1] for phrase in hints.phrases] == [STOP, STOP]


@pytest.mark.parametrize(
    ("tokens", "following"),
    [
        ([], [SPACE + "T"]),
        ([SPACE + "T"], ["en", "w"]),
        ([SPACE + "T", "en"], [",", ".", "</s>", SPACE + "t", SPACE + "two"]),
        ([SPACE + "T", "en", ","], [SPACE + "t", SPACE + "two"]),
        ([SPACE + "T", "en", ",", SPACE + "t"], ["en"]),
        ([SPACE + "T", "en", "."], ["</s>"]),
    ],
)
def test_a_row_of_words_goes_on_with_words_commas_and_an_end(
    tokenizer: Tokenizer, tokens: Sequence[str], following: Sequence[str]
) -> None:
    row = tokenizer.hints(["two", "ten"], end=END).row
    assert row is not None
    used = {text: index for index, text in enumerate(VOCABULARY)}
    after = row.after([used[token] for token in tokens])
    assert sorted(VOCABULARY[token] for token in after) == sorted(following)


def test_the_words_of_a_row_are_counted() -> None:
    row = WordRow(frozenset({(5,)}), frozenset({(TWO,), (5, 7)}), COMMA, STOP, END)
    assert row.count([5, COMMA, TWO, 5, 7, STOP]) == 3


def test_the_phrases_whose_beginning_sounds_right_are_asked_for() -> None:
    first = np.log(np.linspace(0.01, 0.9, 20, dtype=np.float32))
    found = nearest([(token, 1) for token in range(20)], first)
    assert found == [(token, 1) for token in range(19, 19 - MOST_PHRASES, -1)]


@pytest.mark.parametrize(
    ("likely", "heard", "at_least", "at_most"),
    [
        (-3.0, -3.0, 0.99, 1.0),
        (-3.0 - LIKELIER, -3.0, 0.5, 0.5),
        (-20.0, -3.0, 0.0, 0.01),
        (-9000.0, -1.0, 0.0, 1e-9),
    ],
)
def test_likely_words_are_believed_when_they_come_near(
    likely: float, heard: float, at_least: float, at_most: float
) -> None:
    assert at_least <= belief(likely, heard, LIKELIER) <= at_most


@pytest.mark.parametrize(
    ("said", "voice", "hints"),
    [
        ("confirm", "en-gb+m3", ("confirm", "reject", "cancel the order", "we will take it")),
        ("order status", "en-us+f3", ("order status", "agent", "my order", "delivery status")),
        ("four five one two", "en-us+f3", ("one", "two", "three", "four", "five", "nine")),
    ],
)
async def test_a_doubtful_sound_is_heard_as_what_is_likely(
    said: str, voice: str, hints: tuple[str, ...]
) -> None:
    espeak = EspeakSynthesizer()
    await espeak.start()
    try:
        request = SpeechRequest(said, "en", voice)
        spoken = np.concatenate([chunk async for chunk in espeak.synthesize(request)])
    finally:
        await espeak.close()
    line = (resample(spoken, espeak.sample_rate_hz, 8_000) * 32767).astype(np.int16)
    async with EnginePool(1) as pool:
        moonshine = MoonshineRecognizer(pool)
        await moonshine.start()
        heard: list[str] = []
        for given in ((), hints, ("goodbye", "something else entirely")):
            stream = moonshine.open(language="en", sample_rate_hz=8_000, hints=given)
            stream.feed(line)
            text = (await stream.finish()).text
            heard.append(" ".join(text.lower().replace(",", "").replace(".", "").split()))
    without, with_hints, with_others = heard
    assert with_hints == said
    assert with_others == without  # what was not said is not heard


@pytest.mark.parametrize(
    ("log_probabilities", "least", "most"),
    [
        ([-1.0, -9.0, -9.0], 0.99, 1.0),  # alone in front
        ([-1.0, -9.0, -1.0], 0.0, 0.0),  # a tie with one that begins otherwise
        ([-1.0, -1.0, -9.0], 0.99, 1.0),  # a tie with one that begins alike
        ([-3.0, -9.0, -1.0], 0.0, 0.0),  # not in front at all
        ([-1.0, -9.0, -2.0], 0.4, 0.5),
    ],
)
def test_a_phrase_is_believed_by_its_lead_on_those_that_begin_otherwise(
    log_probabilities: list[float], least: float, most: float
) -> None:
    phrases = [(7, 1), (7, 2), (8, 1)]
    assert least <= lead_of(phrases, np.array(log_probabilities, np.float32), 0) <= most


def test_a_phrase_without_rivals_leads() -> None:
    assert lead_of([(7, 1), (7, 2)], np.array([-5.0, -1.0], np.float32), 0) == 1.0


@pytest.mark.parametrize(
    ("log_probability", "tokens", "clearness"),
    [(0.0, 3, 1.0), (-0.3, 3, 1.0), (-3.0, 3, 0.613), (-30.0, 3, 0.0)],
)
def test_a_phrase_is_clear_by_the_mean_probability_of_its_tokens(
    log_probability: float, tokens: int, clearness: float
) -> None:
    assert clearness_of(log_probability, tokens) == pytest.approx(clearness, abs=0.001)
