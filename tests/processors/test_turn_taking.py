"""The turn policy, fed with made probabilities: one letter a window of 32 ms."""

import pytest

from processors.turn_taking import (
    WINDOW_MS,
    NoInput,
    SpeechStarted,
    SpeechSustained,
    TurnEnded,
    TurnEvent,
    TurnPolicy,
    TurnThresholds,
)

PROBABILITY = {"#": 0.95, "~": 0.42, ".": 0.02}  # voice, between the two bounds, silence


def feed(policy: TurnPolicy, drawing: str) -> list[TurnEvent]:
    return [event for window in drawing for event in policy.window(PROBABILITY[window])]


def kinds(events: list[TurnEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("." * 200, []),
        ("..#....................", []),  # one window: a click
        ("..##" + "." * 15, ["SpeechStarted", "TurnEnded"]),  # "haan"
        ("..##" + "." * 14, ["SpeechStarted"]),  # not yet silent long enough
        ("#" * 10 + "." * 15, ["SpeechStarted", "SpeechSustained", "TurnEnded"]),
        (
            "#" * 5 + "." * 10 + "#" * 5 + "." * 15,
            ["SpeechStarted", "SpeechSustained", "TurnEnded"],
        ),
        ("##~~~~~~~~" + "." * 15, ["SpeechStarted", "SpeechSustained", "TurnEnded"]),
        ("~" * 100, []),  # never above the start's bound
    ],
)
def test_voice_and_silence_make_turns(drawing: str, expected: list[str]) -> None:
    assert kinds(feed(TurnPolicy(), drawing)) == expected


def test_a_turn_says_where_the_voice_was_and_when_it_was_decided() -> None:
    events = feed(TurnPolicy(), "..####" + "." * 15)
    assert events[0] == SpeechStarted(2 * WINDOW_MS)
    assert events[-1] == TurnEnded(2 * WINDOW_MS, 6 * WINDOW_MS, 21 * WINDOW_MS)


def test_a_short_pause_inside_an_answer_does_not_end_the_turn() -> None:
    (turn,) = [
        e for e in feed(TurnPolicy(), "####........####" + "." * 15) if kinds([e]) == ["TurnEnded"]
    ]
    assert turn == TurnEnded(0, 16 * WINDOW_MS, 31 * WINDOW_MS)


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
    assert policy.skip(320) == (NoInput(13 * WINDOW_MS),)
    assert not policy.is_speaking


def test_nothing_is_counted_before_anything_is_expected() -> None:
    policy = TurnPolicy()
    policy.expect(None)
    assert feed(policy, "." * 1000) == []
    assert SpeechSustained not in map(type, feed(policy, "#" * 9))
