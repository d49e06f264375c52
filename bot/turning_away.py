"""Calls for which there is no room: written down, and told where to go instead."""

from loguru import logger

from bot.live_calls import LiveCalls
from bot.services import Services
from bot.workers.places import Refusal
from telephony.call import Call, CallStatus, Direction, Disposition, EndedBy
from telephony.errors import AnswerInvalid, CallError, StoreError
from telephony.twilio_twiml import hang_up_twiml, reject_twiml, transfer_twiml


async def turn_away(services: Services, live: LiveCalls, call: Call, why: Refusal) -> str | None:
    """Close the record of a call that is not taken; returns the number that shall take it.

    A record that can't be written keeps nobody waiting: the caller is turned away all the same.
    """
    number = services.settings.overflow_number
    reason = live.words(why)
    logger.warning("call {} is turned away: {}", call.id, reason)
    is_inbound = call.direction is Direction.INBOUND
    try:
        if is_inbound and number:
            await services.store.note(call.id, transfer_to=number)
            disposition, status = Disposition.TRANSFERRED, CallStatus.COMPLETED
        elif is_inbound:
            disposition, status = Disposition.BUSY, CallStatus.BUSY
        else:  # whom we called has picked up
            disposition, status = Disposition.FAILED, CallStatus.FAILED
        await services.store.finish(call.id, disposition, EndedBy.BOT, status=status, reason=reason)
    except (CallError, StoreError) as error:
        logger.error("call {}: that it was turned away is not on record: {}", call.id, error)
    return number if is_inbound else None


def twiml_of_turned_away(call: Call, number: str | None) -> str:
    """What Twilio is told: to call `number` instead, a busy tone, or, once answered, to hang up."""
    if number is not None:
        try:
            return transfer_twiml(number)
        except AnswerInvalid as error:
            logger.error("CALLWRIGHT_OVERFLOW_NUMBER: {}", error)
    return reject_twiml() if call.direction is Direction.INBOUND else hang_up_twiml()
