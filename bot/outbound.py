"""Calls that were asked for, on their way to the carrier, beside the requests that asked."""

import asyncio

import httpx
from loguru import logger

from bot.live_calls import LiveCalls
from bot.services import Services
from telephony.call import CallStatus
from telephony.errors import CallChanged, CallError, StoreError

LOOK_EVERY_S = 0.25
"""How often the first in the queue looks for room. Places are freed by other processes, too."""

ANSWER_GRACE_S = 60.0
"""Beyond the longest ringing: for the carrier's word that it was answered, or that it was not."""


class Outbound:
    """Dials in tasks of its own; `run` owns them.

    A call is dialled when it has a place, and keeps it while the phone rings: whoever picks up is
    not told that there is no room. The others wait, in the order in which they were asked for.
    """

    def __init__(self, services: Services, live: LiveCalls) -> None:
        self._services = services
        self._live = live
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def place(self, call_id: str) -> None:
        """Dial a queued call as soon as there is room."""
        self._asked.put_nowait(call_id)

    async def run(self) -> None:
        """Dial what is asked for, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                call_id = await self._asked.get()
                if await self._has_place(call_id):
                    tasks.create_task(self._place(call_id))
                else:
                    await self._cancel(call_id)

    async def _has_place(self, call_id: str) -> bool:
        """Wait for a place; False: the server stops first."""
        hold_s = self._services.settings.timeouts.dial_s + ANSWER_GRACE_S
        while not self._live.is_draining:
            if self._live.try_reserve(call_id, hold_s):
                return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    async def _place(self, call_id: str) -> None:
        try:
            call = await self._services.dialer.place(call_id)
            if call.is_terminal:
                self._live.release(call_id)
        except CallChanged as error:
            self._live.release(call_id)
            logger.info("the call was taken up elsewhere: {}", error)
        except (StoreError, httpx.InvalidURL, ValueError, RuntimeError) as error:
            # One call that can't be dialled must not take the server with it; the sweep closes it.
            self._live.release(call_id)
            logger.opt(exception=error).error("call {} was not placed: {}", call_id, error)

    async def _cancel(self, call_id: str) -> None:
        reason = "the server stopped before there was room for it"
        try:
            await self._services.store.update_status(
                call_id, CallStatus.CANCELED, expected=CallStatus.QUEUED, reason=reason
            )
        except (CallError, StoreError) as error:
            logger.warning("call {} was not canceled: {}", call_id, error)
