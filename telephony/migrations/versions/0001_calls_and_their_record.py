"""Calls and what is written of them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts up by itself only in a column declared INTEGER.
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_calls()
    _create_turns()
    _create_workers_keys_events()
    _create_deliveries_idempotency()


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("outcome_url", sa.Text()),
        sa.Column("carrier_call_id", sa.Text()),
        sa.Column("carrier_sequence", sa.BigInteger()),
        sa.Column("disposition", sa.Text()),
        sa.Column("ended_by", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("transfer_to", sa.Text()),
        sa.Column("recording_path", sa.Text()),
        sa.Column("answered_at_unix_ms", sa.BigInteger()),
        sa.Column("ended_at_unix_ms", sa.BigInteger()),
        sa.Column("owner", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index(
        "ix_calls_carrier_carrier_call_id", "calls", ["carrier", "carrier_call_id"], unique=True
    )
    op.create_index("ix_calls_created_at_unix_ms_id", "calls", ["created_at_unix_ms", "id"])
    op.create_index("ix_calls_status", "calls", ["status"])


def _create_turns() -> None:
    op.create_table(
        "turns",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("heard_text", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger()),
        sa.Column("is_interrupted", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Float(precision=53)),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("speech_end_ms", sa.BigInteger()),
        sa.Column("turn_decided_ms", sa.BigInteger()),
        sa.Column("transcript_ms", sa.BigInteger()),
        sa.Column("reply_ready_ms", sa.BigInteger()),
        sa.Column("first_audio_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_turns_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
        sa.UniqueConstraint("call_id", "number", name="uq_turns_call_id_number"),
    )


def _create_workers_keys_events() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("process_started", sa.Float(precision=53), nullable=False),
        sa.Column("heartbeat_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    op.create_table(
        "events",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger()),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("written_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_events_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_call_id", "events", ["call_id"])
    op.create_table(
        "keys",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("digit", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_keys_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
    )
    op.create_index("ix_keys_call_id", "keys", ["call_id"])


def _create_deliveries_idempotency() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at_unix_ms", sa.BigInteger()),
        sa.Column("last_error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_deliveries_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("call_id", name="uq_deliveries_call_id"),
    )
    op.create_index(
        "ix_deliveries_status_due_at_unix_ms", "deliveries", ["status", "due_at_unix_ms"]
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_idempotency_call_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency"),
    )
