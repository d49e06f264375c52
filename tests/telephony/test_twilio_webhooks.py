"""What Twilio says by HTTP, and how we know that it is Twilio; vectors of Twilio's own library."""

import pytest
from twilio.request_validator import RequestValidator

from telephony.call import CallStatus
from telephony.carrier import AnsweredBy, MachineResult
from telephony.errors import AnswerInvalid, WebhookMalformed
from telephony.twilio_twiml import answer_twiml, hang_up_twiml, transfer_twiml
from telephony.twilio_webhooks import parse_answer, parse_machine, parse_status, signature_is_valid

TOKEN = "12345"
FORM_URL = "https://example.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
FORM_SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="
SHA256 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
FORM_SHA256 = "qMztBq0IANMH/q0K9sCfKQJLylezvRdRzRS647SAVow="
BODY_SHA256 = "5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9"
JSON_URL = f"https://example.com/myapp?bodySHA256={BODY_SHA256}"
JSON_BODY = '{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}'
JSON_SIGNATURE = "hPXmLwIy3Fgqv1i9KPmH/HhQ6zo="
SOCKET, SOCKET_SIGNATURE = "wss://bot.example.com/ws", "c4TTtAVPJTzcp2rN7Q8Nwtala9A="
SLASHED, SLASHED_SIGNATURE = "wss://bot.example.com/ws/", "7B1bPkKx/k4UCJkWsCzalNrfGh0="


def test_a_signed_form_is_trusted() -> None:
    assert signature_is_valid(TOKEN, FORM_URL, FORM, FORM_SIGNATURE)


def test_a_form_signed_with_sha256_is_trusted_when_its_header_says_so() -> None:
    assert signature_is_valid(TOKEN, FORM_URL, FORM, FORM_SHA256, settings_header=SHA256)
    assert not signature_is_valid(TOKEN, FORM_URL, FORM, FORM_SHA256)
    assert not signature_is_valid(TOKEN, FORM_URL, FORM, FORM_SIGNATURE, settings_header=SHA256)
    unknown = "key=k,algorithm=HMAC_MD5"
    assert not signature_is_valid(TOKEN, FORM_URL, FORM, FORM_SHA256, settings_header=unknown)


def test_a_signed_json_body_is_trusted_and_only_as_it_is() -> None:
    assert signature_is_valid(TOKEN, JSON_URL, JSON_BODY, JSON_SIGNATURE)
    assert not signature_is_valid(TOKEN, JSON_URL, JSON_BODY + " ", JSON_SIGNATURE)


@pytest.mark.parametrize("url", [SOCKET, SLASHED])
@pytest.mark.parametrize("signature", [SOCKET_SIGNATURE, SLASHED_SIGNATURE])
def test_a_websocket_is_trusted_with_and_without_the_slash(url: str, signature: str) -> None:
    assert signature_is_valid(TOKEN, url, {}, signature)


def test_a_websocket_signed_with_its_port_is_trusted() -> None:
    signed = RequestValidator(TOKEN).compute_signature("wss://bot.example.com:443/ws", {})
    assert signature_is_valid(TOKEN, SOCKET, {}, signed)


def test_user_and_password_in_the_url_are_not_part_of_what_is_signed() -> None:
    url = FORM_URL.replace("https://", "https://user:p:w@")
    assert signature_is_valid(TOKEN, url, FORM, FORM_SIGNATURE)
    assert signature_is_valid(TOKEN, FORM_URL.replace(".com", ".com:443"), FORM, FORM_SIGNATURE)


def test_a_body_that_nobody_signed_is_refused_and_not_an_error() -> None:
    assert not signature_is_valid(TOKEN, "https://example.com/myapp", JSON_BODY, JSON_SIGNATURE)


@pytest.mark.parametrize(
    ("token", "url", "form", "signature"),
    [
        ("", FORM_URL, FORM, RequestValidator("").compute_signature(FORM_URL, FORM)),
        ("54321", FORM_URL, FORM, FORM_SIGNATURE),
        (TOKEN, FORM_URL + "&x=1", FORM, FORM_SIGNATURE),
        (TOKEN, FORM_URL.replace("https", "http"), FORM, FORM_SIGNATURE),
        (TOKEN, FORM_URL, {**FORM, "Digits": "1234 "}, FORM_SIGNATURE),
        (TOKEN, FORM_URL, {**FORM, "New": "field"}, FORM_SIGNATURE),
        (TOKEN, FORM_URL, {}, FORM_SIGNATURE),
        (TOKEN, FORM_URL, FORM, None),
        (TOKEN, FORM_URL, FORM, ""),
        (TOKEN, FORM_URL, FORM, "é" * 28),
        (TOKEN, "https://[broken", FORM, FORM_SIGNATURE),
        (TOKEN, "https://example.com:99999999/", FORM, FORM_SIGNATURE),
        (TOKEN, "", FORM, FORM_SIGNATURE),
    ],
)
def test_anything_else_is_refused(
    token: str, url: str, form: dict[str, str], signature: str | None
) -> None:
    assert not signature_is_valid(token, url, form, signature)


ANSWER = {
    "CallSid": "CA1234567890ABCDE",
    "AccountSid": "AC1234567890ABCDE",
    "From": "+14158675310",
    "To": "+18005551212",
    "CallStatus": "in-progress",
    "ApiVersion": "2010-04-01",
    "Direction": "outbound-api",
}


