"""The websocket: utterances in their order, and clients that keep no order."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from speech.stt import Pcm, RecognitionStream, Transcript, Word
from tests.speech.server.own_speech_server import (
    TOKEN,
    ScriptedEar,
    broken,
    own_speech_server,
    tone,
)

START = {"type": "start", "id": "u1", "model": "ear", "language": "en", "sample_rate_hz": 8000}
SECOND = tone(1.0, 8_000).astype("<i2").tobytes()


class Socket:
    """A client that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def start(self, **changed: Any) -> dict[str, Any]:
        await self.say(**{**START, **changed})
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return json.loads(await self.connection.recv())

    async def closed(self) -> int | None:
        """The code that the server closes with, after whatever it still says."""
        async with asyncio.timeout(10):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                return self.connection.close_code


@asynccontextmanager
async def client(ear: ScriptedEar, **limits: Any) -> AsyncGenerator[Socket]:
    async with own_speech_server(ear=ear, **limits) as server, connect(server.ws_url) as connection:
        yield Socket(connection)
        await connection.close()
        async with asyncio.timeout(10):
            await server.host.quiet()  # whatever happened, the engine is given back


async def test_an_utterance_is_heard_and_another_over_the_same_connection() -> None:
    ear = ScriptedEar(words=(Word("hello", 10, 20, 0.5),))
    async with client(ear) as socket:
        for number in ("u1", "u2"):
            ready = await socket.start(id=number, hints=["yes"], other_languages=["hi"])
            assert ready == {"type": "ready", "id": number, "model": "ear"}
            await socket.connection.send(SECOND)
            await socket.connection.send(SECOND)
            await socket.say(type="finish")
            assert await socket.hear() == {
                "type": "final",
                "id": number,
                "text": "2000 ms",
                "language": "en",
                "confidence": 0.9,
                "audio_ms": 2000,
                "words": [{"text": "hello", "start_ms": 10, "end_ms": 20, "confidence": 0.5}],
            }
    assert ear.opened[0] == {"language": "en", "rate_hz": 8000, "hints": ["yes"], "others": ["hi"]}


async def test_partials_come_when_asked_and_an_urgent_one_also_when_others_wait() -> None:
    ear = ScriptedEar()
    async with client(ear) as socket:
        await socket.start()
        await socket.connection.send(SECOND)
        await socket.say(type="partial")
        assert (await socket.hear())["text"] == "1000 ms"
        ear.is_busy = True
        await socket.say(type="partial")
        assert await socket.hear() == {"type": "busy", "id": "u1"}
        await socket.say(type="partial", urgent=True)
        heard = await socket.hear()
        assert (heard["type"], heard["text"]) == ("partial", "1000 ms")


