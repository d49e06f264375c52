"""An OpenAI-compatible endpoint: how it is reached, and what its errors mean here.

The official `openai` client does the talking. It is imported in `OpenAIEndpoint.start`, off the
loop, because that takes a second. It never tries again by itself: whoever waits for words or a
voice has another engine to ask.
"""

import asyncio
import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from speech.errors import (
    DeadlineExceeded,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    SpeechError,
)
from speech.options import EngineOptions

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HOW_TO_GET_IT = "run `pip install openai`"

_NO_KEY = "none"
"""Servers of one's own want no key, but the client wants some text."""

_OUT_OF_MONEY = "insufficient_quota"
"""OpenAI's code of a 429 that no waiting helps against."""

_MESSAGE_CHARS = 300

_START_S = 10.0
"""How long the endpoint may take to list its models: no caller waits for that."""


class EndpointOptions(EngineOptions):
    """How an OpenAI-compatible endpoint is reached."""

    base_url: str = Field(
        default="https://api.openai.com/v1",
        description="Up to and with the /v1, e.g. https://api.groq.com/openai/v1",
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="Its key; empty for a server of one's own without one"
    )
    connect_s: float = Field(
        default=1.5,
        gt=0,
        le=30,
        description="How long a connection may take; past it another engine is asked",
    )
    check: bool = Field(
        default=True,
        description="Ask at the start which models there are. no: for an endpoint without /models",
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, given: str) -> str:
        if not given.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return given.rstrip("/")


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class OpenAIEndpoint:
    """The client of one endpoint, shared by all that is asked of it."""

    def __init__(self, options: EndpointOptions, *, timeout_s: float, model: str) -> None:
        """Set up; nothing is imported or opened.

        Args:
            options: how it is reached.
            timeout_s: between two signs of life of an answer.
            model: looked for at the start.
        """
        self._options = options
        self._timeout_s = timeout_s
        self._model = model
        self._client: AsyncOpenAI | None = None

    @property
    def client(self) -> "AsyncOpenAI":
        """The client. Raises EngineUnavailable before `start`, and after `close`."""
        if self._client is None:
            raise EngineUnavailable("openai is not started: await its start() first")
        return self._client

    async def start(self) -> None:
        """Import the client, and ask which models there are. A second call does nothing.

        Raises:
            EngineUnavailable: the endpoint doesn't answer, refuses the key or lacks the model.
        """
        if self._client is not None:
            return
        try:
            await asyncio.to_thread(importlib.import_module, "openai")
        except ImportError as error:
            raise EngineUnavailable(f"the openai package is missing: {HOW_TO_GET_IT}") from error
        import httpx2
        from openai import AsyncOpenAI, Timeout

        try:
            client = AsyncOpenAI(
                api_key=self._options.api_key.get_secret_value() or _NO_KEY,
                base_url=self._options.base_url,
                timeout=Timeout(self._timeout_s, connect=self._options.connect_s),
                max_retries=0,
            )
        except httpx2.InvalidURL as error:
            raise EngineUnavailable(f"option base_url is no URL: {error}") from error
        try:
            if self._options.check:
                await self._look_for_model(client)
        except BaseException:
            await client.close()
            raise
        self._client = client

    async def close(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @contextmanager
    def failures(self, *, limit: str = "timeout_s") -> Generator[None]:
        """Around what is asked of it: its errors leave as `SpeechError`.

        `limit`: the option that says how long it may take.
        """
        import httpx2
        import openai

        try:
            yield
        except (openai.APITimeoutError, httpx2.TimeoutException, TimeoutError) as error:
            raise DeadlineExceeded(
                f"{self._options.base_url} did not answer in time (option {limit})"
            ) from error
        except openai.APIStatusError as error:
            raise self._refusal(error) from error
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError) as error:
            cause = error.__cause__ or error
            raise EngineFailed(
                f"{self._options.base_url} can't be reached, or hung up: "
                f"{self._plain(str(cause) or type(cause).__name__)}"
            ) from error

    async def _look_for_model(self, client: "AsyncOpenAI") -> None:
        try:
            with self.failures(limit="base_url"):
                async with asyncio.timeout(_START_S):
                    listing = await client.models.with_raw_response.list(timeout=_START_S)
            names = [model.id for model in _Models.model_validate_json(listing.content).data]
        except EngineUnavailable:
            raise
        except ValidationError as error:
            raise EngineUnavailable(
                f"{self._options.base_url}/models is no list of models: is option base_url right? "
                "(check=no: don't ask at the start)"
            ) from error
        except SpeechError as error:
            raise EngineUnavailable(
                f"{error}; is it running, and is option base_url right? "
                "(check=no: don't ask at the start)"
            ) from error
        if names and self._model not in names:
            there = ", ".join(names[:20])
            raise EngineUnavailable(
                f"{self._options.base_url} has no model {self._model!r}: set option model to one "
                f"of {there}; or check=no, if it can be used though not listed"
            )

    def _refusal(self, error: object) -> SpeechError:
        """What a status other than 2xx means."""
        from openai import APIStatusError

        refused = cast(APIStatusError, error)
        status, url = refused.status_code, self._options.base_url
        said = self._plain(refused.message)
        if status in (401, 403):
            return EngineUnavailable(f"{url} refuses the key ({status}): set option api_key")
        if status == 404:
            return EngineUnavailable(
                f"{url} knows no such path or model (404): set option base_url (it ends in /v1 "
                f"mostly) or option model, now {self._model!r}: {said}"
            )
        if status == 429 and refused.code == _OUT_OF_MONEY:
            return EngineUnavailable(f"{url}: the account of option api_key is used up: {said}")
        if status in (429, 503):
            return EngineBusy(f"{url} has too much to do ({status}): {said}")
        return EngineFailed(f"{url} answered {status}: {said}")

    def _plain(self, said: str) -> str:
        """What may be logged of a message: short, on one line, without the key."""
        key = self._options.api_key.get_secret_value()
        line = " ".join((said.replace(key, "***") if key else said).split())
        return line if len(line) <= _MESSAGE_CHARS else line[:_MESSAGE_CHARS] + "..."
