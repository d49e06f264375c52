"""What a voice over the bot's is: somebody who follows, or somebody who wants to be heard."""

from dataclasses import replace

import pytest

from bot.overlap import Kind, Overlap, kind_of
from processors.expecting import Verdict
from processors.frames import SpeechSustainedFrame, UtterancePartialFrame


def partial(
    text: str,
    confidence: float = 0.9,
    start_ms: int = 1000,
    verdict: Verdict = "other",
    lasts_ms: int = 192,
) -> UtterancePartialFrame:
    through_ms = start_ms + lasts_ms
    return UtterancePartialFrame(text, text, "en", confidence, start_ms, through_ms, verdict)


FOLLOWS = (
    *("hmm", "Mm-hmm.", "haan", "haan haan", "ok", "Okay.", "achha", "theek hai", "yes", "uh huh"),
    *("हाँ", "अच्छा", "ठीक है", "ho", "bara", "होय", "I see.", "right, right"),
)


@pytest.mark.parametrize("text", FOLLOWS)
def test_who_is_told_something_and_follows_does_not_interrupt(text: str) -> None:
    assert kind_of(partial(text, 0.9, verdict="complete"), is_statement=True) == "backchannel"
    assert kind_of(partial(text, 0.9, verdict="other"), is_statement=False) == "backchannel"


@pytest.mark.parametrize("text", ["yes", "haan", "ok"])
def test_over_the_question_itself_a_yes_is_its_answer(text: str) -> None:
    assert kind_of(partial(text, 0.9, verdict="complete"), is_statement=False) == "interruption"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("wait", "open"),
        ("no", "enough"),
        ("who is this?", "other"),
        ("kaun", "other"),
        ("thamba", "open"),
        ("confirm", "complete"),
        ("nahi ruko", "open"),
        ("ठहरो क्या", "other"),
    ],
)
@pytest.mark.parametrize("is_statement", [True, False])
def test_who_asks_denies_or_answers_wants_to_be_heard(
    text: str, verdict: Verdict, is_statement: bool
) -> None:
    said = partial(text, 0.9, verdict=verdict)
    assert kind_of(said, is_statement=is_statement, decodes=2) == "interruption"


@pytest.mark.parametrize(
    ("text", "confidence"), [("", 0.0), ("wait", 0.4), ("the oven", 0.9), ("", 0.9)]
)
def test_noise_doubtful_words_and_other_talk_wait(text: str, confidence: float) -> None:
    assert kind_of(partial(text, confidence, verdict="other"), is_statement=False) == "unknown"


@pytest.mark.parametrize(
    ("text", "lasts_ms", "kind"),
    [
        ("the oven is", 192, "unknown"),
        ("the oven is", 256, "interruption"),
        ("I.", 320, "backchannel"),  # of "I see"
        ("You", 576, "backchannel"),  # what a cough is written down as
        ("So.", 320, "unknown"),
        ("Right?", 320, "backchannel"),
        ("Nice.", 320, "backchannel"),
        ("And then?", 320, "unknown"),  # a "mm-hmm"
        ("Very good.", 320, "backchannel"),
    ],
)
def test_clear_words_that_last_are_talk(text: str, lasts_ms: int, kind: Kind) -> None:
    assert kind_of(partial(text, lasts_ms=lasts_ms), is_statement=True, decodes=2) == kind


@pytest.mark.parametrize("text", ["So?", "For?", "Or", "Who?", "But,"])
def test_half_a_listeners_word_that_begins_an_answer_stops_no_statement(text: str) -> None:
    said = partial(text, 0.9, verdict="open")
    assert kind_of(said, is_statement=True, decodes=3) == "unknown"


SUSTAINED = SpeechSustainedFrame(1000, 1576)


@pytest.mark.parametrize(
    ("heard", "stops"),
    [
        (None, True),  # nothing is known of it: no time was left to decode it
        (partial("the oven is"), True),
        (partial("of another", start_ms=200), True),  # not of this voice
        (partial("", 0.0), False),  # a cough, a door, music
        (partial("la la la", 0.2), False),  # babble
        (partial("haan haan"), False),
    ],
)
def test_a_voice_that_lasts_stops_the_bot_unless_it_says_nothing(
    heard: UtterancePartialFrame | None, stops: bool
) -> None:
    overlap = Overlap()
    if heard is not None:
        assert not overlap.is_interruption(heard, is_statement=False)
    assert overlap.outlasts(SUSTAINED) is stops


