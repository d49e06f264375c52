"""The turn policy, fed with made probabilities: one letter a window of 32 ms."""

from collections.abc import Iterable

import pytest

from processors.expecting import Verdict
from processors.turn_taking import (
    WINDOW_MS,
    MelodyWanted,
    NoInput,
    SpeechStarted,
    SpeechSustained,
    TurnEnded,
    TurnEvent,
    TurnPolicy,
    TurnThresholds,
    VoiceChanged,
    WordsWanted,
)

PROBABILITY = {"#": 0.95, "~": 0.42, ",": 0.25, ".": 0.02}
"""Voice; between the two bounds; a breath; silence."""
THRESHOLDS = TurnThresholds()


def feed(policy: TurnPolicy, drawing: str) -> list[TurnEvent]:
    return [event for window in drawing for event in policy.window(PROBABILITY[window])]


def kinds(events: Iterable[TurnEvent]) -> list[str]:
    """Without the requests for words, and what only ducks the bot."""
    told = (event for event in events if not isinstance(event, WordsWanted | VoiceChanged))
    return [type(event).__name__ for event in told]


def hear(drawing: str, verdict: Verdict, *, finished: float | None = None) -> list[TurnEvent]:
    """The turns of a caller all of whose words get this verdict one window after it was asked."""
    policy = TurnPolicy()
    events: list[TurnEvent] = []
    asked: WordsWanted | None = None
    for window in drawing:
        if asked and asked.is_urgent:
            events += policy.judged(verdict, asked.through_ms, finished=finished)
        new = policy.window(PROBABILITY[window])
        asked = next((event for event in new if isinstance(event, WordsWanted)), None)
        events += new
    return events


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("." * 200, []),
        ("..#....................", []),  # one window: a click
        ("..##" + "." * 15, ["SpeechStarted", "TurnEnded"]),  # "haan"
        ("..##" + "." * 14, ["SpeechStarted"]),  # not yet silent long enough
        ("#" * 18 + "." * 15, ["SpeechStarted", "SpeechSustained", "TurnEnded"]),
        (
            "#" * 9 + "." * 10 + "#" * 9 + "." * 15,
            ["SpeechStarted", "SpeechSustained", "TurnEnded"],
        ),
        ("##" + "~" * 16 + "." * 15, ["SpeechStarted", "SpeechSustained", "TurnEnded"]),
        ("~" * 100, []),  # never above the start's bound
    ],
)
def test_voice_and_silence_make_turns(drawing: str, expected: list[str]) -> None:
    assert kinds(hear(drawing, "other")) == expected


@pytest.mark.parametrize(
    ("verdict", "finished", "silence_ms"),
    [
        ("complete", None, THRESHOLDS.complete_silence_ms),
        ("enough", None, THRESHOLDS.enough_silence_ms),
        ("open", None, THRESHOLDS.open_silence_ms),
        ("other", None, THRESHOLDS.other_silence_ms),
        ("free", None, THRESHOLDS.free_silence_ms),
        ("free", 0.9, THRESHOLDS.finished_silence_ms),
        ("free", 0.1, THRESHOLDS.unfinished_silence_ms),
    ],
)
def test_a_turn_ends_after_the_silence_that_its_words_deserve(
    verdict: Verdict, finished: float | None, silence_ms: int
) -> None:
    events = hear("#" * 10 + "." * 60, verdict, finished=finished)
    (turn,) = [event for event in events if isinstance(event, TurnEnded)]
    assert turn == TurnEnded(0, 320, 320 + silence_ms, verdict)


def test_the_words_are_asked_for_at_the_first_silence_and_once_a_silence() -> None:
    events = feed(TurnPolicy(), "..####....###....")
    wanted = [event for event in events if isinstance(event, WordsWanted)]
    assert wanted == [WordsWanted(8 * WINDOW_MS, True), WordsWanted(15 * WINDOW_MS, True)]


def test_partial_words_are_asked_for_while_the_voice_goes_on() -> None:
    events = feed(TurnPolicy(), "#" * 40)
    wanted = [event for event in events if isinstance(event, WordsWanted)]
    assert wanted == [WordsWanted(at * WINDOW_MS, False) for at in (13, 26, 39)]


