"""What the server answers when it can't do what was asked: OpenAI's error shape, always.

ApiError (an HTTPException, which FastAPI lets through wherever it is raised)
└── ClientGone    whoever asked has left; nobody reads the answer
"""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from loguru import logger
from starlette.exceptions import HTTPException
from starlette.responses import Response

from speech.errors import (
    ConsentInvalid,
    DeadlineExceeded,
    EngineBusy,
    EngineUnavailable,
    LanguageUnsupported,
    OptionInvalid,
    ReferenceRefused,
    SpeechError,
    VoiceUnknown,
)

RETRY_AFTER_S = 1
"""After which a refused client may try again: an utterance or a sentence is done by then."""


class ApiError(HTTPException):
    """A refusal, with the field it is about and what to do."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers) if headers else None)
        self.param = param
        self.code = code

    @property
    def body(self) -> dict[str, Any]:
        """OpenAI's shape: {"error": {"message", "type", "param", "code"}}."""
        return {
            "error": {
                "message": self.detail,
                "type": _kind(self.status_code),
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def response(self) -> Response:
        """The whole answer."""
        return Response(
            json.dumps(self.body, ensure_ascii=True),
            self.status_code,
            headers=self.headers,
            media_type="application/json",
        )


class ClientGone(ApiError):
    """The client has left; 499 is what nginx writes into its log then."""

    def __init__(self) -> None:
        super().__init__(499, "the client has gone", code="client_gone")


def invalid(message: str, param: str, code: str = "invalid_value") -> ApiError:
    """A 400 about a field."""
    return ApiError(400, message, param=param, code=code)


def busy(message: str, code: str = "engine_busy") -> ApiError:
    """A 503 that says when to come again."""
    return ApiError(503, message, code=code, headers={"Retry-After": str(RETRY_AFTER_S)})


def of_speech(error: SpeechError) -> ApiError:
    """What an engine's failure is to the client."""
    match error:
        case LanguageUnsupported():
            return ApiError(400, str(error), param="language", code="language_unsupported")
        case VoiceUnknown():
            return ApiError(400, str(error), param="voice", code="voice_unknown")
        case ConsentInvalid():
            return ApiError(400, str(error), param="consent", code="consent_invalid")
        case ReferenceRefused():
            return ApiError(400, str(error), param="file", code="reference_refused")
        case OptionInvalid():
            return ApiError(400, str(error), param="options", code="option_invalid")
        case EngineBusy():
            return busy(str(error))
        case EngineUnavailable():
            return ApiError(503, str(error), code="engine_unavailable")
        case DeadlineExceeded():
            return ApiError(504, str(error), code="deadline_exceeded")
        case _:
            return ApiError(500, str(error), code="engine_failed")


def of_engine(error: Exception) -> ApiError:
    """The same for any of `ENGINE_FAILURES`; what engines don't promise is for the log alone."""
    if isinstance(error, SpeechError):
        return of_speech(error)
    logger.opt(exception=error).error("an engine broke")
    return ApiError(500, "the engine broke; the server's log says how", code="engine_failed")


def of_validation(error: RequestValidationError) -> ApiError:
    """The first thing that is wrong with a JSON body, and the others behind it."""
    faults = [_fault(fault) for fault in cast("list[dict[str, Any]]", error.errors())]
    param = faults[0][0] if faults else None
    return ApiError(
        400, "; ".join(text for _, text in faults[:5]), param=param, code="invalid_value"
    )


def add_handlers(app: FastAPI) -> None:
    """Let every failure leave `app` in OpenAI's shape."""

    async def api(request: Request, error: Exception) -> Response:
        return cast(ApiError, error).response

    async def engine(request: Request, error: Exception) -> Response:
        return of_speech(cast(SpeechError, error)).response

    async def wrong(request: Request, error: Exception) -> Response:
        return of_validation(cast(RequestValidationError, error)).response

    async def other(request: Request, error: Exception) -> Response:
        if isinstance(error, ApiError):
            return error.response
        http = cast(HTTPException, error)
        code = {404: "not_found", 405: "method_not_allowed"}.get(http.status_code)
        text = {
            404: f"there is nothing at {request.url.path}; /docs lists what there is",
            405: f"{request.url.path} does not know {request.method}; /docs lists what it knows",
        }.get(http.status_code, str(http.detail))
        return ApiError(http.status_code, text, code=code, headers=http.headers).response

    async def unforeseen(request: Request, error: Exception) -> Response:
        logger.opt(exception=error).error("{} failed", request.url.path)
        return ApiError(
            500, "something went wrong in the server; its log says what", code="internal_error"
        ).response

    app.add_exception_handler(ApiError, api)
    app.add_exception_handler(SpeechError, engine)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, unforeseen)


def _kind(status: int) -> str:
    if status in (401, 403):
        return "authentication_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _fault(fault: dict[str, Any]) -> tuple[str | None, str]:
    """The field and the words of one of pydantic's complaints; what was given is not repeated."""
    place = [str(part) for part in fault["loc"] if part not in ("body", "query")]
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "json_invalid":
        return None, f"the body is no JSON ({fault.get('ctx', {}).get('error', message)})"
    if not place:
        text = f"the body must be a JSON object with Content-Type: application/json; {message}"
        return None, text
    field = ".".join(place)
    given = fault.get("input")
    if isinstance(given, float) and not math.isfinite(given):
        message = "must be a number, not NaN or infinite"
    return field, f"{field}: {message}"
