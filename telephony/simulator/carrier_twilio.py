"""A carrier that keeps Twilio's protocol: REST calls, signed webhooks, TwiML, media streams."""

import contextlib
import re
import secrets
import uuid
from collections.abc import AsyncGenerator, Mapping
from email.utils import format_datetime
from typing import Annotated, Final, TypedDict
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.datastructures import FormData

from telephony.simulator.call_state import CallResult, SimulatedCall
from telephony.simulator.clock import LineClock
from telephony.simulator.exchange import Exchange, serve_app
from telephony.simulator.party import Party, PartyBook, look_up
from telephony.simulator.twilio_call import API_VERSION, Document, TwilioCall, TwilioOrder
from telephony.simulator.violations import CallUnknown

ACCOUNT_SID: Final = "AC00000000000000000000000000000001"
AUTH_TOKEN: Final = "simulated-auth-token"
TWIML_LIMIT: Final = 4_000
_EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})
_basic = HTTPBasic(auto_error=False)


class RestRefused(HTTPException):
    """A REST request that Twilio refuses, with its own code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(status, message)
        self.code = code


class SimulatedTwilio:
    """Rings `parties` (a table, or a function of the number) when the bot's server asks.

    `app` may be served by any ASGI server, or `async with carrier.serve() as base_url`. With
    `fail_fast` the first violation of the bot breaks the call with ProtocolViolated; else they are
    in the call's result. `speed` is how many times faster than the wall the line runs.
    """

    def __init__(
        self,
        parties: PartyBook,
        *,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        speed: float = 1.0,
        fail_fast: bool = False,
        callbacks_out_of_order: bool = False,
    ) -> None:
        self._parties = parties
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._fail_fast = fail_fast
        self._out_of_order = callbacks_out_of_order
        self._exchange = Exchange(LineClock(speed))
        self._lives: dict[str, TwilioCall] = {}
        self.app = self._build_app()

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str, None]:
        """Serves the REST side; gives its base URL, which stands for https://api.twilio.com."""
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
        del self._lives[call_sid]

    async def ring(
        self,
        from_number: str,
        to_number: str,
        answer_url: str,
        party: Party,
        *,
        status_callback: str = "",
    ) -> str:
        """An inbound call: `party` calls `to_number`, whose voice webhook is `answer_url`.

        Returns its call SID; the number answers at once. Raises SimulatorError when not served.
        """
        order = TwilioOrder(Document(answer_url), status_callback=status_callback)
        return self._place(from_number, to_number, "inbound", party, order).call_sid

    def _place(
        self, from_number: str, to_number: str, direction: str, party: Party, order: TwilioOrder
    ) -> SimulatedCall:
        call_sid = "CA" + uuid.uuid4().hex
        call = SimulatedCall(
            call_sid, from_number, to_number, direction, party, fail_fast=self._fail_fast
        )
        life = TwilioCall(
            call,
            order,
            self._exchange,
            self._account_sid,
            self._auth_token,
            callbacks_out_of_order=self._out_of_order,
            fail_fast=self._fail_fast,
        )
        self._lives[call_sid] = life
        return self._exchange.place(call, life.run)

    def _build_app(self) -> FastAPI:
        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
            async with self._exchange.open():
                yield

        app = FastAPI(title="Simulated Twilio", lifespan=lifespan)
        root = f"/{API_VERSION}/Accounts/{{account_sid}}"
        guard = [Depends(self._check_account)]
        app.add_api_route(f"{root}/Calls.json", self._create, methods=["POST"], dependencies=guard)
        one = f"{root}/Calls/{{call_sid}}.json"
        app.add_api_route(one, self._update, methods=["POST"], dependencies=guard)
        app.add_api_route(one, self._fetch, methods=["GET"], dependencies=guard)
        app.add_exception_handler(RestRefused, _refused)
        return app

    async def _check_account(
        self,
        account_sid: str,
        credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    ) -> None:
        if (
            credentials is None
            or credentials.username != self._account_sid
            or not secrets.compare_digest(credentials.password.encode(), self._auth_token.encode())
        ):
            raise RestRefused(401, 20003, "Authenticate")
        if account_sid != self._account_sid:
            raise RestRefused(404, 20404, f"The requested resource {account_sid} was not found")

    async def _create(self, request: Request) -> JSONResponse:
        form = await request.form()
        order = read_order(form)
        to_number, from_number = _text(form, "To"), _text(form, "From")
        party = look_up(self._parties, to_number)
        call = self._place(from_number, to_number, "outbound-api", party, order)
        return JSONResponse(self._resource(call), status_code=201)

    async def _update(self, call_sid: str, request: Request) -> JSONResponse:
        call = self._find(call_sid)
        form = await request.form()
        status, url, text = _text(form, "Status"), _text(form, "Url"), _text(form, "Twiml")
        if call.over:
            raise RestRefused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if status and status not in ("completed", "canceled"):
            raise RestRefused(400, 21218, f"Invalid Status {status!r}: completed or canceled")
        if status == "canceled" and call.status == "in-progress":
            raise RestRefused(400, 21220, "Call is in progress: complete it, it can't be canceled")
        if status:
            call.hang_up()
        elif url or text:
            if call.status != "in-progress":
                raise RestRefused(400, 21220, "Call is not in-progress. Cannot redirect.")
            if url:
                _check_url(url, "Url")
            method = _text(form, "Method") or "POST"
            self._lives[call_sid].update(Document(url, method, "" if url else text))
        else:
            raise RestRefused(400, 21218, "Nothing to update: send Status, Url or Twiml")
        return JSONResponse(self._resource(call))

    async def _fetch(self, call_sid: str) -> JSONResponse:
        return JSONResponse(self._resource(self._find(call_sid)))

    def _find(self, call_sid: str) -> SimulatedCall:
        try:
            return self._exchange.find(call_sid)
        except CallUnknown:
            text = f"The requested resource {call_sid} was not found"
            raise RestRefused(404, 20404, text) from None

    def _resource(self, call: SimulatedCall) -> dict[str, str | None]:
        created = format_datetime(call.created_at)
        return {
            "sid": call.call_sid,
            "account_sid": self._account_sid,
            "api_version": API_VERSION,
            "to": call.to_number,
            "from": call.from_number,
            "status": call.status,
            "direction": call.direction,
            "answered_by": call.answered_by,
            "duration": str(int(call.duration_s)) if call.over else None,
            "date_created": created,
            "date_updated": created,
            "start_time": format_datetime(call.answered_at) if call.answered_at else None,
            "end_time": format_datetime(call.ended_at) if call.ended_at else None,
            "price": None,
            "price_unit": "USD",
            "uri": f"/{API_VERSION}/Accounts/{self._account_sid}/Calls/{call.call_sid}.json",
        }