def test_words_that_are_known_late_end_the_turn_when_they_come() -> None:
    policy = TurnPolicy()
    assert "TurnEnded" not in kinds(feed(policy, "#" * 10 + "." * 20))
    assert kinds(policy.judged("complete", 384)) == ["TurnEnded"]


def test_words_of_before_the_last_voice_decide_nothing() -> None:
    policy = TurnPolicy()
    feed(policy, "#" * 10 + "..")
    policy.judged("complete", 12 * WINDOW_MS)
    assert "TurnEnded" not in kinds(feed(policy, "####" + "." * 20))


def test_words_of_the_turn_before_decide_nothing() -> None:
    policy = TurnPolicy()
    feed(policy, "#" * 10 + "." * 40 + "###..")
    assert policy.judged("complete", 12 * WINDOW_MS) == ()
    assert policy.is_speaking


def test_an_answer_is_not_taken_early_on_a_breath() -> None:
    quiet = [e for e in hear("#" * 10 + "." * 20, "complete") if isinstance(e, TurnEnded)]
    breath = [e for e in hear("#" * 10 + "," * 20, "complete") if isinstance(e, TurnEnded)]
    assert breath[0].at_ms == quiet[0].at_ms + 2 * WINDOW_MS


@pytest.mark.parametrize(("verdict", "is_asked"), [("free", True), ("open", False)])
def test_the_melody_is_asked_for_in_free_speech_only(verdict: Verdict, is_asked: bool) -> None:
    events = hear("#" * 10 + "." * 60, verdict)
    asked = [event.at_ms - 320 for event in events if isinstance(event, MelodyWanted)]
    assert asked == ([THRESHOLDS.melody_silence_ms] if is_asked else [])


def test_a_key_ends_a_turn_at_once() -> None:
    policy = TurnPolicy()
    feed(policy, "#" * 10)
    assert policy.finish() == (TurnEnded(0, 320, 320),)
    assert not policy.is_speaking


def test_where_words_never_come_silence_alone_ends_the_turn() -> None:
    events = feed(TurnPolicy(), "..####" + "." * 31)
    assert events[0] == SpeechStarted(2 * WINDOW_MS)
    assert events[-1] == TurnEnded(2 * WINDOW_MS, 6 * WINDOW_MS, 37 * WINDOW_MS)


def test_a_voice_that_never_stops_is_ended_at_the_longest_turn() -> None:
    policy = TurnPolicy(TurnThresholds(max_turn_ms=960))
    events = feed(policy, "#" * 30)
    assert events[-1] == TurnEnded(0, 960, 960)


def test_silence_is_counted_from_when_it_was_expected_and_reported_once() -> None:
    policy = TurnPolicy()
    feed(policy, "." * 100)
    policy.expect(320)
    events = feed(policy, "." * 50)
    assert events == [NoInput(110 * WINDOW_MS)]


def test_speech_stops_the_count_of_silence() -> None:
    policy = TurnPolicy()
    policy.expect(640)
    assert "NoInput" not in kinds(feed(policy, "." * 10 + "####" + "." * 100))


def test_a_click_does_not_stop_the_count_of_silence() -> None:
    policy = TurnPolicy()
    policy.expect(320)
    assert kinds(feed(policy, "....#........")) == ["NoInput"]


def test_audio_that_is_not_listened_to_counts_as_silence_and_drops_a_turn() -> None:
    policy = TurnPolicy()
    policy.expect(320)
    feed(policy, "###")
    assert policy.is_speaking
    at_ms = 13 * WINDOW_MS
    assert policy.skip(320) == (VoiceChanged(False, at_ms), NoInput(at_ms))
    assert not policy.is_speaking


def test_nothing_is_counted_before_anything_is_expected() -> None:
    policy = TurnPolicy()
    policy.expect(None)
    assert feed(policy, "." * 1000) == []
    assert SpeechSustained not in map(type, feed(policy, "#" * 17))
