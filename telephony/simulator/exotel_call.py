"""The life of one call at the simulated Exotel: ring, Voicebot, Passthru, Connect, report."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final, Literal, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from telephony.simulator.call_state import SimulatedCall
from telephony.simulator.exchange import Exchange
from telephony.simulator.party import Behaviour
from telephony.simulator.stream_exotel import ExotelStream, ExotelVariant

STREAM_URL_LIMIT: Final = 600
PARAMETER_COUNT_LIMIT: Final = 3
PARAMETER_LENGTH_LIMIT: Final = 256  # of the query that carries them
SESSION_LIMIT_S: Final = 3_600
_IST: Final = timezone(timedelta(hours=5, minutes=30))
_RATE_NAMES: Final = ("sample-rate", "sample_rate")


@dataclass(frozen=True, slots=True)
class ExotelApp:
    """A flow in Exotel's dashboard: a Voicebot applet, then Passthru, then Connect or hang-up.

    `voicebot_url`: a stream URL, or an http(s) one that answers {"url": "wss://..."}. Passthru's
    status `connect_on` leads to Connect: to `connect_number`, or to whom `connect_url` names.
    """

    voicebot_url: str
    passthru_url: str = ""
    passthru_method: Literal["GET", "POST"] = "GET"
    passthru_stream_as_json: bool = False
    connect_on: int = 200
    connect_number: str = ""
    connect_url: str = ""


@dataclass(frozen=True, slots=True)
class ExotelOrder:
    """What a call was asked to be."""

    app: ExotelApp
    direct: bool = False  # StreamUrl: no flow, so nothing comes after the bot
    custom_field: str = ""
    status_callback: str = ""
    status_events: frozenset[str] = frozenset({"terminal"})
    callback_as_json: bool = False
    timeout_s: int = 30
    time_limit_s: int = 14_400


@dataclass(slots=True, eq=False)
class ExotelCall:
    """Runs one call."""

    call: SimulatedCall
    order: ExotelOrder
    exchange: Exchange
    account_sid: str
    variant: ExotelVariant = field(default_factory=ExotelVariant)
    fail_fast: bool = False
    _outbox: "asyncio.Queue[tuple[str, str] | None]" = field(
        default_factory=lambda: asyncio.Queue[tuple[str, str] | None]()
    )

    async def run(self, call: SimulatedCall) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._post_status_callbacks())
            try:
                await self._live(tasks)
            finally:
                self._outbox.put_nowait(None)

    @property
    def customer(self) -> str:
        """The party's number: Exotel's From in either direction."""
        return self.call.from_number if self._inbound else self.call.to_number

    @property
    def exophone(self) -> str:
        return self.call.to_number if self._inbound else self.call.from_number

    @property
    def _inbound(self) -> bool:
        return self.call.direction == "inbound"

    async def _live(self, tasks: asyncio.TaskGroup) -> None:
        self._become("ringing", "ringing")
        outcome = "in-progress"
        if not self._inbound:
            outcome = await self.exchange.ring(self.call, self.order.timeout_s * 1000.0)
        if outcome != "in-progress":
            self._become(outcome, "terminal")
            return
        self._become("in-progress", "answered")
        watcher = tasks.create_task(self._limit_time())
        try:
            await self._flow()
        finally:
            watcher.cancel()
        self._become("completed", "terminal")

    def _become(self, status: str, event: str) -> None:
        self.call.become(status, self.exchange.clock.now_ms())
        if self.order.status_callback and event in self.order.status_events:
            self._outbox.put_nowait((event, status))

    async def _limit_time(self) -> None:
        limit_s = min(self.order.time_limit_s, SESSION_LIMIT_S)
        clock = self.exchange.clock
        await clock.sleep_until_ms(clock.now_ms() + limit_s * 1000.0)
        self.call.hang_up()

    async def _post_status_callbacks(self) -> None:
        while (item := await self._outbox.get()) is not None:
            event, status = item
            fields = self._status_fields(event, status)
            body: object = None
            if self.order.callback_as_json:
                leg = {"OnCallDuration": int(self.call.duration_s), "Status": status}
                body = {**fields, "Legs": [leg]}
            else:
                fields |= {"Legs[0][OnCallDuration]": str(int(self.call.duration_s))}
                fields |= {"Legs[0][Status]": status}
            url = self.order.status_callback
            await self.exchange.request(
                self.call, "status", "POST", url, fields=fields, json_body=body, multipart=True
            )

    def _status_fields(self, event: str, status: str) -> dict[str, str]:
        call = self.call
        fields = {
            "CallSid": call.call_sid,
            "EventType": event,
            "Status": status,
            "From": self.customer,
            "To": self.exophone,
            "PhoneNumberSid": self.exophone,
            "Direction": call.direction,
            "DateCreated": exotel_time(call.created_at),
            "DateUpdated": exotel_time(call.ended_at or call.answered_at or call.created_at),
            "RecordingUrl": "",
        }
        if self.order.custom_field:
            fields["CustomField"] = self.order.custom_field
        if call.answered_at is not None:
            fields["StartTime"] = exotel_time(call.answered_at)
        if event == "terminal":
            fields["EndTime"] = exotel_time(call.ended_at or call.created_at)
            fields["ConversationDuration"] = str(int(call.duration_s))
        return fields

    async def _flow(self) -> None:
        stream_url = await self._stream_url()
        opened = stream_url is not None and await self._voicebot(stream_url)
        app = self.order.app
        if self.order.direct or not app.passthru_url:
            return
        status = await self._passthru(stream_url or app.voicebot_url, opened)
        if self.call.person.hung_up or self.call.hang_up_asked:
            return
        if status == app.connect_on:
            self.call.transferred_to = await self._connect_number()

    async def _stream_url(self) -> str | None:
        """The applet's stream URL, asked of the dynamic endpoint where it has one."""
        url = self.order.app.voicebot_url
        if urlsplit(url).scheme not in ("http", "https"):
            return url
        named = await self._get_json("answer", url)
        found = None if named is None else named.get("url")
        if not isinstance(found, str) or not found:
            self.call.log.add("exotel-dynamic-url", f'{url}: the answer is {{"url": "wss://..."}}')
            return None
        return found

    async def _voicebot(self, url: str) -> bool:
        call = self.call
        protocol = self._protocol(url)
        return protocol is not None and await self.exchange.stream(
            call, protocol, url, fail_fast=self.fail_fast
        )

    def _protocol(self, url: str) -> ExotelStream | None:
        call = self.call
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        rates = [value for name, value in query if name in _RATE_NAMES]
        parameters = {name: value for name, value in query if name not in _RATE_NAMES}
        if problem := stream_url_problem(url):
            call.log.add("exotel-stream-url", problem)
        rate = rates[-1] if rates else str(call.party.sample_rate_hz)
        if rate not in ("8000", "16000", "24000"):
            call.log.add("exotel-sample-rate", f"{url}: {rate!r}: 8000, 16000 and 24000 exist")
            return None
        return ExotelStream(
            self.account_sid,
            call.call_sid,
            uuid.uuid4().hex,
            self.customer,
            self.exophone,
            int(rate),
            parameters,
            self.variant,
        )

    async def _passthru(self, stream_url: str, opened: bool) -> int | None:
        """Tells the business how the stream went; returns its answer's status (200, 302)."""
        call, app = self.call, self.order.app
        last = call.streams[-1] if call.streams else None
        by = {"person": "caller", "bot": "bot", "carrier": "system"}
        stream = {
            "StreamSID": call.call_sid,
            "Status": "completed" if opened else "failed",
            "Duration": str(last.recording.duration_ms // 1000 if last else 0),
            "RecordingUrl": "",
            "StreamUrl": stream_url,
            "DisconnectedBy": by[last.ended_by] if last else "system",
            "DetailedStatus": "Streaming_call_ended" if opened else "Streaming_call_failed",
            "Error": "" if opened else str(call.log.found[-1]),
        }
        pressed = "".join(key.digit for key in last.recording.pressed) if last else ""
        fields = {
            "CallSid": call.call_sid,
            "CallFrom": self.customer,
            "CallTo": self.exophone,
            "Direction": "incoming" if self._inbound else "outbound-dial",
            "CallType": "client-hangup" if call.person.hung_up else "completed",
            "digits": f'"{pressed}"',  # Exotel's own quotes
            "CustomField": self.order.custom_field,
        }
        if app.passthru_stream_as_json:
            fields["Stream"] = json.dumps(stream)
        else:
            fields |= {f"Stream[{name}]": value for name, value in stream.items()}
        answer = await self.exchange.request(
            call, "passthru", app.passthru_method, app.passthru_url, fields=fields
        )
        return None if answer is None else answer.status_code

    async def _connect_number(self) -> str | None:
        app = self.order.app
        if not app.connect_url:
            return app.connect_number or None
        named = await self._get_json("connect", app.connect_url)
        destination = None if named is None else named.get("destination")
        numbers: object = None
        if isinstance(destination, dict):
            numbers = cast(dict[str, object], destination).get("numbers")
        if not isinstance(numbers, list) or not numbers:
            text = f'{app.connect_url}: the answer is {{"destination": {{"numbers": [...]}}}}'
            self.call.log.add("exotel-connect", text)
            return None
        return str(cast(list[object], numbers)[0])

    async def _get_json(self, kind: str, url: str) -> Mapping[str, object] | None:
        fields = {
            "CallSid": self.call.call_sid,
            "From": self.customer,
            "To": self.exophone,
            "CallFrom": self.customer,
            "CallTo": self.exophone,
            "Direction": "incoming" if self._inbound else "outbound-dial",
        }
        if self.order.custom_field:
            fields["CustomField"] = self.order.custom_field
        answer = await self.exchange.request(self.call, kind, "GET", url, fields=fields)
        if answer is None or answer.status_code != 200:
            return None
        try:
            parsed: object = answer.json()
        except ValueError:
            return None
        return cast(Mapping[str, object], parsed) if isinstance(parsed, dict) else None


def stream_url_problem(url: str) -> str:
    """What Exotel would refuse in a stream URL; "" when nothing."""
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    parameters = [pair for pair in query if pair[0] not in _RATE_NAMES]
    if len(url) >= STREAM_URL_LIMIT:
        return f"the stream URL has {len(url)} characters: fewer than {STREAM_URL_LIMIT}"
    if len(parameters) > PARAMETER_COUNT_LIMIT:
        return f"{len(parameters)} custom parameters: at most {PARAMETER_COUNT_LIMIT}"
    if len(urlencode(parameters)) > PARAMETER_LENGTH_LIMIT:
        return f"the custom parameters exceed {PARAMETER_LENGTH_LIMIT} characters"
    return ""


def exotel_time(when: datetime) -> str:
    """Exotel's times are Indian and carry no zone."""
    return when.astimezone(_IST).strftime("%Y-%m-%d %H:%M:%S")


def is_voicemail(call: SimulatedCall) -> bool:
    return call.party.behaviour is Behaviour.VOICEMAIL
