"""Alembic's entry: runs the steps on the connection that `upgrade` hands over."""

from typing import cast

from alembic import context
from sqlalchemy import Connection

from telephony.schema import Table

connection = cast(Connection, context.config.attributes["connection"])
context.configure(
    connection=connection,
    target_metadata=Table.metadata,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite can't alter a column: later steps copy the table
)
with context.begin_transaction():
    context.run_migrations()
