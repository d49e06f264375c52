"""What we ask of Twilio's REST interface, and what we make of its answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from telephony.carrier import DialRequest, DialResult
from telephony.errors import AnswerInvalid, CarrierRejected, CarrierUnreachable
from telephony.twilio import TwilioCarrier

REQUEST = DialRequest(
    call_id="0a",
    to_number="+919876543210",
    from_number="+18005551212",
    answer_url="https://bot.example.com/tw/0a/answer?x=1",
    status_url="https://bot.example.com/tw/0a/status",
    machine_url="https://bot.example.com/tw/0a/machine",
    ring_timeout_s=30,
    time_limit_s=900,
)
CALLS = "/2010-04-01/Accounts/AC1/Calls"


@pytest.fixture
async def twilio(rest: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TwilioCarrier]:
    monkeypatch.setenv("TWILIO_REGION", "au1")  # settings say where to go, nothing else does
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    carrier = TwilioCarrier("AC1", "hush", api_base_url=rest.base_url + "/", timeout_s=0.5)
    yield carrier
    await carrier.close()


async def test_a_call_is_placed_with_everything_we_want_to_hear_of_it(
    twilio: TwilioCarrier, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1", "status": "queued"})
    assert await twilio.dial(REQUEST) == DialResult("CA1")
    [asked] = rest.requests
    assert (asked.method, asked.path, asked.account) == ("POST", f"{CALLS}.json", "AC1:hush")
    assert asked.form == {
        "To": ["+919876543210"],
        "From": ["+18005551212"],
        "Url": ["https://bot.example.com/tw/0a/answer?x=1"],
        "Method": ["POST"],
        "StatusCallback": ["https://bot.example.com/tw/0a/status"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "StatusCallbackMethod": ["POST"],
        "Timeout": ["30"],
        "TimeLimit": ["900"],
        "MachineDetection": ["Enable"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": ["https://bot.example.com/tw/0a/machine"],
        "AsyncAmdStatusCallbackMethod": ["POST"],
    }


async def test_without_a_url_for_it_nobody_looks_for_machines(
    twilio: TwilioCarrier, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1"})
    await twilio.dial(replace(REQUEST, machine_url=None))
    assert not any("Amd" in name or "Machine" in name for name in rest.requests[0].form)


async def test_a_call_is_hung_up_by_its_status(twilio: TwilioCarrier, rest: Any) -> None:
    rest.will(200, {"sid": "CA1"})
    await twilio.hang_up("CA1")
    [asked] = rest.requests
    assert (asked.path, asked.form) == (f"{CALLS}/CA1.json", {"Status": ["completed"]})


async def test_hanging_up_a_call_that_is_over_is_no_error(twilio: TwilioCarrier, rest: Any) -> None:
    rest.will(400, {"code": 21220, "message": "Invalid call state", "status": 400})
    await twilio.hang_up("CA1")
    assert len(rest.requests) == 1


async def test_a_call_is_transferred_by_new_twiml(twilio: TwilioCarrier, rest: Any) -> None:
    rest.will(200, {"sid": "CA1"})
    await twilio.transfer("CA1", "+919000000000")
    [twiml] = rest.requests[0].form["Twiml"]
    assert twiml.endswith("<Dial><Number>+919000000000</Number></Dial></Response>")


async def test_a_transfer_to_nowhere_asks_nothing(twilio: TwilioCarrier, rest: Any) -> None:
    with pytest.raises(AnswerInvalid):
        await twilio.transfer("CA1", "somebody")
    assert rest.requests == []


@pytest.mark.parametrize(
    ("status", "answer", "code", "fix"),
    [
        (400, {"code": 21211, "message": "Invalid 'To'", "status": 400}, "21211", "E.164"),
        (401, {"code": 20003, "message": "Authenticate", "status": 401}, "20003", "auth token"),
        (429, {"code": 20429, "message": "Too Many Requests", "status": 429}, "20429", "fewer"),
        (400, {"code": 99999, "message": "news", "status": 400}, "99999", "errors/99999"),
        (404, "<html>", "404", "errors/404"),
        (400, {"type": "t", "title": "No", "status": 400, "code": 21216}, "21216", "list"),
    ],
)
async def test_a_refusal_has_its_code_and_the_fix(
    twilio: TwilioCarrier, rest: Any, status: int, answer: object, code: str, fix: str
) -> None:
    rest.will(status, answer)
    with pytest.raises(CarrierRejected, match=fix) as refused:
        await twilio.dial(REQUEST)
    assert refused.value.code == code
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {"code": 20500, "message": "Internal", "status": 500}),
        (503, ""),
        (201, ""),
        (201, "<html>"),
        (201, "[]"),
        (201, {"status": "queued"}),
        (302, ""),
    ],
)
async def test_a_broken_answer_is_no_answer(
    twilio: TwilioCarrier, rest: Any, status: int, answer: object
) -> None:
    rest.will(status, answer)
    with pytest.raises(CarrierUnreachable, match="twilio"):
        await twilio.dial(REQUEST)


async def test_silence_is_waited_for_in_vain_for_a_bounded_time(
    twilio: TwilioCarrier, rest: Any
) -> None:
    rest.will_hang()
    with pytest.raises(CarrierUnreachable):
        await twilio.dial(REQUEST)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    nowhere = TwilioCarrier("AC1", "hush", api_base_url="http://127.0.0.1:1")
    with pytest.raises(CarrierUnreachable, match="not reached"):
        await nowhere.dial(REQUEST)
    await nowhere.close()
