"""Calls whose process died: found by their worker, closed as lost."""

from collections.abc import Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from telephony.call import TERMINAL, Call, CallStatus, Disposition, EndedBy
from telephony.changes import write_change
from telephony.rows import call_from
from telephony.schema import CallRow, WorkerRow
from telephony.workers import Worker, is_dead


async def close_lost_calls(
    session: AsyncSession, worker: Worker, at_unix_ms: int
) -> tuple[str, ...]:
    """Close what dead workers left open, or over but not judged, and forget those workers.

    `worker` is the one that looks. Returns the ids of the calls closed.
    """
    known = (await session.scalars(select(WorkerRow))).all()
    dead = [row.id for row in known if _is_dead(row, worker, at_unix_ms)]
    alive = [row.id for row in known if row.id not in dead]
    rows = await _left_open(session, alive)
    for row in rows:
        write_change(session, row, _closed(call_from(row), at_unix_ms), at_unix_ms)
    if dead:
        await session.execute(delete(WorkerRow).where(WorkerRow.id.in_(dead)))
    return tuple(row.id for row in rows)


async def _left_open(session: AsyncSession, alive: Sequence[str]) -> Sequence[CallRow]:
    is_open = or_(CallRow.status.not_in(sorted(TERMINAL)), CallRow.disposition.is_(None))
    is_left = or_(CallRow.owner.is_(None), CallRow.owner.not_in(alive))
    query = select(CallRow).where(is_open, is_left).order_by(CallRow.id)
    return (await session.scalars(query.with_for_update())).all()


def _closed(call: Call, at_unix_ms: int) -> Call:
    if call.is_terminal:
        return call.with_outcome(disposition=Disposition.FAILED, ended_by=EndedBy.LOST)
    return call.moved_to(
        CallStatus.LOST,
        at_unix_ms,
        disposition=Disposition.FAILED,
        ended_by=EndedBy.LOST,
        reason="the process that led the call died",
    )


def _is_dead(row: WorkerRow, seen_from: Worker, at_unix_ms: int) -> bool:
    worker = Worker(row.id, row.host, row.pid, row.process_started)
    return is_dead(worker, seen_from, (at_unix_ms - row.heartbeat_at_unix_ms) / 1000)
