"""Outcomes that wait to be delivered, in the database.

An outcome is written in the same transaction that settles its call, so neither is there without
the other. An attempt takes a lease; when its process dies, another attempt follows the lease's
end: at least once, and the delivery's id tells the receiver a repetition.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select, update

from telephony.call import Call
from telephony.database import Database
from telephony.rows import storable
from telephony.schema import DeliveryRow


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An outcome and how its delivery stands."""

    id: str
    call_id: str
    url: str
    body: str  # JSON
    status: DeliveryStatus
    attempts: int  # begun so far, with the one under way
    last_error: str | None


def outcome_body(call: Call) -> str:
    """What the business is told of a settled call, as JSON."""
    answered, ended = call.answered_at_unix_ms, call.ended_at_unix_ms
    talked_ms = None if answered is None or ended is None else ended - answered
    body: dict[str, object] = {
        "type": "call.settled",
        "call_id": call.id,
        "direction": call.direction,
        "to": call.to_number,
        "from": call.from_number,
        "carrier": call.carrier,
        "carrier_call_id": call.carrier_call_id,
        "flow": call.flow,
        "language": call.language,
        "status": call.status,
        "disposition": call.disposition,
        "ended_by": call.ended_by,
        "failure_reason": call.failure_reason,
        "variables": call.variables,
        "outcome": call.outcome,
        "created_at_unix_ms": call.created_at_unix_ms,
        "answered_at_unix_ms": answered,
        "ended_at_unix_ms": ended,
        "duration_ms": talked_ms,
    }
    return json.dumps(storable(body), ensure_ascii=False, allow_nan=False)


def delivery_row(call: Call, at_unix_ms: int) -> DeliveryRow:
    """The delivery of a settled call's outcome, due at once. The call must have an outcome URL."""
    return DeliveryRow(
        id=secrets.token_hex(16),
        call_id=call.id,
        url=call.outcome_url,
        body=outcome_body(call),
        status=DeliveryStatus.PENDING.value,
        attempts=0,
        due_at_unix_ms=at_unix_ms,
        created_at_unix_ms=at_unix_ms,
    )


class DeliveryQueue:
    """The deliveries of all workers. Every method raises StoreUnavailable."""

    def __init__(self, database: Database, now_unix_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_unix_ms = now_unix_ms

    async def take_due(self, limit: int, lease_ms: int) -> list[Delivery]:
        """Take up to `limit` deliveries that are due; nobody else gets them for `lease_ms`."""
        now = self._now_unix_ms()
        due = (
            select(DeliveryRow)
            .where(DeliveryRow.status == DeliveryStatus.PENDING, DeliveryRow.due_at_unix_ms <= now)
            .order_by(DeliveryRow.due_at_unix_ms)
            .limit(limit)
        )
        async with self._database.reading() as session:
            if (await session.scalars(due.limit(1))).first() is None:
                return []  # the usual case takes no write lock
        async with self._database.writing() as session:
            rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
            for row in rows:
                row.attempts += 1
                row.due_at_unix_ms = now + lease_ms
            return [_delivery_from(row) for row in rows]

    async def delivered(self, delivery_id: str) -> None:
        await self._write(
            delivery_id,
            status=DeliveryStatus.DELIVERED.value,
            delivered_at_unix_ms=self._now_unix_ms(),
            last_error=None,
        )

    async def retry_in(self, delivery_id: str, wait_ms: int, error: str) -> None:
        due = self._now_unix_ms() + wait_ms
        await self._write(delivery_id, due_at_unix_ms=due, last_error=error)

    async def give_up(self, delivery_id: str, error: str) -> None:
        await self._write(delivery_id, status=DeliveryStatus.GIVEN_UP.value, last_error=error)

    async def of_call(self, call_id: str) -> Delivery | None:
        """The delivery of a call's outcome, None when there is none (yet)."""
        async with self._database.reading() as session:
            query = select(DeliveryRow).where(DeliveryRow.call_id == call_id)
            row = (await session.scalars(query)).first()
            return None if row is None else _delivery_from(row)

    async def _write(self, delivery_id: str, **values: object) -> None:
        async with self._database.writing() as session:
            change = update(DeliveryRow).where(DeliveryRow.id == delivery_id)
            # What was delivered stays delivered, should an attempt outlive its lease.
            pending = DeliveryRow.status == DeliveryStatus.PENDING
            await session.execute(change.where(pending).values(**values))


def _delivery_from(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        call_id=row.call_id,
        url=row.url,
        body=row.body,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        last_error=row.last_error,
    )
