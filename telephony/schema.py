"""The tables. What they hold is explained where it is made: call.py, records.py.

Text has no length limit, so that SQLite (which never enforces one) and PostgreSQL agree. Times
named `_unix_ms` are Unix time in milliseconds, the others milliseconds on the call's clock.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite counts up by itself only in a column declared INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")


class Table(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMING)


class WorkerRow(Table):
    """A process that leads calls, and when it was last known to live."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)  # where process ids mean something
    pid: Mapped[int] = mapped_column(BigInteger)
    process_started: Mapped[float] = mapped_column(Float(53))  # tells a reused pid apart
    heartbeat_at_unix_ms: Mapped[int] = mapped_column(BigInteger)


class CallRow(Table):
    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "created_at_unix_ms", "id"),
        Index(None, "carrier", "carrier_call_id", unique=True),
        Index(None, "status"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    direction: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    to_number: Mapped[str] = mapped_column(Text)
    from_number: Mapped[str] = mapped_column(Text)
    flow: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    carrier: Mapped[str] = mapped_column(Text)
    created_at_unix_ms: Mapped[int] = mapped_column(BigInteger)
    variables: Mapped[dict[str, object]] = mapped_column(JSON)
    outcome: Mapped[dict[str, object]] = mapped_column(JSON)
    outcome_url: Mapped[str | None] = mapped_column(Text)
    carrier_call_id: Mapped[str | None] = mapped_column(Text)
    carrier_sequence: Mapped[int | None] = mapped_column(BigInteger)
    disposition: Mapped[str | None] = mapped_column(Text)
    ended_by: Mapped[str | None] = mapped_column(Text)
    failure_reason: Mapped[str | None] = mapped_column(Text)
    transfer_to: Mapped[str | None] = mapped_column(Text)
    recording_path: Mapped[str | None] = mapped_column(Text)
    answered_at_unix_ms: Mapped[int | None] = mapped_column(BigInteger)
    ended_at_unix_ms: Mapped[int | None] = mapped_column(BigInteger)
    owner: Mapped[str | None] = mapped_column(Text)


class TurnRow(Table):
    __tablename__ = "turns"
    __table_args__ = (UniqueConstraint("call_id", "number"),)

    id: Mapped[int] = mapped_column(_Counter, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(BigInteger)  # within the call, from 0, as begun
    who: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    heard_text: Mapped[str] = mapped_column(Text)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int | None] = mapped_column(BigInteger)
    is_interrupted: Mapped[bool] = mapped_column(Boolean)
    confidence: Mapped[float | None] = mapped_column(Float(53))
    language: Mapped[str] = mapped_column(Text)
    node: Mapped[str] = mapped_column(Text)
    # The latency: all null where the turn has none, `speech_end_ms` never where it has one.
    speech_end_ms: Mapped[int | None] = mapped_column(BigInteger)
    turn_decided_ms: Mapped[int | None] = mapped_column(BigInteger)
    transcript_ms: Mapped[int | None] = mapped_column(BigInteger)
    reply_ready_ms: Mapped[int | None] = mapped_column(BigInteger)
    first_audio_ms: Mapped[int | None] = mapped_column(BigInteger)


class KeyRow(Table):
    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(_Counter, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    digit: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)


class EventRow(Table):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(_Counter, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    at_ms: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[dict[str, object]] = mapped_column(JSON)
    written_at_unix_ms: Mapped[int] = mapped_column(BigInteger)


class DeliveryRow(Table):
    """An outcome on its way to the business: written with the end of the call, or not at all."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "status", "due_at_unix_ms"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), unique=True)
    url: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)  # JSON; the same bytes at every attempt
    status: Mapped[str] = mapped_column(Text)  # DeliveryStatus
    attempts: Mapped[int] = mapped_column(BigInteger)  # begun so far
    # Not before this: the next attempt, or the end of the lease of the attempt under way.
    due_at_unix_ms: Mapped[int] = mapped_column(BigInteger)
    created_at_unix_ms: Mapped[int] = mapped_column(BigInteger)
    delivered_at_unix_ms: Mapped[int | None] = mapped_column(BigInteger)
    last_error: Mapped[str | None] = mapped_column(Text)


class IdempotencyRow(Table):
    __tablename__ = "idempotency"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_sha256: Mapped[str] = mapped_column(Text)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    created_at_unix_ms: Mapped[int] = mapped_column(BigInteger)
