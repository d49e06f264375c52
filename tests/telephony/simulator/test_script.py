import numpy as np
import pytest

from telephony.simulator.phone_audio import tone
from telephony.simulator.script import (
    BargeIn,
    Converse,
    HangUp,
    Pause,
    Person,
    Press,
    Speak,
    StayOnLine,
    WaitForPrompt,
)

TICK = 160
SPEECH = tone(440, 20, 8000)
QUIET = np.zeros(TICK, dtype=np.int16)
CLIP = tone(300, 100, 8000)


def hear(person, *parts):
    """Feeds (speech?, ms) parts in ticks; gives the acts as (ms, act)."""
    acts = []
    for speech, for_ms in parts:
        for _ in range(for_ms // 20):
            acts.append((len(acts) * 20, person.tick(SPEECH if speech else QUIET)))
    return acts


def on_line(*steps, patience_ms=60_000):
    person = Person(steps, patience_ms=patience_ms)
    person.pick_up(8000)
    return person


def first_key(acts):
    return next((at for at, act in acts if act.pressed), None)


@pytest.mark.parametrize(
    ("parts", "pressed_at"),
    [
        ([(False, 3000)], None),  # the bot has not spoken yet
        ([(True, 1000), (False, 580)], None),
        ([(True, 1000), (False, 1000)], 1580),
        ([(True, 1000), (False, 300), (True, 500), (False, 700)], 2380),  # a pause in the prompt
        ([(False, 2000), (True, 200), (False, 700)], 2780),
    ],
)
def test_a_prompt_is_over_when_the_bot_has_spoken_and_then_been_quiet(parts, pressed_at):
    assert first_key(hear(on_line(WaitForPrompt(), Press("1")), *parts)) == pressed_at


def test_a_prompt_that_never_comes_is_reported_and_the_script_goes_on():
    person = on_line(WaitForPrompt(timeout_ms=1000), Press("1"))
    assert first_key(hear(person, (False, 1500))) == 1000
    assert person.problems == ["step 1, WaitForPrompt: nothing came within 1000 ms"]


def test_the_tail_of_an_interrupted_prompt_is_not_the_next_prompt():
    person = on_line(Pause(500), Press("1"), WaitForPrompt(), HangUp())
    acts = hear(person, (True, 800), (False, 2000))
    assert not any(act.hangs_up for _, act in acts)
    acts = hear(person, (True, 300), (False, 620))
    assert next(at for at, act in acts if act.hangs_up) == 880


def test_a_new_prompt_right_behind_the_old_one_is_heard():
    person = on_line(Pause(500), Press("1"), WaitForPrompt(), HangUp())
    acts = hear(person, (True, 2000), (False, 700))
    assert any(act.hangs_up for _, act in acts)


def test_keys_are_pressed_with_their_gap():
    acts = hear(on_line(Press("12#", gap_ms=100)), (False, 1000))
    assert [(at, act.pressed) for at, act in acts if act.pressed] == [
        (0, ("1",)),
        (100, ("2",)),
        (200, ("#",)),
    ]


@pytest.mark.parametrize("digits", ["", "x", "1 2", "१"])
def test_a_key_that_no_telephone_has_is_refused(digits):
    with pytest.raises(ValueError, match="no key"):
        Press(digits)


def test_a_clip_is_said_whole_and_its_place_is_noted():
    person = on_line(Pause(40), Speak(CLIP, 8000, "yes"), HangUp())
    acts = hear(person, (False, 300))
    said = np.concatenate([act.said for _, act in acts])
    assert np.array_equal(said[320 : 320 + CLIP.size], CLIP)
    (span,) = person.spoken
    assert (span.start_samples, span.end_samples, span.text) == (320, 320 + CLIP.size, "yes")


def test_a_clip_of_another_rate_is_brought_to_the_lines_rate():
    person = on_line(Speak(tone(300, 1000, 24_000), 24_000), HangUp())
    hear(person, (False, 1500))
    assert person.spoken[0].end_samples == 8000


def test_a_barge_in_speaks_when_the_bot_has_spoken_long_enough():
    acts = hear(on_line(BargeIn(300, CLIP, 8000, "stop")), (False, 1000), (True, 1000))
    assert next(at for at, act in acts if act.said.any()) == 1280


def test_the_person_hangs_up_when_patience_ends():
    person = on_line(StayOnLine(500))
    acts = hear(person, (False, 600))
    assert next(at for at, act in acts if act.hangs_up) == 500
    assert person.hung_up


def test_a_clip_that_is_not_int16_mono_is_refused_with_the_fix():
    person = on_line(Speak(np.zeros(10, dtype=np.float32), 8000))
    with pytest.raises(ValueError, match="int16"):
        person.tick(QUIET)


def test_a_conversation_answers_each_prompt_when_it_is_over():
    answers = iter([[Press("1")], None, [Press("2")], [StayOnLine()]])
    person = on_line(Converse(lambda: next(answers)))
    acts = hear(person, (True, 400), (False, 1000), (True, 400), (False, 1000))
    assert [(at, act.pressed) for at, act in acts if act.pressed] == [
        (980, ("1",)),
        (2400, ("2",)),  # one tick later than the first: not known at once
    ]


def test_a_conversation_that_the_bot_does_not_go_on_with_is_reported():
    person = on_line(Converse(lambda: [Press("1")], timeout_ms=1000), HangUp())
    acts = hear(person, (False, 1200))
    assert any(act.hangs_up for _, act in acts)
    assert person.problems == ["step 1, Converse: nothing came within 1000 ms"]
