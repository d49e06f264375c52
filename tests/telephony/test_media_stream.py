"""The handshake, on Starlette's own WebSocket over channels in memory."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import WebSocket

from telephony.errors import (
    HandshakeAbandoned,
    HandshakeInvalid,
    HandshakeTimeout,
    LineRefused,
    MessageTooLarge,
)
from telephony.media_fields import CarrierName
from telephony.media_stream import check_size, read_start, refuse
from tests.telephony import line_messages as lm


class Peer:
    """The other end of a socket: what it sends, then silence or its leaving; what it was sent."""

    def __init__(
        self, messages: Sequence[object], *, query: str = "", leaves: bool = False
    ) -> None:
        self.sent_to_it: list[Any] = []
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._waiting.put_nowait({"type": "websocket.connect"})
        for message in messages:
            kind = "bytes" if isinstance(message, bytes) else "text"
            data = message if isinstance(message, str | bytes) else json.dumps(message)
            self._waiting.put_nowait({"type": "websocket.receive", kind: data})
        if leaves:
            self._waiting.put_nowait({"type": "websocket.disconnect", "code": 1006})
        scope = {"type": "websocket", "query_string": query.encode(), "headers": [], "path": "/"}
        self.websocket = WebSocket(scope, self._waiting.get, self._take)

    async def _take(self, message: Any) -> None:
        self.sent_to_it.append(message)

    @property
    def unread(self) -> int:
        return self._waiting.qsize()


async def test_connected_then_start_is_a_stream_and_the_rest_stays_in_the_socket():
    peer = Peer([lm.TWILIO_CONNECTED, lm.twilio_start(token="t"), lm.twilio_media(1)])
    start = await read_start(peer.websocket, carrier="twilio")
    assert (start.stream_sid, start.custom_parameters) == (lm.TWILIO_SID, {"token": "t"})
    assert peer.unread == 1
    assert peer.sent_to_it[0]["type"] == "websocket.accept"


async def test_media_and_noise_before_start_are_dropped():
    noise = [lm.exotel_media(1), "[1]", b"\xff", "null", "{}", lm.EXOTEL_CONNECTED]
    start = await read_start(Peer([*noise, lm.exotel_start()]).websocket, carrier="exotel")
    assert start.stream_sid == lm.EXOTEL_SID


@pytest.mark.parametrize(
    ("query", "declared", "rate_hz"),
    [
        ("", "8000", 8000),
        ("", None, 8000),
        ("sample-rate=16000", None, 16000),
        ("sample_rate=24000", None, 24000),
        ("sample-rate=16kHz", None, 16000),
        ("sample-rate=16000", "8000", 8000),
        ("", "16kHz", 16000),
    ],
)
async def test_exotels_rate_is_what_start_declares_else_what_the_address_asks(
    query: str, declared: str | None, rate_hz: int
):
    peer = Peer([lm.exotel_start(sample_rate=declared)], query=query)
    assert (await read_start(peer.websocket, carrier="exotel")).sample_rate_hz == rate_hz


async def test_a_rate_in_the_address_that_no_carrier_streams_is_refused():
    peer = Peer([lm.exotel_start(sample_rate=None)], query="sample-rate=44100")
    with pytest.raises(HandshakeInvalid, match="sample-rate"):
        await read_start(peer.websocket, carrier="exotel")


@pytest.mark.parametrize(
    ("message", "carrier"),
    [
        (lm.twilio_start(), "twilio"),
        (lm.exotel_start(), "exotel"),
        (lm.in_camel_case(lm.exotel_start()), "exotel"),
    ],
)
async def test_a_socket_that_either_carrier_may_use_finds_out_whose_it_is(
    message: lm.Message, carrier: CarrierName
):
    assert (await read_start(Peer([message]).websocket, carrier=None)).carrier == carrier


async def test_a_handshake_that_never_comes_times_out():
    with pytest.raises(HandshakeTimeout, match="start") as caught:
        await read_start(Peer([lm.EXOTEL_CONNECTED]).websocket, carrier="exotel", timeout_s=0.01)
    assert caught.value.close_code == 1008


async def test_a_start_that_can_not_be_used_names_its_field():
    peer = Peer([{"event": "start", "stream_sid": "S", "start": {}}])
    with pytest.raises(HandshakeInvalid) as caught:
        await read_start(peer.websocket, carrier="exotel")
    assert (caught.value.field, caught.value.close_code) == ("start.call_sid", 1007)


async def test_a_peer_that_talks_for_ever_without_start_is_refused():
    with pytest.raises(HandshakeInvalid, match="event"):
        await read_start(Peer([lm.EXOTEL_CONNECTED] * 1000).websocket, carrier="exotel")


async def test_a_peer_that_leaves_is_told_from_one_that_is_silent():
    peer = Peer([lm.EXOTEL_CONNECTED], leaves=True)
    with pytest.raises(HandshakeAbandoned, match="1006"):
        await read_start(peer.websocket, carrier="exotel")


async def test_a_message_over_a_megabyte_is_refused_unparsed():
    with pytest.raises(MessageTooLarge) as caught:
        await read_start(Peer(["[" * (2 << 20)]).websocket, carrier="twilio")
    assert caught.value.close_code == 1009


@pytest.mark.parametrize(
    ("message", "fits"),
    [("a" * 10, True), ("a" * 11, False), ("é" * 5, True), ("é" * 6, False), (b"a" * 11, False)],
)
def test_size_is_counted_in_bytes(message: str | bytes, fits: bool):
    if fits:
        assert check_size(message, 10) is None
    else:
        with pytest.raises(MessageTooLarge, match="limit is 10"):
            check_size(message, 10)


async def test_a_refusal_closes_with_a_code_and_a_reason_that_fits_the_frame():
    peer = Peer([])
    await peer.websocket.accept()
    await refuse(peer.websocket, HandshakeInvalid("start." + "é" * 200, "is missing", "Send it"))
    close = peer.sent_to_it[-1]
    assert (close["type"], close["code"]) == ("websocket.close", 1007)
    assert close["reason"].startswith("start.é")
    assert len(close["reason"].encode()) <= 123


async def test_a_refusal_of_a_peer_that_is_gone_is_quiet():
    peer = Peer([], leaves=True)
    await peer.websocket.accept()
    await peer.websocket.receive()
    await refuse(peer.websocket, HandshakeAbandoned("gone"))
    await refuse(peer.websocket, HandshakeAbandoned("gone"))
    closes = [sent for sent in peer.sent_to_it if sent["type"] == "websocket.close"]
    assert len(closes) <= 1


def test_every_refusal_has_a_code_that_a_close_frame_may_carry():
    for kind in LineRefused.__subclasses__():
        assert kind.close_code in {1000, *range(1002, 1004), *range(1007, 1015)}
