"""What is asked of a running call, wherever it runs."""

import asyncio

from bot.ending import CallEnding
from bot.live_calls import LiveCalls
from bot.workers.inbox import EndCall, Inbox


class CallControl:
    """Reaches the session of a call in this worker or another; `run` is owned by the server."""

    def __init__(self, live: LiveCalls, inbox: Inbox | None = None) -> None:
        """`inbox`: to the other workers; None: there are none."""
        self._live = live
        self._inbox = inbox
        self._asked: asyncio.Queue[EndCall] = asyncio.Queue()

    def is_led(self, call_id: str) -> bool:
        """Whether the call has a session on any worker."""
        return self._live.board.leader_of(call_id) is not None

    def end(self, call_id: str, ending: CallEnding) -> bool:
        """Have a call ended soon, like `CallSession.end`; False: it has no session to end."""
        leader = self._live.board.leader_of(call_id)
        if leader is None:
            return False
        if leader != self._live.worker:
            return self._inbox is not None and self._inbox.send(leader, EndCall(call_id, ending))
        self.end_here(EndCall(call_id, ending))
        return True

    def end_here(self, asked: EndCall) -> None:
        """The same for a call of this worker."""
        self._asked.put_nowait(asked)

    async def run(self) -> None:
        """End what is asked for, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                asked = await self._asked.get()
                session = self._live.find(asked.call_id)
                if session is not None:  # else it ended by itself
                    tasks.create_task(session.end(asked.ending))
