"""Whole calls at the simulated Twilio: REST, signed webhooks, TwiML, the stream."""

import httpx
import pytest
from twilio.request_validator import RequestValidator

from telephony.simulator.carrier_twilio import ACCOUNT_SID, AUTH_TOKEN, SimulatedTwilio
from telephony.simulator.party import Party
from telephony.simulator.phone_audio import tone
from telephony.simulator.script import HangUp, Pause, Press, StayOnLine, WaitForPrompt
from telephony.simulator.twilio_signature import sign
from telephony.simulator.violations import CallNotFinished, CallUnknown, ProtocolViolated

PERSON, BOT = "+919876543210", "+14155550100"
CALLS = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Calls"
SPEED = 10.0
ALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
CONFIRMS = Party.answers([WaitForPrompt(), Press("1"), StayOnLine()])


def carrier_with(party, **options):
    return SimulatedTwilio({PERSON: party}, speed=SPEED, **options)


async def post(base_url, path, form, auth=(ACCOUNT_SID, AUTH_TOKEN)):
    async with httpx.AsyncClient(base_url=base_url, auth=auth, trust_env=False) as client:
        return await client.post(path, data=form)


def unserved(carrier, auth=(ACCOUNT_SID, AUTH_TOKEN)):
    """The REST side without a socket: enough for what is refused before a call is placed."""
    transport = httpx.ASGITransport(carrier.app)
    return httpx.AsyncClient(base_url="http://carrier", auth=auth, transport=transport)


async def dial(base_url, **form):
    answer = await post(base_url, f"{CALLS}.json", {"To": PERSON, "From": BOT, **form})
    assert answer.status_code == 201, answer.text
    return answer.json()["sid"]


def stream(url, parameters=""):
    return f'<Connect><Stream url="{url}">{parameters}</Stream></Connect>'


async def test_an_outbound_call_is_answered_streamed_and_completed(bot_at, keypad, business):
    parameter = '<Parameter name="call_id" value="7"/>'
    answer_url = business.twiml("answer", stream(await bot_at(keypad), parameter))
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve() as base_url:
        sid = await dial(
            base_url,
            Url=answer_url,
            StatusCallback=business.url("status"),
            StatusCallbackEvent=ALL_EVENTS,
        )
        result = await carrier.wait_for_call(sid, 20)
    assert carrier.results[sid] is result
    assert result.violations == ()
    assert result.status == "completed"
    assert (result.digits_pressed, result.ended_by) == ("1", "bot")
    assert result.marks_echoed == ("question", "bye")
    assert result.duration_s > 2.0
    statuses = [
        (fields["SequenceNumber"], fields["CallStatus"]) for fields in business.fields("status")
    ]
    assert statuses == [
        ("0", "initiated"),
        ("1", "ringing"),
        ("2", "in-progress"),
        ("3", "completed"),
    ]
    assert int(business.fields("status")[-1]["CallDuration"]) == int(result.duration_s)
    assert any("wss" in note for note in result.notes)


async def test_every_webhook_is_signed_as_the_sdk_checks_it(bot_at, keypad, business):
    answer_url = business.twiml("answer", stream(await bot_at(keypad)))
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve() as base_url:
        sid = await dial(base_url, Url=answer_url, StatusCallback=business.url("status"))
        await carrier.wait_for_call(sid, 20)
    assert {path for path, *_ in business.seen} == {"answer", "status"}
    check = RequestValidator(AUTH_TOKEN)
    assert all(check.validate(url, fields, mark) for _, url, fields, mark in business.seen)


@pytest.mark.parametrize(
    ("url", "fields", "signature"),
    [
        (
            "https://example.com/myapp.php?foo=1&bar=2",
            {
                "CallSid": "CA1234567890ABCDE",
                "Caller": "+14158675310",
                "Digits": "1234",
                "From": "+14158675310",
                "To": "+18005551212",
            },
            "L/OH5YylLD5NRKLltdqwSvS0BnU=",
        ),
        ("wss://bot.example.com/ws", {}, "c4TTtAVPJTzcp2rN7Q8Nwtala9A="),
        ("wss://bot.example.com/ws/", {}, "7B1bPkKx/k4UCJkWsCzalNrfGh0="),
        ("wss://user:pass@bot.example.com/ws", {}, "c4TTtAVPJTzcp2rN7Q8Nwtala9A="),
    ],
)
def test_signatures_match_twilios_vectors(url, fields, signature):
    assert sign("12345", url, fields) == signature