def test_an_answer_request_is_read_and_new_fields_are_no_trouble() -> None:
    asked = parse_answer({**ANSWER, "CallToken": "x", "Invented": "tomorrow"})
    assert (asked.call_sid, asked.to_number) == ("CA1234567890ABCDE", "+18005551212")
    assert asked.direction == "outbound-api"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"CallSid": None}, "CallSid"),
        ({"CallSid": ""}, "CallSid"),
        ({"CallSid": "../../etc"}, "CallSid"),
        ({"From": "9" * 300}, "From"),
        ({"To": None}, "To"),
    ],
)
def test_a_garbled_answer_request_names_the_field_and_not_its_value(
    changes: dict[str, str | None], field: str
) -> None:
    form = {name: value for name, value in {**ANSWER, **changes}.items() if value is not None}
    with pytest.raises(WebhookMalformed, match=f"^{field}: ") as refused:
        parse_answer(form)
    assert refused.value.field == field
    assert "etc" not in str(refused.value)
    assert "999" not in str(refused.value)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("queued", CallStatus.DIALING),
        ("initiated", CallStatus.DIALING),
        ("ringing", CallStatus.RINGING),
        ("in-progress", CallStatus.IN_PROGRESS),
        ("completed", CallStatus.COMPLETED),
        ("busy", CallStatus.BUSY),
        ("no-answer", CallStatus.NO_ANSWER),
        ("failed", CallStatus.FAILED),
        ("canceled", CallStatus.CANCELED),
    ],
)
def test_a_status_callback_says_status_and_sequence(word: str, status: CallStatus) -> None:
    told = parse_status({**ANSWER, "CallStatus": word, "SequenceNumber": "3"})
    assert (told.update.status, told.update.sequence) == (status, 3)


def test_the_last_status_callback_says_more() -> None:
    told = parse_status(
        {
            **ANSWER,
            "CallStatus": "busy",
            "SipResponseCode": "486",
            "CallDuration": "0",
            "AnsweredBy": "machine_start",
        }
    )
    assert told.update.reason == "SIP 486"
    assert told.update.sequence is None
    assert (told.duration_s, told.answered_by) == (0, AnsweredBy.MACHINE)


@pytest.mark.parametrize("word", ["failed", "completed"])
def test_sip_200_is_no_reason_why_a_call_failed(word: str) -> None:
    told = parse_status({**ANSWER, "CallStatus": word, "SipResponseCode": "200"})
    assert told.update.reason == ""


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"CallStatus": "exploded"}, "CallStatus"),
        ({"SequenceNumber": "-1"}, "SequenceNumber"),
        ({"SequenceNumber": "9" * 30}, "SequenceNumber"),
        ({"SequenceNumber": "two"}, "SequenceNumber"),
        ({"SequenceNumber": ""}, "SequenceNumber"),
        ({"CallDuration": "1e9"}, "CallDuration"),
    ],
)
def test_a_garbled_status_callback_names_the_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(WebhookMalformed) as refused:
        parse_status({**ANSWER, **changes})
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("word", "by"),
    [
        ("human", AnsweredBy.HUMAN),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.MACHINE),
        ("unknown", AnsweredBy.UNKNOWN),
        ("", AnsweredBy.UNKNOWN),
        ("robot", AnsweredBy.UNKNOWN),
    ],
)
def test_who_answered_is_read(word: str, by: AnsweredBy) -> None:
    form = {"CallSid": "CA1", "AnsweredBy": word, "MachineDetectionDuration": "2100"}
    assert parse_machine(form) == MachineResult("CA1", by, 2_100)


def test_the_answer_connects_the_call_to_our_stream() -> None:
    assert answer_twiml(
        "wss://bot.example.com/ws/twilio",
        {"call_id": "0a", "note": '<&">'},
        status_callback="https://bot.example.com/tw/stream",
    ) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
        '<Stream statusCallback="https://bot.example.com/tw/stream"'
        ' url="wss://bot.example.com/ws/twilio">'
        '<Parameter name="call_id" value="0a" />'
        '<Parameter name="note" value="&lt;&amp;&quot;&gt;" />'
        "</Stream></Connect></Response>"
    )


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("wss://bot.example.com/ws?token=1", {}),
        ("wss://bot.example.com/ws#x", {}),
        ("ws://bot.example.com/ws", {}),
        ("https://bot.example.com/ws", {}),
        ("wss:///ws", {}),
        ("", {}),
        ("wss://bot.example.com/ws", {"a": "x" * 499}),
        ("wss://bot.example.com/ws", {"": "x"}),
    ],
)
def test_an_answer_that_twilio_would_refuse_is_not_given(
    url: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(AnswerInvalid):
        answer_twiml(url, parameters)


def test_on_loopback_the_stream_needs_no_tls() -> None:
    assert 'url="ws://127.0.0.1:9/ws"' in answer_twiml("ws://127.0.0.1:9/ws")


def test_a_transfer_dials_a_number_or_a_sip_address() -> None:
    assert "<Dial><Number>+919876543210</Number></Dial>" in transfer_twiml("+919876543210")
    assert "<Dial><Sip>sip:desk@example.com</Sip></Dial>" in transfer_twiml("sip:desk@example.com")
    assert "<Hangup />" in hang_up_twiml()


@pytest.mark.parametrize("to", ["", "desk", "+", "+91 98", "९८७६", "http://x"])
def test_a_transfer_to_nowhere_is_refused(to: str) -> None:
    with pytest.raises(AnswerInvalid):
        transfer_twiml(to)
