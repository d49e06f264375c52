"""A carrier that keeps Exotel's protocol: Calls/connect, callbacks, Passthru, AgentStream."""

import contextlib
import re
import secrets
import uuid
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Final

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.datastructures import FormData

from telephony.simulator.call_state import CallResult, SimulatedCall
from telephony.simulator.clock import LineClock
from telephony.simulator.exchange import Exchange, serve_app
from telephony.simulator.exotel_call import (
    ExotelApp,
    ExotelCall,
    ExotelOrder,
    exotel_time,
    is_voicemail,
    stream_url_problem,
)
from telephony.simulator.party import Party, PartyBook, look_up
from telephony.simulator.stream_exotel import ExotelVariant
from telephony.simulator.violations import CallUnknown

ACCOUNT_SID: Final = "simulated1"
API_KEY: Final = "simulated-api-key"
API_TOKEN: Final = "simulated-api-token"
CUSTOM_FIELD_LIMIT: Final = 128
_EVENTS: Final = frozenset({"answered", "terminal", "ringing"})
_FLOW_URL: Final = re.compile(r"https?://my\.exotel\.com/([^/]+)/exoml/start_voice/([^/?]+)")
_NUMBER: Final = re.compile(r"\+?[0-9]{8,15}")
_basic = HTTPBasic(auto_error=False)


class ExotelRefused(HTTPException):
    """A REST request that Exotel refuses."""


