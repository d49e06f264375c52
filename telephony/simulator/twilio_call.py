"""The life of one call at the simulated Twilio: ring, fetch TwiML, carry it out, report."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from telephony.simulator import twiml
from telephony.simulator.call_state import SIP_CODE, SimulatedCall
from telephony.simulator.exchange import Exchange
from telephony.simulator.party import Behaviour
from telephony.simulator.stream_twilio import TwilioStream
from telephony.simulator.twilio_signature import sign
from telephony.simulator.violations import AnswerFailed, TwimlRefused

API_VERSION: Final = "2010-04-01"
_DOCUMENT_LIMIT: Final = 20  # TwiML documents a call; more is a redirect loop
_HUMAN_AFTER_MS: Final = 2_000  # AMD takes a few seconds; a short "hello" is settled in about two
_MACHINE_AFTER_MS: Final = 4_000
_EVENT_OF: Final = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
_XML_TYPES: Final = ("text/xml", "application/xml")


@dataclass(frozen=True, slots=True)
class Document:
    """Where TwiML comes from: a URL to fetch, or the text itself."""

    url: str = ""
    method: str = "POST"
    text: str = ""
    extra: tuple[tuple[str, str], ...] = ()  # fields of the verb that led here


@dataclass(frozen=True, slots=True)
class TwilioOrder:
    """What a call was asked to be when it was created."""

    answer: Document
    fallback_url: str = ""
    status_callback: str = ""
    status_events: frozenset[str] = frozenset({"completed"})
    timeout_s: int = 60
    time_limit_s: int = 14_400
    machine_detection: str = ""  # "", "Enable" or "DetectMessageEnd"
    async_amd: bool = False
    async_amd_callback: str = ""
    send_digits: str = ""


@dataclass(slots=True, eq=False)
class TwilioCall:
    """Runs one call; `update` replaces what it is doing."""

    call: SimulatedCall
    order: TwilioOrder
    exchange: Exchange
    account_sid: str
    auth_token: str
    callbacks_out_of_order: bool = False
    fail_fast: bool = False
    _update: Document | None = None
    _outbox: "asyncio.Queue[dict[str, str] | None]" = field(
        default_factory=lambda: asyncio.Queue[dict[str, str] | None]()
    )
    _sequence: int = 0
    _documents: int = 0
    _base_url: str = ""

    def update(self, document: Document) -> None:
        """A live update: the running TwiML is left, its stream stopped, and this is carried out."""
        self._update = document
        self.call.disturb()

    async def run(self, call: SimulatedCall) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._post_status_callbacks())
            try:
                await self._live(tasks)
            finally:
                self._outbox.put_nowait(None)

    async def _live(self, tasks: asyncio.TaskGroup) -> None:
        call = self.call
        if call.direction == "inbound":
            self._become("ringing")
            outcome = "in-progress"
        else:
            self._become("initiated")
            self._become("ringing")
            # Twilio adds a buffer of five seconds to the time-out that was asked for.
            outcome = await self.exchange.ring(call, (self.order.timeout_s + 5) * 1000.0)
        if outcome != "in-progress":
            self._become(outcome)
            return
        self._become("in-progress")
        watchers = [tasks.create_task(self._limit_time())]
        try:
            if self.order.machine_detection and self.order.async_amd:
                watchers.append(tasks.create_task(self._detect_async()))
            elif self.order.machine_detection and not self.order.send_digits:
                await self._detect()
            await self._answer()
        finally:
            for watcher in watchers:
                watcher.cancel()
        self._become("completed")

    def _become(self, status: str) -> None:
        call = self.call
        call.become(status, self.exchange.clock.now_ms())
        event = _EVENT_OF.get(status, "completed")
        if not self.order.status_callback or event not in self.order.status_events:
            return
        fields = self.call_fields() | {
            "CallbackSource": "call-progress-events",
            "Timestamp": format_datetime(call.ended_at or call.created_at),
            "SequenceNumber": str(self._sequence),
        }
        self._sequence += 1
        if call.over:
            seconds = int(call.duration_s)
            fields |= {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
            fields["SipResponseCode"] = SIP_CODE[status]
        self._outbox.put_nowait(fields)

    async def _post_status_callbacks(self) -> None:
        """One after the other; the call does not wait for them. Out of order: pairs are swapped."""
        held: dict[str, str] | None = None
        while (fields := await self._outbox.get()) is not None:
            if self.callbacks_out_of_order and held is None:
                held = fields
                continue
            await self._post_status(fields)
            if held is not None:
                await self._post_status(held)
                held = None
        if held is not None:
            await self._post_status(held)

    async def _post_status(self, fields: Mapping[str, str]) -> None:
        await self._signed("status", "POST", self.order.status_callback, fields)

    def call_fields(self) -> dict[str, str]:
        call = self.call
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": call.call_sid,
            "CallStatus": call.status,
            "Called": call.to_number,
            "Caller": call.from_number,
            "Direction": call.direction,
            "From": call.from_number,
            "To": call.to_number,
        }
        return fields | ({"AnsweredBy": call.answered_by} if call.answered_by else {})

    async def _signed(
        self, kind: str, method: str, url: str, fields: Mapping[str, str]
    ) -> tuple[int, str, str] | None:
        """Status, content type and body of the answer; None: nobody answered.

        A GET is signed over the URL with its query, and has no form.
        """
        sent: Mapping[str, str] = fields
        if method == "GET":
            url, sent = _with_query(url, fields), {}
        signature = sign(self.auth_token, url, sent)
        headers = {"X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1"}
        answer = await self.exchange.request(
            self.call, kind, method, url, fields=sent, headers=headers
        )
        if answer is None:
            return None
        return answer.status_code, answer.headers.get("content-type", ""), answer.text

    async def _limit_time(self) -> None:
        clock = self.exchange.clock
        await clock.sleep_until_ms(clock.now_ms() + self.order.time_limit_s * 1000.0)
        self.call.hang_up()

    async def _detect(self) -> int:
        """Waits as long as the detection takes, and settles who answered; returns the ms."""
        party = self.call.party
        machine = party.behaviour is Behaviour.VOICEMAIL
        wait_ms, verdict = _HUMAN_AFTER_MS, "human"
        if machine and self.order.machine_detection == "DetectMessageEnd":
            wait_ms, verdict = max(_MACHINE_AFTER_MS, party.greeting_ms), "machine_end_beep"
        elif machine:
            wait_ms, verdict = _MACHINE_AFTER_MS, "machine_start"
        clock = self.exchange.clock
        await clock.sleep_until_ms(clock.now_ms() + wait_ms)
        self.call.answered_by = verdict
        return wait_ms

    async def _detect_async(self) -> None:
        took_ms = await self._detect()
        fields = {
            "CallSid": self.call.call_sid,
            "AccountSid": self.account_sid,
            "AnsweredBy": self.call.answered_by or "unknown",
            "MachineDetectionDuration": str(took_ms),
        }
        await self._signed("amd", "POST", self.order.async_amd_callback, fields)

    async def _answer(self) -> None:
        """Carries out one document after the other until the call is over."""
        document: Document | None = self.order.answer
        while document is not None and not self.call.hang_up_asked:
            self._documents += 1
            if self._documents > _DOCUMENT_LIMIT:
                self.call.log.add("twilio-redirect-loop", f"{_DOCUMENT_LIMIT} TwiML documents")
                return
            try:
                verbs = twiml.parse_twiml(await self._load(document))
            except AnswerFailed as error:
                self.call.log.add(error.code, error.text)
                return
            except TwimlRefused as error:
                self.call.log.add("12100", f"{document.url or 'Twiml'}: {error}")
                return
            document = await self._carry_out(verbs)
            if self._update is not None:
                document, self._update = self._update, None
                self.call.disturbed.clear()

    async def _load(self, document: Document) -> str:
        """The text of a document. Raises AnswerFailed."""
        if document.text:
            return document.text
        self._base_url = document.url
        fields = self.call_fields() | dict(document.extra)
        answer = await self._signed("answer", document.method, document.url, fields)
        failed = answer is None or answer[0] >= 400
        if failed and self.order.fallback_url and document.url == self.order.answer.url:
            answer = await self._signed("answer", "POST", self.order.fallback_url, fields)
        if answer is None:
            raise AnswerFailed("11205", f"{document.url}: no answer, so there is no TwiML")
        status, content_type, text = answer
        if status >= 400:
            raise AnswerFailed("11200", f"{document.url}: answered {status} and not TwiML")
        if content_type.partition(";")[0].strip().lower() not in _XML_TYPES:
            raise AnswerFailed("12300", f"{document.url}: content type {content_type!r}, not XML")
        return text

    async def _carry_out(self, verbs: tuple[twiml.Verb, ...]) -> Document | None:
        """Runs a document's verbs. Returns the next document; None: the call is to be hung up."""
        call = self.call
        for verb in verbs:
            if call.disturbed.is_set() or call.person.hung_up:
                return None
            match verb:
                case twiml.Hangup() | twiml.Reject():
                    return None
                case twiml.Redirect(url, method):
                    return self._document(url, method)
                case twiml.Connect():
                    opened = await self._connect(verb.stream)
                    if opened and verb.action and not call.disturbed.is_set():
                        return self._document(verb.action)
                case twiml.Dial():
                    call.transferred_to = verb.number
                    if verb.action:
                        return self._document(verb.action, verb.method, self._dial_fields())
                case twiml.Gather():
                    if (after := await self._gather(verb)) is not None:
                        return after
                case twiml.Say() | twiml.Play() | twiml.Pause():
                    await self._prompt(verb)
        return None

    def _document(
        self, url: str, method: str = "POST", extra: Mapping[str, str] | None = None
    ) -> Document:
        return Document(urljoin(self._base_url, url), method, "", tuple((extra or {}).items()))

    async def _prompt(self, verb: twiml.Say | twiml.Play | twiml.Pause) -> None:
        """Outside of a stream nothing sounds: what would be said is noted."""
        match verb:
            case twiml.Say(text):
                self.call.said_by_carrier.append(text)
            case twiml.Play(url, digits):
                self.call.said_by_carrier.append(f"digits {digits}" if digits else url)
            case twiml.Pause(length_s):
                await self.exchange.rest(self.call, length_s * 1000.0)

    def _dial_fields(self) -> dict[str, str]:
        return {
            "DialCallStatus": self.call.party.dial_status,
            "DialCallSid": "CA" + uuid.uuid4().hex,
            "DialCallDuration": "0",
            "DialBridged": str(self.call.party.dial_status == "completed").lower(),
        }

    async def _gather(self, verb: twiml.Gather) -> Document | None:
        for prompt in verb.prompts:
            await self._prompt(prompt)
        digits = self.call.gather_keys.pop(0) if self.call.gather_keys else ""
        if verb.finish_on_key:
            digits = digits.partition(verb.finish_on_key)[0]
        digits = digits[: verb.num_digits]
        if not digits:
            await self.exchange.rest(self.call, verb.timeout_s * 1000.0)
        if digits or verb.action_on_empty:
            return self._document(verb.action or self._base_url, verb.method, {"Digits": digits})
        return None

    async def _connect(self, stream: twiml.Stream) -> bool:
        """Puts the party on the stream. False: it did not open."""
        call = self.call
        url = urlsplit(stream.url)
        if url.query:
            call.log.add("twilio-query-dropped", f"{stream.url}: Twilio drops a stream URL's query")
        target = url._replace(query="", fragment="").geturl()
        protocol = TwilioStream(
            self.account_sid, call.call_sid, "MZ" + uuid.uuid4().hex, dict(stream.parameters)
        )
        await self._stream_event(stream, protocol.stream_sid, "stream-started")
        headers = {"X-Twilio-Signature": sign(self.auth_token, target)}
        opened = await self.exchange.stream(
            call, protocol, target, headers, fail_fast=self.fail_fast
        )
        event = "stream-stopped" if opened else "stream-error"
        await self._stream_event(stream, protocol.stream_sid, event)
        return opened

    async def _stream_event(self, stream: twiml.Stream, stream_sid: str, event: str) -> None:
        if not stream.status_callback:
            return
        fields = {
            "AccountSid": self.account_sid,
            "CallSid": self.call.call_sid,
            "StreamSid": stream_sid,
            "StreamName": stream.name or stream_sid,
            "StreamEvent": event,
            "Timestamp": self.call.created_at.isoformat(),
        }
        if event == "stream-error":
            fields["StreamError"] = str(self.call.log.found[-1])
        url = urljoin(self._base_url, stream.status_callback)
        await self._signed("stream", stream.status_callback_method, url, fields)


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    return str(httpx.URL(url).copy_merge_params(dict(fields)))
