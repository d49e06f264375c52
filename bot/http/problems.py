"""Errors over HTTP as RFC 9457 says: `application/problem+json`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str = Field(description="Where it is, as a path.", examples=["body.to"])
    problem: str = Field(description="What is wrong.", examples=["Field required"])


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
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            errors=list(errors),
        )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's OpenAPI says of its errors."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
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
        phrase = HTTPStatus(error.status_code).phrase
        body = ProblemBody(title=phrase, status=error.status_code, detail=str(error.detail))
        return _response(body, error.headers)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = [
            FieldProblem(field=".".join(str(part) for part in e["loc"]), problem=e["msg"])
            for e in error.errors()
        ]
        named = "; ".join(f"{e.field}: {e.problem}" for e in errors)
        return _response(
            ProblemBody(
                type="urn:callwright:invalid-request",
                title="Unprocessable Content",
                status=422,
                detail=f"The request is not valid. {named}",
                errors=errors,
            )
        )

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