@pytest.mark.parametrize(
    ("party", "status", "sip_code"),
    [
        (Party.busy(), "busy", "486"),
        (Party.no_answer(), "no-answer", "487"),
        (Party.unreachable(), "failed", "404"),
    ],
)
async def test_a_call_that_nobody_takes_ends_as_the_carrier_says(business, party, status, sip_code):
    carrier = carrier_with(party)
    async with carrier.serve() as base_url:
        sid = await dial(
            base_url,
            Url=business.url("answer"),
            Timeout="1",
            StatusCallback=business.url("status"),
        )
        result = await carrier.wait_for_call(sid, 10)
    assert result.status == status
    assert result.recording is None
    told = [
        (fields["CallStatus"], fields["SipResponseCode"]) for fields in business.fields("status")
    ]
    assert told == [(status, sip_code)]
    assert business.fields("answer") == []


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21201),
        ({"From": ""}, 21213),
        ({"To": "12345"}, 21217),
        ({"To": "+91 98765 43210"}, 21217),
        ({"From": "anna"}, 21212),
        ({"Url": ""}, 21205),
        ({"Url": "ftp://b/x"}, 21205),
        ({"Url": "", "Twiml": "x" * 4001}, 21205),
        ({"StatusCallbackEvent": ["finished"]}, 21626),
        ({"MachineDetection": "Enable", "AsyncAmd": "true"}, 21262),
        ({"Timeout": "long"}, 21218),
    ],
)
async def test_a_wrong_call_creation_is_refused_with_twilios_code(form, code):
    carrier = carrier_with(CONFIRMS)
    right = {"To": PERSON, "From": BOT, "Url": "http://127.0.0.1:9/answer"}
    async with unserved(carrier) as client:
        answer = await client.post(f"{CALLS}.json", data=right | form)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["status"] == 400


@pytest.mark.parametrize("auth", [None, (ACCOUNT_SID, "wrong"), ("AC9", AUTH_TOKEN)])
async def test_rest_without_the_accounts_token_is_refused(auth):
    async with unserved(carrier_with(CONFIRMS), auth) as client:
        answer = await client.post(f"{CALLS}.json")
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_a_call_can_be_hung_up_over_rest_and_the_bot_gets_a_stop(
    bot_at, twilio_bot, business
):
    seen = []

    async def listener(socket):
        bot = twilio_bot(socket)
        await bot.begin()
        sid = bot.messages[-1]["start"]["callSid"]
        answer = await post(addresses[0], f"{CALLS}/{sid}.json", {"Status": "completed"})
        assert answer.json()["status"] == "in-progress"
        seen.append(await bot.until("stop"))

    answer_url = business.twiml("answer", stream(await bot_at(listener)))
    carrier, addresses = carrier_with(Party.answers([StayOnLine()])), []
    async with carrier.serve() as base_url:
        addresses.append(base_url)
        result = await carrier.wait_for_call(await dial(base_url, Url=answer_url), 10)
        again = await post(base_url, f"{CALLS}/{result.call_sid}.json", {"Status": "completed"})
    assert (result.status, result.ended_by) == ("completed", "carrier")
    assert seen[0]["event"] == "stop"
    assert again.json()["code"] == 21220


async def test_a_live_update_stops_the_stream_and_transfers(bot_at, twilio_bot, business):
    async def transferring(socket):
        bot = twilio_bot(socket)
        start = await bot.begin()
        twiml = '<Response><Dial action="/dialled">+14155550199</Dial></Response>'
        path = f"{CALLS}/{start['start']['callSid']}.json"
        assert (await post(addresses[0], path, {"Twiml": twiml})).status_code == 200
        await bot.until("stop")

    business.twiml("dialled", "<Hangup/>")
    answer_url = business.twiml("answer", stream(await bot_at(transferring)), "<Say>never</Say>")
    carrier, addresses = carrier_with(Party.answers([StayOnLine()])), []
    async with carrier.serve() as base_url:
        addresses.append(base_url)
        result = await carrier.wait_for_call(await dial(base_url, Url=answer_url), 10)
    assert result.transferred_to == "+14155550199"
    assert result.said_by_carrier == ()
    assert business.fields("dialled")[0]["DialCallStatus"] == "completed"


