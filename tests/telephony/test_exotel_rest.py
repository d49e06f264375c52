"""What we ask of Exotel's REST interface, and what we make of its answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from telephony.call import CallStatus, CarrierUpdate
from telephony.carrier import DialRequest, DialResult
from telephony.errors import CarrierRejected, CarrierUnreachable, CarrierUnsupported
from telephony.exotel import ExotelCarrier

REQUEST = DialRequest(
    call_id="0a",
    to_number="+919876543210",
    from_number="08047491899",
    answer_url="https://bot.example.com/exotel/0a/answer",
    status_url="https://bot.example.com/exotel/0a/status",
    stream_url="wss://bot.example.com/ws?call_id=0a",
    ring_timeout_s=30,
    time_limit_s=20_000,
)
COMMON = {
    "From": ["+919876543210"],
    "CallerId": ["08047491899"],
    "CallType": ["trans"],
    "TimeOut": ["30"],
    "TimeLimit": ["14400"],
    "CustomField": ["0a"],
    "StatusCallback": ["https://bot.example.com/exotel/0a/status"],
    "StatusCallbackEvents[]": ["ringing", "answered", "terminal"],
    "StatusCallbackContentType": ["application/json"],
}
TAKEN = {"Call": {"Sid": "c579", "Status": "in-progress", "To": None}}


@dataclass
class Notebook:
    booked: list[tuple[str, str, str]] = field(default_factory=list)

    async def book_transfer(self, carrier: str, carrier_call_id: str, to: str) -> None:
        self.booked.append((carrier, carrier_call_id, to))


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
async def through_flow(rest: Any, notebook: Notebook) -> AsyncIterator[ExotelCarrier]:
    carrier = ExotelCarrier(
        "acme1", "key", "hush", notebook, app_id="77", api_base_url=rest.base_url, timeout_s=0.5
    )
    yield carrier
    await carrier.close()


@pytest.fixture
async def direct(rest: Any, notebook: Notebook) -> AsyncIterator[ExotelCarrier]:
    carrier = ExotelCarrier("acme1", "key", "hush", notebook, api_base_url=rest.base_url)
    yield carrier
    await carrier.close()


async def test_a_call_through_a_flow_names_the_flow(through_flow: ExotelCarrier, rest: Any) -> None:
    rest.will(200, TAKEN)
    assert await through_flow.dial(REQUEST) == DialResult("c579")
    [asked] = rest.requests
    assert asked.path == "/v1/Accounts/acme1/Calls/connect.json"
    assert asked.account == "key:hush"
    flow = "http://my.exotel.com/acme1/exoml/start_voice/77"
    assert asked.form == {**COMMON, "Url": [flow]}


async def test_a_call_straight_to_the_bot_names_the_stream(
    direct: ExotelCarrier, rest: Any
) -> None:
    rest.will(200, TAKEN)
    await direct.dial(REQUEST)
    assert rest.requests[0].form == {
        **COMMON,
        "StreamUrl": ["wss://bot.example.com/ws?call_id=0a"],
        "StreamType": ["bidirectional"],
    }


async def test_a_call_to_nowhere_is_not_asked_for(direct: ExotelCarrier, rest: Any) -> None:
    with pytest.raises(CarrierRejected, match="app id"):
        await direct.dial(replace(REQUEST, stream_url=None))
    assert rest.requests == []


@pytest.mark.parametrize(
    ("status", "fix"),
    [(400, "E.164"), (401, "API key"), (403, "app id"), (429, "fewer"), (418, "call logs")],
)
async def test_a_refusal_has_exotels_words_and_the_fix(
    direct: ExotelCarrier, rest: Any, status: int, fix: str
) -> None:
    rest.will(status, {"RestException": {"Status": status, "Message": "no, thank you"}})
    with pytest.raises(CarrierRejected, match=fix) as refused:
        await direct.dial(REQUEST)
    assert (refused.value.code, refused.value.reason) == (f"http-{status}", "no, thank you")


async def test_a_refusal_in_xml_is_a_refusal_too(direct: ExotelCarrier, rest: Any) -> None:
    rest.will(401, "<TwilioResponse><RestException/></TwilioResponse>")
    with pytest.raises(CarrierRejected, match="API token"):
        await direct.dial(REQUEST)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, ""),
        (200, ""),
        (200, "<Call/>"),
        (200, []),
        (200, {"Call": 7}),
        (200, {"Call": {}}),
        (200, {"Call": {"Sid": ""}}),
        (302, ""),
    ],
)
async def test_a_broken_answer_is_no_answer(
    direct: ExotelCarrier, rest: Any, status: int, answer: object
) -> None:
    rest.will(status, answer)
    with pytest.raises(CarrierUnreachable, match="exotel"):
        await direct.dial(REQUEST)


async def test_silence_is_waited_for_in_vain_for_a_bounded_time(
    through_flow: ExotelCarrier, rest: Any
) -> None:
    rest.will_hang()
    with pytest.raises(CarrierUnreachable):
        await through_flow.dial(REQUEST)


@pytest.mark.parametrize(
    ("word", "update"),
    [
        ("completed", CarrierUpdate(CallStatus.COMPLETED)),
        ("no-answer", CarrierUpdate(CallStatus.NO_ANSWER)),
        ("in-progress", None),
        ("queued", None),
        ("invented", None),
    ],
)
async def test_asked_for_a_status_only_ends_are_believed(
    direct: ExotelCarrier, rest: Any, word: str, update: CarrierUpdate | None
) -> None:
    rest.will(200, {"Call": {"Sid": "c579", "Status": word}})
    assert await direct.fetch_status("c579") == update
    assert rest.requests[0].path == "/v1/Accounts/acme1/Calls/c579.json"


async def test_a_transfer_is_noted_for_the_flow_to_ask(
    through_flow: ExotelCarrier, rest: Any, notebook: Notebook
) -> None:
    await through_flow.transfer("c579", "+919000000000")
    assert notebook.booked == [("exotel", "c579", "+919000000000")]
    assert rest.requests == []


async def test_without_a_flow_there_is_no_transfer(
    direct: ExotelCarrier, notebook: Notebook
) -> None:
    with pytest.raises(CarrierUnsupported, match="app id"):
        await direct.transfer("c579", "+919000000000")
    assert notebook.booked == []


async def test_exotel_hangs_up_by_its_stream_only(direct: ExotelCarrier) -> None:
    assert direct.ends_with_stream
    with pytest.raises(CarrierUnsupported, match="stream"):
        await direct.hang_up("c579")
