"""Outbound calls: from the queue to the carrier, once, and what the carrier says of them."""

from collections.abc import Callable, Mapping

from loguru import logger

from telephony.call import Call, CallStatus, Disposition, EndedBy
from telephony.carrier import AnsweredBy, Carrier, DialRequest, MachineResult, StatusCallback
from telephony.errors import (
    CallChanged,
    CarrierError,
    CarrierUnreachable,
    IllegalTransition,
    WebhookMalformed,
)
from telephony.records import CallEvent
from telephony.store import CallStore


class Dialer:
    """Places queued calls through `carriers` (by name) and follows their status.

    `request_for` says how a call is to be dialled: numbers, our URLs, time-outs.
    """

    def __init__(
        self,
        store: CallStore,
        carriers: Mapping[str, Carrier],
        request_for: Callable[[Call], DialRequest],
    ) -> None:
        self._store = store
        self._carriers = carriers
        self._request_for = request_for

    async def place(self, call_id: str) -> Call:
        """Dial a queued call; returns it dialling, or failed with the reason.

        However many workers try, one dials, and never a second time: when it dies on the way the
        call is closed as lost. Raises CallUnknown, CallChanged when the call isn't queued
        (any more), and StoreUnavailable.
        """
        call = await self._store.get(call_id)
        request = self._request_for(call)
        call = await self._store.update_status(
            call_id, CallStatus.DIALING, expected=CallStatus.QUEUED
        )
        await self._store.adopt(call_id)
        carrier = self._carriers.get(call.carrier)
        if carrier is None:
            known = ", ".join(sorted(self._carriers)) or "none"
            return await self._fail(call_id, f"no carrier {call.carrier!r}; configured: {known}")
        try:
            placed = await carrier.dial(request)
        except CarrierUnreachable as error:
            return await self._fail_unless_placed(call_id, str(error))
        except CarrierError as error:
            return await self._fail(call_id, str(error))
        return await self._store.note(call_id, carrier_call_id=placed.carrier_call_id)

    async def apply_status(self, call_id: str, callback: StatusCallback) -> Call:
        """Follow a carrier's status callback about the call that its URL names.

        Raises CallUnknown, and WebhookMalformed when the carrier's id is not this call's.
        """
        await self._check_carrier_call(call_id, callback.carrier_call_id)
        return await self._store.apply_carrier_update(call_id, callback.update)

    async def apply_machine(self, call_id: str, result: MachineResult) -> Call:
        """Follow a carrier's word on who answered: voicemail ends the call.

        Raises CallUnknown, and WebhookMalformed when the carrier's id is not this call's.
        """
        call = await self._check_carrier_call(call_id, result.carrier_call_id)
        detail = {"by": result.answered_by, "detection_ms": result.duration_ms}
        await self._store.add_event(call_id, CallEvent("answered_by", None, detail))
        if result.answered_by is not AnsweredBy.MACHINE or call.is_terminal:
            return call
        call = await self._store.set_outcome(
            call_id, disposition=Disposition.VOICEMAIL, ended_by=EndedBy.BOT
        )
        carrier = self._carriers.get(call.carrier)
        if carrier is not None and not carrier.ends_with_stream:
            try:
                await carrier.hang_up(result.carrier_call_id)
            except CarrierError as error:
                logger.warning("call {}: voicemail was not hung up: {}", call_id, error)
        return call

    async def _check_carrier_call(self, call_id: str, carrier_call_id: str) -> Call:
        """The call, with the carrier's id noted: its callback may overtake its answer."""
        call = await self._store.get(call_id)
        if call.carrier_call_id is None:
            try:
                return await self._store.note(call_id, carrier_call_id=carrier_call_id)
            except CallChanged as error:
                raise _foreign() from error
        if call.carrier_call_id != carrier_call_id:
            raise _foreign()
        return call

    async def _fail(self, call_id: str, reason: str) -> Call:
        logger.warning("call {} was not placed: {}", call_id, reason)
        try:
            return await self._store.update_status(call_id, CallStatus.FAILED, reason=reason)
        except IllegalTransition:  # over already
            return await self._store.get(call_id)

    async def _fail_unless_placed(self, call_id: str, reason: str) -> Call:
        """No answer is no refusal: when the carrier spoke of the call, it has it."""
        call = await self._store.get(call_id)
        if call.carrier_call_id is None:
            return await self._fail(call_id, reason)
        logger.warning("call {} is with the carrier, though: {}", call_id, reason)
        return call


def _foreign() -> WebhookMalformed:
    return WebhookMalformed(
        "CallSid", "not the carrier's id of this call", "Send callbacks to the URL of their call"
    )
