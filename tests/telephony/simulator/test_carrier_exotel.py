"""Whole calls at the simulated Exotel: Calls/connect, callbacks, Voicebot, Passthru, Connect."""

import base64
import json

import httpx
import pytest
from fastapi import Response

from telephony.simulator.carrier_exotel import ACCOUNT_SID, API_KEY, API_TOKEN, SimulatedExotel
from telephony.simulator.exotel_call import ExotelApp
from telephony.simulator.party import Party
from telephony.simulator.phone_audio import pcm_to_s16le, tone
from telephony.simulator.script import HangUp, Pause, Press, StayOnLine, WaitForPrompt
from telephony.simulator.stream_exotel import ExotelVariant
from telephony.simulator.violations import ProtocolViolated

PERSON, BOT = "+919876543210", "+918047491899"
CALLS = f"/v1/Accounts/{ACCOUNT_SID}/Calls"
FLOW_URL = f"http://my.exotel.com/{ACCOUNT_SID}/exoml/start_voice/926"
CONFIRMS = Party.answers([WaitForPrompt(), Press("1"), StayOnLine()])


def carrier_with(party, **options):
    return SimulatedExotel({PERSON: party}, speed=10.0, **options)


def client(base_url, auth=(API_KEY, API_TOKEN)):
    return httpx.AsyncClient(base_url=base_url, auth=auth, trust_env=False)


async def dial(base_url, **form):
    async with client(base_url) as web:
        right = {"From": PERSON, "CallerId": BOT}
        answer = await web.post(f"{CALLS}/connect.json", data=right | form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["Call"]["Status"] == "in-progress"
    return answer.json()["Call"]["Sid"]


async def send_tone(socket, for_ms, rate=8000):
    payload = base64.b64encode(pcm_to_s16le(tone(440, for_ms, rate))).decode()
    await socket.send(json.dumps({"event": "media", "media": {"payload": payload}}))


def exotel_bot(starts=None):
    """Asks, takes one key, answers, and closes when its last word was played."""

    async def handle(socket):
        async for text in socket:
            message = json.loads(text)
            if message["event"] == "start":
                if starts is not None:
                    starts.append((socket.request, message))
                await send_tone(socket, 1000)
            if message["event"] == "dtmf":
                await send_tone(socket, 500)
                await socket.send(json.dumps({"event": "mark", "mark": {"name": "bye"}}))
            if message["event"] in ("mark", "stop"):
                return

    return handle


async def test_a_direct_call_reaches_the_bot_with_its_parameters(bot_at, business):
    starts = []
    url = await bot_at(exotel_bot(starts))
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve() as base_url:
        sid = await dial(base_url, StreamUrl=f"{url}?call_id=7", StreamType="bidirectional")
        result = await carrier.wait_for_call(sid, 20)
        async with client(base_url) as web:
            details = (await web.get(f"{CALLS}/{sid}.json?details=true")).json()["Call"]
    assert result.violations == ()
    assert (result.status, result.digits_pressed, result.ended_by) == ("completed", "1", "bot")
    assert result.marks_echoed == ("bye",)
    start = starts[0][1]["start"]
    assert start["custom_parameters"] == {"call_id": "7"}
    assert (start["call_sid"], start["from"], start["to"]) == (sid, PERSON, BOT)
    assert (details["Status"], details["From"]) == ("completed", PERSON)
    assert details["Details"]["ConversationDuration"] == int(result.duration_s)


async def test_a_flow_call_asks_the_dynamic_endpoint_and_tells_passthru(bot_at, business):
    url = await bot_at(exotel_bot())
    business.answers["where"] = Response(json.dumps({"url": url}), media_type="application/json")
    business.answers["passthru"] = Response("OK", status_code=200)
    connect = {"destination": {"numbers": ["+919800000001"]}}
    business.answers["connect"] = Response(json.dumps(connect), media_type="application/json")
    app = ExotelApp(
        business.url("where"),
        passthru_url=business.url("passthru"),
        connect_url=business.url("connect"),
    )
    carrier = carrier_with(CONFIRMS, apps={"926": app})
    async with carrier.serve() as base_url:
        sid = await dial(base_url, Url=FLOW_URL, CustomField="call-7")
        result = await carrier.wait_for_call(sid, 20)
    assert result.violations == ()
    assert business.fields("where")[0]["CallSid"] == sid
    told = business.fields("passthru")[0]
    assert (told["digits"], told["CustomField"]) == ('"1"', "call-7")
    assert told["Stream[DisconnectedBy]"] == "bot"
    assert told["Stream[Status]"] == "completed"
    assert result.transferred_to == "+919800000001"


async def test_passthrus_other_answer_takes_the_other_branch(bot_at, business):
    business.answers["passthru"] = Response(status_code=302, headers={"location": "/x"})
    app = ExotelApp(
        await bot_at(exotel_bot()),
        passthru_url=business.url("passthru"),
        passthru_method="POST",
        passthru_stream_as_json=True,
        connect_number="+919800000001",
    )
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve():
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, app, CONFIRMS), 10)
    assert result.transferred_to is None
    assert json.loads(business.fields("passthru")[0]["Stream"])["Error"] == ""