async def test_a_ringing_call_can_be_canceled():
    carrier = carrier_with(Party.answers([HangUp()], ring_ms=50_000))
    async with carrier.serve() as base_url:
        sid = await dial(base_url, Url="http://127.0.0.1:9/answer")
        with pytest.raises(CallNotFinished, match=sid):
            await carrier.wait_for_call(sid, 0.05)
        await post(base_url, f"{CALLS}/{sid}.json", {"Status": "canceled"})
        assert (await carrier.wait_for_call(sid, 5)).status == "canceled"


@pytest.mark.parametrize(
    ("mode", "verdict"), [("Enable", "machine_start"), ("DetectMessageEnd", "machine_end_beep")]
)
async def test_a_voicemail_greets_beeps_and_is_told_by_machine_detection(
    bot_at, twilio_bot, business, mode, verdict
):
    async def listener(socket):
        await twilio_bot(socket).until("stop")

    party = Party.voicemail(tone(300, 3000, 16_000), 16_000, ring_ms=100, record_ms=3_000)
    answer_url = business.twiml("answer", stream(await bot_at(listener)))
    carrier = carrier_with(party)
    async with carrier.serve() as base_url:
        sid = await dial(
            base_url,
            Url=answer_url,
            MachineDetection=mode,
            AsyncAmd="true",
            AsyncAmdStatusCallback=business.url("amd"),
        )
        result = await carrier.wait_for_call(sid, 10)
    assert [fields["AnsweredBy"] for fields in business.fields("amd")] == [verdict]
    assert result.recording is not None
    assert result.recording.spoken[0].end_samples == (3000 + 250 + 500) * 8


async def test_a_person_is_told_by_machine_detection(bot_at, twilio_bot, business):
    async def listener(socket):
        await twilio_bot(socket).until("stop")

    answer_url = business.twiml("answer", stream(await bot_at(listener)))
    carrier = carrier_with(Party.answers([Pause(4000), HangUp()]))
    async with carrier.serve() as base_url:
        sid = await dial(
            base_url,
            Url=answer_url,
            MachineDetection="Enable",
            AsyncAmd="true",
            AsyncAmdStatusCallback=business.url("amd"),
        )
        await carrier.wait_for_call(sid, 10)
    assert [fields["AnsweredBy"] for fields in business.fields("amd")] == ["human"]


async def test_an_inbound_call_goes_through_the_numbers_webhook(bot_at, keypad, business):
    business.twiml("after", "<Say>Goodbye</Say>")
    answer_url = business.twiml(
        "answer", stream(await bot_at(keypad)), '<Redirect method="POST">/after</Redirect>'
    )
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, answer_url, CONFIRMS)
        result = await carrier.wait_for_call(sid, 10)
    asked = business.fields("answer")[0]
    assert (asked["From"], asked["To"], asked["Direction"]) == (PERSON, BOT, "inbound")
    assert (result.digits_pressed, result.said_by_carrier) == ("1", ("Goodbye",))
    assert result.violations == ()


async def test_gather_posts_what_was_pressed(business):
    business.twiml("took", "<Hangup/>")
    answer_url = business.twiml(
        "answer", '<Gather action="/took"><Say>Your order?</Say></Gather><Say>Nothing</Say>'
    )
    carrier = carrier_with(Party.busy())
    async with carrier.serve():
        party = Party(CONFIRMS.behaviour, keys_for_gather=("42#",))
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, answer_url, party), 5)
    assert business.fields("took")[0]["Digits"] == "42"
    assert result.said_by_carrier == ("Your order?",)


@pytest.mark.parametrize(
    ("twiml", "code"),
    [
        ("<Dance/>", "12100"),
        ('<Connect><Stream url="http://127.0.0.1:9/s"/></Connect>', "31922"),
        ('<Connect><Stream url="ws://bot.example.com/s"/></Connect>', "31922"),
        ('<Connect><Stream url="ws://127.0.0.1:9/s"/></Connect>', "31902"),
        ("<Redirect>/answer</Redirect>", "twilio-redirect-loop"),
        ("<Redirect>/nowhere</Redirect>", "12300"),
    ],
)
async def test_an_answer_that_a_carrier_rejects_is_a_violation(business, twiml, code):
    answer_url = business.twiml("answer", twiml)
    carrier = carrier_with(Party.busy())
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, answer_url, CONFIRMS)
        result = await carrier.wait_for_call(sid, 10)
    assert [violation.code for violation in result.violations] == [code]
    with pytest.raises(ProtocolViolated, match=code):
        result.raise_if_violated()


