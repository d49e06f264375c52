"""The steps from an empty database, or an older one, to the tables of schema.py."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from telephony.database import Database

# Any number, the same for all workers: "callwright" on a telephone's keys, cut to 31 bits.
_LOCK = 2255974448 % 2**31


async def upgrade(database: Database) -> None:
    """Bring the tables up to date; nothing happens where they are.

    All steps run in one transaction, and workers that start together wait for one another.
    Raises StoreUnavailable.
    """
    await database.run(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
