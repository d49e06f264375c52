"""The record of calls, written as they happen.

Each method is one transaction: what it wrote is there after kill -9 of the process, and of two
that change one call at the same time the second sees what the first did. A call's status changes
by the transitions of call.py only. Every method raises StoreUnavailable when the database fails,
and, where it takes a call's id, CallUnknown.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from loguru import logger
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from telephony.call import (
    Call,
    CallStatus,
    CarrierUpdate,
    Disposition,
    EndedBy,
    JsonValue,
    NewCall,
)
from telephony.changes import of_carrier, row_of, write_change
from telephony.creation import CreatedCall, check_key, existing_call, insert_call
from telephony.database import Database
from telephony.errors import CallChanged, CallUnknown, StoreUnavailable, TurnUnknown
from telephony.listing import MAX_PAGE, CallFilter, CallPage, cursor_after, page_query
from telephony.lost_calls import close_lost_calls
from telephony.migrations import upgrade
from telephony.records import CallEvent, CallRecord, KeyPress, Turn
from telephony.rows import call_from, event_from, event_row, key_from, turn_from, write_turn
from telephony.schema import EventRow, KeyRow, TurnRow, WorkerRow
from telephony.workers import HEARTBEAT_S, Worker


def now_unix_ms() -> int:
    return time.time_ns() // 1_000_000


class CallStore:
    """The calls of all workers, as the worker `worker` sees and changes them."""

    def __init__(
        self, database: Database, worker: Worker, now_unix_ms: Callable[[], int] = now_unix_ms
    ) -> None:
        self._database = database
        self._worker = worker
        self._now_unix_ms = now_unix_ms

    async def start(self) -> tuple[str, ...]:
        """Bring the tables up to date, tell of this worker, close what dead workers left open.

        Returns the ids of the calls closed as lost.
        """
        await upgrade(self._database)
        await self.beat()
        return await self.close_lost_calls()

    async def run(self) -> None:
        """Keep this worker known as living and close calls of dead ones, until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await self.beat()
                lost = await self.close_lost_calls()
            except StoreUnavailable as error:
                logger.warning("heartbeat not written: {}", error)
                continue
            if lost:
                logger.warning("closed {} calls of dead workers as lost: {}", len(lost), lost)

    async def beat(self) -> None:
        """Tell the other workers that this one lives."""
        row = WorkerRow(**asdict(self._worker), heartbeat_at_unix_ms=self._now_unix_ms())
        async with self._database.writing() as session:
            await session.merge(row)

    async def close_lost_calls(self) -> tuple[str, ...]:
        """Close the calls that dead workers left open or not judged; returns their ids."""
        async with self._database.writing() as session:
            return await close_lost_calls(session, self._worker, self._now_unix_ms())

    async def create_call(self, new: NewCall, idempotency_key: str | None = None) -> CreatedCall:
        """Create a call: queued when outbound, ringing when inbound.

        With a key seen before, or an inbound call of a carrier's id seen before, it returns the
        call that exists. Raises IdempotencyKeyInvalid, and IdempotencyConflict when the key came
        with another request.
        """
        check_key(idempotency_key)
        try:
            async with self._database.writing() as session:
                found = await existing_call(session, new, idempotency_key)
                if found is not None:
                    return CreatedCall(found, is_new=False)
                now = self._now_unix_ms()
                call = await insert_call(session, new, idempotency_key, self._worker.id, now)
                return CreatedCall(call, is_new=True)
        except IntegrityError:  # the same request, at the same time, was faster
            async with self._database.reading() as session:
                found = await existing_call(session, new, idempotency_key)
            if found is None:
                raise
            return CreatedCall(found, is_new=False)

    async def get(self, call_id: str) -> Call:
        async with self._database.reading() as session:
            return call_from(await row_of(session, call_id))

    async def get_record(self, call_id: str) -> CallRecord:
        """A call with everything written of it so far."""
        async with self._database.reading() as session:
            call = call_from(await row_of(session, call_id))
            turns = select(TurnRow).where(TurnRow.call_id == call_id).order_by(TurnRow.number)
            keys = select(KeyRow).where(KeyRow.call_id == call_id).order_by(KeyRow.id)
            events = select(EventRow).where(EventRow.call_id == call_id).order_by(EventRow.id)
            return CallRecord(
                call=call,
                turns=tuple(turn_from(row) for row in await session.scalars(turns)),
                keys=tuple(key_from(row) for row in await session.scalars(keys)),
                events=tuple(event_from(row) for row in await session.scalars(events)),
            )

    async def find_by_carrier_call_id(self, carrier: str, carrier_call_id: str) -> Call | None:
        async with self._database.reading() as session:
            row = await session.scalar(of_carrier(carrier, carrier_call_id))
            return None if row is None else call_from(row)

    async def list(
        self, wanted: CallFilter | None = None, *, limit: int = 50, cursor: str | None = None
    ) -> CallPage:
        """A page of calls, newest first; `limit` is held within 1 and 200. Raises CursorInvalid."""
        limit = max(1, min(limit, MAX_PAGE))
        query = page_query(wanted or CallFilter(), limit, cursor)
        async with self._database.reading() as session:
            calls = tuple(call_from(row) for row in await session.scalars(query))
        page, has_more = calls[:limit], len(calls) > limit
        return CallPage(page, cursor_after(page[-1]) if has_more else None)

    async def update_status(
        self,
        call_id: str,
        status: CallStatus,
        *,
        expected: CallStatus | None = None,
        disposition: Disposition | None = None,
        ended_by: EndedBy | None = None,
        reason: str | None = None,
    ) -> Call:
        """Move a call to another status; with `expected`, only from that one.

        Raises IllegalTransition, and CallChanged when the call isn't in the status expected.
        """
        now = self._now_unix_ms()

        def moved(call: Call) -> Call:
            if expected is not None and call.status is not expected:
                raise CallChanged(f"call {call_id} is {call.status}, not {expected}")
            return call.moved_to(
                status, now, disposition=disposition, ended_by=ended_by, reason=reason
            )

        return await self._change(call_id, moved)

    async def apply_carrier_update(self, call_id: str, update: CarrierUpdate) -> Call:
        """Follow a carrier's status update; an old, repeated or late one changes nothing."""
        now = self._now_unix_ms()
        return await self._change(call_id, lambda call: call.with_carrier_update(update, now))

    async def set_outcome(
        self,
        call_id: str,
        *,
        disposition: Disposition | None = None,
        ended_by: EndedBy | None = None,
        outcome: Mapping[str, JsonValue] | None = None,
    ) -> Call:
        """Write what is known of the outcome; variables are merged. Settled calls don't change."""
        return await self._change(
            call_id,
            lambda call: call.with_outcome(
                disposition=disposition, ended_by=ended_by, outcome=outcome
            ),
        )

    async def finish(
        self,
        call_id: str,
        disposition: Disposition,
        ended_by: EndedBy,
        *,
        status: CallStatus = CallStatus.COMPLETED,
        outcome: Mapping[str, JsonValue] | None = None,
        reason: str | None = None,
    ) -> Call:
        """End a call and judge it, also when the carrier ended it first; harmless a second time.

        Raises IllegalTransition for a call that was never dialled.
        """
        now = self._now_unix_ms()

        def finished(call: Call) -> Call:
            judged = call.with_outcome(disposition=disposition, ended_by=ended_by, outcome=outcome)
            return judged if call.is_terminal else judged.moved_to(status, now, reason=reason)

        return await self._change(call_id, finished)

    async def note(
        self,
        call_id: str,
        *,
        carrier_call_id: str | None = None,
        language: str | None = None,
        recording_path: str | None = None,
        transfer_to: str | None = None,
    ) -> Call:
        """Write facts that came to be known. Raises CallChanged when the carrier's id is taken."""
        facts = {
            "carrier_call_id": carrier_call_id,
            "language": language,
            "recording_path": recording_path,
            "transfer_to": transfer_to,
        }
        known = {name: fact for name, fact in facts.items() if fact is not None}
        try:
            return await self._change(call_id, lambda call: replace(call, **known))
        except IntegrityError as error:
            raise CallChanged(f"{carrier_call_id!r} is the id of another call already") from error

    async def book_transfer(self, carrier: str, carrier_call_id: str, to: str) -> None:
        """Note whom a call shall go on to, for a carrier that asks later. Raises CallUnknown."""
        call = await self.find_by_carrier_call_id(carrier, carrier_call_id)
        if call is None:
            raise CallUnknown(f"no call {carrier_call_id[:64]!r} of {carrier}")
        await self.note(call.id, transfer_to=to)

    @property
    def worker_id(self) -> str:
        """The owner of the calls that this worker leads."""
        return self._worker.id

    def leads(self, call: Call) -> bool:
        """Whether this worker answers for the call."""
        return call.owner == self._worker.id

    async def adopt(self, call_id: str) -> Call:
        """Lead a call from now on: its media stream came to this worker."""
        return await self._change(call_id, lambda call: replace(call, owner=self._worker.id))

    async def add_turn(self, call_id: str, turn: Turn) -> int:
        """Write a turn; returns its number in the call, from 0, for `update_turn`."""
        async with self._database.writing() as session:
            await row_of(session, call_id, for_update=True)
            last = select(func.max(TurnRow.number)).where(TurnRow.call_id == call_id)
            highest = await session.scalar(last)
            number = 0 if highest is None else highest + 1
            session.add(write_turn(turn, TurnRow(call_id=call_id, number=number)))
            return number

    async def update_turn(self, call_id: str, number: int, turn: Turn) -> None:
        """Write a turn anew: more of it was said or heard. Raises TurnUnknown."""
        async with self._database.writing() as session:
            query = select(TurnRow).where(TurnRow.call_id == call_id, TurnRow.number == number)
            row = await session.scalar(query.with_for_update())
            if row is None:
                raise TurnUnknown(f"call {call_id} has no turn {number}")
            write_turn(turn, row)

    async def add_key(self, call_id: str, key: KeyPress) -> None:
        async with self._database.writing() as session:
            await row_of(session, call_id)
            session.add(KeyRow(call_id=call_id, **asdict(key)))

    async def add_event(self, call_id: str, event: CallEvent) -> None:
        async with self._database.writing() as session:
            await row_of(session, call_id)
            session.add(event_row(call_id, event, self._now_unix_ms()))

    async def _change(self, call_id: str, change: Callable[[Call], Call]) -> Call:
        """Replace a call by what `change` makes of it, while nobody else can."""
        async with self._database.writing() as session:
            row = await row_of(session, call_id, for_update=True)
            write_change(session, row, change(call_from(row)), self._now_unix_ms())
            return call_from(row)
