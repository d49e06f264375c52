"""What Exotel says and asks by HTTP, in all the ways that its sources show."""

import json

import pytest

from telephony.call import CallStatus, EndedBy
from telephony.carrier import AnsweredBy
from telephony.errors import AnswerInvalid, WebhookMalformed
from telephony.exotel_webhooks import (
    PassthruStream,
    connect_reply,
    parse_passthru,
    parse_status,
    stream_reply,
)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Status": "completed"}, CallStatus.COMPLETED),
        ({"Status": "no-answer", "EventType": "terminal"}, CallStatus.NO_ANSWER),
        ({"Status": "in-progress", "EventType": "answered"}, CallStatus.IN_PROGRESS),
        ({"Status": "in-progress", "EventType": "ringing"}, CallStatus.RINGING),
        ({"Status": "in-progress"}, CallStatus.IN_PROGRESS),
        ({"Status": "busy", "Legs": [{"OnCallDuration": 0, "Status": "busy"}]}, CallStatus.BUSY),
        ({"Status": "failed", "Legs[0][Status]": "failed", "RecordingUrl": ""}, CallStatus.FAILED),
        ({"Status": "queued", "From": None, "To": None}, CallStatus.DIALING),
    ],
)
def test_a_status_callback_is_read_from_form_and_json(
    fields: dict[str, object], status: CallStatus
) -> None:
    told = parse_status({"CallSid": "c579", "DateUpdated": "2017-03-03 12:30:24", **fields})
    assert told.callback.carrier_call_id == "c579"
    assert (told.callback.update.status, told.callback.update.sequence) == (status, None)


def test_a_status_callback_brings_our_own_id_back() -> None:
    told = parse_status(
        {
            "CallSid": "c579",
            "Status": "completed",
            "CustomField": "0a1b",
            "ConversationDuration": 42,
            "AnsweredBy": "machine",
        }
    )
    assert told.custom_field == "0a1b"
    assert told.callback.duration_s == 42
    assert told.callback.answered_by is AnsweredBy.MACHINE


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "CallSid"),
        ({"CallSid": "", "Status": "busy"}, "CallSid"),
        ({"CallSid": "c" * 200, "Status": "busy"}, "CallSid"),
        ({"CallSid": "c1"}, "Status"),
        ({"CallSid": "c1", "Status": "exploded"}, "Status"),
        ({"CallSid": "c1", "Status": ["busy"]}, "Status"),
        ({"CallSid": {"a": 1}, "Status": "busy"}, "CallSid"),
    ],
)
def test_a_garbled_status_callback_names_the_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(WebhookMalformed) as refused:
        parse_status(fields)
    assert refused.value.field == field


FACTS = {
    "StreamSID": "S1",
    "Status": "completed",
    "Duration": "37",
    "RecordingUrl": "https://recordings.exotel.com/1",
    "StreamUrl": "wss://user:hush@bot.example.com/ws",
    "DisconnectedBy": "bot",
    "DetailedStatus": "Streaming_call_completed",
    "Error": "null",
}
STREAM = PassthruStream(
    "S1",
    "completed",
    "",
    37,
    EndedBy.BOT,
    "https://recordings.exotel.com/1",
    "Streaming_call_completed",
)


@pytest.mark.parametrize(
    "stream",
    [
        {f"Stream[{name}]": value for name, value in FACTS.items()},
        {"Stream": json.dumps(FACTS)},
        {"Stream": json.dumps({**FACTS, "Duration": 37, "Error": None})},
    ],
)
def test_passthru_is_read_in_either_spelling(stream: dict[str, str]) -> None:
    asked = parse_passthru(
        {"CallSid": "c1", "CallFrom": "09876543210", "CallTo": "080", "digits": '"42"', **stream}
    )
    assert (asked.carrier_call_id, asked.from_number, asked.digits) == ("c1", "09876543210", "42")
    assert asked.stream == STREAM
    assert "hush" not in repr(asked)


def test_passthru_outside_a_voicebot_has_no_stream() -> None:
    asked = parse_passthru({"CallSid": "c1", "From": "1", "To": "2", "CallType": "client-hangup"})
    assert (asked.stream, asked.from_number, asked.to_number) == (None, "1", "2")


def test_an_error_of_the_stream_is_told_apart_from_its_status() -> None:
    asked = parse_passthru(
        {"CallSid": "c1", "Stream[Status]": "completed", "Stream[Error]": "3006"}
    )
    assert asked.stream is not None
    assert (asked.stream.status, asked.stream.error) == ("completed", "3006")
    assert asked.stream.ended_by is None


@pytest.mark.parametrize("text", ["{", "[]", "7", "[" * 100_000, '"x"', "null"])
def test_a_stream_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(WebhookMalformed) as refused:
        parse_passthru({"CallSid": "c1", "Stream": text})
    assert refused.value.field == "Stream"


def test_the_dynamic_applet_gets_the_streams_url() -> None:
    assert stream_reply("wss://bot.example.com/ws") == {"url": "wss://bot.example.com/ws"}
    assert stream_reply(
        "wss://bot.example.com/ws", {"call_id": "0a", "x": "a b"}, sample_rate_hz=16_000
    ) == {"url": "wss://bot.example.com/ws?sample-rate=16000&call_id=0a&x=a+b"}


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("https://bot.example.com/ws", {}),
        ("ws://bot.example.com/ws", {}),
        ("wss://bot.example.com/ws?x=1", {}),
        ("wss://bot.example.com/" + "x" * 600, {}),
        ("wss://bot.example.com/ws", {"a": "1", "b": "2", "c": "3", "d": "4"}),
        ("wss://bot.example.com/ws", {"a": "x" * 256}),
    ],
)
def test_a_stream_url_beyond_exotels_limits_is_not_given(
    url: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(AnswerInvalid):
        stream_reply(url, parameters)


def test_the_connect_applet_is_told_whom_to_call() -> None:
    reply = connect_reply("+911", "080", ring_timeout_s=20).model_dump()
    assert reply["destination"] == {"numbers": ["+911"]}
    assert (reply["outgoing_phone_number"], reply["max_ringing_duration"]) == ("080", 20)
