"""Calls over REST: place one, list them, read one, hear it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import AfterValidator

from bot.http import hanging_up
from bot.http.guarded_route import guarded
from bot.http.models import (
    AcceptedCall,
    CallBody,
    CallDetailBody,
    CallListBody,
    FlowBody,
    FlowListBody,
    NewCallBody,
)
from bot.http.peers import may_use_api
from bot.http.plain_words import FieldProblem
from bot.http.problems import Problem, invalid_request, responses
from bot.live_calls import LiveCalls
from bot.outbound import Outbound
from bot.phone_numbers import e164
from bot.services import Services, from_number
from bot.workers.control import CallControl
from ivr_flows.errors import FlowUnknown, VariablesInvalid
from ivr_flows.spoken_lengths import speakable_values
from telephony.call import CallStatus, Direction, Disposition, JsonValue, NewCall
from telephony.errors import (
    CallUnknown,
    CursorInvalid,
    DeliveryRefused,
    IdempotencyConflict,
    IdempotencyKeyInvalid,
)
from telephony.listing import CallFilter
from telephony.outcome_address import outcome_url

_NO_CARRIER = (
    "The request is good, and no carrier is set up: set CALLWRIGHT_TWILIO__ACCOUNT_SID and its "
    "companions, or CALLWRIGHT_EXOTEL__ACCOUNT_SID and its companions. docs/simulate.md tells how "
    "to try it on simulated people."
)
_RETRY_LATER = {"Retry-After": "10"}
"""Seconds: a call lasts a minute or so, so that of some dozens one is over by then."""


def _countable(moment: datetime) -> datetime:
    """Raises ValueError for one that has no Unix time: at the calendar's ends."""
    try:
        moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError("the year is too far away; write one from 1970 to 9998") from None
    return moment


Moment = Annotated[datetime, AfterValidator(_countable)]


def router(
    services: Services, outbound: Outbound, live: LiveCalls, control: CallControl
) -> APIRouter:
    """`/api/voice/call/initiate` and `/api/calls`."""
    routes = APIRouter(
        prefix="/api",
        tags=["calls"],
        route_class=guarded(may_use_api(services.settings)),
        responses=responses(401, 403),
    )
    _add_placing(routes, services, outbound, live)
    _add_lists(routes, services)
    _add_reading(routes, services, live)
    hanging_up.add_to(routes, services, live, control)
    return routes


def _add_placing(
    routes: APIRouter, services: Services, outbound: Outbound, live: LiveCalls
) -> None:
    @routes.post(
        "/voice/call/initiate",
        status_code=202,
        summary="Place a call",
        responses=responses(409, 413, 422, 503),
    )
    async def initiate(
        body: NewCallBody,
        response: Response,
        idempotency_key: Annotated[
            str | None,
            Header(description="The same key with the same body places one call only."),
        ] = None,
    ) -> AcceptedCall:
        if live.is_draining:
            raise Problem(
                503,
                "The server is shutting down; ask another, or ask again later.",
                headers=_RETRY_LATER,
            )
        if refusal := live.refusal():
            live.refused[refusal] += 1
            raise Problem(
                503,
                f"{live.words(refusal)}; ask again later.",
                kind="full",
                headers=_RETRY_LATER,
            )
        new = _new_call(body, services)
        try:
            created = await services.store.create_call(new, idempotency_key)
        except IdempotencyKeyInvalid as error:
            raise Problem(422, str(error), kind="idempotency-key") from error
        except IdempotencyConflict as error:
            raise Problem(409, str(error), kind="idempotency-key") from error
        if created.is_new:
            outbound.place(created.call.id)
        response.headers["Location"] = f"/api/calls/{created.call.id}"
        return AcceptedCall(call_id=created.call.id, status=created.call.status)


