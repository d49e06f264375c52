"""How many calls and how many silent sockets there may be at a time."""

from contextlib import ExitStack

import pytest

from bot.live_calls import HANDSHAKES_PER_CALL, LiveCalls
from telephony.errors import LineBusy


def test_silent_sockets_take_no_place_of_a_call() -> None:
    live = LiveCalls(2)
    with ExitStack() as sockets:
        for _ in range(2 * HANDSHAKES_PER_CALL):
            sockets.enter_context(live.handshake())
        assert (len(live), live.is_full) == (0, False)
        with live.place():
            assert len(live) == 1


def test_there_are_only_so_many_silent_sockets() -> None:
    live = LiveCalls(1)
    with ExitStack() as sockets:
        for _ in range(HANDSHAKES_PER_CALL):
            sockets.enter_context(live.handshake())
        with pytest.raises(LineBusy, match="4 sockets have yet to send"), live.handshake():
            pass
    with live.handshake():  # those that left make room
        pass


def test_a_call_over_the_limit_is_told_the_limit() -> None:
    live = LiveCalls(1)
    with live.place(), pytest.raises(LineBusy, match="CALLWRIGHT_MAX_CALLS is 1"), live.place():
        pass
    assert not live.is_full


async def test_a_server_that_stops_takes_neither_calls_nor_sockets() -> None:
    live = LiveCalls(1)
    await live.drain(timeout_s=1)
    with pytest.raises(LineBusy, match="shutting down"), live.handshake():
        pass
    with pytest.raises(LineBusy, match="shutting down"), live.place():
        pass
