"""Callers who converse with a scripted language model, on a real line, and what comes of it.

What the caller says is written: the ear hears the words that the test gives, whatever the voice
says, so that only the conversation is tested. The bot's voice is a hum of the length of its text.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from fastapi import FastAPI

from bot.http import media
from bot.live_calls import LiveCalls
from bot.llm.endpoint import Endpoint, Patience
from bot.llm.model import LanguageModel
from bot.minds import Passage
from bot.services import Services
from ivr_flows.loader import load_bytes
from speech.cache import SpeechCache
from speech.stt import Pcm, RecognitionStream
from speech.tts import Expression, SpeechRequest, Voice
from telephony.mulaw import encode
from telephony.records import CallRecord, Who
from telephony.simulator.exchange import serve_app
from tests.calls.own_server import OwnServer, ScriptedEar, ScriptedStream
from tests.calls.raw_telephone import RawTelephone
from tests.converse_flow import YAML
from tests.llm_peer import LlmPeer, Turn, llm_peer

QUIET_S = 0.6  # the bot has finished when its voice has been away for so long
PACKET_SAMPLES = 160  # 20 ms of Twilio's
LETTER_S = 0.018  # of the bot's voice: a third of what people need
CALL_S = 45.0
PATIENCE = Patience(first_token_s=1.0, idle_s=1.0)


class Hum:
    """A voice: a tone, as long as its text."""

    name = version = "hum"
    languages = frozenset({"en", "hi"})
    voices = (Voice("hum", "en", "a hum"), Voice("hum", "hi", "a hum"))
    expression = Expression()
    sample_rate_hz = 8000

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[Pcm, None]:
        samples = round(len(request.text) * LETTER_S * self.sample_rate_hz)
        yield (2000 * np.sin(np.arange(samples) * 0.35)).astype(np.int16)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class ToldEar(ScriptedEar):
    """Hears what the test says that the caller said."""

    languages = frozenset({"en", "hi"})

    def __init__(self) -> None:
        self.words = ""

    async def hear(self, *, is_final: bool) -> str:
        return self.words

    def open(
        self,
        *,
        language: str,
        sample_rate_hz: int,
        hints: Sequence[str] = (),
        other_languages: Sequence[str] = (),
    ) -> RecognitionStream:
        return ScriptedStream(self, sample_rate_hz)


# What a caller does


@dataclass(frozen=True, slots=True)
class Says:
    """Waits until the bot has finished, and speaks."""

    words: str


@dataclass(frozen=True, slots=True)
class Interrupts:
    """Speaks into the bot's next words, after so much of them."""

    words: str
    after_s: float = 0.8


@dataclass(frozen=True, slots=True)
class Keys:
    """Waits until the bot has finished, and presses keys."""

    keys: str


@dataclass(frozen=True, slots=True)
class SpeaksAtOnce:
    """Speaks when the model has been asked so often, whether the bot speaks or not."""

    words: str
    requests: int


@dataclass(frozen=True, slots=True)
class HangsUp:
    """Hangs up when the bot has finished."""


Step = Says | Interrupts | Keys | SpeaksAtOnce | HangsUp


