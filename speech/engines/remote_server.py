"""Callwright's own speech server, seen from a call: how it is reached, and what it offers.

`httpx` talks to it, and no proxy of the environment stands between: it is a machine of one's own.
"""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from speech.engines.option_lists import Languages
from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    LanguageUnsupported,
    OptionInvalid,
    SpeechError,
    VoiceUnknown,
)
from speech.options import EngineOptions

M = TypeVar("M", bound=BaseModel)

ANY_MODEL = "default"
"""The server takes the first of its engines that knows the language."""

START_S = 10.0
"""How long the server may take to say what it has: no caller waits for that."""

_BY_CODE: Mapping[str, type[SpeechError]] = {
    "language_unsupported": LanguageUnsupported,
    "voice_unknown": VoiceUnknown,
    "option_invalid": OptionInvalid,
    "engine_busy": EngineBusy,
    "engine_unavailable": EngineUnavailable,
    "model_not_found": EngineUnavailable,
    "deadline_exceeded": DeadlineExceeded,
    "engine_failed": EngineFailed,
}

_BY_STATUS: Mapping[int, type[SpeechError]] = {
    401: EngineUnavailable,
    403: EngineUnavailable,
    404: EngineUnavailable,
    429: EngineBusy,
    503: EngineBusy,
    504: DeadlineExceeded,
}

_FIXES = {
    401: " (set option token)",
    403: " (set option token)",
    404: " (set option base_url or model)",
}

_MESSAGE_CHARS = 300


class RemoteOptions(EngineOptions):
    """How a speech server of Callwright's is reached."""

    base_url: str = Field(
        default="http://127.0.0.1:8090",
        description="Of the speech server, without /v1",
    )
    model: str = Field(
        default=ANY_MODEL,
        min_length=1,
        description="The id of one of its engines; default: the first that knows the language",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="Its token; a server of another machine has one"
    )
    languages: Languages | None = Field(
        default=None, description="Use it for these only; left out: for all that the model knows"
    )
    connect_s: float = Field(
        default=1.0,
        gt=0,
        le=30,
        description="How long a connection may take; past it another engine is asked",
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, given: str) -> str:
        if not given.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return given.rstrip("/").removesuffix("/v1")

    @property
    def headers(self) -> dict[str, str]:
        """The token, where there is one."""
        token = self.token.get_secret_value()
        return {"Authorization": f"Bearer {token}"} if token else {}


class ModelExpression(BaseModel):
    """As `speech.tts.Expression`."""

    sounds: frozenset[str] = frozenset()
    emotions: frozenset[str] = frozenset()
    rates: tuple[float, float] = (1.0, 1.0)
    has_pitch: bool = False


class Model(BaseModel):
    """One of the server's engines, in `GET /v1/models`."""

    id: str
    kind: Literal["hears", "speaks"] | None = None
    engine: str = ""
    version: str = ""
    languages: tuple[str, ...] = ()
    expression: ModelExpression = ModelExpression()


class _Models(BaseModel):
    data: list[Model]


class _Fault(BaseModel):
    message: str = ""
    code: str | None = None


class _Refusal(BaseModel):
    error: _Fault


class RemoteServer:
    """A client of one speech server."""

    def __init__(self, options: RemoteOptions, *, timeout_s: float) -> None:
        """Set up; nothing is opened.

        Args:
            options: how it is reached.
            timeout_s: between two signs of life of an answer.
        """
        self._options = options
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    @property
    def client(self) -> httpx.AsyncClient:
        """Its HTTP client, made when it is first asked for."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self._options.base_url,
                headers=self._options.headers,
                timeout=httpx.Timeout(self._timeout_s, connect=self._options.connect_s),
                trust_env=False,
            )
        return self._client

    async def close(self) -> None:
        """Close its connections. They are opened again when they are needed."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def models(self, kind: Literal["hears", "speaks"]) -> tuple[Model, ...]:
        """Those that option model means, of one kind.

        Raises:
            EngineUnavailable: the server doesn't answer, or there is none; names the option.
        """
        wanted, url = self._options.model, self._options.base_url
        listed = await self.got("/v1/models", _Models)
        there = [model for model in listed.data if model.kind in (kind, None)]
        chosen = tuple(model for model in there if wanted in (ANY_MODEL, model.id))
        if not chosen:
            names = ", ".join(model.id for model in there) or "none"
            raise EngineUnavailable(
                f"{url} has no model {wanted!r} that {kind}: set option model to one of {names}"
            )
        return chosen

    async def got(self, path: str, wanted: type[M]) -> M:
        """What `GET path` answers.

        Raises:
            EngineUnavailable: nothing, or something else.
        """
        url = self._options.base_url
        try:
            with self.failures(limit="base_url"):
                async with asyncio.timeout(START_S):
                    answer = await self.client.get(path, timeout=START_S)
            if answer.status_code != 200:
                raise self.refusal(answer.status_code, answer.content)
            return wanted.model_validate_json(answer.content)
        except ValidationError as error:
            raise EngineUnavailable(
                f"{url}{path} is not what a speech server answers: is option base_url right?"
            ) from error
        except SpeechError as error:
            raise EngineUnavailable(f"{error}; is the speech server running there?") from error

    @contextmanager
    def failures(self, *, limit: str = "timeout_s") -> Generator[None]:
        """Around what is asked of it: httpx's errors leave as `SpeechError`.

        `limit`: the option that says how long it may take.
        """
        url = self._options.base_url
        try:
            yield
        except (httpx.TimeoutException, TimeoutError) as error:
            raise DeadlineExceeded(f"{url} did not answer in time (option {limit})") from error
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise EngineFailed(
                f"{url} can't be reached, or hung up: {error or type(error).__name__} "
                "(option base_url)"
            ) from error

    def refusal(self, status: int, body: bytes) -> SpeechError:
        """What a status other than 2xx means."""
        try:
            fault = _Refusal.model_validate_json(body).error
        except ValidationError:
            fault = _Fault()
        kind = _BY_CODE.get(fault.code or "") or _BY_STATUS.get(status, EngineFailed)
        said = f": {plain(fault.message)}" if fault.message else ""
        return kind(f"{self._options.base_url} answered {status}{_FIXES.get(status, '')}{said}")


def failure(code: str, message: str) -> SpeechError:
    """What an error of the server's websocket means."""
    return _BY_CODE.get(code, EngineFailed)(f"the speech server: {plain(message) or code}")


def plain(said: str) -> str:
    """A message on one line, and not too long a one."""
    line = " ".join(said.split())
    return line if len(line) <= _MESSAGE_CHARS else line[:_MESSAGE_CHARS] + "..."
