"""The carriers' messages: read as they come, written as documented."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.errors import MessageInvalid
from telephony.media_fields import CarrierName, read_number
from telephony.media_messages import (
    Connected,
    Digit,
    Mark,
    Media,
    Stopped,
    StreamStart,
    clear_message,
    mark_message,
    media_message,
    parse_message,
    recognise,
)
from tests.telephony import line_messages as lm


def parsed(message: object, carrier: CarrierName) -> Any:
    return parse_message(json.dumps(message), carrier)


def test_twilios_documented_messages_are_understood():
    start = parsed(lm.twilio_start(token="one-time", to="+15550100"), "twilio")
    assert start == StreamStart(
        carrier="twilio",
        stream_sid=lm.TWILIO_SID,
        call_sid="CA00000000000000000000000000000000",
        account_sid="AC00000000000000000000000000000000",
        custom_parameters={"token": "one-time", "to": "+15550100"},
        sample_rate_hz=8000,
        declared_encoding="audio/x-mulaw",
        spelling="camel",
        to_number="+15550100",
    )
    sid = lm.TWILIO_SID
    assert parsed(lm.TWILIO_CONNECTED, "twilio") == Connected()
    assert parsed(lm.twilio_media(3), "twilio") == Media(sid, 4, 3, 60, "inbound", b"\xff" * 160)
    assert parsed(lm.twilio_dtmf(5, "1"), "twilio") == Digit(sid, 5, "inbound_track", "1", None)
    assert parsed(lm.twilio_mark(4, "m1"), "twilio") == Mark(sid, 4, "m1")
    assert parsed(lm.twilio_stop(5), "twilio") == Stopped(sid, 5, None)


@pytest.mark.parametrize("camel", [False, True])
def test_exotels_messages_are_understood_in_either_spelling(camel: bool):
    def exotel(message: lm.Message) -> Any:
        return parsed(lm.in_camel_case(message) if camel else message, "exotel")

    start = exotel(lm.exotel_start())
    sid = lm.EXOTEL_SID
    assert (start.stream_sid, start.call_sid) == (sid, "c5797dcbaaeed7678c4062a4a3ed2f8a")
    assert (start.from_number, start.to_number) == ("+919876543210", "+918047491899")
    assert (start.sample_rate_hz, start.spelling) == (8000, "camel" if camel else "snake")
    assert exotel(lm.EXOTEL_CONNECTED) == Connected()
    assert exotel(lm.exotel_media(2)) == Media(sid, 3, 2, 200, None, bytes(1600))
    assert exotel(lm.exotel_dtmf(7, "5")) == Digit(sid, 7, None, "5", 100)
    assert exotel(lm.exotel_mark(15, "m1")) == Mark(sid, 15, "m1")
    assert exotel(lm.exotel_stop(20)) == Stopped(sid, 20, "callended")


@pytest.mark.parametrize(
    ("given_rate", "rate_hz"),
    [
        ("8000", 8000),
        (16000, 16000),
        ("16kHz", 16000),
        ("24 khz", 24000),
        (8000.0, 8000),
        (None, 0),
    ],
)
def test_exotels_rate_is_read_in_all_its_forms(given_rate: object, rate_hz: int):
    start = parsed(lm.exotel_start(sample_rate=given_rate), "exotel")
    assert start.sample_rate_hz == rate_hz


def test_a_leg_sid_stands_in_for_the_call_sid():
    message: Any = lm.exotel_start()
    message["start"]["leg_sid"] = message["start"].pop("call_sid")
    assert parsed(message, "exotel").call_sid == "c5797dcbaaeed7678c4062a4a3ed2f8a"


def test_a_custom_parameter_may_be_a_key_with_an_empty_value():
    message: Any = lm.exotel_start()
    message["start"]["custom_parameters"] = {"order-7": "", "n": 5, "x": None, "b": True}
    expected = {"order-7": "", "n": "5", "x": "", "b": "true"}
    assert parsed(message, "exotel").custom_parameters == expected


def test_counters_may_be_numbers_and_bad_ones_do_not_cost_the_audio():
    message: Any = lm.exotel_media(2)
    message["sequence_number"] = 3
    message["media"] |= {"chunk": 2, "timestamp": "soon"}
    media = parsed(message, "exotel")
    assert (media.sequence, media.chunk, media.timestamp_ms) == (3, 2, None)
    assert media.payload == bytes(1600)


def broken(message: lm.Message, path: str, value: object) -> lm.Message:
    """A copy with the field at `path` set to `value`; with it taken out for ... (Ellipsis)."""
    copy: Any = json.loads(json.dumps(message))
    *outer, last = path.split(".")
    place = copy
    for key in outer:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.mark.parametrize(
    ("message", "path", "value"),
    [
        (lm.exotel_media(1), "event", ...),
        (lm.exotel_media(1), "event", "medium"),
        (lm.exotel_media(1), "media", None),
        (lm.exotel_media(1), "media", [1]),
        (lm.exotel_media(1), "media.payload", ...),
        (lm.exotel_media(1), "media.payload", "AAA"),
        (lm.exotel_media(1), "media.payload", "\u0100\ud800"),
        (lm.exotel_media(1), "media.payload", 7),
        (lm.exotel_dtmf(1, "5"), "dtmf", None),
        (lm.exotel_dtmf(1, "5"), "dtmf.digit", "55"),
        (lm.exotel_dtmf(1, "5"), "dtmf.digit", "E"),
        (lm.exotel_mark(1, "m"), "mark.name", ""),
        (lm.exotel_mark(1, "m"), "mark", "m"),
        (lm.exotel_stop(1), "stop", None),
        (lm.exotel_stop(1), "stream_sid", ...),
        (lm.exotel_start(), "start", None),
        (lm.exotel_start(), "start.call_sid", {}),
        (lm.exotel_start(), "start.media_format.sample_rate", "11025"),
        (lm.exotel_start(), "start.media_format.sample_rate", "fast"),
        (lm.twilio_start(), "start.callSid", ""),
        (lm.twilio_start(), "start.mediaFormat.encoding", "audio/x-l16"),
        (lm.twilio_start(), "start.mediaFormat.sampleRate", 16000),
        (lm.twilio_start(), "start.mediaFormat.channels", 2),
        (lm.twilio_media(1), "streamSid", ...),
    ],
)
def test_a_field_that_is_wrong_is_named_with_its_fix(message: lm.Message, path: str, value: object):
    carrier: CarrierName = "twilio" if "streamSid" in message else "exotel"
    with pytest.raises(MessageInvalid) as caught:
        parsed(broken(message, path, value), carrier)
    assert caught.value.field == path
    assert caught.value.fix


@pytest.mark.parametrize(
    "data",
    [
        "",
        "null",
        "[1]",
        "{",
        '"media"',
        "[" * 100_000,
        "1" * 10_000,
        b"\xff\xfe",
        b"{}",
        "{}",
        "NaN",
    ],
)
def test_what_is_no_message_at_all_is_refused(data: str | bytes):
    for carrier in ("twilio", "exotel"):
        with pytest.raises(MessageInvalid) as caught:
            parse_message(data, carrier)
        assert caught.value.field in ("message", "event")


def test_an_exotel_start_at_twilios_address_says_where_to_point_it():
    with pytest.raises(MessageInvalid, match="Exotel address"):
        parsed(lm.exotel_start(), "twilio")


@pytest.mark.parametrize(
    ("message", "carrier"),
    [
        (lm.twilio_start(), "twilio"),
        (lm.exotel_start(), "exotel"),
        (lm.in_camel_case(lm.exotel_start()), "exotel"),
    ],
)
def test_a_start_is_recognised_by_its_ids_and_not_by_its_spelling(
    message: lm.Message, carrier: CarrierName
):
    assert recognise(message) == carrier


@pytest.mark.parametrize(
    ("value", "number"),
    [(True, None), (-1, None), ("-1", None), (float("inf"), None), (10**20, None), ("", None)],
)
def test_what_is_no_whole_number_from_zero_is_none(value: object, number: int | None):
    assert read_number(value) is number


def test_twilio_is_written_as_documented_and_not_a_field_more():
    start = parsed(lm.twilio_start(), "twilio")
    sid = lm.TWILIO_SID
    assert json.loads(media_message(start, b"\xff\x7f")) == {
        "event": "media",
        "streamSid": sid,
        "media": {"payload": base64.b64encode(b"\xff\x7f").decode()},
    }
    assert json.loads(mark_message(start, "m1")) == {
        "event": "mark",
        "streamSid": sid,
        "mark": {"name": "m1"},
    }
    assert json.loads(clear_message(start)) == {"event": "clear", "streamSid": sid}


@pytest.mark.parametrize("camel", [False, True])
def test_exotel_is_answered_in_the_spelling_of_its_start(camel: bool):
    message = lm.exotel_start()
    start = parsed(lm.in_camel_case(message) if camel else message, "exotel")
    key = "streamSid" if camel else "stream_sid"
    assert json.loads(clear_message(start)) == {"event": "clear", key: lm.EXOTEL_SID}
    assert set(json.loads(media_message(start, b"\0\0"))) == {"event", key, "media"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
INNER = [
    "payload",
    "digit",
    "name",
    "reason",
    "sample_rate",
    "chunk",
    "media_format",
    "mediaFormat",
]
OUTER = ["event", "start", "media", "dtmf", "mark", "stop", "stream_sid", "streamSid"]
START = ["call_sid", "callSid", "custom_parameters", "customParameters"]
NAMES = st.sampled_from([*OUTER, *INNER, *START])
EVENTS = st.sampled_from(["start", "media", "dtmf", "mark", "stop", "connected"])


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=6),
    EVENTS,
    st.sampled_from(["twilio", "exotel"]),
)
def test_whatever_comes_is_understood_or_refused_by_name(
    fields: dict[str, object], event: str, carrier: CarrierName
):
    message = json.dumps(fields | {"event": event})
    try:
        parse_message(message, carrier)
    except MessageInvalid as error:
        understood = bool(error.field and error.fix)
    else:
        understood = True
    assert understood
