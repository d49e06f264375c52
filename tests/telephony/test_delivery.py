"""Outcomes on their way to a receiver that fails, hangs, breaks off and at last takes them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from telephony.call import CallStatus, Direction, Disposition, EndedBy, NewCall
from telephony.database import Database
from telephony.delivery_queue import Delivery, DeliveryQueue, DeliveryStatus
from telephony.errors import DeliveryRefused
from telephony.outcome_address import addresses_of, outcome_url
from telephony.outcome_delivery import (
    DeliveryRules,
    OutcomeDelivery,
    signature,
    signature_is_valid,
    wait_ms,
)
from telephony.store import CallStore, now_unix_ms

SECRET = b"hush"
QUICK = DeliveryRules(timeout_s=0.5, first_wait_s=0.01, longest_wait_s=0.02, poll_s=0.01)


@dataclass
class Receiver:
    """A server of the business: answers as scripted, then always with 200."""

    script: Iterator[str]
    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/outcomes?key=sesame"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((head[0], headers, body))
        answer = next(self.script, "200")
        if answer == "hang":
            await reader.read()  # until the other side gives up
        elif answer == "drip":
            while not reader.at_eof():
                writer.write(b"H")
                await asyncio.wait({asyncio.ensure_future(reader.read(1))}, timeout=0.05)
        elif answer == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while not reader.at_eof() and not writer.is_closing():
                writer.write(b"4\r\nmore\r\n")
                await asyncio.wait({asyncio.ensure_future(reader.read(1))}, timeout=0.01)
        elif answer == "garbage":
            writer.write(b"\x00\xff not http\r\n\r\n")
        elif answer != "close":
            location = "location: http://127.0.0.1:1/\r\n" if answer.startswith("3") else ""
            writer.write(f"HTTP/1.1 {answer} X\r\n{location}content-length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def receiver(*script: str) -> AsyncIterator[Receiver]:
    business = Receiver(iter(script))
    server = await asyncio.start_server(business.serve, "127.0.0.1", 0)
    business.port = server.sockets[0].getsockname()[1]
    async with server:
        yield business


async def settled_call(store: CallStore, url: str) -> str:
    new = NewCall(
        Direction.OUTBOUND, "+911", "+912", "vendor_confirmation", "twilio", outcome_url=url
    )
    call = (await store.create_call(new)).call
    await store.update_status(call.id, CallStatus.DIALING)
    await store.update_status(call.id, CallStatus.IN_PROGRESS)
    await store.finish(
        call.id, Disposition.CONFIRMED, EndedBy.BOT, outcome={"minutes": 25, "dish": "वडा पाव"}
    )
    return call.id


async def end_of(queue: DeliveryQueue, call_id: str, rules: DeliveryRules = QUICK) -> Delivery:
    """Run the worker until the call's delivery is over."""
    worker = asyncio.create_task(OutcomeDelivery(queue, SECRET, rules).run())
    try:
        async with asyncio.timeout(20):
            while True:
                delivery = await queue.of_call(call_id)
                assert delivery is not None
                if delivery.status is not DeliveryStatus.PENDING:
                    return delivery
                await asyncio.sleep(0.01)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


@pytest.fixture
def queue(database: Database) -> DeliveryQueue:
    return DeliveryQueue(database, now_unix_ms)


async def test_an_outcome_is_delivered_signed_and_whole(
    store: CallStore, queue: DeliveryQueue
) -> None:
    async with receiver() as business:
        call_id = await settled_call(store, business.url)
        delivery = await end_of(queue, call_id)
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)
    [(line, headers, body)] = business.requests
    assert line == "POST /outcomes?key=sesame HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{business.port}"
    assert headers["content-type"] == "application/json"
    assert headers["callwright-delivery"] == delivery.id
    stamp = int(headers["callwright-signature"].partition(",")[0].removeprefix("t="))
    assert signature_is_valid(SECRET, headers["callwright-signature"], body, stamp)
    told = json.loads(body)
    assert told["call_id"] == call_id
    assert told["disposition"] == "confirmed"
    assert told["outcome"] == {"minutes": 25, "dish": "वडा पाव"}
    assert told["duration_ms"] == told["ended_at_unix_ms"] - told["answered_at_unix_ms"]


async def test_a_receiver_that_fails_in_every_way_gets_it_in_the_end(
    store: CallStore, queue: DeliveryQueue
) -> None:
    trouble = ("500", "close", "404", "garbage", "302", "429", "hang", "drip")
    async with receiver(*trouble) as business:
        delivery = await end_of(queue, await settled_call(store, business.url))
    assert delivery.status is DeliveryStatus.DELIVERED
    assert len(business.requests) == delivery.attempts == len(trouble) + 1
    assert len({body for _, _, body in business.requests}) == 1
    assert {headers["callwright-delivery"] for _, headers, _ in business.requests} == {delivery.id}


async def test_an_answer_without_end_is_taken_by_its_status(
    store: CallStore, queue: DeliveryQueue
) -> None:
    async with receiver("endless") as business:
        delivery = await end_of(queue, await settled_call(store, business.url))
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


@pytest.mark.parametrize(("answer", "attempts"), [("500", 3), ("410", 1)])
async def test_it_gives_up_after_its_tries_or_when_told_gone(
    store: CallStore, queue: DeliveryQueue, answer: str, attempts: int
) -> None:
    async with receiver(*[answer] * 10) as business:
        call_id = await settled_call(store, business.url)
        delivery = await end_of(queue, call_id, replace(QUICK, max_attempts=3))
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.GIVEN_UP, attempts)
    assert delivery.last_error == f"answered with HTTP {answer}"