async def test_partials_come_by_themselves_after_so_much_audio() -> None:
    async with client(ScriptedEar()) as socket:
        await socket.start(partial_every_ms=500)
        heard: list[int] = []
        for _ in range(3):
            await socket.connection.send(SECOND[: len(SECOND) // 2])
            heard.append((await socket.hear())["audio_ms"])
    assert heard == [500, 1000, 1500]


async def test_who_lets_the_server_choose_gets_a_model_that_knows_the_language() -> None:
    async with client(ScriptedEar()) as socket:
        assert (await socket.start(model="default", language="mr"))["model"] == "ear"


async def test_a_cancelled_utterance_leaves_room_for_the_next() -> None:
    ear = ScriptedEar()
    async with client(ear) as socket:
        await socket.start()
        await socket.say(type="cancel")
        await socket.connection.send(SECOND)  # was on its way
        await socket.say(type="cancel")  # is nothing any more
        assert (await socket.start(id="u2"))["id"] == "u2"
    assert ear.cancelled.is_set()


async def test_a_start_waits_for_the_final_before_it() -> None:
    ear = ScriptedEar(gate=asyncio.Event())
    async with client(ear) as socket:
        await socket.start()
        await socket.say(type="finish")
        await ear.decoding.wait()
        await socket.say(**{**START, "id": "u2"})
        assert ear.gate is not None
        ear.gate.set()
        assert [(await socket.hear())["type"] for _ in range(2)] == ["final", "ready"]


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("no json", "invalid_json", None),
        ("[]", "unknown_type", "type"),
        ('"start"', "unknown_type", "type"),
        ("{}", "unknown_type", "type"),
        ('{"type": "sing"}', "unknown_type", "type"),
        ('{"type": 7}', "unknown_type", "type"),
        ('{"type": "finish"}', "not_started", "type"),
        ('{"type": "partial"}', "not_started", "type"),
        ('{"type": "start", "sample_rate_hz": 1}', "invalid_value", "sample_rate_hz"),
        ('{"type": "start", "sample_rate_hz": NaN}', "invalid_value", "sample_rate_hz"),
        ('{"type": "start", "hints": "one"}', "invalid_value", "hints"),
        ('{"type": "start", "partial_every_ms": -1}', "invalid_value", "partial_every_ms"),
        ('{"type": "start", "model": "nosuch"}', "model_not_found", "model"),
        ('{"type": "start", "language": "xx"}', "language_unsupported", "language"),
        ('{"type": "start", "language": "..."}', "invalid_value", "language"),
        ('{"type": "start", "id": "' + "x" * 200 + '"}', "invalid_value", "id"),
        ("x" * 200_000, "too_large", None),
        (b"\x00\x01", "not_started", "type"),
    ],
)
async def test_a_message_that_makes_no_sense_is_answered_and_the_next_one_served(
    message: str | bytes, code: str, param: str | None
) -> None:
    async with client(ScriptedEar()) as socket:
        await socket.connection.send(message)
        heard = await socket.hear()
        assert (heard["type"], heard["code"], heard["param"]) == ("error", code, param)
        assert heard["message"]
        assert (await socket.start())["type"] == "ready"


async def test_half_a_sample_and_too_much_audio_end_the_utterance_alone() -> None:
    async with client(ScriptedEar(), max_utterance_s=1.5) as socket:
        await socket.start()
        await socket.connection.send(SECOND[:-1])
        assert (await socket.hear())["code"] == "bad_audio"
        await socket.start(id="u2")
        await socket.connection.send(SECOND)
        await socket.connection.send(SECOND)
        heard = await socket.hear()
        assert (heard["id"], heard["code"]) == ("u2", "audio_too_long")
        await socket.connection.send(SECOND)  # was on its way, and is passed over
        assert (await socket.start(id="u3"))["type"] == "ready"


async def test_a_second_start_is_refused_and_the_first_goes_on() -> None:
    async with client(ScriptedEar()) as socket:
        await socket.start()
        assert (await socket.start(id="u2"))["code"] == "already_started"
        await socket.say(type="finish")
        assert (await socket.hear())["id"] == "u1"


async def test_an_engine_that_breaks_is_told_and_the_next_utterance_served() -> None:
    ear = ScriptedEar(failure=broken())
    async with client(ear) as socket:
        await socket.start()
        await socket.say(type="finish")
        heard = await socket.hear()
        assert (heard["id"], heard["code"]) == ("u1", "engine_failed")
        assert (await socket.start(id="u2"))["type"] == "ready"


@dataclass
class BrokenEar(ScriptedEar):
    """Breaks with an error that engines promise not to raise."""

    breaks_at: str = "open"

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        if self.breaks_at == "open":
            raise KeyError("the words of somebody")
        stream = super().open(
            language=language,
            sample_rate_hz=sample_rate_hz,
            hints=hints,
            other_languages=other_languages,
        )
        return BrokenStream(stream, self.breaks_at)


@dataclass
class BrokenStream:
    stream: RecognitionStream
    breaks_at: str

    def feed(self, pcm: Pcm) -> None:
        if self.breaks_at == "feed":
            raise IndexError("the words of somebody")
        self.stream.feed(pcm)

    async def partial(self, *, is_urgent: bool = False) -> Transcript:
        raise RuntimeError("the words of somebody")

    async def finish(self) -> Transcript:
        raise ValueError("the words of somebody")

    def cancel(self) -> None:
        self.stream.cancel()