@dataclass(slots=True)
class Conversation:
    """A call to be made: what the caller does, and what the models do."""

    steps: Sequence[Step]
    turns: Sequence[Turn]
    backup: Sequence[Turn] | None = None  # of a second endpoint
    flow: Callable[[str], str] = lambda yaml: yaml
    shop: Callable[[str], tuple[int, Any, float]] | None = None  # path -> status, body, delay
    has_model: bool = True


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    record: CallRecord
    peers: list[LlmPeer]
    orders: list[str] = field(default_factory=list[str])

    @property
    def said(self) -> list[str]:
        """The bot's texts, in order."""
        return [turn.text for turn in self.record.turns if turn.who is Who.BOT]

    @property
    def heard(self) -> list[str]:
        """What of them was heard."""
        return [turn.heard_text for turn in self.record.turns if turn.who is Who.BOT]

    @property
    def disposition(self) -> str:
        return str(self.record.call.disposition)

    @property
    def outcome(self) -> dict[str, Any]:
        return dict(self.record.call.outcome)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The details of the events of a kind."""
        return [dict(e.event.detail) for e in self.record.events if e.event.kind == kind]

    def shown(self, request: int, peer: int = 0) -> list[dict[str, Any]]:
        """The messages of a request, without the rules."""
        return [m for m in self.peers[peer].asked[request].messages if m["role"] != "system"]


class Shelf:
    """A knowledge base of one passage."""

    async def search(self, query: str, limit: int = 4) -> Sequence[Passage]:
        return (Leaf(),) if "return" in query else ()


@dataclass(frozen=True, slots=True)
class Leaf:
    source: str = "returns.md"
    heading: str = "How long"
    text: str = "Anything can be returned within 14 days."


class Caller:
    """Carries out the steps on a telephone."""

    def __init__(self, phone: RawTelephone, ear: ToldEar, peer: LlmPeer, voice: Pcm) -> None:
        self._phone = phone
        self._ear = ear
        self._peer = peer
        self._packets = [
            encode(voice[at : at + PACKET_SAMPLES])
            for at in range(0, len(voice) - PACKET_SAMPLES, PACKET_SAMPLES)
        ]

    async def take(self, steps: Sequence[Step]) -> None:
        for step in steps:
            await self._take(step)

    async def _take(self, step: Step) -> None:
        match step:
            case Says(words):
                await self._until_quiet()
                await self._speak(words)
            case Interrupts(words, after_s):
                heard = self._phone.heard_bytes
                while self._phone.heard_bytes - heard < 100:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(after_s)
                await self._speak(words)
            case SpeaksAtOnce(words, requests):
                await self._peer.until_asked(requests)
                await self._speak(words)
            case Keys(keys):
                await self._until_quiet()
                for key in keys:
                    self._send("dtmf", digit=key)
                    await asyncio.sleep(0.15)
            case HangsUp():
                await self._until_quiet()
                self._send("stop")

    async def _until_quiet(self) -> None:
        """Until the bot has said something since the last step, and has finished."""
        heard = self._phone.heard_bytes
        while self._phone.heard_bytes == heard or self._phone.quiet_s < QUIET_S:
            await asyncio.sleep(0.02)

    async def _speak(self, words: str) -> None:
        self._ear.words = words
        self._phone.speech.extend(self._packets)
        while self._phone.speech:
            await asyncio.sleep(0.02)

    def _send(self, event: str, **fields: str) -> None:
        message = self._phone.real(event)
        message[event] = {**message[event], **fields}
        self._phone.noise_per_packet = 1
        self._phone.noise.append(json.dumps(message))


@dataclass(frozen=True, slots=True)
class Exchange:
    """Makes calls of which each has a model, an ear and a server of its own."""

    services: Services
    voice: Pcm  # int16 mono, 8000 Hz: somebody speaks for about a second

    async def hold(self, conversation: Conversation) -> Outcome:
        """The call to its end."""
        async with asyncio.timeout(CALL_S), AsyncExitStack() as stack:
            scripts = [conversation.turns]
            scripts += [conversation.backup] if conversation.backup is not None else []
            peers = [await stack.enter_async_context(llm_peer(*turns)) for turns in scripts]
            orders: list[str] = []
            shop = await stack.enter_async_context(_shop(conversation, orders))
            model = LanguageModel(
                [
                    Endpoint(f"peer{n}", base_url=peer.base_url, model="m", patience=PATIENCE)
                    for n, peer in enumerate(peers)
                ]
            )
            stack.push_async_callback(model.close)
            ear, mouth = ToldEar(), SpeechCache(Hum())
            yaml = conversation.flow(YAML).replace("http://127.0.0.1:9", shop)
            flow = load_bytes(yaml.encode(), "shop.yaml")
            services = replace(
                self.services,
                flows={flow.name: flow},
                settings=self.services.settings.model_copy(update={"default_flow": flow.name}),
                ears=replace(self.services.ears, by_language={"en": ear, "hi": ear}),
                mouths=replace(self.services.mouths, by_language={"en": mouth, "hi": mouth}),
                llm=model if conversation.has_model else None,
                knowledge={"shop": Shelf()},
            )
            app = FastAPI()
            app.include_router(media.router(services, LiveCalls(4)))
            server = OwnServer(await stack.enter_async_context(serve_app(app)), services)
            phone = RawTelephone("twilio")
            caller = Caller(phone, ear, peers[0], self.voice)
            speaking = asyncio.create_task(caller.take(conversation.steps))
            try:
                record = await server.take(phone)
            finally:
                speaking.cancel()
                await asyncio.wait([speaking])
            if not speaking.cancelled() and (error := speaking.exception()):
                raise error
            return Outcome(record, peers, orders)


@asynccontextmanager
async def _shop(conversation: Conversation, orders: list[str]) -> AsyncGenerator[str]:
    """The business's service."""
    app = FastAPI()

    async def order(path: str) -> Any:
        from fastapi.responses import JSONResponse

        orders.append(path)
        given = conversation.shop(path) if conversation.shop else (404, {"error": "none"}, 0.0)
        await asyncio.sleep(given[2])
        return JSONResponse(given[1], given[0])

    app.add_api_route("/{path:path}", order, methods=["GET", "POST"])
    async with serve_app(app) as base_url:
        yield base_url
