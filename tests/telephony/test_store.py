"""The record of calls, on SQLite and on PostgreSQL."""

import asyncio
import math
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from telephony import migrations
from telephony.call import (
    CallStatus,
    CarrierUpdate,
    Direction,
    Disposition,
    EndedBy,
    NewCall,
)
from telephony.database import Database
from telephony.errors import (
    CallChanged,
    CallUnknown,
    CursorInvalid,
    IdempotencyConflict,
    IdempotencyKeyInvalid,
    IllegalTransition,
    StoreUnavailable,
    TurnUnknown,
)
from telephony.listing import CallFilter
from telephony.migrations import upgrade
from telephony.records import CallEvent, KeyPress, Turn, TurnLatency, Who
from telephony.schema import Table
from telephony.store import CallStore
from telephony.workers import this_worker

S = CallStatus
WORKER = this_worker()
OUTBOUND = NewCall(
    direction=Direction.OUTBOUND,
    to_number="+919876543210",
    from_number="+918047491899",
    flow="vendor_confirmation",
    carrier="twilio",
    language="mr",
    variables={"amount": "₹1,250.50", "items": [{"name": "वडा पाव", "count": 2}]},
)
GREETING = Turn(Who.BOT, "Hello, this is an automated call", "", 120, node="greet", language="en")


async def test_models_and_migrations_agree(database: Database) -> None:
    await upgrade(database)
    differences = await database.run(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Table.metadata
        )
    )
    assert differences == []


async def test_a_database_that_is_up_to_date_is_left_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(database)
    asked: list[str] = []
    monkeypatch.setattr(command, "upgrade", lambda _, revision: asked.append(revision))
    await upgrade(database)
    assert asked == []
    await database.run(_step_back)
    await upgrade(database)
    assert asked == ["head"]


def _step_back(connection: Connection) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))


def test_the_newest_step_is_the_one_that_alembic_ends_with() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.newest()


async def test_workers_that_start_together_upgrade_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(3)]
    await asyncio.gather(*(upgrade(database) for database in databases))
    pages = [await CallStore(database, WORKER).list() for database in databases]
    assert [page.calls for page in pages] == [(), (), ()]
    for database in databases:
        await database.close()


async def test_a_call_comes_back_as_it_was_written(store: CallStore) -> None:
    created = (await store.create_call(OUTBOUND)).call
    assert created.status is S.QUEUED
    assert await store.get(created.id) == created
    assert created.variables == OUTBOUND.variables


