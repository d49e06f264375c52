"""Calls that were asked for, on their way to the carrier, beside the requests that asked."""

import asyncio

import httpx
from loguru import logger

from telephony.dialer import Dialer
from telephony.errors import CallChanged, StoreError


class Outbound:
    """Dials in tasks of its own; `run` owns them."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def place(self, call_id: str) -> None:
        """Dial a queued call soon."""
        self._asked.put_nowait(call_id)

    async def run(self) -> None:
        """Dial what is asked for, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._place(await self._asked.get()))

    async def _place(self, call_id: str) -> None:
        try:
            await self._dialer.place(call_id)
        except CallChanged as error:
            logger.info("the call was taken up elsewhere: {}", error)
        except (StoreError, httpx.InvalidURL, ValueError, RuntimeError) as error:
            # One call that can't be dialled must not take the server with it; the sweep closes it.
            logger.opt(exception=error).error("call {} was not placed: {}", call_id, error)
