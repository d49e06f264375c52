"""What carriers ask and tell us over HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar, cast

from fastapi import APIRouter, Depends, Request, Response

from bot.ending import CallEnding
from bot.http.peers import has_exotel_password, is_local
from bot.http.problems import Problem, responses
from bot.live_calls import LiveCalls
from bot.services import Services
from bot.turning_away import turn_away, twiml_of_turned_away
from bot.workers.control import CallControl
from telephony import exotel_webhooks, twilio_webhooks
from telephony.call import Call, Direction, Disposition, EndedBy, NewCall
from telephony.errors import CallUnknown, WebhookMalformed
from telephony.twilio_twiml import answer_twiml, hang_up_twiml

XML = "text/xml"
Form = dict[str, str]
Fields = Mapping[str, object]
_F = TypeVar("_F")
_T = TypeVar("_T")


def router(services: Services, live: LiveCalls, control: CallControl) -> APIRouter:
    """`/telephony/twilio/*` and `/telephony/exotel/*`, except the media sockets."""
    routes = APIRouter(prefix="/telephony", tags=["carriers"], responses=responses(400, 403))
    _add_twilio(routes, services, live, control)
    _add_exotel(routes, services, live, control)
    return routes


def _add_twilio(
    routes: APIRouter, services: Services, live: LiveCalls, control: CallControl
) -> None:
    async def form(request: Request) -> Form:
        return await _twilio_form(request, services)

    @routes.post("/twilio/answer", summary="What to do with a call")
    async def answer(
        fields: Annotated[Form, Depends(form)], call_id: str | None = None
    ) -> Response:
        asked = _parsed(twilio_webhooks.parse_answer, fields)
        if call_id is None:
            created = await services.store.create_call(
                NewCall(
                    Direction.INBOUND,
                    to_number=asked.to_number,
                    from_number=asked.from_number,
                    carrier="twilio",
                    carrier_call_id=asked.call_sid,
                    outcome_url=services.settings.business.outcome_url,
                    **services.route(asked.to_number),
                )
            )
            call = created.call
        else:
            call = await _known(services, call_id)
        if call.is_terminal:
            return Response(hang_up_twiml(), media_type=XML)
        if refusal := live.reserve(call.id):
            number = await turn_away(services, live, call, refusal)
            return Response(twiml_of_turned_away(call, number), media_type=XML)
        document = answer_twiml(services.urls.stream("twilio"), {"call_id": call.id})
        return Response(document, media_type=XML)

    @routes.post("/twilio/status", status_code=204, summary="A call's status changed")
    async def status(fields: Annotated[Form, Depends(form)], call_id: str) -> None:
        callback = _parsed(twilio_webhooks.parse_status, fields)
        await _known(services, call_id)
        call = await _applied(services.dialer.apply_status(call_id, callback))
        await _settle(services, live, control, call)

    @routes.post("/twilio/machine", status_code=204, summary="Who answered")
    async def machine(fields: Annotated[Form, Depends(form)], call_id: str) -> None:
        result = _parsed(twilio_webhooks.parse_machine, fields)
        await _known(services, call_id)
        call = await _applied(services.dialer.apply_machine(call_id, result))
        _end_voicemail(control, call)


def _add_exotel(
    routes: APIRouter, services: Services, live: LiveCalls, control: CallControl
) -> None:
    async def fields_of(request: Request) -> Mapping[str, object]:
        return await _exotel_fields(request, services)

    @routes.post("/exotel/status", status_code=204, summary="A call's status changed")
    async def status(
        fields: Annotated[Fields, Depends(fields_of)], call_id: str | None = None
    ) -> None:
        read = _parsed(exotel_webhooks.parse_status, fields)
        known = await _known(services, call_id or read.custom_field)
        call = await _applied(services.dialer.apply_status(known.id, read.callback))
        await _settle(services, live, control, call)

    goes_on = "Where a flow goes on after the Voicebot: 200 to its end, 302 to a person"

    @routes.get("/exotel/passthru", summary=goes_on)  # two routes: each has an id in the schema
    @routes.post("/exotel/passthru", summary=goes_on)
    async def passthru(fields: Annotated[Fields, Depends(fields_of)]) -> Response:
        texts = {name: str(value) for name, value in fields.items()}
        asked = _parsed(exotel_webhooks.parse_passthru, texts)
        call = await services.store.find_by_carrier_call_id("exotel", asked.carrier_call_id)
        transfers = call is not None and call.transfer_to is not None
        return _branch(302 if transfers else 200)

    admits = "Whether there is room, asked before the Voicebot: 200 there is, 302 there is none"

    @routes.get("/exotel/admit", summary=admits)
    async def admit(fields: Annotated[Fields, Depends(fields_of)]) -> Response:
        return _branch(200 if await _admitted(services, live, fields) else 302)

    @routes.get("/exotel/connect", summary="Whom the Connect applet shall call")
    async def connect(
        fields: Annotated[Fields, Depends(fields_of)],
    ) -> exotel_webhooks.ConnectReply:
        sid = str(fields.get("CallSid", ""))
        call = await services.store.find_by_carrier_call_id("exotel", sid)
        if call is None or call.transfer_to is None:
            raise Problem(404, f"No transfer is booked for call {sid!r}.")
        caller_id = services.settings.exotel.from_number or ""
        return exotel_webhooks.connect_reply(call.transfer_to, caller_id)

    @routes.get("/exotel/stream-url", summary="Where the Voicebot applet connects")
    async def stream_url(
        fields: Annotated[Fields, Depends(fields_of)],
    ) -> dict[str, str]:
        call = await _admitted(services, live, fields)
        if call is None:
            raise Problem(503, "There is no room for another call.", kind="full")
        return {"url": services.urls.exotel_stream(call.id, services.settings)}


def _branch(status: int) -> Response:
    """Where a flow of Exotel's goes on: 200 is its branch A, 302 branch B."""
    return Response(status_code=status, headers={"Location": ""})