async def test_one_receiver_that_hangs_does_not_hold_up_the_others(
    store: CallStore, queue: DeliveryQueue
) -> None:
    patient = replace(QUICK, timeout_s=60.0)
    async with receiver("hang") as slow, receiver() as quick:
        await settled_call(store, slow.url)
        delivery = await end_of(queue, await settled_call(store, quick.url), patient)
    assert delivery.status is DeliveryStatus.DELIVERED


async def test_a_refused_address_is_given_up_at_once(
    store: CallStore, queue: DeliveryQueue
) -> None:
    delivery = await end_of(queue, await settled_call(store, "https://169.254.169.254/latest"))
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.GIVEN_UP, 1)


async def test_errors_kept_of_a_delivery_hold_no_secret(
    store: CallStore, queue: DeliveryQueue
) -> None:
    once = replace(QUICK, max_attempts=1)
    call_id = await settled_call(store, "http://user:hush@127.0.0.1:1/?key=sesame")
    delivery = await end_of(queue, call_id, once)
    assert delivery.status is DeliveryStatus.GIVEN_UP
    assert delivery.last_error == "not reached: ConnectError"


async def test_a_taken_delivery_is_nobody_elses_until_its_lease_ends(
    store: CallStore, database: Database
) -> None:
    clock = [now_unix_ms()]
    queue = DeliveryQueue(database, lambda: clock[0])
    call_id = await settled_call(store, "https://example.com/")
    clock[0] += 60_000
    [taken] = await queue.take_due(5, lease_ms=30_000)
    assert taken.call_id == call_id
    assert await queue.take_due(5, lease_ms=30_000) == []
    clock[0] += 30_000  # its process died: nobody wrote an end
    [again] = await queue.take_due(5, lease_ms=30_000)
    assert (again.id, again.body, again.attempts) == (taken.id, taken.body, 2)


async def test_two_workers_never_take_the_same_delivery(
    database: Database, store: CallStore
) -> None:
    queue = DeliveryQueue(database, lambda: now_unix_ms() + 1_000)
    for _ in range(6):
        await settled_call(store, "https://example.com/")
    taken = await asyncio.gather(*(queue.take_due(2, 30_000) for _ in range(8)))
    ids = [delivery.id for batch in taken for delivery in batch]
    assert len(ids) == len(set(ids)) > 0


async def test_a_delivered_outcome_stays_delivered(store: CallStore, queue: DeliveryQueue) -> None:
    call_id = await settled_call(store, "https://example.com/")
    [taken] = await queue.take_due(1, 30_000)
    await queue.delivered(taken.id)
    await queue.retry_in(taken.id, 0, "late loser")
    delivery = await queue.of_call(call_id)
    assert delivery is not None
    assert (delivery.status, delivery.last_error) == (DeliveryStatus.DELIVERED, None)


async def test_without_a_url_nothing_is_delivered(store: CallStore, queue: DeliveryQueue) -> None:
    new = NewCall(Direction.OUTBOUND, "+911", "+912", "f", "twilio")
    call = (await store.create_call(new)).call
    await store.update_status(call.id, CallStatus.CANCELED)
    assert await queue.of_call(call.id) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/outcomes",
        "ftp://example.com/",
        "http://example.com/",
        "http://10.0.0.1/",
        "http://localhost.example.com/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[::ffff:169.254.169.254]/",
        "https://",
        "https://a\x00b/",
        "https://example.com:99999/",
        "javascript:alert(1)",
    ],
)
def test_a_url_that_points_where_it_must_not_is_refused(url: str) -> None:
    with pytest.raises(DeliveryRefused) as refused:
        outcome_url(url)
    assert "outcome_url" not in str(refused.value)  # its reader names the field


@pytest.mark.parametrize(
    "url",
    ["https://example.com/x?y=1", "http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/"],
)
def test_a_url_of_the_world_or_of_this_machine_is_taken(url: str) -> None:
    assert str(outcome_url(url)) == url


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "192.168.0.9", "100.64.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"]
)
async def test_private_addresses_need_leave(host: str) -> None:
    url = outcome_url(f"https://{host}/")
    with pytest.raises(DeliveryRefused, match="private"):
        await addresses_of(url, allow_private=False)
    assert len(await addresses_of(url, allow_private=True)) == 1


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1"])
async def test_a_name_that_leads_here_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(DeliveryRefused, match="this machine"):
        await addresses_of(httpx.URL(f"https://{host}/"), allow_private=True)


def test_a_signature_holds_for_its_body_secret_and_time_only() -> None:
    header = signature(SECRET, 1_000, b"{}")
    assert header == ("t=1000,v1=48f4eb749c5a27d43de47c9961c9bd2af2d59380cd360f1b55dc9e65532564ca")
    assert signature_is_valid(SECRET, header, b"{}", 1_299)
    assert not signature_is_valid(SECRET, header, b"{}", 1_301)
    assert not signature_is_valid(SECRET, header, b"{ }", 1_000)
    assert not signature_is_valid(b"other", header, b"{}", 1_000)
    for bad in ("", "t=", "t=x,v1=y", "t=1000", header + "é", "t=²,v1=", header.upper()):
        assert not signature_is_valid(SECRET, bad, b"{}", 1_000)


@pytest.mark.parametrize(
    ("attempts", "chance", "expected_ms"),
    [(1, 0.0, 1_000), (1, 1.0, 2_000), (2, 1.0, 4_000), (5, 0.5, 24_000), (40, 1.0, 3_600_000)],
)
def test_waits_double_up_to_an_hour(attempts: int, chance: float, expected_ms: int) -> None:
    assert wait_ms(DeliveryRules(), attempts, chance) == expected_ms


def test_an_empty_secret_is_refused(queue: DeliveryQueue) -> None:
    with pytest.raises(ValueError, match="secret"):
        OutcomeDelivery(queue, b"")
