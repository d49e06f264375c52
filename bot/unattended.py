"""Calls that nobody leads any more, closed: callbacks of carriers are a best effort."""

import asyncio
import time
from collections.abc import Mapping

from loguru import logger

from bot.live_calls import LiveCalls
from telephony.call import TERMINAL, Call, CallStatus, Disposition, EndedBy
from telephony.carrier import Carrier
from telephony.errors import CallError, CarrierError, StoreError
from telephony.exotel import ExotelCarrier
from telephony.listing import MAX_PAGE, CallFilter
from telephony.store import CallStore

SWEEP_S = 15.0
ANSWER_GRACE_S = 60.0
"""After the longest ringing; a carrier's own timers and its callback's way end within it."""

STREAM_GRACE_S = 60.0
"""For an answered call's media stream to come, and for the end of one to be written."""

_OPEN = frozenset(CallStatus) - TERMINAL - {CallStatus.QUEUED}


class Unattended:
    """Looks for this worker's open calls without a session; `run` is owned by the server."""

    def __init__(
        self, store: CallStore, live: LiveCalls, carriers: Mapping[str, Carrier], ring_s: float
    ) -> None:
        """`ring_s`: how long a phone may ring."""
        self._store = store
        self._live = live
        self._carriers = carriers
        self._ring_s = ring_s

    async def run(self) -> None:
        """Sweep now and then, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep(time.time_ns() // 1_000_000)
            except StoreError as error:
                logger.warning("unattended calls were not looked for: {}", error)

    async def sweep(self, now_unix_ms: int) -> None:
        """Close what is overdue at `now_unix_ms`."""
        page = await self._store.list(CallFilter(statuses=_OPEN), limit=MAX_PAGE)
        for call in page.calls:
            is_ours = self._store.leads(call) and self._live.find(call.id) is None
            if is_ours and now_unix_ms >= self._due_unix_ms(call):
                await self._close(call)

    def _due_unix_ms(self, call: Call) -> int:
        if call.answered_at_unix_ms is not None:
            return call.answered_at_unix_ms + round(STREAM_GRACE_S * 1000)
        return call.created_at_unix_ms + round((self._ring_s + ANSWER_GRACE_S) * 1000)

    async def _close(self, call: Call) -> None:
        carrier = self._carriers.get(call.carrier)
        try:
            if isinstance(carrier, ExotelCarrier) and call.carrier_call_id is not None:
                update = await carrier.fetch_status(call.carrier_call_id)
                if update is not None:
                    call = await self._store.apply_carrier_update(call.id, update)
            self._live.release(call.id)
            if call.is_settled:
                return
            reason = "the carrier never told how it ended"
            logger.warning("call {} is closed: {}", call.id, reason)
            if call.answered_at_unix_ms is None and not call.is_terminal:
                await self._store.update_status(call.id, CallStatus.NO_ANSWER, reason=reason)
            else:
                await self._store.finish(
                    call.id, Disposition.FAILED, EndedBy.CARRIER, reason=reason
                )
        except (CarrierError, CallError) as error:
            logger.warning("call {} could not be closed yet: {}", call.id, error)
