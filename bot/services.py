"""The only place that chooses concrete classes: everything that all calls of a process share."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
from loguru import logger

from bot.errors import StartFailed
from bot.settings import Settings
from bot.voice import Voice
from ivr_flows.errors import FlowUnknown
from ivr_flows.flow import Flow
from ivr_flows.loader import SHIPPED, load_folder
from speech.cache import SpeechCache
from speech.errors import EngineUnavailable
from speech.pool import EnginePool
from speech.registry import recognizer, synthesizer
from speech.stt import Recognizer
from speech.tts import Synthesizer
from speech.vad import SileroSession
from telephony.carrier import Carrier
from telephony.database import Database
from telephony.dialer import Dialer
from telephony.exotel import ExotelCarrier
from telephony.outcome_delivery import OutcomeDelivery
from telephony.store import CallStore
from telephony.twilio import TwilioCarrier
from telephony.workers import this_worker

LINE_RATE_HZ = 8000
"""The rate for which static prompts are rendered ahead: both carriers' default."""


@dataclass(slots=True)
class Services:
    """What a call needs, opened once a process by `open_services`."""

    settings: Settings
    pool: EnginePool
    silero: SileroSession
    recognizers: Mapping[str, Recognizer]  # by language
    caches: Mapping[str, SpeechCache]  # by language
    flows: Mapping[str, Flow]
    store: CallStore
    carriers: Mapping[str, Carrier]
    dialer: Dialer
    delivery: OutcomeDelivery
    http: httpx.AsyncClient
    is_ready: bool = field(default=False)

    def flow(self, name: str) -> Flow:
        """The flow of that name. Raises FlowUnknown."""
        try:
            return self.flows[name]
        except KeyError:
            known = ", ".join(sorted(self.flows))
            raise FlowUnknown(f'there is no flow "{name}"; there are {known}') from None
