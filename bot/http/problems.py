"""Errors over HTTP as RFC 9457 says: `application/problem+json`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException

from bot.http.plain_words import FieldProblem, field_problems

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """The body of every error."""

    type: str = Field(default="about:blank", description="The kind of problem, a URI reference.")
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(
        description="What went wrong and what to do.",
        examples=["There is no call 3f2a; GET /api/calls lists those there are."],
    )
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])


class Problem(Exception):
    """Raised in a route; becomes the response."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = headers
        self.body = ProblemBody(
            type=f"urn:callwright:{kind}" if kind else "about:blank",
            title=title(status),
            status=status,
            detail=detail,
            errors=list(errors),
        )


def title(status: int) -> str:
    """The status in words, as RFC 9110 has them; Python before 3.13 has older ones for 422."""
    return "Unprocessable Content" if status == 422 else HTTPStatus(status).phrase


def invalid_request(what: str, errors: Sequence[FieldProblem]) -> Problem:
    """A request whose fields are wrong: `what` is said first, then each field."""
    named = "; ".join(f"{error.field}: {error.problem}" for error in errors)
    return Problem(422, f"{what} {named}", errors, "invalid-request")


def _body_fields(request: Request) -> Mapping[str, FieldInfo]:
    """The fields of the JSON object that the route takes; none where it takes none."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or route.body_field is None:
        return {}
    model = route.body_field.field_info.annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model.model_fields
    return {}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's OpenAPI says of its errors."""
    return {
        status: {
            "description": title(status),
            "model": ProblemBody,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
        }
        for status in statuses
    }


def _response(body: ProblemBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        body.model_dump(), body.status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    async def problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return _response(error.body, error.headers)

    async def http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        status = error.status_code
        body = ProblemBody(title=title(status), status=status, detail=str(error.detail))
        return _response(body, error.headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = field_problems(error.errors(), error.body, _body_fields(request))
        return _response(invalid_request("The request is not valid.", errors).body)

    async def broken(_: Request, __: Exception) -> JSONResponse:
        # It is raised on, to the server, which logs it with its traceback.
        return _response(Problem(500, "The server failed here; its log says why.").body)

    app.add_exception_handler(Exception, broken)
    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
