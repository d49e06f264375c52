"""Ending a call over REST, whichever worker leads it."""

from fastapi import APIRouter

from bot.ending import CallEnding
from bot.http.models import AcceptedCall
from bot.http.problems import Problem, responses
from bot.live_calls import LiveCalls
from bot.services import Services
from bot.workers.control import CallControl
from telephony.call import Call, CallStatus, Disposition, EndedBy
from telephony.errors import CallChanged, CallUnknown, CarrierError

_REASON = "hung up through the API"


def add_to(routes: APIRouter, services: Services, live: LiveCalls, control: CallControl) -> None:
    """`/calls/{call_id}/hang-up`."""

    @routes.post(
        "/calls/{call_id}/hang-up",
        status_code=202,
        summary="End a call, or don't let it begin",
        responses=responses(404, 409, 502),
    )
    async def hang_up(call_id: str) -> AcceptedCall:
        try:
            call = await services.store.get(call_id)
        except CallUnknown as error:
            raise Problem(404, str(error)) from error
        if call.is_terminal:
            raise Problem(409, f"Call {call_id} is over: it is {call.status}.")
        ending = CallEnding(Disposition.FAILED, EndedBy.OPERATOR, reason=_REASON)
        if not control.end(call.id, ending):
            call = await _end_unled(services, live, call)
        return AcceptedCall(call_id=call.id, status=call.status)


async def _end_unled(services: Services, live: LiveCalls, call: Call) -> Call:
    """End a call that has no conversation yet."""
    if call.status is CallStatus.QUEUED:
        try:
            return await services.store.update_status(
                call.id, CallStatus.CANCELED, expected=CallStatus.QUEUED, reason=_REASON
            )
        except CallChanged as error:
            raise Problem(409, f"It is being dialled just now: {error}") from error
    carrier = services.carriers.get(call.carrier)
    if carrier is None or call.carrier_call_id is None:
        raise Problem(409, f"Call {call.id} can't be ended yet: its carrier does not know it.")
    try:
        await carrier.hang_up(call.carrier_call_id)
    except CarrierError as error:
        raise Problem(502, f"{call.carrier} did not end the call: {error}") from error
    live.release(call.id)
    return await services.store.get(call.id)