def _add_lists(routes: APIRouter, services: Services) -> None:
    @routes.get("/flows", tags=["flows"], summary="The flows, and what their calls need")
    async def flows() -> FlowListBody:
        found = [services.flows[name] for name in sorted(services.flows)]
        return FlowListBody(flows=[FlowBody.of(flow, services.ears.by_language) for flow in found])

    @routes.get("/calls", summary="The calls, newest first", responses=responses(422))
    async def calls(
        status: Annotated[list[CallStatus] | None, Query()] = None,
        disposition: Annotated[list[Disposition] | None, Query()] = None,
        direction: Direction | None = None,
        flow: str | None = None,
        carrier: str | None = None,
        to: str | None = None,
        created_from: Moment | None = None,
        created_before: Moment | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> CallListBody:
        wanted = CallFilter(
            statuses=frozenset(status or ()),
            dispositions=frozenset(disposition or ()),
            direction=direction,
            flow=flow,
            carrier=carrier,
            to_number=to,
            created_from_unix_ms=_unix_ms(created_from),
            created_before_unix_ms=_unix_ms(created_before),
        )
        try:
            page = await services.store.list(wanted, limit=limit, cursor=cursor)
        except CursorInvalid as error:
            raise Problem(
                422, str(error), [FieldProblem(field="cursor", problem=str(error))]
            ) from (error)
        return CallListBody(
            calls=[CallBody.of(call) for call in page.calls], next_cursor=page.next_cursor
        )


def _add_reading(routes: APIRouter, services: Services, live: LiveCalls) -> None:
    @routes.get("/calls/{call_id}", summary="A call as it stands", responses=responses(404))
    async def call(call_id: str) -> CallDetailBody:
        try:
            record = await services.store.get_record(call_id)
        except CallUnknown as error:
            raise Problem(404, str(error)) from error
        session = live.find(call_id)
        return CallDetailBody.of(record, session and session.partial)

    @routes.get(
        "/calls/{call_id}/recording",
        summary="A call's recording: caller left, bot right as heard",
        response_class=FileResponse,
        responses={200: {"content": {"audio/flac": {}}}, **responses(404)},
    )
    async def recording(call_id: str, request: Request) -> FileResponse:
        try:
            call = await services.store.get(call_id)
        except CallUnknown as error:
            raise Problem(404, str(error)) from error
        if call.recording_path is None or not call.is_terminal:
            why = "it is not over yet" if not call.is_terminal else "none was made of it"
            raise Problem(404, f"Call {call_id} has no recording: {why}.")
        path = services.settings.recordings_dir / call.recording_path
        if not path.is_file():
            raise Problem(404, f"The recording of call {call_id} is no longer in the data folder.")
        return FileResponse(path, media_type="audio/flac", filename=f"{call_id}.flac")


def _new_call(body: NewCallBody, services: Services) -> NewCall:
    """The call that is asked for.

    Raises Problem: 422 with every field that is wrong, else 503 where no carrier is set up.
    """
    settings = services.settings
    wrong: list[FieldProblem] = []
    to_number = e164(body.to, settings.default_country_code)
    if to_number is None:
        problem = f'"{body.to}" is no whole telephone number; write it in E.164, e.g. +919876543210'
        wrong.append(FieldProblem(field="body.to", problem=problem))
    wrong += _flow_problems(body, services)
    wrong += _carrier_problems(body, services)
    if body.outcome_url is not None:
        wrong += _outcome_problems(body.outcome_url, services)
    if wrong:
        raise invalid_request("The call can't be placed.", wrong)
    carrier = body.carrier or next(iter(services.carriers), None)
    if carrier is None or carrier not in services.carriers:
        raise Problem(503, _NO_CARRIER, kind="no-carrier")
    assert to_number is not None
    return NewCall(
        Direction.OUTBOUND,
        to_number=to_number,
        from_number=from_number(settings, carrier),
        flow=body.flow,
        carrier=carrier,
        language=body.language or settings.default_language,
        variables=_variables(body, services),
        outcome_url=body.outcome_url or settings.business.outcome_url,
    )


def _carrier_problems(body: NewCallBody, services: Services) -> list[FieldProblem]:
    known = ", ".join(services.carriers or ("twilio", "exotel"))
    if body.carrier is None or body.carrier in known.split(", "):
        return []
    problem = f'"{body.carrier}" is not set up; use {known}'
    return [FieldProblem(field="body.carrier", problem=problem)]


def _flow_problems(body: NewCallBody, services: Services) -> list[FieldProblem]:
    try:
        flow = services.flow(body.flow)
    except FlowUnknown as error:
        return [FieldProblem(field="body.flow", problem=str(error))]
    wrong: list[FieldProblem] = []
    try:
        speakable_values(flow, _variables(body, services))
    except VariablesInvalid as error:
        wrong += [
            FieldProblem(field=f"body.variables.{name}", problem=problem)
            for name, problem in error.problems.items()
        ]
    if body.language and body.language not in flow.languages:
        known = " or ".join(flow.languages)
        problem = f'the flow doesn\'t speak "{body.language}"; write {known}'
        wrong.append(FieldProblem(field="body.language", problem=problem))
    return wrong


def _variables(body: NewCallBody, services: Services) -> Mapping[str, JsonValue]:
    """The call's own values, over those that the settings give to the flow."""
    return {**services.settings.flow_variables.get(body.flow, {}), **body.variables}


def _outcome_problems(url: str, services: Services) -> list[FieldProblem]:
    if services.settings.business.outcome_secret is None:
        problem = "outcomes are signed: set CALLWRIGHT_BUSINESS__OUTCOME_SECRET first"
        return [FieldProblem(field="body.outcome_url", problem=problem)]
    try:
        outcome_url(url)
    except DeliveryRefused as error:
        return [FieldProblem(field="body.outcome_url", problem=str(error))]
    return []


def _unix_ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
