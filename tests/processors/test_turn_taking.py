"""The turn policy, fed with made probabilities: one letter a window of 32 ms."""

from collections.abc import Iterable

import pytest

from processors.expecting import Verdict
from processors.turn_taking import (
    MelodyWanted,
    NoInput,
    SpeechStarted,
    SpeechSustained,
    TurnEnded,
    TurnEvent,
    TurnPolicy,
    VoiceChanged,
    WordsWanted,
)
from processors.turn_thresholds import WINDOW_MS, TurnThresholds

PROBABILITY = {"#": 0.95, "s": 0.95, "~": 0.42, ",": 0.25, ".": 0.02}
"""Voice; a soft sound that is taken for voice; between the two bounds; a breath; silence."""
LEVEL_DB = {"#": -20.0, "~": -24.0}
THRESHOLDS = TurnThresholds()


def feed(policy: TurnPolicy, drawing: str) -> list[TurnEvent]:
    return [event for window in drawing for event in window_of(policy, window)]


def window_of(policy: TurnPolicy, window: str) -> tuple[TurnEvent, ...]:
    return policy.window(PROBABILITY[window], LEVEL_DB.get(window, -60.0))


def kinds(events: Iterable[TurnEvent]) -> list[str]:
    """Without the requests for words, and what only ducks the bot."""
    told = (event for event in events if not isinstance(event, WordsWanted | VoiceChanged))
    return [type(event).__name__ for event in told]


def hear(drawing: str, verdict: Verdict, *, finished: float | None = None) -> list[TurnEvent]:
    """The turns of a caller all of whose words get this verdict one window after it was asked."""
    policy = TurnPolicy()
    policy.is_free_speech = verdict == "free"
    events: list[TurnEvent] = []
    asked: WordsWanted | None = None
    for window in drawing:
        if asked and asked.is_urgent:
            events += policy.judged(verdict, asked.through_ms)
        if finished is not None and any(isinstance(e, MelodyWanted) for e in events[-2:]):
            events += policy.sounded(finished, policy.now_ms)
        new = window_of(policy, window)
        asked = next((event for event in new if isinstance(event, WordsWanted)), None)
        events += new
    return events


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ("." * 200, []),
        ("..#....................", []),  # one window: a click
        ("..##" + "." * 12, ["SpeechStarted", "TurnEnded"]),  # "haan"
        ("..##" + "." * 9, ["SpeechStarted"]),  # not yet silent long enough
        ("#" * 18 + "." * 15, ["SpeechStarted", "SpeechSustained", "TurnEnded"]),
        (
            "#" * 9 + "." * 8 + "#" * 9 + "." * 15,
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
        ("likely", None, THRESHOLDS.likely_silence_ms),
        ("enough", None, THRESHOLDS.enough_silence_ms),
        ("open", None, THRESHOLDS.open_silence_ms),
        ("other", None, THRESHOLDS.other_silence_ms),
        ("free", None, THRESHOLDS.free_silence_ms),
        ("free", 0.9, THRESHOLDS.short_silence_ms),
        ("free", 0.6, THRESHOLDS.free_silence_ms),
    ],
)
def test_a_turn_ends_after_the_silence_that_its_words_deserve(
    verdict: Verdict, finished: float | None, silence_ms: int
) -> None:
    events = hear("#" * 10 + "." * 60, verdict, finished=finished)
    (turn,) = [event for event in events if isinstance(event, TurnEnded)]
    assert turn == TurnEnded(0, 320, 320 + silence_ms)


@pytest.mark.parametrize(
    ("before", "silence_ms"),
    [
        ("", THRESHOLDS.finished_silence_ms),
        ("#####...", THRESHOLDS.finished_silence_ms),  # 96 ms: within a word
        ("#####" + "." * 12, 12 * WINDOW_MS + THRESHOLDS.pause_margin_ms),
        ("#####" + "." * 16, 16 * WINDOW_MS + THRESHOLDS.pause_margin_ms),  # a turn of its own
        ("#####" + "." * 21, THRESHOLDS.free_silence_ms),
        ("#####" + "." * 25, THRESHOLDS.finished_silence_ms),  # the next turn
    ],
)
def test_who_paused_and_went_on_is_given_so_long_again(before: str, silence_ms: int) -> None:
    events = hear(before + "#" * 60 + "." * 40, "free", finished=0.9)
    *_, turn = [event for event in events if isinstance(event, TurnEnded)]
    assert turn.at_ms - turn.end_ms == silence_ms


def test_a_pause_in_a_number_tells_nothing_of_pauses_in_sentences() -> None:
    policy = TurnPolicy()
    feed(policy, "#####" + "." * 12 + "#####" + "." * 40)
    policy.is_free_speech = True
    events = list(feed(policy, "#" * 60 + "." * 9))
    events += policy.judged("free", policy.now_ms)
    events += policy.sounded(0.9, policy.now_ms)
    events += feed(policy, "...")
    (turn,) = [event for event in events if isinstance(event, TurnEnded)]
    assert turn.at_ms - turn.end_ms == THRESHOLDS.finished_silence_ms


