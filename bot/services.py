"""The only place that chooses concrete classes: everything that all calls of a process share."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import httpx
from loguru import logger

from bot.engines import Ears, Mouths, open_ears, open_mouths
from bot.errors import StartFailed
from bot.filler import filler
from bot.flow_settings import usable_flows
from bot.llm.knowledge import KnowledgeBase
from bot.llm.opening import open_knowledge_bases, open_model, open_understanding
from bot.phone_numbers import e164
from bot.settings import Settings
from bot.urls import Urls
from bot.voice import Voice
from ivr_flows.errors import FlowUnknown
from ivr_flows.flow import Flow
from ivr_flows.rehearsal import static_prompts
from speech.end_of_turn import SmartTurn
from speech.pool import EnginePool
from speech.vad import SileroSession
from telephony.call import Call, JsonValue
from telephony.carrier import Carrier, DialRequest
from telephony.database import Database
from telephony.delivery_queue import DeliveryQueue
from telephony.dialer import Dialer
from telephony.errors import StoreError
from telephony.exotel import ExotelCarrier
from telephony.outcome_delivery import DeliveryRules, OutcomeDelivery
from telephony.store import CallStore, now_unix_ms
from telephony.twilio import TwilioCarrier
from telephony.workers import this_worker

if TYPE_CHECKING:
    from bot.llm.model import LanguageModel  # OpenAI's client comes with it: 1 s and 40 MB
    from bot.llm.understanding import Understanding

LINE_RATE_HZ = 8000
"""The rate for which static prompts are rendered ahead: both carriers' default."""


class Route(TypedDict):
    """What answers a call: arguments of `NewCall`."""

    flow: str
    language: str
    variables: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Services:
    """What a call needs, opened once a process by `open_services`."""

    settings: Settings
    urls: Urls
    pool: EnginePool
    silero: SileroSession
    smart_turn: SmartTurn
    ears: Ears
    mouths: Mouths
    flows: Mapping[str, Flow]
    store: CallStore
    carriers: Mapping[str, Carrier]
    dialer: Dialer
    delivery: OutcomeDelivery | None  # None: outcomes aren't signed, so none are delivered
    http: httpx.AsyncClient
    llm: "LanguageModel | None"  # None: no endpoint is configured
    understanding: "Understanding | None"  # None: the flow's own words alone decide
    knowledge: Mapping[str, KnowledgeBase]  # by the name that flows use

    def flow(self, name: str) -> Flow:
        """The flow of that name. Raises FlowUnknown."""
        try:
            return self.flows[name]
        except KeyError:
            known = ", ".join(sorted(self.flows))
            raise FlowUnknown(f'there is no flow "{name}"; there are {known}') from None

    def route(self, to_number: str) -> Route:
        """What answers a call to one of our numbers, however the carrier writes it."""
        settings = self.settings
        country = settings.default_country_code
        dialled = e164(to_number, country) or to_number
        routes = {e164(number, country) or number: r for number, r in settings.numbers.items()}
        route = routes.get(dialled)
        flow = route.flow if route else settings.default_flow
        return Route(
            flow=flow,
            language=(route and route.language) or settings.default_language,
            variables=dict(settings.flow_variables.get(flow, {})),
        )

    async def render_static_prompts(self) -> None:
        """Have fillers and every prompt without variables in the cache, at the rates of lines."""
        for rate_hz in {LINE_RATE_HZ, self.settings.exotel.stream_sample_rate_hz}:
            await self._render(rate_hz)

    async def _render(self, rate_hz: int) -> None:
        voice = Voice(self.mouths.by_language, self.settings.voices, rate_hz)
        for flow in self.flows.values():
            for language in flow.languages:
                cache = self.mouths.by_language.get(language)
                if cache is None:
                    continue
                keypad_only = language not in self.ears.by_language
                says = static_prompts(flow, language, keypad_only=keypad_only)
                asking = filler(language)
                says = (*says, asking) if asking else says
                requests = [voice.request(say.text, say.language) for say in says]
                failed = await cache.prewarm(requests, sample_rate_hz=rate_hz)
                for request, error in failed:
                    logger.warning("the prompt {!r} was not rendered: {}", request.text, error)


