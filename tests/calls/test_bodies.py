"""What is sent along with a request: how much may be, and who is asked for a proof first."""

import base64
from collections.abc import AsyncIterator

import psutil
import pytest

from bot.http.body_limit import MAX_BODY_BYTES
from bot.simulation.loopback import Loopback
from tests.calls.conftest import API_TOKEN
from tests.calls.test_rest import ELSEWHERE, INITIATE, assert_problem
from tests.calls.test_webhooks import ANSWER

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATHS = [
    (INITIATE, JSON),
    (INITIATE, {**JSON, **ELSEWHERE, "Authorization": f"Bearer {API_TOKEN}"}),
    (ANSWER, FORM),
    ("/telephony/twilio/status?call_id=x", FORM),
    ("/telephony/exotel/status", JSON),
    ("/telephony/exotel/status", FORM),
    ("/telephony/exotel/passthru", FORM),
]


async def stream(size_bytes: int) -> AsyncIterator[bytes]:
    """A body that does not say how long it is (chunked)."""
    piece = b" " * (64 * 1024)
    for _ in range(size_bytes // len(piece)):
        yield piece
    yield b"a" * (size_bytes % len(piece))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"bad":1', JSON), (b"", JSON), (b"{}", JSON), (b"a=1", FORM), (b"\xff" * 300_000, JSON)],
    ids=["half", "empty", "no field", "form", "large"],
)
async def test_a_stranger_is_asked_for_the_token_before_the_body_is_read(
    line: Loopback, body: bytes, content_type: dict[str, str]
) -> None:
    headers = {**ELSEWHERE, **content_type}
    assert_problem(await line.http.post(INITIATE, content=body, headers=headers), 401)


@pytest.mark.parametrize(("path", "content_type"), PATHS[4:])
async def test_exotel_must_log_in_before_its_body_is_read(
    line: Loopback, path: str, content_type: dict[str, str]
) -> None:
    login = "Basic " + base64.b64encode(b"user:guess").decode()
    headers = {**ELSEWHERE, **content_type, "Authorization": login}
    assert_problem(await line.http.post(path, content=b"{" * 300_000, headers=headers), 403)


@pytest.mark.parametrize(("path", "headers"), PATHS)
@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_over_the_limit_is_refused(
    line: Loopback, path: str, headers: dict[str, str], *, is_chunked: bool
) -> None:
    size_bytes = MAX_BODY_BYTES + 1
    content = stream(size_bytes) if is_chunked else b"a" * size_bytes
    response = await line.http.post(path, content=content, headers=headers)
    assert str(MAX_BODY_BYTES) in assert_problem(response, 413)["detail"]


async def test_a_body_at_the_limit_is_read(line: Loopback) -> None:
    response = await line.http.post(INITIATE, content=b" " * MAX_BODY_BYTES, headers=JSON)
    assert_problem(response, 422)


@pytest.mark.parametrize(
    ("headers", "status"), [(ELSEWHERE, 401), ({}, 413)], ids=["stranger", "this machine"]
)
async def test_however_much_is_sent_the_servers_memory_does_not_grow(
    line: Loopback, headers: dict[str, str], status: int
) -> None:
    server = psutil.Process(line.pid)
    before = server.memory_info().rss
    body = stream(64 * MIB)
    response = await line.http.post(INITIATE, content=body, headers={**JSON, **headers})
    assert_problem(response, status)
    assert server.memory_info().rss - before < 16 * MIB