async def _admitted(services: Services, live: LiveCalls, fields: Fields) -> Call | None:
    """The call that Exotel asks about, with a place of its own; None: it is turned away."""
    sid = str(fields.get("CallSid", ""))
    if not sid:
        raise Problem(400, "CallSid is missing: Exotel sends it in the query.")
    call_id = str(fields.get("CustomField", "")) or await _inbound(services, sid, fields)
    call = await _known(services, call_id)
    if call.is_terminal:
        return None
    if refusal := live.reserve(call.id):
        await turn_away(services, live, call, refusal)
        return None
    return call


async def _inbound(services: Services, sid: str, fields: Mapping[str, object]) -> str:
    to_number = str(fields.get("To") or fields.get("CallTo") or "")
    created = await services.store.create_call(
        NewCall(
            Direction.INBOUND,
            to_number=to_number,
            from_number=str(fields.get("From") or fields.get("CallFrom") or ""),
            carrier="exotel",
            carrier_call_id=sid,
            outcome_url=services.settings.business.outcome_url,
            **services.route(to_number),
        )
    )
    return created.call.id


async def _known(services: Services, call_id: str) -> Call:
    try:
        return await services.store.get(call_id)
    except CallUnknown as error:
        raise Problem(404, str(error)) from error


async def _settle(services: Services, live: LiveCalls, control: CallControl, call: Call) -> None:
    """Judge a call that ended without a conversation: nobody else will."""
    if not call.is_terminal:
        return
    live.release(call.id)
    is_ours = live.board.is_of_us(call.owner) and not control.is_led(call.id)
    if is_ours and not call.is_settled:
        reason = "the carrier ended the call before its media stream came"
        await services.store.finish(
            call.id, Disposition.FAILED, EndedBy.CARRIER, reason=call.failure_reason or reason
        )


def _end_voicemail(control: CallControl, call: Call) -> None:
    if call.disposition is Disposition.VOICEMAIL:
        control.end(
            call.id, CallEnding(Disposition.VOICEMAIL, EndedBy.BOT, reason="a machine answered")
        )


async def _applied(change: Awaitable[_T]) -> _T:
    try:
        return await change
    except WebhookMalformed as error:
        raise Problem(400, str(error)) from error


def _parsed(parse: Callable[[_F], _T], fields: _F) -> _T:
    try:
        return parse(fields)
    except WebhookMalformed as error:
        raise Problem(400, str(error)) from error


async def _twilio_form(request: Request, services: Services) -> Form:
    """The fields of a webhook that Twilio signed; without an account, that this machine sent."""
    async with request.form(max_files=0, max_fields=200) as form:
        fields = {name: str(value) for name, value in form.items()}
    token = services.settings.twilio.auth_token
    if token is None:
        if not is_local(request):
            raise Problem(403, "Without CALLWRIGHT_TWILIO__AUTH_TOKEN only loopback may post here.")
        return fields
    query = f"?{request.url.query}" if request.url.query else ""
    if not twilio_webhooks.signature_is_valid(
        token.get_secret_value(),
        f"{services.urls.base}{request.url.path}{query}",
        fields,
        request.headers.get(twilio_webhooks.SIGNATURE_HEADER),
        settings_header=request.headers.get(twilio_webhooks.SIGNATURE_SETTINGS_HEADER, ""),
    ):
        raise Problem(
            403,
            "The signature is not Twilio's for this URL. Behind a proxy set CALLWRIGHT_PUBLIC_URL "
            "to the address that Twilio calls.",
        )
    return fields


async def _exotel_fields(request: Request, services: Services) -> Mapping[str, object]:
    """The fields of Exotel's request, wherever it put them; it signs nothing, so it logs in."""
    if not (is_local(request) or has_exotel_password(request, services.settings)):
        raise Problem(
            403,
            "Exotel logs in with CALLWRIGHT_EXOTEL__STREAM_USER and _PASSWORD: write the address "
            "as https://user:password@host/...",
        )
    fields: dict[str, object] = dict(request.query_params)
    if request.method == "POST":
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                body = await request.json()
            except (ValueError, RecursionError) as error:  # the latter: nested too deeply
                raise Problem(400, f"The body is not JSON: {error}") from error
            if not isinstance(body, dict):
                raise Problem(400, "The body is not a JSON object.")
            fields |= cast(dict[str, object], body)
        else:
            async with request.form(max_files=0, max_fields=200) as form:
                fields |= {name: str(value) for name, value in form.items()}
    return fields