@pytest.mark.parametrize("breaks_at", ["open", "feed", "partial", "finish"])
async def test_an_engine_that_breaks_its_word_is_told_of_and_the_connection_kept(
    breaks_at: str,
) -> None:
    ear = BrokenEar(breaks_at=breaks_at)
    async with client(ear, max_streams=1) as socket:  # `client` sees that it is given back
        heard = await socket.start()
        if breaks_at == "feed":
            await socket.connection.send(SECOND)
        if breaks_at in ("partial", "finish"):
            await socket.say(type=breaks_at)
        if breaks_at != "open":
            assert heard["type"] == "ready"
            heard = await socket.hear()
        assert (heard["type"], heard["id"], heard["code"]) == ("error", "u1", "engine_failed")
        assert "somebody" not in heard["message"]
        await socket.say(type="cancel")
        ear.breaks_at = ""
        assert (await socket.start(id="u2"))["type"] == "ready"


async def test_more_utterances_than_allowed_are_told_to_go_elsewhere() -> None:
    async with (
        own_speech_server(ear=ScriptedEar(), max_streams=1) as server,
        connect(server.ws_url) as first,
        connect(server.ws_url) as second,
    ):
        assert (await Socket(first).start())["type"] == "ready"
        heard = await Socket(second).start(id="u2")
        assert (heard["type"], heard["id"], heard["code"]) == ("error", "u2", "engine_busy")


async def test_a_client_that_leaves_in_mid_decode_frees_the_engine() -> None:
    ear = ScriptedEar(gate=asyncio.Event())
    async with own_speech_server(ear=ear) as server, asyncio.timeout(10):
        async with connect(server.ws_url) as connection:
            await Socket(connection).start()
            await Socket(connection).say(type="finish")
            await ear.decoding.wait()
            connection.transport.abort()
        await ear.cancelled.wait()
        await server.host.quiet()


async def test_who_sends_nonsense_again_and_again_is_sent_away() -> None:
    async with client(ScriptedEar()) as socket:
        for _ in range(30):
            await socket.connection.send("nonsense")
        assert await socket.closed() == 1008


async def test_who_floods_is_sent_away() -> None:
    async with client(ScriptedEar()) as socket:
        await socket.start()
        with suppress(ConnectionClosed):
            for _ in range(50_000):
                await socket.connection.send(b"\0\0")
        assert await socket.closed() == 1008


async def test_who_says_nothing_is_told_and_sent_away() -> None:
    async with client(ScriptedEar(), idle_utterance_s=0.2) as socket:
        await socket.start()
        assert (await socket.hear())["code"] == "idle"
        assert await socket.closed() == 1008
    async with client(ScriptedEar(), idle_socket_s=0.2) as socket:
        assert await socket.closed() == 1008


async def test_a_message_of_megabytes_ends_the_connection() -> None:
    async with client(ScriptedEar()) as socket:
        await socket.start()
        await socket.connection.send(bytes(2 << 20))
        assert await socket.closed() == 1009


async def test_more_connections_than_allowed_are_refused() -> None:
    async with (
        own_speech_server(ear=ScriptedEar(), max_sockets=1) as server,
        connect(server.ws_url) as first,
    ):
        assert (await Socket(first).start())["type"] == "ready"
        with pytest.raises(Exception, match="403"):
            async with connect(server.ws_url):
                pass


async def test_a_token_is_asked_of_websockets_too() -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with own_speech_server(ear=ScriptedEar(), token=TOKEN) as server:
        with pytest.raises(Exception, match="403"):
            async with connect(server.ws_url):
                pass
        async with connect(server.ws_url, additional_headers=bearer) as connection:
            assert (await Socket(connection).start())["type"] == "ready"
