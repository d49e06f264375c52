"""Who counts as a program of this machine, and hence needs no proof."""

import pytest
from starlette.requests import HTTPConnection

from bot.http.peers import is_local

OURS = {"host": "127.0.0.1:7860"}


def connection(peer: str | None, headers: dict[str, str]) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    client = None if peer is None else (peer, 50_000)
    return HTTPConnection({"type": "http", "client": client, "headers": raw})


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1"])
@pytest.mark.parametrize(
    "headers",
    [
        OURS,
        {"host": "localhost"},
        {"host": "LOCALHOST:7860"},
        {"host": "[::1]:7860"},
        {**OURS, "origin": "http://localhost:3000"},
        {**OURS, "origin": "http://[::1]:7860"},
    ],
    ids=str,
)
def test_a_program_of_this_machine_is_local(peer: str, headers: dict[str, str]) -> None:
    assert is_local(connection(peer, headers))


@pytest.mark.parametrize(
    "peer", ["10.0.0.2", "203.0.113.7", "::ffff:203.0.113.7", "unix", "", None]
)
def test_another_machine_is_not_local(peer: str | None) -> None:
    assert not is_local(connection(peer, OURS))


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "localhost"),
        ("Forwarded", "for=127.0.0.1"),
        ("Via", "1.1 edge"),
        ("X-Real-IP", "127.0.0.1"),
        ("CF-Connecting-IP", "203.0.113.7"),
        ("True-Client-IP", "203.0.113.7"),
        ("Host", "calls.example.org"),
        ("Host", "calls.example.org:7860"),
        ("Host", "localhost.example.org"),
        ("Host", "203.0.113.7"),
        ("Host", "user@127.0.0.1.example.org"),
        ("Host", "[::1"),
        ("Host", ""),
        ("Origin", "https://example.org"),
        ("Origin", "https://localhost.example.org"),
        ("Origin", "null"),
        ("Origin", ""),
    ],
    ids=str,
)
def test_who_comes_through_a_proxy_or_a_page_from_elsewhere_is_not_local(
    header: tuple[str, str],
) -> None:
    name, value = header
    assert not is_local(connection("127.0.0.1", {**OURS, name.lower(): value}))


def test_who_names_no_host_is_not_local() -> None:
    assert not is_local(connection("127.0.0.1", {}))