@asynccontextmanager
async def open_services(settings: Settings, urls: Urls) -> AsyncGenerator[Services]:
    """Load the engines, open the database, and close everything at the end.

    Raises:
        StartFailed: something that the settings ask for is not here; says how to get it.
    """
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(EnginePool(settings.model_threads))
        database = _database(settings)
        stack.push_async_callback(database.close)
        store = CallStore(database, this_worker())
        # Networks load on other cores while this one reads the flows.
        async with _starting() as tasks:
            loading = tasks.create_task(asyncio.to_thread(SileroSession))
            hearing = tasks.create_task(open_ears(settings, pool, stack))
            speaking = tasks.create_task(open_mouths(settings, stack))
            tasks.create_task(_start(store))
            reading = tasks.create_task(asyncio.to_thread(usable_flows, settings))
            knowing = tasks.create_task(open_knowledge_bases(settings, stack))
        carriers = _carriers(settings, store)
        for carrier in carriers.values():
            stack.push_async_callback(carrier.close)
        llm = open_model(settings.llm, stack)
        if llm is not None:
            _in_background(llm.warm(), stack)
        yield Services(
            settings=settings,
            urls=urls,
            pool=pool,
            silero=loading.result(),
            smart_turn=SmartTurn(pool),
            ears=hearing.result(),
            mouths=speaking.result(),
            flows=reading.result(),
            store=store,
            carriers=carriers,
            dialer=Dialer(store, carriers, lambda call: dial_request(call, settings, urls)),
            delivery=_delivery(settings, database),
            http=await stack.enter_async_context(
                httpx.AsyncClient(timeout=settings.timeouts.request_s)
            ),
            llm=llm,
            understanding=open_understanding(settings.llm, llm),
            knowledge=knowing.result(),
        )


def _in_background(work: Coroutine[Any, Any, None], stack: AsyncExitStack) -> None:
    """The start doesn't wait for it, and the end doesn't either."""
    task = asyncio.create_task(work)
    stack.callback(task.cancel)


@asynccontextmanager
async def _starting() -> AsyncGenerator[asyncio.TaskGroup]:
    """Tasks that must all succeed; the first reason why one did not is raised by itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except* StartFailed as failed:
        reasons = failed
    else:
        return
    raise reasons.exceptions[0]


def _database(settings: Settings) -> Database:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(
            f"CALLWRIGHT_DATA_DIR: {folder} can't be made ({error.strerror}); name a folder that "
            "this user may write to"
        ) from error
    try:
        return Database(settings.database_dsn.get_secret_value())
    except ValueError as error:
        raise StartFailed(f"CALLWRIGHT_DATABASE_URL: {error}") from error


async def _start(store: CallStore) -> None:
    try:
        lost = await store.start()
    except StoreError as error:
        raise StartFailed(f"CALLWRIGHT_DATABASE_URL, CALLWRIGHT_DATA_DIR: {error}") from error
    if lost:
        logger.warning("calls that an earlier process left open are closed as lost: {}", lost)


def dial_request(call: Call, settings: Settings, urls: Urls) -> DialRequest:
    """How a call of ours is to be dialled."""
    is_exotel = call.carrier == "exotel"
    detects = not is_exotel and settings.twilio.machine_detection
    return DialRequest(
        call_id=call.id,
        to_number=call.to_number,
        from_number=call.from_number,
        answer_url=urls.webhook(call.carrier, "answer", call.id),
        status_url=urls.webhook(call.carrier, "status", call.id),
        machine_url=urls.webhook(call.carrier, "machine", call.id) if detects else None,
        stream_url=urls.exotel_stream(call.id, settings) if is_exotel else None,
        ring_timeout_s=round(settings.timeouts.dial_s),
        time_limit_s=round(settings.timeouts.call_s),
    )


def from_number(settings: Settings, carrier: str) -> str:
    """The number that calls through a carrier are placed from."""
    numbers = {"twilio": settings.twilio.from_number, "exotel": settings.exotel.from_number}
    return numbers.get(carrier) or ""


def _carriers(settings: Settings, store: CallStore) -> dict[str, Carrier]:
    carriers: dict[str, Carrier] = {}
    twilio, exotel = settings.twilio, settings.exotel
    if twilio.account_sid is not None and twilio.auth_token is not None:
        carriers["twilio"] = TwilioCarrier(
            twilio.account_sid,
            twilio.auth_token.get_secret_value(),
            api_base_url=twilio.api_base_url,
            timeout_s=settings.timeouts.carrier_s,
        )
    if exotel.account_sid and exotel.api_key is not None and exotel.api_token is not None:
        carriers["exotel"] = ExotelCarrier(
            exotel.account_sid,
            exotel.api_key.get_secret_value(),
            exotel.api_token.get_secret_value(),
            store,
            app_id=exotel.app_id,
            api_base_url=exotel.api_base_url,
            timeout_s=settings.timeouts.carrier_s,
        )
    return carriers


def _delivery(settings: Settings, database: Database) -> OutcomeDelivery | None:
    secret = settings.business.outcome_secret
    if secret is None:
        return None
    rules = DeliveryRules(
        timeout_s=settings.timeouts.outcome_s,
        allow_private=settings.business.allow_private_outcome_urls,
    )
    queue = DeliveryQueue(database, now_unix_ms)
    return OutcomeDelivery(queue, secret.get_secret_value().encode(), rules)
