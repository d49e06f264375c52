"""The steps from an empty database, or an older one, to the tables of schema.py."""

from pathlib import Path

from sqlalchemy import Connection, text

from telephony.database import Database

_FOLDER = Path(__file__).parent

# Any number, the same for all workers: "callwright" on a telephone's keys, cut to 31 bits.
_LOCK = 2255974448 % 2**31


async def upgrade(database: Database) -> None:
    """Bring the tables up to date; nothing happens where they are.

    All steps run in one transaction, and workers that start together wait for one another.
    Raises StoreUnavailable.
    """
    await database.run(_upgrade)


def newest() -> str:
    """The revision of the last step: what its file's name begins with."""
    return max(path.stem.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def _is_up_to_date(connection: Connection) -> bool:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return False
    at = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return list(at) == [newest()]


def _upgrade(connection: Connection) -> None:
    if _is_up_to_date(connection):
        return
    from alembic import command  # a third of a second of a server's start, for a rare need
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