async def test_a_caller_who_hangs_up_is_told_to_bot_and_passthru(bot_at, business):
    business.answers["passthru"] = Response("OK")
    app = ExotelApp(
        await bot_at(exotel_bot()), passthru_url=business.url("passthru"), connect_number="1"
    )
    carrier = carrier_with(CONFIRMS)
    leaves = Party.answers([Pause(500), HangUp()])
    async with carrier.serve():
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, app, leaves), 10)
    assert (result.ended_by, result.transferred_to) == ("person", None)
    told = business.fields("passthru")[0]
    assert (told["CallType"], told["Stream[DisconnectedBy]"]) == ("client-hangup", "caller")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/json"])
async def test_callbacks_come_in_the_form_that_was_asked_for(bot_at, business, content_type):
    carrier = carrier_with(CONFIRMS)
    url = await bot_at(exotel_bot())
    async with carrier.serve() as base_url:
        form = {
            "StreamUrl": url,
            "StreamType": "bidirectional",
            "StatusCallback": business.url("status"),
            "StatusCallbackEvents[]": ["answered", "terminal"],
            "StatusCallbackContentType": content_type,
        }
        await carrier.wait_for_call(await dial(base_url, **form), 10)
    told = business.fields("status")
    assert [(one["EventType"], one["Status"]) for one in told] == [
        ("answered", "in-progress"),
        ("terminal", "completed"),
    ]
    assert ("Legs" in told[0]) == (content_type == "application/json")


@pytest.mark.parametrize(
    ("party", "status"),
    [(Party.busy(), "busy"), (Party.no_answer(), "no-answer"), (Party.unreachable(), "failed")],
)
async def test_a_call_that_nobody_takes_ends_as_the_carrier_says(business, party, status):
    carrier = carrier_with(party)
    async with carrier.serve() as base_url:
        form = {"StreamUrl": "ws://127.0.0.1:9/s", "StreamType": "bidirectional", "TimeOut": "1"}
        result = await carrier.wait_for_call(
            await dial(base_url, StatusCallback=business.url("status"), **form), 10
        )
    assert result.status == status
    assert [one["Status"] for one in business.fields("status")] == [status]


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
@pytest.mark.parametrize("name", ["sample-rate", "sample_rate"])
async def test_the_urls_sample_rate_is_the_lines(bot_at, rate, name):
    starts = []
    url = await bot_at(exotel_bot(starts))
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, f"{url}?{name}={rate}", Party.answers([HangUp()]))
        result = await carrier.wait_for_call(sid, 10)
    assert result.recording is not None
    assert result.recording.sample_rate_hz == rate
    assert starts[0][1]["start"]["custom_parameters"] == {}


async def test_userinfo_in_the_url_arrives_as_basic_authorization(bot_at):
    starts = []
    url = (await bot_at(exotel_bot(starts))).replace("ws://", "ws://user:pass@")
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve():
        sid = await carrier.ring(PERSON, BOT, url, Party.answers([Pause(100), HangUp()]))
        await carrier.wait_for_call(sid, 10)
    expected = "Basic " + base64.b64encode(b"user:pass").decode()
    assert starts[0][0].headers["Authorization"] == expected


