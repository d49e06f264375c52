"""A store on an empty database, and calls to put into it."""

from collections.abc import AsyncIterator

import pytest

from telephony.database import Database
from telephony.store import CallStore
from telephony.workers import this_worker


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def store(database: Database) -> CallStore:
    opened = CallStore(database, this_worker())
    await opened.start()
    return opened