class SimulatedExotel:
    """Rings `parties` (a table, or a function of the number) when the bot's server asks.

    `apps` are the flows of the account, by app id. The other options are those of the simulated
    Twilio; `variant` picks the spelling of the stream's messages.
    """

    def __init__(
        self,
        parties: PartyBook,
        *,
        apps: Mapping[str, ExotelApp] | None = None,
        account_sid: str = ACCOUNT_SID,
        api_key: str = API_KEY,
        api_token: str = API_TOKEN,
        variant: ExotelVariant | None = None,
        speed: float = 1.0,
        fail_fast: bool = False,
    ) -> None:
        self._parties = parties
        self._apps = dict(apps or {})
        self._account_sid = account_sid
        self._api_key = api_key
        self._api_token = api_token
        self._variant = variant or ExotelVariant()
        self._fail_fast = fail_fast
        self._exchange = Exchange(LineClock(speed))
        self.app = self._build_app()

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str, None]:
        """Serves the REST side; gives its base URL, which stands for https://api.exotel.com."""
        async with serve_app(self.app, host, port) as base_url:
            yield base_url

    @property
    def results(self) -> Mapping[str, CallResult]:
        """Of the calls that are over, by call SID."""
        return self._exchange.results

    @property
    def call_sids(self) -> tuple[str, ...]:
        return self._exchange.call_sids

    async def wait_for_call(self, call_sid: str, timeout_s: float = 120.0) -> CallResult:
        """The result when the call is over; `timeout_s` is wall time.

        Raises CallUnknown, CallNotFinished, or ProtocolViolated when the carrier fails fast.
        """
        return await self._exchange.wait_for_call(call_sid, timeout_s)

    def forget(self, call_sid: str) -> None:
        """Lets go of a call that is over, with its recordings: for long runs of many calls.

        Raises CallUnknown, CallNotFinished.
        """
        self._exchange.forget(call_sid)

    async def ring(
        self,
        from_number: str,
        to_number: str,
        answer: str | ExotelApp,
        party: Party,
        *,
        status_callback: str = "",
    ) -> str:
        """An inbound call: `party` calls `to_number`, whose flow is `answer`.

        A text is the URL of the flow's Voicebot applet. Returns the call SID. Raises
        SimulatorError when not served.
        """
        app = ExotelApp(answer) if isinstance(answer, str) else answer
        order = ExotelOrder(app, status_callback=status_callback)
        return self._place(from_number, to_number, "inbound", party, order).call_sid

    def _place(
        self, from_number: str, to_number: str, direction: str, party: Party, order: ExotelOrder
    ) -> SimulatedCall:
        call = SimulatedCall(
            uuid.uuid4().hex, from_number, to_number, direction, party, fail_fast=self._fail_fast
        )
        life = ExotelCall(
            call, order, self._exchange, self._account_sid, self._variant, self._fail_fast
        )
        return self._exchange.place(call, life.run)

    def _build_app(self) -> FastAPI:
        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
            async with self._exchange.open():
                yield

        app = FastAPI(title="Simulated Exotel", lifespan=lifespan)
        root = "/v1/Accounts/{account_sid}/Calls"
        guard = [Depends(self._check_account)]
        create = f"{root}/connect.json"
        app.add_api_route(create, self._create, methods=["POST"], dependencies=guard)
        one = f"{root}/{{call_sid}}.json"
        app.add_api_route(one, self._fetch, methods=["GET"], dependencies=guard)
        app.add_exception_handler(ExotelRefused, _refused)
        return app

    async def _check_account(
        self,
        account_sid: str,
        credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    ) -> None:
        if (
            credentials is None
            or credentials.username != self._api_key
            or not secrets.compare_digest(credentials.password.encode(), self._api_token.encode())
        ):
            raise ExotelRefused(401, "Authentication failed")
        if account_sid != self._account_sid:
            raise ExotelRefused(403, f"The key does not belong to account {account_sid}")

    async def _create(self, request: Request) -> JSONResponse:
        form = await request.form()
        order = self._read_order(form)
        customer = _text(form, "From")
        party = look_up(self._parties, customer)
        call = self._place(_text(form, "CallerId"), customer, "outbound-api", party, order)
        return JSONResponse({"Call": self._resource(call)})

    async def _fetch(self, call_sid: str, details: bool = False) -> JSONResponse:
        try:
            call = self._exchange.find(call_sid)
        except CallUnknown:
            raise ExotelRefused(404, f"Call {call_sid} was not found") from None
        resource: dict[str, object] = dict(self._resource(call))
        if details:
            seconds = int(call.duration_s)
            leg = {"Id": 1, "Details": {"OnCallDuration": seconds, "Status": call.status}}
            resource["Details"] = {"ConversationDuration": seconds, "Legs": [{"Leg": leg}]}
        return JSONResponse({"Call": resource})

    def _resource(self, call: SimulatedCall) -> dict[str, str | None]:
        inbound = call.direction == "inbound"
        # A call that was accepted says in-progress before anybody answered, as Exotel's does.
        status = call.status if call.over else "in-progress"
        ended = exotel_time(call.ended_at) if call.ended_at else None
        return {
            "Sid": call.call_sid,
            "ParentCallSid": None,
            "AccountSid": self._account_sid,
            "DateCreated": exotel_time(call.created_at),
            "DateUpdated": ended or exotel_time(call.answered_at or call.created_at),
            "From": call.from_number if inbound else call.to_number,
            "To": call.to_number if inbound else None,
            "PhoneNumberSid": call.to_number if inbound else call.from_number,
            "Status": status,
            "StartTime": exotel_time(call.answered_at) if call.answered_at else None,
            "EndTime": ended,
            "Duration": str(int(call.duration_s)) if call.over else None,
            "Price": None,
            "Direction": call.direction,
            "AnsweredBy": "machine" if is_voicemail(call) and call.over else None,
            "RecordingUrl": None,
        }

    def _read_order(self, form: FormData) -> ExotelOrder:
        """The form of a call creation. Raises ExotelRefused naming the field and the fix."""
        for name in ("From", "CallerId"):
            if not _NUMBER.fullmatch(_text(form, name)):
                raise ExotelRefused(400, f"{name} is needed: a number of 8 to 15 digits")
        url, stream_url = _text(form, "Url"), _text(form, "StreamUrl")
        if bool(url) == bool(stream_url):
            raise ExotelRefused(400, "send either Url (a flow) or StreamUrl (a bot), never both")
        app = self._direct_app(form, stream_url) if stream_url else self._flow_app(url)
        custom_field = _text(form, "CustomField")
        if len(custom_field) > CUSTOM_FIELD_LIMIT:
            raise ExotelRefused(400, f"CustomField: at most {CUSTOM_FIELD_LIMIT} characters")
        events = form.getlist("StatusCallbackEvents[]") or form.getlist("StatusCallbackEvents[0]")
        named = frozenset(event for event in events if isinstance(event, str))
        if wrong := sorted(named - _EVENTS):
            raise ExotelRefused(400, f"StatusCallbackEvents {wrong}: one of {sorted(_EVENTS)}")
        content_type = _text(form, "StatusCallbackContentType") or "multipart/form-data"
        if content_type not in ("multipart/form-data", "application/json"):
            raise ExotelRefused(400, f"StatusCallbackContentType {content_type!r} is unknown")
        return ExotelOrder(
            app,
            direct=bool(stream_url),
            custom_field=custom_field,
            status_callback=_text(form, "StatusCallback"),
            status_events=named or frozenset({"terminal"}),
            callback_as_json=content_type == "application/json",
            timeout_s=_seconds(form, "TimeOut", 30),
            time_limit_s=_seconds(form, "TimeLimit", 14_400),
        )

    def _direct_app(self, form: FormData, stream_url: str) -> ExotelApp:
        if _text(form, "StreamType") != "bidirectional":
            raise ExotelRefused(400, "StreamUrl needs StreamType=bidirectional")
        if problem := stream_url_problem(stream_url):
            raise ExotelRefused(400, f"StreamUrl: {problem}")
        return ExotelApp(stream_url)

    def _flow_app(self, url: str) -> ExotelApp:
        matched = _FLOW_URL.fullmatch(url)
        if matched is None or matched[1] != self._account_sid:
            raise ExotelRefused(400, f"Url {url!r} is no start_voice URL of this account")
        if matched[2] not in self._apps:
            raise ExotelRefused(400, f"Url: there is no app {matched[2]}")
        return self._apps[matched[2]]


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _seconds(form: FormData, name: str, default: int) -> int:
    value = _text(form, name)
    if not value:
        return default
    if not value.isdecimal() or not 0 < int(value) <= 14_400:
        raise ExotelRefused(400, f"{name} {value!r} is not a whole number of seconds to 14400")
    return int(value)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ExotelRefused)
    body = {"RestException": {"Status": error.status_code, "Message": error.detail}}
    return JSONResponse(body, status_code=error.status_code)
