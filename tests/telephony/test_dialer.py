"""From the queue to the carrier, once; callbacks that overtake, repeat and lie."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from telephony.call import (
    Call,
    CallStatus,
    CarrierUpdate,
    Direction,
    Disposition,
    EndedBy,
    NewCall,
)
from telephony.carrier import AnsweredBy, DialRequest, MachineResult, StatusCallback
from telephony.dialer import Dialer
from telephony.errors import CallChanged, CallUnknown, WebhookMalformed
from telephony.exotel import ExotelCarrier
from telephony.store import CallStore
from telephony.twilio import TwilioCarrier

S = CallStatus


def request_for(call: Call) -> DialRequest:
    return DialRequest(
        call.id,
        call.to_number,
        call.from_number,
        answer_url=f"https://bot.example.com/tw/{call.id}/answer",
        status_url=f"https://bot.example.com/tw/{call.id}/status",
    )


@pytest.fixture
async def dialer(store: CallStore, rest: Any) -> AsyncIterator[Dialer]:
    twilio = TwilioCarrier("AC1", "hush", api_base_url=rest.base_url, timeout_s=0.5)
    yield Dialer(store, {"twilio": twilio}, request_for)
    await twilio.close()


async def queued(store: CallStore, carrier: str = "twilio") -> str:
    new = NewCall(Direction.OUTBOUND, "+911", "+912", "f", carrier)
    return (await store.create_call(new)).call.id


async def test_a_queued_call_is_dialled(store: CallStore, dialer: Dialer, rest: Any) -> None:
    call_id = await queued(store)
    rest.will(201, {"sid": "CA1"})
    placed = await dialer.place(call_id)
    assert (placed.status, placed.carrier_call_id) == (S.DIALING, "CA1")
    assert rest.requests[0].form["To"] == ["+911"]


async def test_however_many_try_one_dials(store: CallStore, dialer: Dialer, rest: Any) -> None:
    call_id = await queued(store)
    rest.will(201, {"sid": "CA1"})
    results = await asyncio.gather(
        *(dialer.place(call_id) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, CallChanged) for one in results) == 7
    assert len(rest.requests) == 1


async def test_a_refused_call_fails_with_the_reason(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    rest.will(400, {"code": 21211, "message": "Invalid 'To'", "status": 400})
    failed = await dialer.place(await queued(store))
    assert (failed.status, failed.disposition) == (S.FAILED, Disposition.FAILED)
    assert "21211" in (failed.failure_reason or "")
    with pytest.raises(CallChanged):
        await dialer.place(failed.id)


async def test_a_call_without_its_carrier_fails_and_says_so(
    store: CallStore, dialer: Dialer
) -> None:
    failed = await dialer.place(await queued(store, "pigeon"))
    assert failed.status is S.FAILED
    assert failed.failure_reason == "no carrier 'pigeon'; configured: twilio"


async def test_silence_fails_the_call(store: CallStore, dialer: Dialer, rest: Any) -> None:
    rest.will_hang()
    failed = await dialer.place(await queued(store))
    assert failed.status is S.FAILED


async def test_silence_of_a_carrier_that_spoke_of_the_call_does_not_fail_it(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    call_id = await queued(store)

    async def ring() -> None:
        await dialer.apply_status(call_id, StatusCallback("CA1", CarrierUpdate(S.RINGING, 1)))

    rest.on_request = ring
    rest.will_hang()
    placed = await dialer.place(call_id)
    assert (placed.status, placed.carrier_call_id) == (S.RINGING, "CA1")


async def test_a_callback_may_overtake_the_carriers_answer(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    call_id = await queued(store)

    async def ring() -> None:
        await dialer.apply_status(call_id, StatusCallback("CA1", CarrierUpdate(S.BUSY, 2)))

    rest.on_request = ring
    rest.will(201, {"sid": "CA1"})
    placed = await dialer.place(call_id)
    assert (placed.status, placed.disposition) == (S.BUSY, Disposition.BUSY)


async def test_callbacks_about_another_call_are_refused(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1"})
    one = await dialer.place(await queued(store))
    other = await queued(store)
    ended = CarrierUpdate(S.COMPLETED, 3)
    for call_id, sid in ((one.id, "CA2"), (other, "CA1")):
        with pytest.raises(WebhookMalformed, match="CallSid"):
            await dialer.apply_status(call_id, StatusCallback(sid, ended))
    with pytest.raises(CallUnknown):
        await dialer.apply_status("0" * 32, StatusCallback("CA3", ended))
    assert (await store.get(one.id)).status is S.DIALING


async def test_voicemail_is_hung_up_and_stays_voicemail(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1"})
    call = await dialer.place(await queued(store))
    await dialer.apply_status(call.id, StatusCallback("CA1", CarrierUpdate(S.IN_PROGRESS, 2)))
    rest.will(200, {"sid": "CA1"})
    await dialer.apply_machine(call.id, MachineResult("CA1", AnsweredBy.MACHINE, 2_100))
    assert rest.requests[-1].form == {"Status": ["completed"]}
    ended = await store.finish(call.id, Disposition.HUNG_UP, EndedBy.CALLER)
    assert (ended.disposition, ended.ended_by) == (Disposition.VOICEMAIL, EndedBy.BOT)


async def test_a_voicemail_that_cannot_be_hung_up_is_still_voicemail(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1"})
    call = await dialer.place(await queued(store))
    rest.will(503, "")
    told = await dialer.apply_machine(call.id, MachineResult("CA1", AnsweredBy.MACHINE))
    assert told.disposition is Disposition.VOICEMAIL


async def test_a_human_changes_nothing_but_is_noted(
    store: CallStore, dialer: Dialer, rest: Any
) -> None:
    rest.will(201, {"sid": "CA1"})
    call = await dialer.place(await queued(store))
    await dialer.apply_machine(call.id, MachineResult("CA1", AnsweredBy.HUMAN, 900))
    record = await store.get_record(call.id)
    assert record.call.disposition is None
    assert record.events[-1].event.detail == {"by": "human", "detection_ms": 900}
    assert len(rest.requests) == 1


async def test_a_transfer_through_exotel_waits_in_the_record(store: CallStore) -> None:
    call_id = await queued(store, "exotel")
    await store.note(call_id, carrier_call_id="c579")
    exotel = ExotelCarrier("acme1", "key", "hush", store, app_id="77")
    await exotel.transfer("c579", "+919000000000")
    assert (await store.get(call_id)).transfer_to == "+919000000000"
    with pytest.raises(CallUnknown):
        await exotel.transfer("c580", "+919000000000")
    await exotel.close()