def test_a_habit_of_pausing_is_forgotten_as_the_caller_speaks_on() -> None:
    paused = "#" * 60 + "." * 16 + "#" * 60 + "." * 40
    whole = "#" * 60 + "." * 40
    events = hear(paused + whole * 3, "free", finished=0.9)
    turns = [event for event in events if isinstance(event, TurnEnded)]
    silences = [turn.at_ms - turn.end_ms for turn in turns]
    margin_ms, finished_ms = THRESHOLDS.pause_margin_ms, THRESHOLDS.finished_silence_ms
    assert silences[-1] == finished_ms
    assert 16 * WINDOW_MS + margin_ms in silences
    assert silences[-3:] == sorted(silences[-3:], reverse=True)


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
    assert breath[0].at_ms == quiet[0].at_ms, "a breath that follows is no reason to wait"
    soft = [e for e in hear("#" * 10 + "ss,,,,", "complete") if isinstance(e, TurnEnded)]
    assert soft[0].at_ms == quiet[0].at_ms + WINDOW_MS


def test_the_end_of_a_word_that_is_too_soft_to_be_heard_counts_as_silence() -> None:
    quiet = [e for e in hear("#" * 10 + "." * 20, "complete") if isinstance(e, TurnEnded)]
    soft = [e for e in hear("#" * 10 + "ss" + "." * 20, "complete") if isinstance(e, TurnEnded)]
    assert soft == quiet
    longer = [e for e in hear("#" * 10 + "s" * 20, "complete") if isinstance(e, TurnEnded)]
    assert not longer, "the detector must agree that nobody speaks"


def test_a_soft_voice_is_no_silence() -> None:
    events = hear("s" * 10 + "." * 20, "complete")
    assert next(event for event in events if isinstance(event, TurnEnded)).end_ms == 320


def test_who_turns_away_from_the_telephone_is_soon_heard_again() -> None:
    assert "TurnEnded" in kinds(hear("#" * 10 + "s" * 50, "open"))
    aside = TurnPolicy(TurnThresholds(fade_db_per_s=30.0))
    assert "TurnEnded" not in kinds(feed(aside, "#" * 10 + "s" * 50))


def test_the_first_window_of_a_voice_is_told_at_once() -> None:
    changes = [e for e in feed(TurnPolicy(), ".##.....") if isinstance(e, VoiceChanged)]
    assert changes == [
        VoiceChanged(True, 2 * WINDOW_MS, is_turn=False),
        VoiceChanged(True, 3 * WINDOW_MS, is_turn=True),
        VoiceChanged(False, 5 * WINDOW_MS, is_turn=True),
    ]
    click = [e for e in feed(TurnPolicy(), ".#......") if isinstance(e, VoiceChanged)]
    assert click == [VoiceChanged(True, 64, is_turn=False), VoiceChanged(False, 96, is_turn=False)]


@pytest.mark.parametrize(
    ("verdict", "finished", "asked_ms"),
    [
        ("free", None, [128, 256]),
        ("free", 0.3, [128, 256]),  # it sounded as if there were more to come
        ("free", 0.9, [128]),
        ("open", None, []),
    ],
)
def test_the_melody_is_asked_for_in_free_speech_until_it_is_over(
    verdict: Verdict, finished: float | None, asked_ms: list[int]
) -> None:
    events = hear("#" * 10 + "." * 60, verdict, finished=finished)
    asked = [event.at_ms - 320 for event in events if isinstance(event, MelodyWanted)]
    assert asked == asked_ms


def test_a_key_ends_a_turn_at_once() -> None:
    policy = TurnPolicy()
    feed(policy, "#" * 10)
    assert policy.finish() == (TurnEnded(0, 320, 320),)
    assert not policy.is_speaking


def test_where_words_never_come_silence_alone_ends_the_turn() -> None:
    events = feed(TurnPolicy(), "..####" + "." * 33)
    assert SpeechStarted(2 * WINDOW_MS) in events
    assert events[-1] == TurnEnded(2 * WINDOW_MS, 6 * WINDOW_MS, 39 * WINDOW_MS)


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
    assert SpeechSustained not in map(type, feed(policy, "#" * 15))


@pytest.mark.parametrize("bot_speaks", [True, False])
def test_over_the_bot_a_window_that_may_be_a_voice_is_told_and_opens_nothing(
    bot_speaks: bool,
) -> None:
    policy = TurnPolicy()
    policy.bot_speaks = bot_speaks
    policy.expect(320)
    events = [event for each in [0.4] + [0.1] * 12 for event in policy.window(each, -30.0)]
    hint = [VoiceChanged(True, 32, is_turn=False), VoiceChanged(False, 64, is_turn=False)]
    assert events == [*(hint if bot_speaks else []), NoInput(320)]
