"""A voice that stopped the bot and wanted nothing: the bot goes on where it was."""

import pytest
from pipecat.frames.frames import Frame
from pipecat.tests.utils import SleepFrame

from processors.frames import SpeechSustainedFrame, UtteranceEndedFrame
from tests.bot.test_flow_driver import TELLS, drive, heard, key


def stopped_at(utterance_id: int, heard_text: str, heard_ms: int) -> UtteranceEndedFrame:
    """What the mouth tells of an utterance that gave way."""
    return UtteranceEndedFrame(utterance_id, heard_text, 0, 1600, True, heard_ms=heard_ms)


@pytest.mark.parametrize(
    ("turn", "kinds"),
    [
        (heard("", 1000, 2400), ["barge_in", "resumed"]),
        (heard("haan haan", 1000, 1900), ["barge_in", "backchannel", "resumed"]),
    ],
    ids=["noise", "backchannel"],
)
async def test_after_a_false_alarm_the_bot_goes_on_and_what_waited_behind_comes_back(
    turn: Frame, kinds: list[str]
) -> None:
    told = await drive(
        SpeechSustainedFrame(1000, 1576),
        SleepFrame(sleep=0.05),
        stopped_at(1, "A", 300),
        turn,
        flow=TELLS,
        never_played=frozenset({"A story.", "Yes or no?"}),
    )
    assert told.said == ["A story.", "Yes or no?", "(interrupted)", "A story.", "Yes or no?"]
    assert (told.notes.kinds, told.notes.outcomes) == (kinds, [])
    texts = [told.notes.turns[number] for number in sorted(told.notes.turns)]
    assert [turn.text for turn in texts] == ["A story.", "Yes or no?", "story.", "Yes or no?"]


async def test_a_key_after_the_bot_was_stopped_leaves_no_false_alarm() -> None:
    told = await drive(
        SpeechSustainedFrame(1000, 1576),
        SleepFrame(sleep=0.05),
        key("1"),
        SleepFrame(sleep=0.05),
        heard("", 1000, 2400),
        never_played=frozenset({"Yes or no?"}),
    )
    assert told.said == ["Yes or no?", "(interrupted)", "Goodbye."]


async def test_a_prompt_that_was_taken_up_can_be_stopped_by_its_answer() -> None:
    told = await drive(
        SpeechSustainedFrame(1000, 1576),
        SleepFrame(sleep=0.05),
        heard("", 1000, 2400),
        SleepFrame(sleep=0.05),
        key("1"),
        never_played=frozenset({"Yes or no?"}),
    )
    assert told.said == ["Yes or no?", "(interrupted)", "Yes or no?", "(interrupted)", "Goodbye."]
