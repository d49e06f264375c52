"""What several rooms' tests share: an empty database, of each kind that is at hand, and a Redis."""

import asyncio
import functools
import importlib.util
import os
import ssl
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

POSTGRES_VARIABLE = "CALLWRIGHT_TEST_POSTGRES_URL"
POSTGRES_DEFAULT = "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
REDIS_VARIABLE = "CALLWRIGHT_TEST_REDIS_URL"
REDIS_DEFAULT = "redis://127.0.0.1:6379/0"


@pytest.fixture(scope="session", autouse=True)
def authorities_read_once() -> Iterator[None]:
    """Each client's TLS context reads the certificate authorities, which takes 50 ms; a thousand
    clients are made here, and hardly one speaks TLS. They share one; who asks otherwise doesn't."""
    kept = ssl.create_default_context
    shared = functools.cache(kept)

    def context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        plain = not args and kwargs.keys() <= {"cafile", "capath"}
        return shared(**kwargs) if plain else kept(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", context)
        yield


@functools.cache
def postgres_version() -> str | None:
    """The version of the PostgreSQL at hand; None where there is none, or no driver for it."""
    if importlib.util.find_spec("asyncpg") is None:
        return None
    try:
        return asyncio.run(_first_value(postgres_url(), "SHOW server_version")).split()[0]
    except Exception:
        if POSTGRES_VARIABLE in os.environ:
            raise  # whoever names a server wants to know that it doesn't answer
        return None


def postgres_url() -> URL:
    return make_url(os.environ.get(POSTGRES_VARIABLE, POSTGRES_DEFAULT))


@functools.cache
def redis_version() -> str | None:
    """The version of the Redis at hand; None where there is none, or no client for it."""
    if importlib.util.find_spec("redis") is None:
        return None
    import redis

    try:
        with redis.Redis.from_url(redis_url(), socket_timeout=3) as client:
            return client.info("server")["redis_version"]
    except redis.RedisError:
        if REDIS_VARIABLE in os.environ:
            raise  # as above
        return None


def redis_url() -> str:
    return os.environ.get(REDIS_VARIABLE, REDIS_DEFAULT)


async def _first_value(url: URL, *statements: str) -> Any:
    engine = create_async_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={"timeout": 3}
    )
    async with engine.connect() as connection:
        for statement in statements:
            result = await connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.fixture(scope="session")
def postgres_database(worker_id: str) -> Iterator[URL]:
    """A database of this test process alone, dropped at the end."""
    if postgres_version() is None:
        pytest.skip(f"no PostgreSQL at hand; name one with {POSTGRES_VARIABLE}")
    name = f"callwright_test_{worker_id}_{os.getpid()}"
    _run(_first_value(postgres_url(), f"CREATE DATABASE {name}"))
    yield postgres_url().set(database=name)
    _run(_first_value(postgres_url(), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'calls.db'}"
    url: URL = request.getfixturevalue("postgres_database")
    _run(_first_value(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))
    return url.render_as_string(hide_password=False)


class RedisPlace(NamedTuple):
    url: str
    prefix: str  # of keys


@pytest.fixture(params=["redis"])
def redis_place() -> Iterator[RedisPlace]:
    """Room of one test alone in the Redis at hand; what it leaves there is deleted."""
    if redis_version() is None:
        pytest.skip(f"no Redis at hand; name one with {REDIS_VARIABLE}")
    import redis

    prefix = f"callwright-test-{uuid4().hex}:"
    yield RedisPlace(redis_url(), prefix)
    with redis.Redis.from_url(redis_url(), socket_timeout=10) as client:
        if keys := list(client.scan_iter(f"{prefix}*", count=1000)):
            client.delete(*keys)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = terminalreporter.stats.get("passed", [])
    if any("[postgresql" in report.nodeid for report in passed):
        terminalreporter.write_line(f"also tested on PostgreSQL {postgres_version()}")
    if any("[redis" in report.nodeid for report in passed):
        terminalreporter.write_line(f"also tested on Redis {redis_version()}")


CALLS = ("tests/calls/", "tests/bot/test_runner.py", "tests/bot/test_browser_call.py")
"""Whole calls wait for audio to pass more than they work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The last worker begins with the whole calls, while the others compute; who is done helps it.

    xdist gives each worker as many tests in a row, and who has none left takes some from the end
    of another's. In the order of the folders the calls come last, and nobody works meanwhile. The
    longest test goes first.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    calls = [item for item in items if item.nodeid.startswith(CALLS)]
    others = [item for item in items if not item.nodeid.startswith(CALLS)]
    others.sort(key=lambda item: item.name != "test_pyright_finds_nothing")
    before = len(items) // workers * (workers - 1)
    items[:] = [*others[:before], *calls, *others[before:]]