def test_words_that_come_behind_a_voice_that_lasts_stop_the_bot_then() -> None:
    overlap = Overlap()
    assert not overlap.is_interruption(partial("", 0.0), is_statement=False)
    assert not overlap.outlasts(SUSTAINED)
    assert overlap.is_interruption(partial("my oven is"), is_statement=False)
    assert not overlap.is_interruption(partial("my oven", start_ms=5000), is_statement=False)


@pytest.mark.parametrize(
    ("decodes", "stops"),
    [
        ([("No.", 0.7), ("Okay.", 0.6)], False),  # an "okay"
        ([("No.", 0.7), ("No.", 0.5)], True),
        ([("No.", 0.9)], True),
        ([("Wait.", 0.43), ("Wait.", 0.32)], True),  # on a bad line
        ([("Wait.", 0.2), ("Wait.", 0.2)], False),
        ([("Mm-hmm,", 0.81), ("Amen.", 0.61), ("And then?", 0.7), ("Amen.", 0.61)], False),
        ([("Please.", 0.56), ("Please hold.", 0.5)], True),
        ([("Hey.", 0.63), ("Agent.", 0.5)], False),
    ],
)
def test_over_a_statement_doubted_words_count_when_two_decodes_begin_alike(
    decodes: list[tuple[str, float]], stops: bool
) -> None:
    overlap = Overlap()
    told = [
        overlap.is_interruption(
            partial(text, confidence, lasts_ms=192 + 64 * index), is_statement=True
        )
        for index, (text, confidence) in enumerate(decodes)
    ]
    assert told == [False] * (len(decodes) - 1) + [stops]


@pytest.mark.parametrize(
    ("first", "stops"), [(("Mm-hmm,", 0.7), False), (("Mm.", 0.5), True), (("Okay.", 0.9), True)]
)
def test_what_began_as_a_hum_stops_nothing_until_it_lasts_and_says_something(
    first: tuple[str, float], stops: bool
) -> None:
    overlap = Overlap()
    overlap.is_interruption(partial(*first), is_statement=True)
    told = [overlap.is_interruption(partial("What then?", 0.7), is_statement=True) for _ in "12"]
    assert told == [False, stops]
    assert overlap.outlasts(SUSTAINED) is stops
    assert overlap.is_interruption(partial("What then is", 0.9), is_statement=True)


def test_a_long_hum_with_a_word_or_two_in_it_stops_nothing() -> None:
    overlap = Overlap()
    for text, confidence in (("Mm.", 0.7), ("Mm-hmm,", 0.7), ("And the meat.", 0.2)):
        assert not overlap.is_interruption(partial(text, confidence), is_statement=True)
    assert not overlap.outlasts(SUSTAINED)


@pytest.mark.parametrize(
    ("whole", "new", "stops"),
    [
        ("Two", "", False),  # and a hum
        ("No. Thank you.", "Thank you.", False),
        ("Yes. No wait.", "No wait.", True),
        ("Yes, but not today", "but not today", True),
    ],
)
def test_behind_an_answer_only_what_is_new_is_judged(whole: str, new: str, stops: bool) -> None:
    overlap = Overlap()
    frame = replace(partial(whole, 0.9, verdict="enough", lasts_ms=400), new_text=new)
    assert overlap.is_interruption(frame, is_statement=True) is stops
    assert overlap.outlasts(SUSTAINED) is stops


def test_the_rest_of_an_answer_is_no_talk_and_lasts_without_stopping_the_reply() -> None:
    overlap = Overlap()
    frame = replace(
        partial("Yes, confirm", 0.9, verdict="complete", lasts_ms=400), new_text="confirm"
    )
    for _ in "1234":
        assert not overlap.is_interruption(frame, is_statement=False, adds_nothing=True)
    assert not overlap.outlasts(SUSTAINED)


def kinds(*texts: str) -> set[Kind]:
    return {kind_of(partial(text, 0.9, verdict="other"), is_statement=True) for text in texts}


def test_many_words_are_no_backchannel() -> None:
    assert kinds("ok ok ok ok ok", "yes I see that is right sure") == {"unknown"}


def test_a_clear_no_behind_a_hum_stops_the_statement() -> None:
    overlap = Overlap()
    assert not overlap.is_interruption(partial("Uh.", 0.9), is_statement=True)
    told = [overlap.is_interruption(partial("No.", 0.95), is_statement=True) for _ in "12"]
    assert told == [False, True]
