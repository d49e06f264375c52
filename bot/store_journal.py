"""A call's notes, written to the store in their order by one task, while the call goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from loguru import logger
from sqlalchemy.exc import SQLAlchemyError

from bot.ending import CallEnding
from telephony.call import CallStatus, JsonValue
from telephony.errors import CallError, IllegalTransition, StoreError, StoreUnavailable
from telephony.records import CallEvent, KeyPress, PartialTurn, Turn
from telephony.store import CallStore

RETRY_AFTER_S = (0.1, 0.5, 2.0, 5.0)
"""A database that is away longer than this costs the note, never the call."""

FINISH_AFTER_S = (*RETRY_AFTER_S, 10.0, 30.0)
"""The end of a call is worth a longer wait: the business hears of it only when it is written."""

Write = Callable[[], Awaitable[None]]


class StoreJournal:
    """Takes notes at once; `run` writes them until `close` was called and all are written."""

    def __init__(self, store: CallStore, call_id: str) -> None:
        self._store = store
        self._call_id = call_id
        self._writes: asyncio.Queue[Write | None] = asyncio.Queue()
        self.partial: PartialTurn | None = None
        """What the caller is saying just now."""
        self._turn_numbers: dict[int, int] = {}  # utterance id -> the turn's number in the store

    def began(self, recording_name: str | None) -> None:
        """The call's media stream is here; where its recording will be found."""

        async def write() -> None:
            await self._store.adopt(self._call_id)
            if recording_name is not None:
                await self._store.note(self._call_id, recording_path=recording_name)
            try:
                await self._store.update_status(self._call_id, CallStatus.IN_PROGRESS)
            except IllegalTransition as error:
                logger.debug("the carrier was faster: {}", error)

        self._writes.put_nowait(write)

    async def finish(self, ending: CallEnding) -> None:
        """Write how the call ended; everything else must be written already."""

        async def write() -> None:
            reason = ending.reason or None
            await self._store.finish(
                self._call_id, ending.disposition, ending.ended_by, reason=reason
            )

        await self._try(write, FINISH_AFTER_S)

    def bot_turn(self, utterance_id: int, turn: Turn) -> None:
        """See `Journal`."""

        async def write() -> None:
            number = self._turn_numbers.get(utterance_id)
            if number is None:
                self._turn_numbers[utterance_id] = await self._store.add_turn(self._call_id, turn)
            else:
                await self._store.update_turn(self._call_id, number, turn)

        self._writes.put_nowait(write)

    def caller_partial(self, partial: PartialTurn | None) -> None:
        """See `Journal`: for who reads the call while it runs; no partial is written."""
        self.partial = partial

    def caller_turn(self, turn: Turn) -> None:
        """See `Journal`."""

        async def write() -> None:
            await self._store.add_turn(self._call_id, turn)

        self._writes.put_nowait(write)

    def key(self, key: KeyPress) -> None:
        """See `Journal`."""
        self._writes.put_nowait(lambda: self._store.add_key(self._call_id, key))

    def outcome(self, variables: Mapping[str, JsonValue]) -> None:
        """See `Journal`."""

        async def write() -> None:
            await self._store.set_outcome(self._call_id, outcome=variables)

        self._writes.put_nowait(write)

    def language(self, language: str) -> None:
        """See `Journal`."""

        async def write() -> None:
            await self._store.note(self._call_id, language=language)

        self._writes.put_nowait(write)

    def event(self, event: CallEvent) -> None:
        """See `Journal`."""
        self._writes.put_nowait(lambda: self._store.add_event(self._call_id, event))

    def close(self) -> None:
        """No more notes come: `run` ends when those it has are written."""
        self._writes.put_nowait(None)

    async def run(self) -> None:
        """Write the notes in their order."""
        while (write := await self._writes.get()) is not None:
            await self._try(write, RETRY_AFTER_S)

    async def _try(self, write: Write, waits_s: Sequence[float]) -> None:
        for wait_s in (*waits_s, None):
            try:
                await write()
            except StoreUnavailable as error:
                if wait_s is None:
                    logger.error("a note of call {} is lost: {}", self._call_id, error)
                    return
                logger.warning("the record of call {} waits: {}", self._call_id, error)
                await asyncio.sleep(wait_s)
            except (StoreError, CallError, SQLAlchemyError) as error:
                logger.error("a note of call {} can't be written: {}", self._call_id, error)
                return
            else:
                return
