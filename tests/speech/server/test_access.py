"""Who is served: with a token those who have it, without one this machine alone."""

from pathlib import Path

import pytest

from speech.errors import OptionInvalid
from speech.server.access import is_loopback
from speech.server.cli import read_tokens
from speech.server.serve import run_server
from speech.server.settings import ServerSettings, read_engines
from tests.speech.server.own_speech_server import (
    TOKEN,
    WITH_TOKEN,
    ScriptedMouth,
    own_speech_server,
    refusal,
)

ADMIN_TOKEN = "another-token-for-administrators"
PATHS = ("/v1/models", "/v1/voices", "/metrics", "/docs", "/openapi.json", "/admin/models", "/none")


async def test_with_a_token_everything_but_health_asks_for_it() -> None:
    async with own_speech_server(mouth=ScriptedMouth(), token=TOKEN) as server:
        for path in PATHS:
            answer = await server.http.get(path)
            assert refusal(answer) == (401, None, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
        for value in ("", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ünïcode"):
            answer = await server.http.get("/v1/models", headers={"Authorization": value.encode()})
            assert answer.status_code == 401
        assert (await server.http.get("/healthz")).status_code == 200
        assert (await server.http.get("/readyz")).status_code == 200
        for path in PATHS[:-1]:
            assert (await server.http.get(path, headers=WITH_TOKEN)).status_code == 200


async def test_without_a_token_nobody_administers() -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        for path in ("/admin/models", "/admin/gpu/status", "/admin/models/switch", "/admin/x"):
            answer = await server.http.post(path, json={}, headers=WITH_TOKEN)
            assert refusal(answer)[::2] == (403, "token_needed")


async def test_a_token_of_its_own_is_the_only_one_that_administers() -> None:
    as_admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with own_speech_server(
        mouth=ScriptedMouth(), token=TOKEN, admin_token=ADMIN_TOKEN
    ) as server:
        assert (await server.http.get("/admin/models", headers=as_admin)).status_code == 200
        users = await server.http.get("/admin/models", headers=WITH_TOKEN)
        assert refusal(users) == (403, None, "admin_token_needed")
        for value in ("", f"Bearer {ADMIN_TOKEN}x", f"Basic {ADMIN_TOKEN}"):
            answer = await server.http.get("/admin/models", headers={"Authorization": value})
            assert refusal(answer) == (401, None, "invalid_api_key")
        assert (await server.http.get("/v1/models", headers=WITH_TOKEN)).status_code == 200
        assert (await server.http.get("/v1/models", headers=as_admin)).status_code == 401


async def test_a_token_for_administrators_alone_changes_nothing_for_this_machine() -> None:
    async with own_speech_server(mouth=ScriptedMouth(), admin_token=ADMIN_TOKEN) as server:
        as_admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        assert (await server.http.get("/admin/models", headers=as_admin)).status_code == 200
        assert (await server.http.get("/admin/models")).status_code == 401
        assert (await server.http.get("/v1/models")).status_code == 200


def test_the_administrators_token_is_read_as_the_clients_one_and_differs(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{ADMIN_TOKEN}\n")
    assert read_tokens(TOKEN, None, "", file) == (TOKEN, ADMIN_TOKEN)
    assert read_tokens("", None, "", None) == (None, None)
    with pytest.raises(OptionInvalid, match=r"--admin-token-file\) must have at least 16"):
        read_tokens(TOKEN, None, "short", None)
    with pytest.raises(OptionInvalid, match="the clients' token"):
        read_tokens(ADMIN_TOKEN, None, "", file)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "10.0.0.9"},
        {"Forwarded": "for=10.0.0.9"},
        {"Via": "1.1 proxy"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80@localhost[", "Origin": "http://[::1"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
async def test_without_a_token_proxies_and_web_pages_are_refused(headers: dict[str, str]) -> None:
    async with own_speech_server(mouth=ScriptedMouth()) as server:
        answer = await server.http.post("/v1/audio/speech", json={"input": "x"}, headers=headers)
        assert refusal(answer)[::2] == (403, "not_local")
        here = await server.http.get("/v1/models", headers={"Origin": "http://localhost:3000"})
        assert here.status_code == 200


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("LocalHost.", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.com", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_which_addresses_are_this_machine_s(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours


def test_a_server_that_others_can_reach_does_not_start_without_a_token() -> None:
    with pytest.raises(OptionInvalid, match="SPEECH_SERVER_TOKEN"):
        run_server(ServerSettings(host="0.0.0.0", port=0), read_engines(["espeak"]))
