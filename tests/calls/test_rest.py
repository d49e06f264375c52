"""The REST interface, as a careless client and as an enemy see it."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest

from bot.simulation.loopback import Loopback
from bot.simulation.simulated_calls import place
from telephony.simulator.party import Party
from tests.calls.conftest import API_TOKEN
from tests.calls.short_flow import answers, new_number, planned, take

pytestmark = pytest.mark.asyncio(loop_scope="session")

INITIATE = "/api/voice/call/initiate"
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}
GOOD = {"to": "+919800099999", "flow": "short", "carrier": "twilio"}

LONG_ORDER = {
    **GOOD,
    "flow": "vendor_confirmation",
    "variables": {
        "restaurant_name": "Spice Garden",
        "order_id": "4512",
        "items": ["paneer " * 27] * 20,
        "amount": 1250.5,
    },
}
"""Each item is within its limit; read out together they would fill the prompt, question and all."""

WRONG = [
    ({}, ["body.to", "body.flow"]),
    ({**GOOD, "to": "hello"}, ["body.to"]),
    ({**GOOD, "to": ""}, ["body.to"]),
    ({**GOOD, "to": "+0123"}, ["body.to"]),
    ({**GOOD, "to": "12345"}, ["body.to"]),
    ({**GOOD, "to": 919876543210}, ["body.to"]),
    ({**GOOD, "flow": "nonsense"}, ["body.flow"]),
    ({**GOOD, "flow": "../../etc/passwd"}, ["body.flow"]),
    ({**GOOD, "flow": "x" * 65}, ["body.flow"]),
    ({**GOOD, "language": "hi"}, ["body.language"]),
    ({**GOOD, "language": "Hindi"}, ["body.language"]),
    ({**GOOD, "carrier": "plivo"}, ["body.carrier"]),
    ({**GOOD, "variables": {"opening": "x" * 601}}, ["body.variables.opening"]),
    ({**GOOD, "variables": {"nobody": "knows"}}, ["body.variables.nobody"]),
    ({**GOOD, "variables": ["a"]}, ["body.variables"]),
    ({**GOOD, "flow": "rider_assignment", "variables": {"pay": "lots"}}, ["body.variables.pay"]),
    ({**GOOD, "flow": "rider_assignment", "variables": {"pay": -5}}, ["body.variables.pay"]),
    ({**GOOD, "flow": "rider_assignment"}, ["body.variables.rider_name", "body.variables.drop"]),
    ({**LONG_ORDER, "language": "en"}, ["body.variables.items"]),
    ({**GOOD, "outcome_url": "ftp://example.org"}, ["body.outcome_url"]),
    ({**GOOD, "outcome_url": "not a url"}, ["body.outcome_url"]),
    ({**GOOD, "surprise": 1}, ["body.surprise"]),
    ([], ["body"]),
]


def assert_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The response is a problem document of RFC 9457."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(("body", "fields"), WRONG, ids=lambda value: json.dumps(value)[:60])
async def test_a_wrong_call_is_refused_and_each_wrong_field_named(
    line: Loopback, body: object, fields: list[str]
) -> None:
    problem = assert_problem(await line.http.post(INITIATE, json=body), 422)
    named = {error["field"] for error in problem["errors"]}
    assert set(fields) <= named, problem
    for field in fields:
        assert field in problem["detail"]
    for raw in ("outcome_url: outcome_url", "Input should", "String should", "Field required"):
        assert raw not in problem["detail"]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 422), (b"{", 422), (b"\xff\xfe", 422), (b"null", 422), (b"[" * 100_000, 400)],
    ids=["empty", "half", "binary", "null", "deep"],
)
async def test_a_body_that_is_no_json_is_refused(
    line: Loopback, content: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(await line.http.post(INITIATE, content=content, headers=headers), status)


async def test_an_idempotency_key_places_one_call(line: Loopback) -> None:
    number = new_number()
    line.parties[number] = Party.busy()
    body = {**GOOD, "to": number}
    key = {"Idempotency-Key": f"order-{uuid.uuid4()}"}
    first, again = await asyncio.gather(
        *(line.http.post(INITIATE, json=body, headers=key) for _ in range(2))
    )
    assert (first.status_code, again.status_code) == (202, 202)
    call_id = first.json()["call_id"]
    assert again.json()["call_id"] == call_id
    assert first.headers["location"] == f"/api/calls/{call_id}"
    other_body = {**body, "variables": {"opening": "Another."}}
    assert_problem(await line.http.post(INITIATE, json=other_body, headers=key), 409)
    other_key = {"Idempotency-Key": f"order-{uuid.uuid4()}"}
    another = await line.http.post(INITIATE, json=body, headers=other_key)
    assert another.json()["call_id"] != call_id
    for wrong in ("", "x" * 300):
        refused = await line.http.post(INITIATE, json=body, headers={"Idempotency-Key": wrong})
        assert_problem(refused, 422)
    page = (await line.http.get("/api/calls", params={"to": number})).json()
    assert len(page["calls"]) == 2


@pytest.mark.parametrize(
    "path",
    ["/api/calls/none", "/api/calls/none/recording", "/api/nothing", f"/api/calls/{'x' * 999}"],
)
async def test_what_is_not_there_is_a_problem_too(line: Loopback, path: str) -> None:
    assert_problem(await line.http.get(path), 404)


async def test_a_wrong_method_is_a_problem_too(line: Loopback) -> None:
    assert_problem(await line.http.delete("/api/calls"), 405)


async def test_calls_are_listed_page_by_page(line: Loopback) -> None:
    number = new_number()
    line.parties[number] = Party.busy(ring_ms=10)
    plan = planned(Party.busy(ring_ms=10), disposition="busy")
    made = [(await place(line, plan, number)).record["call"]["call_id"] for _ in range(3)]
    query: dict[str, Any] = {"to": number, "limit": 2}
    first = (await line.http.get("/api/calls", params=query)).json()
    rest = (
        await line.http.get("/api/calls", params={**query, "cursor": first["next_cursor"]})
    ).json()
    listed = [call["call_id"] for call in first["calls"] + rest["calls"]]
    assert listed == made[::-1]
    assert rest["next_cursor"] is None
    both = {"to": number, "status": ["busy", "failed"], "direction": "outbound"}
    assert len((await line.http.get("/api/calls", params=both)).json()["calls"]) == 3
    none = {"to": number, "disposition": "confirmed"}
    assert (await line.http.get("/api/calls", params=none)).json()["calls"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "query.limit"),
        ({"limit": 201}, "query.limit"),
        ({"limit": "many"}, "query.limit"),
        ({"status": "asleep"}, "query.status.0"),
        ({"disposition": "happy"}, "query.disposition.0"),
        ({"created_from": "yesterday"}, "query.created_from"),
        ({"created_from": "0001-01-01T00:00:00"}, "query.created_from"),
        ({"created_before": "0001-01-01T00:00:00"}, "query.created_before"),
        ({"cursor": "rubbish"}, "cursor"),
    ],
)
async def test_a_wrong_query_is_named(line: Loopback, query: dict[str, Any], field: str) -> None:
    problem = assert_problem(await line.http.get("/api/calls", params=query), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_other_machines_need_the_token(line: Loopback) -> None:
    def ask(**headers: str) -> Any:
        return line.http.get("/api/calls", headers={**ELSEWHERE, **headers})

    wrong = ("", "Bearer", "Bearer wrong", f"Basic {API_TOKEN}", f"Bearer {API_TOKEN}x")
    for header in wrong:
        body = assert_problem(await ask(Authorization=header), 401)
        assert API_TOKEN not in json.dumps(body)
    assert (await ask(Authorization=f"Bearer {API_TOKEN}")).status_code == 200
    assert (await line.http.get("/api/calls")).status_code == 200  # this machine needs none
    assert_problem(await line.http.post(INITIATE, json=GOOD, headers=ELSEWHERE), 401)
    for header in ({"Forwarded": "for=203.0.113.7"}, {"X-Real-IP": "203.0.113.7"}):
        assert_problem(await line.http.get("/api/calls", headers=header), 401)


async def test_a_record_has_its_recording_and_only_when_the_call_is_over(line: Loopback) -> None:
    call = await take(line, planned(answers()))
    assert call.problems == ()
    call_id = call.record["call"]["call_id"]
    whole = await line.http.get(f"/api/calls/{call_id}/recording")
    assert whole.status_code == 200
    part = await line.http.get(f"/api/calls/{call_id}/recording", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")
    number = new_number()
    busy = await place(line, planned(Party.busy(), disposition="busy"), number)
    refused = await line.http.get(f"/api/calls/{busy.record['call']['call_id']}/recording")
    assert "none was made" in assert_problem(refused, 404)["detail"]


async def test_the_openapi_document_tells_of_each_route_with_its_errors(line: Loopback) -> None:
    document = (await line.http.get("/openapi.json")).json()
    initiate = document["paths"][INITIATE]["post"]
    assert {"202", "401", "403", "409", "422", "503"} <= set(initiate["responses"])
    problem = {"$ref": "#/components/schemas/ProblemBody"}
    for path in ("/api/calls", "/api/calls/{call_id}", "/api/calls/{call_id}/recording"):
        for status, response in document["paths"][path]["get"]["responses"].items():
            if status.startswith("4"):
                assert response["content"].get("application/problem+json") == {"schema": problem}
    (example,) = document["components"]["schemas"]["NewCallBody"]["examples"]
    body = {**example, "to": new_number(), "carrier": "twilio"}
    line.parties[body["to"]] = Party.busy()
    assert (await line.http.post(INITIATE, json=body)).status_code == 202
    references = set(_references(document))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if "$ref" in node else []
        return [*here, *(r for value in node.values() for r in _references(value))]
    if isinstance(node, list):
        return [reference for value in node for reference in _references(value)]
    return []
