"""The language model that calls talk to: endpoints in their order, one reply at a time.

An endpoint that fails before its first word leaves the turn to the next one; what fails often is
left alone for a while. After the first word nobody takes over, for the caller has heard it; but
the next turns are asked of the others first.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from loguru import logger

from bot.errors import ModelFailed
from bot.llm.chat_service import ChatRequest
from bot.llm.endpoint import Endpoint, EndpointFailed
from bot.llm.pieces import CallAssembly, CallPiece, Piece, ReplyEnd, TextPiece
from ivr_flows.dialogue import Message, Tool

ASKED_LAST_S = 10.0
"""After a reply that broke off: the caller, who is asked to say it again, does so within it.
Longer, and one broken connection moves all calls to an endpoint that is second for a reason."""

__all__ = ["CallPiece", "LanguageModel", "Piece", "ReplyEnd", "TextPiece"]


class LanguageModel:
    """Any number of calls may ask at once; they share the endpoints' connections."""

    def __init__(
        self, endpoints: Sequence[Endpoint], *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Set up. `endpoints`: in the order in which they are asked; at least one.

        Raises ValueError where there is none.
        """
        if not endpoints:
            raise ValueError("a language model needs an endpoint")
        self._endpoints = tuple(endpoints)
        self._now_s = now_s
        self._asked_last_until_s: dict[str, float] = {}  # by name

    @property
    def names(self) -> tuple[str, ...]:
        """The endpoints' names, in their order."""
        return tuple(endpoint.name for endpoint in self._endpoints)

    async def warm(self) -> None:
        """Connect to all endpoints; one that doesn't answer is named in the log."""
        await asyncio.gather(*map(_warm, self._endpoints))

    async def reply(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        *,
        max_tokens: int,
        tool_choice: str | None = None,
    ) -> AsyncGenerator[Piece]:
        """The reply: words as they come, then the tools that it wants used, then its end.

        Closing this generator stops the request, at the server too. `tool_choice`: "auto", "none",
        "required", or the name of the tool that must be used; else the server's own default.

        Raises:
            ModelFailed: every endpoint failed, or the one that had begun to reply broke off; then
                its `given` has the words that were given.
        """
        began_s = self._now_s()
        failed: list[str] = []
        for endpoint in self._in_order():
            if not endpoint.may_try(self._now_s()):
                failed.append(f"{endpoint.name}: left out, for it failed lately")
                continue
            request = ChatRequest(messages, tools, max_tokens=max_tokens, tool_choice=tool_choice)
            turn = _Turn(endpoint, began_s, tuple(failed), self._now_s)
            try:
                async with aclosing(turn.pieces(request)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except EndpointFailed as failure:
                endpoint.failed(failure, self._now_s())
                failed.append(endpoint.told(failure))
                logger.warning("the language model {}", failed[-1])
                if turn.given.strip():
                    self._asked_last_until_s[endpoint.name] = self._now_s() + ASKED_LAST_S
                    raise ModelFailed("; ".join(failed), given=turn.given) from failure
        raise ModelFailed("; ".join(failed))

    def _in_order(self) -> list[Endpoint]:
        """The endpoints; those whose reply has just broken off behind the others."""
        now_s, until_s = self._now_s(), self._asked_last_until_s
        return sorted(self._endpoints, key=lambda each: until_s.get(each.name, now_s) > now_s)

    async def close(self) -> None:
        """Close the connections."""
        for endpoint in self._endpoints:
            await endpoint.close()


async def _warm(endpoint: Endpoint) -> None:
    try:
        await endpoint.warm()
    except EndpointFailed as failure:
        logger.warning("the language model {}; it is asked again in calls", endpoint.told(failure))


class _Turn:
    """One endpoint's reply."""

    def __init__(
        self,
        endpoint: Endpoint,
        began_s: float,
        failed: tuple[str, ...],
        now_s: Callable[[], float],
    ) -> None:
        self.given = ""  # the words so far
        self.has_begun = False
        self._endpoint = endpoint
        self._began_s = began_s
        self._failed = failed
        self._now_s = now_s

    async def pieces(self, request: ChatRequest) -> AsyncGenerator[Piece]:
        """Raises EndpointFailed."""
        try:
            async with aclosing(self._whole(request)) as pieces:
                async for piece in pieces:
                    yield piece
        except (GeneratorExit, asyncio.CancelledError):
            if self.has_begun:
                self._endpoint.interrupted()
            raise

    async def _whole(self, request: ChatRequest) -> AsyncGenerator[Piece]:
        endpoint = self._endpoint
        calls = CallAssembly()
        model, finish_reason = endpoint.model, ""
        prompt_tokens = completion_tokens = first_token_ms = None
        async with aclosing(endpoint.ask(request)) as deltas:
            async for delta in deltas:
                if delta.says_something and first_token_ms is None:
                    first_token_ms = round((self._now_s() - self._began_s) * 1000)
                    self.has_begun = True
                if delta.text:
                    self.given += delta.text
                    yield TextPiece(delta.text)
                for part in delta.calls:
                    calls.add(part)
                model = delta.model or model
                finish_reason = delta.finish_reason or finish_reason
                prompt_tokens = delta.prompt_tokens or prompt_tokens
                completion_tokens = delta.completion_tokens or completion_tokens
        wanted = calls.calls()
        if not wanted and not self.given.strip():
            reason = f"an empty reply ({finish_reason})"
            raise EndpointFailed(reason, is_its_fault=False)
        endpoint.succeeded()
        for call in wanted:
            yield CallPiece(call)
        yield ReplyEnd(
            endpoint=endpoint.name,
            model=model,
            finish_reason=finish_reason,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            first_token_ms=first_token_ms or 0,
            failed=self._failed,
        )
