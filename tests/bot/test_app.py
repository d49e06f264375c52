"""The server's app before any call: its own description, and a start without a carrier."""

import os
import re
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bot.app import open_server
from bot.settings import load_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

INITIATE = "/api/voice/call/initiate"
GOOD = {"to": "+919876543210", "flow": "customer_support", "variables": {}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """The app of a machine without settings; it has no carrier."""
    with pytest.MonkeyPatch.context() as environment:
        for name in tuple(os.environ):
            if name.upper().startswith("CALLWRIGHT_"):
                environment.delenv(name)
        folder: Path = tmp_path_factory.mktemp("data")
        settings = load_settings(
            env_file=None, data_dir=folder, hearing={}, speaking={"en": "espeak"}
        )
    async with open_server(settings, "http://localhost") as server:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


async def test_building_the_schema_warns_of_nothing(http: httpx.AsyncClient) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = (await http.get("/openapi.json")).json()
    passthru = document["paths"]["/telephony/exotel/passthru"]
    assert passthru["get"]["operationId"] != passthru["post"]["operationId"]


async def test_the_page_of_the_api_needs_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs")
    assert page.status_code == 200
    needed = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert {Path(address).suffix for address in needed} >= {".js", ".css"}
    for address in needed:
        assert address.startswith("/"), address
        asset = await http.get(address)
        assert asset.status_code == 200
        assert asset.content


def fields(response: httpx.Response) -> list[str]:
    body: dict[str, Any] = response.json()
    return [error["field"] for error in body["errors"]]


async def test_a_request_is_checked_before_a_carrier_is_missed(http: httpx.AsyncClient) -> None:
    wrong = {**GOOD, "to": "12345", "flow": "nonsense", "carrier": "plivo"}
    refused = await http.post(INITIATE, json=wrong)
    assert (refused.status_code, fields(refused)) == (
        422,
        ["body.to", "body.flow", "body.carrier"],
    )


@pytest.mark.parametrize("carrier", [None, "twilio"])
async def test_without_a_carrier_a_good_request_is_told_what_to_set_up(
    http: httpx.AsyncClient, carrier: str | None
) -> None:
    flow: dict[str, Any] = (await http.get("/api/flows")).json()["flows"][0]
    needed = {n: v["example"] for n, v in flow["variables"].items() if v["required"]}
    body = {**GOOD, "flow": flow["name"], "variables": needed, "carrier": carrier}
    refused = await http.post(INITIATE, json=body)
    assert refused.status_code == 503
    assert "CALLWRIGHT_TWILIO__ACCOUNT_SID" in refused.json()["detail"]
    assert "docs/simulate.md" in refused.json()["detail"]
