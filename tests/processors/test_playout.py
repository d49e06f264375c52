"""What was heard of what was said, from marks and the call's clock."""

import pytest

from processors.playout import Playout, heard_part, mark_name

TEXT = "one two three four five six seven eight nine ten"


def sent(playout: Playout, utterance_id: int = 1, pieces: int = 5, text: str = TEXT) -> list[str]:
    """An utterance of `pieces` times 400 ms, sent whole; the names of its marks."""
    playout.begin(utterance_id, text)
    names: list[str] = []
    for _ in range(pieces):
        playout.add_audio(utterance_id, 400.0)
        names.append(playout.add_mark(utterance_id))
    names.append(playout.complete(utterance_id))
    return names


def test_an_utterance_is_played_when_its_last_mark_returns() -> None:
    playout = Playout()
    names = sent(playout)
    assert playout.started(1000) == 1
    assert [playout.mark_returned(name, 1400) for name in names[:-1]] == [None] * 5
    played = playout.mark_returned(names[-1], 3010)
    assert played is not None
    assert (played.heard_text, played.start_ms, played.end_ms, played.is_interrupted) == (
        TEXT,
        1000,
        3010,
        False,
    )
    assert playout.is_idle


def test_where_no_beginning_was_told_the_first_mark_tells_it() -> None:
    playout = Playout()
    names = sent(playout)
    playout.mark_returned(names[0], 1400)
    played = playout.mark_returned(names[-1], 3010)
    assert played is not None
    assert played.start_ms == 1000


def test_a_clear_keeps_only_what_the_marks_and_the_clock_allow() -> None:
    playout = Playout()
    names = sent(playout)
    playout.started(0)
    playout.mark_returned(names[0], 400)
    (cleared,) = playout.clear(600)
    assert cleared.is_interrupted
    assert cleared.heard_text == heard_part(TEXT, 600, 2000)
    assert "four" not in cleared.heard_text


def test_the_clock_never_runs_past_a_mark_that_has_not_returned() -> None:
    playout = Playout()
    names = sent(playout)
    playout.started(0)
    playout.mark_returned(names[0], 400)
    (cleared,) = playout.clear(60_000)  # the line stalled for a minute
    assert cleared.heard_text == heard_part(TEXT, 800, 2000)


def test_what_never_began_to_play_was_not_heard() -> None:
    playout = Playout()
    sent(playout, 1)
    sent(playout, 2)
    playout.started(0)
    first, second = playout.clear(100)
    assert second.heard_text == ""
    assert second.start_ms is None
    assert first.utterance_id == 1


def test_the_next_utterance_starts_where_the_one_before_ended() -> None:
    playout = Playout()
    last = sent(playout, 1)[-1]
    last_of_second = sent(playout, 2)[-1]
    playout.started(0)
    playout.mark_returned(last, 2000)
    played = playout.mark_returned(last_of_second, 4000)
    assert played is not None
    assert (played.start_ms, played.end_ms) == (2000, 4000)


@pytest.mark.parametrize(
    "name", ["", "x", "9:end", "1:", "1:-4", "1:99999", "1:end:2", ":end", "०:end"]
)
def test_marks_that_are_not_ours_change_nothing(name: str) -> None:
    playout = Playout()
    playout.begin(1, TEXT)
    playout.add_audio(1, 400.0)
    assert playout.mark_returned(name, 10) is None
    assert not playout.is_idle


def test_the_end_mark_of_an_utterance_still_being_sent_is_not_believed() -> None:
    playout = Playout()
    playout.begin(1, TEXT)
    assert playout.mark_returned(mark_name(1, None), 10) is None


def test_when_marks_stay_away_only_whole_utterances_count_as_played() -> None:
    playout = Playout()
    sent(playout, 1)
    playout.begin(2, "unfinished")
    playout.started(0)
    assert [played.utterance_id for played in playout.played_by_time(5000)] == [1]
    assert not playout.is_idle


@pytest.mark.parametrize(
    ("heard_ms", "duration_ms", "expected"),
    [
        (0, 2000, ""),
        (-5, 2000, ""),
        (100, 0, ""),
        (2000, 2000, TEXT),
        (9000, 2000, TEXT),
        (300, 2000, "one two"),
        (1000, 2000, "one two three four five"),
    ],
)
def test_the_words_heard_are_in_proportion_to_the_time(
    heard_ms: float, duration_ms: float, expected: str
) -> None:
    assert heard_part(TEXT, heard_ms, duration_ms) == expected
