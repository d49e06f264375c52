"""Who may tell the server something in a carrier's name, and who may connect."""

import base64

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from bot.simulation.loopback import Loopback
from telephony.simulator.carrier_twilio import AUTH_TOKEN
from telephony.simulator.party import Party
from telephony.simulator.twilio_signature import sign
from tests.calls.raw_telephone import RawTelephone
from tests.calls.short_flow import new_number, planned, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}
ANSWER = "/telephony/twilio/answer"


def call_fields(to_number: str) -> dict[str, str]:
    """What Twilio posts when a number is called."""
    return {
        "CallSid": "CA" + "1" * 32,
        "AccountSid": "AC" + "0" * 32,
        "From": "+919812345678",
        "To": to_number,
        "CallStatus": "ringing",
        "ApiVersion": "2010-04-01",
        "Direction": "inbound",
    }


async def post(line: Loopback, path: str, fields: dict[str, str], token: str) -> httpx.Response:
    signature = {"X-Twilio-Signature": sign(token, f"{line.base_url}{path}", fields)}
    return await line.http.post(path, data=fields, headers=signature)


@pytest.mark.parametrize("path", [ANSWER, "/telephony/twilio/status", "/telephony/twilio/machine"])
async def test_an_unsigned_twilio_webhook_is_refused(line: Loopback, path: str) -> None:
    fields = call_fields(new_number())
    unsigned = await line.http.post(path, data=fields, params={"call_id": "x"})
    assert unsigned.status_code == 403
    assert unsigned.headers["content-type"] == "application/problem+json"
    for headers in ({"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "AAAA"}, ELSEWHERE):
        assert (await line.http.post(path, data=fields, headers=headers)).status_code == 403


async def test_a_signature_holds_for_its_token_address_and_fields_only(line: Loopback) -> None:
    fields = call_fields(new_number())
    assert (await post(line, ANSWER, fields, "not the token")).status_code == 403
    signature = sign(AUTH_TOKEN, f"{line.base_url}{ANSWER}", fields)
    headers = {"X-Twilio-Signature": signature}
    changed = {**fields, "To": "+15550001111"}
    assert (await line.http.post(ANSWER, data=changed, headers=headers)).status_code == 403
    elsewhere = await line.http.post(f"{ANSWER}?call_id=1", data=fields, headers=headers)
    assert elsewhere.status_code == 403
    listed = (await line.http.get("/api/calls", params={"to": fields["To"]})).json()
    assert listed["calls"] == []
    good = await line.http.post(ANSWER, data=fields, headers=headers)
    assert good.status_code == 200
    assert good.headers["content-type"].startswith("text/xml")
    assert "<Stream" in good.text


@pytest.mark.parametrize("missing", ["CallSid", "From", "To"])
async def test_a_signed_webhook_without_a_field_names_it(line: Loopback, missing: str) -> None:
    fields = call_fields(new_number())
    del fields[missing]
    response = await post(line, ANSWER, fields, AUTH_TOKEN)
    assert response.status_code == 400
    assert missing in response.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/telephony/exotel/passthru?CallSid=1",
        "/telephony/exotel/connect?CallSid=1",
        "/telephony/exotel/stream-url?CallSid=1",
    ],
)
async def test_exotel_from_elsewhere_must_log_in(line: Loopback, path: str) -> None:
    assert (await line.http.get(path, headers=ELSEWHERE)).status_code == 403
    login = "Basic " + base64.b64encode(b"user:guess").decode()
    guessed = await line.http.get(path, headers={**ELSEWHERE, "Authorization": login})
    assert guessed.status_code == 403


@pytest.mark.parametrize(
    "body", ["[" * 100_000, "{", "[]", "\u00e9".encode("latin-1")], ids=lambda body: repr(body[:4])
)
async def test_a_body_that_is_no_json_object_is_refused(line: Loopback, body: str | bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await line.http.post("/telephony/exotel/status", content=body, headers=headers)
    assert response.status_code == 400
    assert "JSON" in response.json()["detail"]


async def test_a_media_socket_from_elsewhere_must_prove_itself(line: Loopback) -> None:
    url = line.base_url.replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"{url}/telephony/exotel/stream", additional_headers=ELSEWHERE, proxy=None
        ):
            pass
    assert refused.value.response.status_code == 403
    # Twilio's socket is open to all; what counts is the id of a call that is to come.
    stranger = RawTelephone("twilio")
    await stranger.call(line.base_url, headers=list(ELSEWHERE.items()))
    assert stranger.close_code == 1008
    assert "call_id is missing" in stranger.close_reason
    busy = await take(line, planned(Party.busy(), disposition="busy"))
    for call_id, why in (("guess", "guess"), (busy.record["call"]["call_id"], "is over")):
        late = RawTelephone("twilio")
        late.parameters = {"call_id": call_id}
        await late.call(line.base_url, headers=list(ELSEWHERE.items()))
        assert late.close_code == 1008
        assert why in late.close_reason