async def test_the_record_holds_all_that_happened_in_its_order(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    reply = Turn(
        Who.CALLER,
        "हो, पंचवीस मिनिटं",
        "हो, पंचवीस मिनिटं",
        start_ms=4_000,
        end_ms=5_200,
        confidence=0.93,
        language="mr",
        node="confirm",
        latency=TurnLatency(5_200, 5_400, 5_450, 5_460),
    )
    first = await store.add_turn(call.id, GREETING)
    second = await store.add_turn(call.id, reply)
    heard = replace(GREETING, heard_text="Hello, this is", end_ms=900, is_interrupted=True)
    await store.update_turn(call.id, first, heard)
    await store.add_key(call.id, KeyPress("1", 6_000, 100))
    await store.add_key(call.id, KeyPress("#", 6_300))
    await store.add_event(call.id, CallEvent("mark", 900, {"name": "m1"}))

    record = await store.get_record(call.id)
    assert (first, second) == (0, 1)
    assert record.turns == (heard, reply)
    assert record.keys == (KeyPress("1", 6_000, 100), KeyPress("#", 6_300))
    assert [logged.event for logged in record.events] == [CallEvent("mark", 900, {"name": "m1"})]


async def test_a_turn_without_latency_clears_the_one_it_had(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    number = await store.add_turn(call.id, replace(GREETING, latency=TurnLatency(1, 2, 3, 4, 5)))
    await store.update_turn(call.id, number, GREETING)
    assert (await store.get_record(call.id)).turns == (GREETING,)


async def test_text_that_a_database_refuses_is_cleaned_and_kept(store: CallStore) -> None:
    odd = replace(OUTBOUND, variables={"note": "a\0b\ud800", "ratio": math.nan, "n\0": 2**70})
    call = (await store.create_call(odd)).call
    await store.add_turn(call.id, replace(GREETING, text="nul\0 and \udfff"))
    record = await store.get_record(call.id)
    assert record.call.variables == {"note": "ab?", "ratio": "nan", "n": 2**70}
    assert record.turns[0].text == "nul and ?"


@pytest.mark.parametrize("call_id", ["", "no such", "0" * 32, "\0", "' OR 1=1 --", "f" * 100_000])
async def test_an_unknown_call_is_named_as_such(store: CallStore, call_id: str) -> None:
    with pytest.raises(CallUnknown):
        await store.get(call_id)
    with pytest.raises(CallUnknown):
        await store.add_turn(call_id, GREETING)
    with pytest.raises(CallUnknown):
        await store.update_status(call_id, S.DIALING)


async def test_an_unknown_turn_is_named_as_such(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    with pytest.raises(TurnUnknown, match="no turn 3"):
        await store.update_turn(call.id, 3, GREETING)


async def test_the_same_request_with_the_same_key_is_the_same_call(store: CallStore) -> None:
    first = await store.create_call(OUTBOUND, "order-7")
    again = await store.create_call(OUTBOUND, "order-7")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.call == first.call
    assert len((await store.list()).calls) == 1


async def test_the_same_key_with_another_request_is_refused(store: CallStore) -> None:
    await store.create_call(OUTBOUND, "order-7")
    with pytest.raises(IdempotencyConflict, match="order-7"):
        await store.create_call(replace(OUTBOUND, to_number="+911111111111"), "order-7")


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ", "a\0", "a\n"])
async def test_a_key_that_is_none_is_refused(store: CallStore, key: str) -> None:
    with pytest.raises(IdempotencyKeyInvalid):
        await store.create_call(OUTBOUND, key)


async def test_ten_requests_at_once_with_one_key_make_one_call(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(2)]
    stores = [CallStore(database, WORKER) for database in databases]
    await stores[0].start()
    created = await asyncio.gather(
        *(store.create_call(OUTBOUND, "order-7") for store in stores for _ in range(5))
    )
    assert len({one.call.id for one in created}) == 1
    assert sum(one.is_new for one in created) == 1
    for database in databases:
        await database.close()


async def test_an_inbound_call_announced_twice_is_one_call(store: CallStore) -> None:
    inbound = replace(OUTBOUND, direction=Direction.INBOUND, carrier_call_id="CA1")
    first, again = await store.create_call(inbound), await store.create_call(inbound)
    assert first.call.status is S.RINGING
    assert again.call.id == first.call.id
    found = await store.find_by_carrier_call_id("twilio", "CA1")
    assert found is not None
    assert found.id == first.call.id
    assert await store.find_by_carrier_call_id("exotel", "CA1") is None


async def test_a_carriers_id_belongs_to_one_call(store: CallStore) -> None:
    one, other = [(await store.create_call(OUTBOUND)).call for _ in range(2)]
    await store.note(one.id, carrier_call_id="CA1")
    with pytest.raises(CallChanged, match="CA1"):
        await store.note(other.id, carrier_call_id="CA1")


async def test_status_changes_by_legal_transitions_only(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    with pytest.raises(IllegalTransition):
        await store.update_status(call.id, S.COMPLETED)
    await store.update_status(call.id, S.DIALING)
    done = await store.update_status(call.id, S.BUSY)
    assert done.disposition is Disposition.BUSY
    with pytest.raises(IllegalTransition):
        await store.update_status(call.id, S.IN_PROGRESS)
    assert (await store.get(call.id)) == done


async def test_of_ten_that_take_a_queued_call_one_gets_it(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    taken = await asyncio.gather(
        *(store.update_status(call.id, S.DIALING, expected=S.QUEUED) for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, CallChanged) for one in taken) == 9


async def test_every_status_leaves_an_event(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    await store.update_status(call.id, S.DIALING)
    await store.apply_carrier_update(call.id, CarrierUpdate(S.RINGING, 1))
    await store.apply_carrier_update(call.id, CarrierUpdate(S.RINGING, 1))
    await store.apply_carrier_update(call.id, CarrierUpdate(S.BUSY, 2, "SIP 486"))
    events = (await store.get_record(call.id)).events
    assert [(one.event.detail["from"], one.event.detail["to"]) for one in events] == [
        ("queued", "dialing"),
        ("dialing", "ringing"),
        ("ringing", "busy"),
    ]
    assert events[-1].event.detail["reason"] == "SIP 486"


async def test_a_call_that_the_carrier_ended_first_is_still_judged(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    await store.update_status(call.id, S.DIALING)
    await store.update_status(call.id, S.IN_PROGRESS)
    await store.set_outcome(call.id, outcome={"minutes": 25})
    await store.apply_carrier_update(call.id, CarrierUpdate(S.COMPLETED, 3))
    ended = await store.finish(
        call.id, Disposition.CONFIRMED, EndedBy.CALLER, outcome={"confirmed": True}
    )
    assert ended.status is S.COMPLETED
    assert (ended.disposition, ended.ended_by) == (Disposition.CONFIRMED, EndedBy.CALLER)
    assert ended.outcome == {"minutes": 25, "confirmed": True}
    again = await store.finish(call.id, Disposition.HUNG_UP, EndedBy.BOT)
    assert again == ended


async def test_facts_are_noted_at_any_time(store: CallStore) -> None:
    call = (await store.create_call(OUTBOUND)).call
    await store.update_status(call.id, S.CANCELED)
    noted = await store.note(
        call.id, language="hi", recording_path="recordings/1.flac", transfer_to="+91999"
    )
    assert (noted.language, noted.recording_path) == ("hi", "recordings/1.flac")
    assert (await store.get(call.id)).transfer_to == "+91999"


async def test_pages_hold_every_call_once_while_new_ones_come(store: CallStore) -> None:
    made = [(await store.create_call(OUTBOUND)).call.id for _ in range(7)]
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = await store.list(limit=2, cursor=cursor)
        seen += [call.id for call in page.calls]
        cursor = page.next_cursor
        await store.create_call(replace(OUTBOUND, flow="newcomer"))
    assert cursor is None
    assert sorted(seen) == sorted(made)


async def test_a_list_is_filtered_by_everything_given(store: CallStore) -> None:
    queued = (await store.create_call(OUTBOUND)).call
    busy = (await store.create_call(replace(OUTBOUND, to_number="+911"))).call
    await store.update_status(busy.id, S.DIALING)
    busy = await store.update_status(busy.id, S.BUSY)

    async def ids(wanted: CallFilter) -> list[str]:
        return [call.id for call in (await store.list(wanted)).calls]

    assert await ids(CallFilter(statuses=frozenset({S.BUSY, S.FAILED}))) == [busy.id]
    assert await ids(CallFilter(dispositions=frozenset({Disposition.BUSY}))) == [busy.id]
    assert await ids(CallFilter(to_number=queued.to_number)) == [queued.id]
    assert await ids(CallFilter(to_number="+9\0" + "11", statuses=frozenset({S.BUSY}))) == [busy.id]
    assert await ids(CallFilter(direction=Direction.INBOUND)) == []
    assert await ids(CallFilter(created_before_unix_ms=queued.created_at_unix_ms)) == []
    assert len(await ids(CallFilter(created_from_unix_ms=queued.created_at_unix_ms))) == 2


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "MTIz", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTku", "=" * 10_000, "\0"]
)
async def test_a_cursor_that_is_not_ours_is_refused(store: CallStore, cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        await store.list(cursor=cursor)


async def test_a_hundred_turns_at_once_are_all_there(store: CallStore) -> None:
    calls = [(await store.create_call(OUTBOUND)).call.id for _ in range(5)]
    numbers = await asyncio.gather(
        *(store.add_turn(call_id, GREETING) for call_id in calls for _ in range(20))
    )
    assert sorted(numbers) == sorted(list(range(20)) * 5)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "mysql://x/y",
        "nonsense",
        "sqlite:///x",
    ],
)
def test_a_database_that_would_not_serve_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        Database(url)


@pytest.mark.parametrize("port", ["54x2", "", "0", "99999", "hush@host:5432"])
def test_a_wrong_port_is_told_and_no_part_of_the_login(port: str) -> None:
    with pytest.raises(ValueError, match="the database URL") as failure:
        Database(f"postgresql+asyncpg://nobody:hu:sh@host:{port}/none")
    assert "5432" in str(failure.value)
    assert "invalid literal" not in str(failure.value)
    assert "hu:sh" not in str(failure.value)


async def test_a_database_that_is_not_there_is_said_to_be_unavailable() -> None:
    database = Database("postgresql+asyncpg://nobody:hush@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable) as failure:
        await upgrade(database)
    assert "hush" not in str(failure.value)
    await database.close()
