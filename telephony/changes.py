"""The one way a call's row changes, inside a transaction of the store."""

import re

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from telephony.call import Call
from telephony.delivery_queue import delivery_row
from telephony.errors import CallUnknown
from telephony.records import CallEvent
from telephony.rows import call_from, event_row, storable_text, write_call
from telephony.schema import CallRow

_CALL_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


async def row_of(session: AsyncSession, call_id: str, *, for_update: bool = False) -> CallRow:
    """A call's row, locked until the transaction ends when `for_update`. Raises CallUnknown."""
    query = select(CallRow).where(CallRow.id == call_id)
    row = None
    if _CALL_ID.fullmatch(call_id):  # nothing else reaches the database: ids come from outside
        row = await session.scalar(query.with_for_update() if for_update else query)
    if row is None:
        raise CallUnknown(f"no call {call_id[:64]!r}")
    return row


def of_carrier(carrier: str, carrier_call_id: str) -> Select[tuple[CallRow]]:
    """The query for the call that a carrier knows under its own id."""
    return select(CallRow).where(
        CallRow.carrier == storable_text(carrier),
        CallRow.carrier_call_id == storable_text(carrier_call_id),
    )


def write_change(session: AsyncSession, row: CallRow, after: Call, at_unix_ms: int) -> None:
    """Write `after` over `row`, with the event of its new status and the outcome's delivery."""
    before = call_from(row)
    if after == before:
        return
    write_call(after, row)
    if after.status is not before.status:
        detail = {"from": before.status, "to": after.status, "reason": after.failure_reason}
        session.add(event_row(after.id, CallEvent("status", None, detail), at_unix_ms))
    if after.is_settled and not before.is_settled and after.outcome_url:
        session.add(delivery_row(call_from(row), at_unix_ms))
