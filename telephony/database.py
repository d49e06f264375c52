"""The database under the records: SQLite in a file by default, PostgreSQL by URL.

SQLite runs in WAL mode with `synchronous=NORMAL`: what was committed outlives the process
(kill -9), and only a power cut may cost the last commits.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Protocol, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from telephony.errors import StoreUnavailable

# A writer waits so long for another process's write. Ours take about a millisecond; with a
# value too small a busy moment costs a turn.
BUSY_TIMEOUT_MS = 5_000
NETWORK_TIMEOUT_S = 10.0
INSTALL_POSTGRES = ".venv/bin/uv pip install -c requirements.lock -e '.[postgres]'"
"""The command that brings PostgreSQL's driver into a checkout, as the docs have it."""
_WRITES = "callwright_writes"
_T = TypeVar("_T")


class Database:
    """An engine, and transactions that read or write on it.

    `url`: "sqlite+aiosqlite:////path" or "postgresql+asyncpg://user:password@host/name".
    Raises ValueError for any other kind, or where the driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._writing_engine = self.engine.execution_options(**{_WRITES: True})
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # One writer at a time in this process: cheaper than SQLite's waiting by polling.
        self._turn_to_write = asyncio.Lock() if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that only reads. Raises StoreUnavailable."""
        async with _typed_errors(), AsyncSession(self.engine) as session, session.begin():
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that may write, committed at the end unless an error leaves it.

        On SQLite it holds the write lock from its start; on PostgreSQL the rows to be changed
        are read `with_for_update`. Raises StoreUnavailable; IntegrityError passes through.
        """
        async with (
            _typed_errors(),
            self._turn_to_write,
            AsyncSession(self._writing_engine) as session,
            session.begin(),
        ):
            yield session

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """Run synchronous `work` in one writing transaction. Raises StoreUnavailable."""
        async with (
            _typed_errors(),
            self._turn_to_write,
            self._writing_engine.begin() as connection,
        ):
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self.engine.dispose()


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...
    def close(self) -> None: ...


class _DriverConnection(Protocol):
    """What is used of a driver's connection, which is untyped."""

    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter: the port; its text quotes part of the URL
        raise ValueError(
            "the database URL can't be read; write it as sqlite+aiosqlite:////data/calls.db or"
            " postgresql+asyncpg://user:password@host:5432/name, with @ : / in the password as"
            " %40 %3A %2F"
        ) from None
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ValueError("the database URL's port must be from 1 to 65535, such as 5432")
    if parsed.drivername == "sqlite+aiosqlite":
        return _sqlite_engine(parsed)
    if parsed.drivername != "postgresql+asyncpg":
        raise ValueError(
            f"database {parsed.drivername!r} is not supported; use sqlite+aiosqlite or"
            " postgresql+asyncpg"
        )
    timeouts = {"timeout": NETWORK_TIMEOUT_S, "command_timeout": NETWORK_TIMEOUT_S}
    try:
        return create_async_engine(
            parsed,
            connect_args=timeouts,
            pool_timeout=NETWORK_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise ValueError(f"PostgreSQL needs the extra 'postgres': run {INSTALL_POSTGRES}") from None


def _sqlite_engine(url: URL) -> AsyncEngine:
    if url.database in (None, "", ":memory:"):
        raise ValueError("the database must be a file, so that it outlives the process")
    engine = create_async_engine(url, pool_timeout=NETWORK_TIMEOUT_S, hide_parameters=True)

    def set_up(driver_connection: _DriverConnection, _record: object) -> None:
        driver_connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = driver_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        # A transaction that turns into a writer half-way fails at once when another one wrote
        # meanwhile, whatever the busy time-out: a writer is one from its beginning.
        is_writer = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")

    event.listen(engine.sync_engine, "connect", set_up)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


@asynccontextmanager
async def _typed_errors() -> AsyncGenerator[None]:
    """The driver's failures as StoreUnavailable, without the values that were to be written."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise StoreUnavailable(f"the database failed: {error.orig}") from error
    except (PoolTimeout, OSError) as error:  # includes TimeoutError
        raise StoreUnavailable(f"the database can't be reached: {error}") from error
