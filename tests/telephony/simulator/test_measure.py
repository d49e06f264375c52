import numpy as np
import pytest

from telephony.simulator.measure import (
    AudibleSpan,
    audible_spans,
    barge_in_silences,
    holes,
    measure,
    reply_latencies,
)
from telephony.simulator.phone_audio import tone
from telephony.simulator.recording import PressedKey, StreamRecording

RATE = 8000


def line(length_ms, *sounds_ms):
    """Silence with tones from start to end, in ms."""
    pcm = np.zeros(length_ms * 8, dtype=np.int16)
    for start, end in sounds_ms:
        pcm[start * 8 : end * 8] = tone(400, end - start, RATE)
    return pcm


def spans(*pairs):
    return tuple(AudibleSpan(float(start), float(end)) for start, end in pairs)


@pytest.mark.parametrize(
    ("sounds", "expected"),
    [
        ((), ()),
        (((100, 300),), spans((100, 300))),
        (((100, 300), (400, 600)), spans((100, 600))),  # a closure inside a word
        (((100, 300), (500, 600)), spans((100, 300), (500, 600))),
        (((0, 1000),), spans((0, 1000))),
    ],
)
def test_spans_are_found_by_energy_and_short_gaps_are_merged(sounds, expected):
    assert audible_spans(line(1000, *sounds), RATE) == expected


def test_what_is_below_the_threshold_is_not_heard():
    quiet = tone(400, 500, RATE, level_db=-55)
    assert audible_spans(quiet, RATE) == ()
    assert audible_spans(quiet, RATE, threshold_dbfs=-60) == spans((0, 500))


@pytest.mark.parametrize(
    ("caller", "bot", "keys", "expected"),
    [
        (spans((0, 1000)), spans((1300, 2000)), (), [(300, "speech")]),
        (spans(), spans((500, 900)), (400,), [(100, "key")]),
        (spans(), spans((500, 900)), (), []),  # a greeting is no reply
        (spans((0, 400), (700, 900)), spans((1000, 2000)), (), [(100, "speech")]),
        (spans((0, 400)), spans((500, 900), (1500, 1900)), (), [(100, "speech")]),
        (spans((0, 400), (1000, 1200)), spans((500, 900), (1450, 2000)), (), [(100,), (250,)]),
        (spans((0, 400)), spans(), (), []),
        (spans((0, 400)), spans((700, 900)), (500,), [(200, "key")]),
    ],
)
def test_a_reply_is_measured_from_the_last_thing_the_caller_did(caller, bot, keys, expected):
    found = reply_latencies(caller, bot, keys)
    assert [reply.latency_ms for reply in found] == [one[0] for one in expected]
    assert [reply.by for reply in found if reply.by == "key"] == [
        "key" for one in expected if one[-1] == "key"
    ]


def test_the_tail_of_the_old_prompt_is_not_the_reply_to_a_barge_in():
    caller, bot = spans((1000, 1500)), spans((0, 1600), (2000, 2500))
    (reply,) = reply_latencies(caller, bot)
    assert (reply.latency_ms, reply.during_bot) == (500.0, True)


@pytest.mark.parametrize(
    ("caller", "bot", "keys", "expected"),
    [
        (spans((1000, 2000)), spans((0, 1250)), (), [250.0]),
        (spans((1000, 2000)), spans((0, 900)), (), []),
        (spans(), spans((0, 1100)), (1000,), [100.0]),
        (spans((500, 600), (800, 900)), spans((0, 2000)), (), [1500.0]),
    ],
)
def test_barge_in_to_silence_is_measured_to_the_end_of_the_bots_span(caller, bot, keys, expected):
    found = barge_in_silences(caller, bot, keys)
    assert [one.silence_after_ms for one in found] == expected


@pytest.mark.parametrize(
    ("gap_ms", "expected"),
    [(0, 0), (4, 0), (20, 1), (300, 1), (500, 0)],  # a long gap lies between utterances
)
def test_a_hole_is_a_short_gap_inside_the_voice(gap_ms, expected):
    pcm, supplied = tone(400, 2000, RATE), np.ones(16000, dtype=np.bool_)
    pcm[8000 : 8000 + gap_ms * 8] = 0
    supplied[8000 : 8000 + gap_ms * 8] = False
    found = holes(pcm, supplied, RATE)
    assert len(found) == expected
    assert all((hole.start_ms, hole.length_ms) == (1000.0, gap_ms) for hole in found)


def test_silence_that_the_bot_sent_itself_is_no_hole():
    pcm = tone(400, 2000, RATE)
    pcm[8000:8800] = 0
    assert holes(pcm, np.ones(16000, dtype=np.bool_), RATE) == ()


def test_a_gap_after_the_voice_had_faded_is_no_hole():
    pcm, supplied = line(2000, (0, 900), (1200, 2000)), np.ones(16000, dtype=np.bool_)
    supplied[8000:9000] = False
    assert holes(pcm, supplied, RATE) == ()


def test_a_whole_recording_is_measured_at_once():
    said, played = line(4000, (1500, 2000)), line(4000, (200, 1000), (2300, 3000))
    recording = StreamRecording(
        RATE, said, said, played, played != 0, pressed=(PressedKey("1", 3500 * 8),)
    )
    found = measure(recording)
    assert found.first_bot_audio_ms == 200.0
    assert [reply.latency_ms for reply in found.replies] == [300.0]
    assert found.barge_ins == ()
    assert (found.bot_speech_ms, found.caller_speech_ms) == (1500.0, 500.0)


def test_a_bot_that_was_never_heard_has_no_first_audio():
    nothing = line(1000)
    found = measure(StreamRecording(RATE, nothing, nothing, nothing, nothing != 0))
    assert found.first_bot_audio_ms is None
    assert found.replies == ()