async def test_the_camel_case_carrier_speaks_camel_case(bot_at):
    starts = []
    carrier = carrier_with(CONFIRMS, variant=ExotelVariant(camel_case=True, numbers_as_int=True))
    url = await bot_at(exotel_bot(starts))
    async with carrier.serve():
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, url, CONFIRMS), 10)
    assert starts[0][1]["sequenceNumber"] == 1
    assert starts[0][1]["start"]["callSid"] == result.call_sid
    assert result.digits_pressed == "1"


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"From": ""}, "From"),
        ({"CallerId": "me"}, "CallerId"),
        ({"StreamUrl": ""}, "either Url"),
        ({"Url": FLOW_URL}, "never both"),
        ({"StreamType": ""}, "StreamType"),
        ({"StreamUrl": "wss://b/" + "x" * 600}, "600"),
        ({"StreamUrl": "wss://b/?a=1&b=2&c=3&d=4"}, "at most 3"),
        ({"StreamUrl": "wss://b/?a=" + "x" * 300}, "256"),
        ({"StreamUrl": "", "Url": FLOW_URL}, "no app 926"),
        ({"StreamUrl": "", "Url": "http://my.exotel.com/other/exoml/start_voice/1"}, "start_voice"),
        ({"CustomField": "x" * 129}, "CustomField"),
        ({"StatusCallbackEvents[]": "done"}, "StatusCallbackEvents"),
        ({"StatusCallbackContentType": "text/plain"}, "text/plain"),
        ({"TimeLimit": "99999"}, "TimeLimit"),
    ],
)
async def test_a_wrong_call_creation_is_refused_by_the_name_of_the_field(form, word):
    right = {
        "From": PERSON,
        "CallerId": BOT,
        "StreamUrl": "wss://b/s",
        "StreamType": "bidirectional",
    }
    transport = httpx.ASGITransport(carrier_with(CONFIRMS).app)
    async with httpx.AsyncClient(
        base_url="http://carrier", auth=(API_KEY, API_TOKEN), transport=transport
    ) as web:
        answer = await web.post(f"{CALLS}/connect.json", data=right | form)
    assert answer.status_code == 400
    assert word in answer.json()["RestException"]["Message"]


async def test_rest_without_key_and_token_is_refused():
    async with carrier_with(CONFIRMS).serve() as base_url, client(base_url, ("k", "t")) as web:
        assert (await web.post(f"{CALLS}/connect.json")).status_code == 401


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ('{"uri": "wss://b"}', "exotel-dynamic-url"),
        ("wss://b", "exotel-dynamic-url"),
        ('{"url": "ws://127.0.0.1:9/s"}', "31902"),
        ('{"url": "ws://127.0.0.1:9/s?sample-rate=11025"}', "exotel-sample-rate"),
    ],
)
async def test_a_stream_that_cannot_be_is_a_violation_and_passthru_hears_of_it(
    business, answer, code
):
    business.answers["where"] = Response(answer, media_type="application/json")
    business.answers["passthru"] = Response("OK")
    app = ExotelApp(business.url("where"), passthru_url=business.url("passthru"))
    carrier = carrier_with(CONFIRMS)
    async with carrier.serve():
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, app, CONFIRMS), 10)
    assert [violation.code for violation in result.violations] == [code]
    assert business.fields("passthru")[0]["Stream[Status]"] == "failed"
    assert code in business.fields("passthru")[0]["Stream[Error]"]


async def test_short_packets_are_a_violation_of_the_call(bot_at):
    async def short(socket):
        while json.loads(await socket.recv())["event"] != "start":
            pass
        await send_tone(socket, 40)
        await socket.recv()

    carrier = carrier_with(CONFIRMS)
    url = await bot_at(short)
    async with carrier.serve():
        result = await carrier.wait_for_call(await carrier.ring(PERSON, BOT, url, CONFIRMS), 10)
    with pytest.raises(ProtocolViolated, match="exotel-packet-short"):
        result.raise_if_violated()
