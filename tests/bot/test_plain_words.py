"""What is wrong with a request is said in words of its writer, with what to write instead."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query

from bot.http import problems
from bot.http.models import NewCallBody
from telephony.call import CallStatus

GOOD = {"to": "+919876543210", "flow": "vendor_confirmation"}
OBJECT = 'send a JSON object such as {"to": "+919876543210", "flow": "vendor_confirmation"}'
JSON = {"Content-Type": "application/json"}
ANY = "write a text, a number, true or false, or a list of these"

app = FastAPI()
problems.install(app)


@app.post("/calls")
async def place(body: NewCallBody) -> None:
    """Takes what the real route takes."""


@app.get("/calls")
async def listed(
    status: Annotated[list[CallStatus] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> None:
    """Takes some of what the real route takes."""


async def asked(method: str = "POST", **request: Any) -> dict[str, Any]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.request(method, "/calls", **request)
    assert response.status_code == 422
    return response.json()


def told(problem: dict[str, Any]) -> dict[str, str]:
    return {error["field"]: error["problem"] for error in problem["errors"]}


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b'{"to": 1}', {}, 'not sent as JSON; add the header "Content-Type: application/json"'),
        (
            b'{"to": 1}',
            {"Content-Type": "application/x-www-form-urlencoded"},  # what curl sends by itself
            'not sent as JSON; add the header "Content-Type: application/json"',
        ),
        (b"hello", JSON, f"no JSON: Expecting value at character 1; {OBJECT}"),
        (b"", JSON, f"missing; {OBJECT}"),
        (b"null", JSON, f"not an object; {OBJECT}"),
        (b"[]", JSON, f"not an object; {OBJECT}"),
    ],
)
async def test_a_body_that_is_no_object_is_told_how_to_be_one(
    content: bytes, headers: dict[str, str], said: str
) -> None:
    assert told(await asked(content=content, headers=headers)) == {"body": said}


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"flow": "x"}, "body.to", 'missing; write e.g. "+919876543210"'),
        ({"to": "+9198"}, "body.flow", 'missing; write e.g. "vendor_confirmation"'),
        ({**GOOD, "to": 98}, "body.to", 'not a text in quotes; write e.g. "+919876543210"'),
        ({**GOOD, "varables": {}}, "body.varables", 'there is no such field; write "variables"'),
        (
            {**GOOD, "zzz": {}},
            "body.zzz",
            "there is no such field; there are to, flow, variables, language, carrier, outcome_url",
        ),
        ({**GOOD, "flow": "x" * 65}, "body.flow", "too long; write 64 characters at most"),
        (
            {**GOOD, "variables": ["a"]},
            "body.variables",
            'not an object of names and values; write e.g. {"order_id": "4512", "amount": 620}',
        ),
        ({**GOOD, "variables": {"a": {"b": 1}}}, "body.variables.a", ANY),
        ({**GOOD, "variables": {"a": [1, {}]}}, "body.variables.a.1", ANY),
        (
            {**GOOD, "variables": {"a": "x" * 2001}},
            "body.variables.a",
            "too long; write 2000 characters at most",
        ),
        (
            {**GOOD, "variables": {str(i): i for i in range(65)}},
            "body.variables",
            "too many; give 64 at most",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_field_is_told_what_to_write(body: object, field: str, said: str) -> None:
    answer = told(await asked(json=body))
    assert answer[field] == said


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ({"limit": "many"}, "query.limit", "not a whole number"),
        ({"limit": 0}, "query.limit", "too small; write 1 or more"),
        ({"limit": 201}, "query.limit", "too large; write 200 or less"),
        ({"status": "asleep"}, "query.status.0", "not known; write 'queued', "),
    ],
)
async def test_a_wrong_query_is_told_what_to_write(
    query: dict[str, Any], field: str, said: str
) -> None:
    assert told(await asked("GET", params=query))[field].startswith(said)


async def test_422_has_one_title_and_the_detail_says_it_all() -> None:
    problem = await asked(json={})
    assert problem["title"] == problems.title(422) == problems.Problem(422, "").body.title
    assert problem["detail"] == (
        'The request is not valid. body.to: missing; write e.g. "+919876543210"; '
        'body.flow: missing; write e.g. "vendor_confirmation"'
    )