async def test_an_answer_webhook_that_nobody_serves_is_a_violation():
    carrier = carrier_with(Party.busy())
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, "http://127.0.0.1:9/answer", CONFIRMS)
        result = await carrier.wait_for_call(sid, 10)
    assert [violation.code for violation in result.violations] == ["11200", "11205"]


async def test_a_stream_urls_query_is_dropped_and_reported(bot_at, twilio_bot, business):
    paths = []

    async def listener(socket):
        paths.append(socket.request.path)
        await twilio_bot(socket).begin()

    url = await bot_at(listener)
    answer_url = business.twiml("answer", stream(f"{url}?token=1"))
    carrier = carrier_with(Party.busy())
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, answer_url, CONFIRMS)
        result = await carrier.wait_for_call(sid, 10)
    assert paths == ["/stream"]
    assert [violation.code for violation in result.violations] == ["twilio-query-dropped"]


async def test_the_stream_is_signed_and_its_events_are_posted(bot_at, twilio_bot, business):
    headers = []

    async def listener(socket):
        headers.append(socket.request.headers)
        await twilio_bot(socket).begin()

    url = await bot_at(listener)
    connect = f'<Connect><Stream url="{url}" statusCallback="/stream-events"/></Connect>'
    answer_url = business.twiml("answer", connect)
    carrier = carrier_with(Party.busy())
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, answer_url, CONFIRMS)
        await carrier.wait_for_call(sid, 10)
    assert RequestValidator(AUTH_TOKEN).validate(url, {}, headers[0]["X-Twilio-Signature"])
    assert "Origin" not in headers[0]
    events = [fields["StreamEvent"] for fields in business.fields("stream-events")]
    assert events == ["stream-started", "stream-stopped"]


async def test_callbacks_can_come_out_of_order(business):
    answer_url = business.twiml("answer", "<Hangup/>")
    carrier = carrier_with(CONFIRMS, callbacks_out_of_order=True)
    async with carrier.serve() as base_url:
        sid = await dial(
            base_url,
            Url=answer_url,
            StatusCallback=business.url("status"),
            StatusCallbackEvent=ALL_EVENTS,
        )
        await carrier.wait_for_call(sid, 10)
    order = [int(fields["SequenceNumber"]) for fields in business.fields("status")]
    assert order == [1, 0, 3, 2]


async def test_a_carrier_that_fails_fast_breaks_the_call_at_the_first_violation(
    bot_at, twilio_bot, business, wait_closed
):
    async def ill_behaved(socket):
        await twilio_bot(socket).begin()
        await socket.send(b"\x00")
        await wait_closed(socket)

    answer_url = business.twiml("answer", stream(await bot_at(ill_behaved)))
    carrier = carrier_with(CONFIRMS, fail_fast=True)
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, answer_url, CONFIRMS)
        with pytest.raises(ProtocolViolated, match="31950"):
            await carrier.wait_for_call(sid, 10)


async def test_a_call_that_was_never_placed_is_unknown():
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve() as base_url:
        with pytest.raises(CallUnknown, match="CA9"):
            await carrier.wait_for_call("CA9", 1)
        auth = (ACCOUNT_SID, AUTH_TOKEN)
        async with httpx.AsyncClient(base_url=base_url, auth=auth) as client:
            assert (await client.get(f"{CALLS}/CA9.json")).status_code == 404


async def test_a_call_that_is_over_can_be_forgotten_and_one_in_progress_can_not():
    carrier = carrier_with(Party.busy(ring_ms=2_000))
    async with carrier.serve() as base_url:
        sid = await dial(base_url, Url="http://127.0.0.1:9/answer")
        with pytest.raises(CallNotFinished, match=sid):
            carrier.forget(sid)
        await carrier.wait_for_call(sid, 10)
        carrier.forget(sid)
        assert sid not in carrier.results
        with pytest.raises(CallUnknown, match=sid):
            carrier.forget(sid)
