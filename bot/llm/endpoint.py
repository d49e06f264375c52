"""One endpoint: a server, a model, and how long is waited for it. It fails by name, and in time."""

import asyncio
import email.utils
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import openai

from bot.llm.chat_service import ChatRequest, ChatService, TokenLimit
from bot.llm.pieces import Delta, read_chunk
from bot.log_masks import MASK, masker
from speech.circuit import CircuitBreaker

_LONGEST_REASON = 200
_LONGEST_TOKEN = 24
_SPARE_CHARACTERS = 400
"""A reply is cut at max_tokens times the one, plus the other, characters: a server that forgets
its limit can't talk for ever. Few tokens of any tokenizer are longer; most are 3 to 5."""

_SHORTEST_PART = 8
"""Characters of a key's beginning that are masked; fewer are words of other texts ("gsk_")."""

USAGE_WAIT_S = 0.5
"""How long the count of tokens is waited for, when the reply itself is whole."""

_REQUESTS_OWN = frozenset({400, 413, 422})
"""What is wrong is the request (too long, a schema it doesn't know), not the server."""

_SETTINGS_WRONG = frozenset({401, 402, 403, 404})
"""Asking again at once can't help: the key, the account, the address or the model is wrong."""


class EndpointFailed(Exception):
    """This endpoint gave no whole reply.

    `is_its_fault`: false where another request may well succeed at once. `is_certain`: true where
    the next request would fail too. `retry_after_s`: how long it wants to be left alone.
    """

    def __init__(
        self,
        why: str,
        *,
        is_its_fault: bool = True,
        is_certain: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        """`why`: in a few words, for the log and the call's notes."""
        super().__init__(why)
        self.is_its_fault = is_its_fault
        self.is_certain = is_certain
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an endpoint is waited for."""

    first_token_s: float = 3.0  # from the request to the first word or tool
    idle_s: float = 4.0  # between two of them
    # For all of the reply, from its first word: the larger of both. A server that drips a word
    # every few seconds would hold a call as long as it likes; the slowest that can be listened to
    # gives 4 tokens a second.
    whole_s: float = 20.0
    token_s: float = 0.25  # for each of the request's limit

    def reply_s(self, max_tokens: int) -> float:
        """How long all of a reply may take."""
        return max(self.whole_s, self.token_s * max_tokens)


class Endpoint:
    """A server that speaks OpenAI's chat API, and whether it is worth asking."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        model: str,
        api_key: str | None = None,
        temperature: float = 0.3,
        patience: Patience | None = None,
        token_limit: TokenLimit = "max_tokens",
        extra: Mapping[str, object] | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        """`base_url`: with its /v1. `token_limit`: what the server calls the limit of tokens.
        `extra`: further fields of each request, for what only this server knows."""
        self.name = name
        self.model = model
        self._patience = patience or Patience()
        self._breaker = breaker or CircuitBreaker()
        self._mask = key_masker(api_key)
        self._service = ChatService(
            base_url=base_url,
            model=model,
            api_key=api_key,
            temperature=temperature,
            timeout_s=max(self._patience.first_token_s, self._patience.idle_s) + 1,
            token_limit=token_limit,
            extra=extra or {},
        )

    def told(self, failure: EndpointFailed) -> str:
        """The failure in words for the log and the call's events."""
        return f"{self.name}: {failure}"

    async def warm(self) -> None:
        """Connect, so that no call's first reply waits for it.

        Raises:
            EndpointFailed: it can't be reached within the time of a first word.
        """
        deadline = _Deadline(self._patience.first_token_s, "no answer within {} s")
        try:
            async with asyncio.timeout_at(deadline.at_s):
                await self._service.connect()
        except (openai.OpenAIError, TimeoutError, ValueError, TypeError, AttributeError) as error:
            raise _failure(error, deadline.words, self._mask) from error

    def may_try(self, now_s: float) -> bool:
        """Whether it is worth asking. Who is told so calls `succeeded` or `failed`."""
        return self._breaker.may_try(now_s)

    def succeeded(self) -> None:
        """It gave a whole reply."""
        self._breaker.succeeded()

    def interrupted(self) -> None:
        """It had begun to reply, and nobody wanted the rest: it is there, and no longer on trial;
        whether it breaks its replies off is still unknown."""
        if self._breaker.is_open:
            self._breaker.succeeded()

    def failed(self, failure: EndpointFailed, now_s: float) -> None:
        """It gave no whole reply."""
        if failure.is_its_fault:
            self._breaker.failed(
                now_s, is_certain=failure.is_certain, retry_after_s=failure.retry_after_s
            )
        else:
            self._breaker.succeeded()  # it is there, and answers others

    async def ask(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """What the reply is made of, up to its finish reason, and the tokens if they follow.

        Raises:
            EndpointFailed: it can't be reached, refuses, is late, falls silent, breaks off, takes
                too long, says nothing, or what it sends can't be read.
        """
        patience = self._patience
        said = 0  # characters
        is_whole = False
        deadline = _Deadline(patience.first_token_s, "no word within {} s")
        end: _Deadline | None = None  # of the whole reply, once it has begun
        async with aclosing(self._service.chunks(request)) as chunks:
            while (delta := await self._next(chunks, deadline, is_whole=is_whole)) is not None:
                yield delta
                said += len(delta.text) + sum(len(part.arguments) for part in delta.calls)
                if delta.says_something:
                    whole_s = patience.reply_s(request.max_tokens)
                    end = end or _Deadline(whole_s, "no whole reply within {} s")
                    deadline = min(
                        _Deadline(patience.idle_s, "fell silent for {} s"),
                        end,
                        key=lambda each: each.at_s,
                    )
                if said > request.max_tokens * _LONGEST_TOKEN + _SPARE_CHARACTERS:
                    yield Delta(finish_reason="length")
                    return
                if delta.finish_reason and not is_whole:
                    is_whole = True
                    deadline = _Deadline(USAGE_WAIT_S, "")
        if not is_whole:
            raise EndpointFailed("broke off" if end else "ended without a reply")

    async def close(self) -> None:
        """Close its connections."""
        await self._service.close()

    async def _next(
        self, chunks: AsyncGenerator[object], deadline: "_Deadline", *, is_whole: bool
    ) -> Delta | None:
        """The next chunk; None at the end. Behind a whole reply nothing can fail any more."""
        try:
            async with asyncio.timeout_at(deadline.at_s):
                return read_chunk(await anext(chunks))
        except StopAsyncIteration:
            return None
        except (openai.OpenAIError, TimeoutError, ValueError, TypeError, AttributeError) as error:
            # The last three: the client takes JSON of any shape for a chunk, and stumbles.
            if is_whole:
                return None
            raise _failure(error, deadline.words, self._mask) from error


class _Deadline:
    """When the next piece must be here."""

    def __init__(self, wait_s: float, words: str) -> None:
        self.at_s = asyncio.get_running_loop().time() + wait_s
        self.words = words.format(f"{wait_s:g}")


def _failure(error: Exception, late: str, mask: Callable[[str], str]) -> EndpointFailed:
    """In words. A server may quote the key: it is masked before the text is cut, as what is left
    of a key that was cut could no longer be known."""
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return EndpointFailed(late)
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, mask)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        told = mask(str(cause)) or type(cause).__name__
        return EndpointFailed(f"no connection ({_clip(told)})")
    if isinstance(error, openai.APIError):
        return EndpointFailed(f"reports an error: {_clip(mask(error.message))}")
    return EndpointFailed("sent what can't be read")


def _refusal(error: openai.APIStatusError, mask: Callable[[str], str]) -> EndpointFailed:
    status = error.status_code
    wait_s = retry_after_s(error.response.headers.get("retry-after", ""), time.time)
    return EndpointFailed(
        f"HTTP {status}: {_clip(mask(error.message))}",
        is_its_fault=status not in _REQUESTS_OWN,
        is_certain=status in _SETTINGS_WRONG,
        retry_after_s=wait_s if status in (429, 503) else None,
    )


def retry_after_s(header: str, now_unix_s: Callable[[], float]) -> float | None:
    """Seconds to wait, of a Retry-After header: a number, or a date. None where it is neither."""
    header = header.strip()
    try:
        wait_s = float(header)
    except ValueError:
        try:
            wait_s = email.utils.parsedate_to_datetime(header).timestamp() - now_unix_s()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return wait_s if 0 < wait_s < float("inf") else None


def _clip(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "…"


def key_masker(key: str | None) -> Callable[[str], str]:
    """A function that masks a key, and its beginning where a server has cut it."""
    mask = masker([key] if key else [])
    head = (key or "")[:_SHORTEST_PART]

    def masked(text: str) -> str:
        at = 0
        while key and len(head) == _SHORTEST_PART and (at := text.find(head, at)) >= 0:
            end = at + _SHORTEST_PART
            while text[at : end + 1] == key[: end + 1 - at] and end < len(text):
                end += 1
            text = f"{text[:at]}{MASK}{text[end:]}"
            at += len(MASK)
        return mask(text)

    return masked