def read_order(form: FormData) -> TwilioOrder:
    """The form of a call creation. Raises RestRefused with Twilio's code for what is wrong."""
    to_number, from_number = _text(form, "To"), _text(form, "From")
    if not to_number:
        raise RestRefused(400, 21201, "No 'To' number is specified")
    if not from_number:
        raise RestRefused(400, 21213, "Caller phone number is required: no 'From'")
    for name, number in (("To", to_number), ("From", from_number)):
        if not _dialable(number):
            code = 21217 if name == "To" else 21212
            raise RestRefused(400, code, f"'{name}' {number!r} is not E.164: + and 8 to 15 digits")
    url, text = _text(form, "Url"), _text(form, "Twiml")
    if not url and not text:
        raise RestRefused(400, 21205, "Url parameter is required (or Twiml)")
    if not url and len(text) > TWIML_LIMIT:
        raise RestRefused(400, 21205, f"Twiml has {len(text)} characters, at most {TWIML_LIMIT}")
    for name in ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback"):
        if value := _text(form, name):
            _check_url(value, name)
    return TwilioOrder(
        Document(url, _text(form, "Method") or "POST", "" if url else text),
        fallback_url=_text(form, "FallbackUrl"),
        status_callback=_text(form, "StatusCallback"),
        status_events=_status_events(form),
        timeout_s=_whole(form, "Timeout", 60, most=600),
        time_limit_s=_whole(form, "TimeLimit", 14_400, most=86_400),
        **_detection(form),
    )


class _Detection(TypedDict):
    machine_detection: str
    async_amd: bool
    async_amd_callback: str
    send_digits: str


def _detection(form: FormData) -> _Detection:
    mode, callback = _text(form, "MachineDetection"), _text(form, "AsyncAmdStatusCallback")
    asked_async = _text(form, "AsyncAmd").lower() == "true"
    if mode not in ("", "Enable", "DetectMessageEnd"):
        raise RestRefused(400, 21261, f"MachineDetection {mode!r}: Enable or DetectMessageEnd")
    if mode and asked_async and not callback:
        raise RestRefused(400, 21262, "AsyncAmd needs an AsyncAmdStatusCallback")
    digits = _text(form, "SendDigits")
    if len(digits) > 32 or digits.strip("0123456789*#wW"):
        raise RestRefused(400, 21218, "SendDigits: at most 32 of 0-9 * # w W")
    return _Detection(
        machine_detection="" if digits else mode,  # SendDigits disables detection
        async_amd=asked_async,
        async_amd_callback=callback,
        send_digits=digits,
    )


def _status_events(form: FormData) -> frozenset[str]:
    values = [value for value in form.getlist("StatusCallbackEvent") if isinstance(value, str)]
    events = frozenset(values) or frozenset({"completed"})
    if wrong := sorted(events - _EVENTS):
        text = f"StatusCallbackEvent {wrong}: repeat the field with one of {sorted(_EVENTS)}"
        raise RestRefused(400, 21626, text)
    return events


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _whole(form: FormData, name: str, default: int, *, most: int) -> int:
    value = _text(form, name)
    if not value:
        return default
    if not value.isdecimal() or not 0 < int(value) <= most:
        raise RestRefused(400, 21218, f"{name} {value!r} is not a whole number up to {most}")
    return int(value)


def _dialable(number: str) -> bool:
    if number.startswith(("sip:", "client:")):
        return True
    return re.fullmatch(r"\+[0-9]{8,15}", number) is not None


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RestRefused(400, 21205, f"{name} {url!r} is not a valid http or https URL")


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RestRefused)
    body = {
        "code": error.code,
        "message": error.detail,
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status_code,
    }
    return JSONResponse(body, status_code=error.status_code)
