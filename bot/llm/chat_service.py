"""Pipecat's OpenAI service, as one endpoint of a process uses it: outside of any pipeline.

What differs from Pipecat's own use: our time-outs and no retries of the client's own (the next
endpoint is the retry), a limit of tokens for each request, and nothing of a caller's words in
the log.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal, cast

from openai import APIStatusError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient, Timeout
from openai.types.chat import ChatCompletionChunk
from pipecat.adapters.llm.schemas.tools_schema import AdapterType, ToolsSchema
from pipecat.adapters.llm.services.open_ai_adapter import (
    OpenAILLMAdapter,
    OpenAILLMInvocationParams,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.utils.http import connection_limits
from pipecat.utils.types import NOT_GIVEN

from ivr_flows.dialogue import Message, Tool

TokenLimit = Literal["max_tokens", "max_completion_tokens"]
_NO_KEY = "none"  # without a key the client would look for one in the environment
_CHOICES = ("auto", "none", "required")
_CONNECTIONS = 256
_KEPT = 64
_KEPT_S = 60.0
"""How long an idle connection is kept: the next turn of a call comes within it, and a new one costs
a round trip, or three with TLS. Longer, and firewalls forget it: then a request waits in vain."""


class ChatRequest(LLMContext):
    """One request: the messages, the tools, and what Pipecat's context has no room for."""

    def __init__(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool],
        *,
        max_tokens: int,
        tool_choice: str | None,
    ) -> None:
        """Set up. `tool_choice`: "auto", "none", "required" or the name of a tool."""
        first = messages[0] if messages and messages[0].role == "system" else None
        self.system = first.content if first else None
        self.max_tokens = max_tokens
        schema = ToolsSchema(
            standard_tools=[], custom_tools={AdapterType.OPENAI: [_tool(each) for each in tools]}
        )
        rest = messages[1:] if first else messages
        written = [cast(Any, _message(each)) for each in rest]
        super().__init__(written, schema if tools else NOT_GIVEN)
        if tool_choice is not None and tools:
            self.set_tool_choice(cast(Any, _tool_choice(tool_choice)))


def _message(message: Message) -> dict[str, object]:
    if message.role == "tool":
        given = {"role": "tool", "content": message.content, "tool_call_id": message.tool_call_id}
        return dict[str, object](given)
    written: dict[str, object] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["content"] = message.content or None
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for call in message.tool_calls
        ]
    return written


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | Mapping[str, object]:
    return choice if choice in _CHOICES else {"type": "function", "function": {"name": choice}}


class _Adapter(OpenAILLMAdapter):
    """Writes our requests; the first system message goes where Pipecat wants it."""

    token_limit: TokenLimit = "max_tokens"

    async def get_llm_invocation_params(
        self,
        context: LLMContext,
        *,
        system_instruction: str | None = None,
        convert_developer_to_user: bool,
    ) -> OpenAILLMInvocationParams:
        is_ours = isinstance(context, ChatRequest)
        params = await super().get_llm_invocation_params(
            context,
            system_instruction=context.system if is_ours else system_instruction,
            convert_developer_to_user=convert_developer_to_user,
        )
        if is_ours:
            cast("dict[str, object]", params)[self.token_limit] = context.max_tokens
        return params

    def get_messages_for_logging(self, context: LLMContext) -> list[dict[str, Any]]:
        """Nothing: what callers say is kept where flows say, never in the log."""
        return []


class ChatService(OpenAILLMService):
    """One server's chat completions. Shared by all calls; needs no pipeline."""

    adapter_class = _Adapter

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key: str | None,
        temperature: float,
        timeout_s: float,
        token_limit: TokenLimit = "max_tokens",
        extra: Mapping[str, object],
    ) -> None:
        """`timeout_s`: the longest silence of the connection; callers have tighter ones."""
        self._timeout_s = timeout_s
        body = {"extra_body": dict(extra)} if extra else {}
        settings = OpenAILLMService.Settings(model=model, temperature=temperature, extra=body)
        super().__init__(base_url=base_url, api_key=api_key or _NO_KEY, settings=settings)
        cast(_Adapter, self.get_llm_adapter()).token_limit = token_limit

    def create_client(
        self,
        api_key: Any = None,
        base_url: Any = None,
        organization: Any = None,
        project: Any = None,
        default_headers: Any = None,
        **kwargs: Any,
    ) -> AsyncOpenAI:
        """The client, with our time-outs, without retries, and without another server's headers."""
        client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=Timeout(self._timeout_s),
            http_client=DefaultAsyncHttpxClient(
                limits=connection_limits(
                    max_keepalive_connections=_KEPT,
                    max_connections=_CONNECTIONS,
                    keepalive_expiry=_KEPT_S,
                )
            ),
        )
        client.organization = client.project = None  # of the environment: not for every server
        return client

    async def chunks(self, request: ChatRequest) -> AsyncGenerator[ChatCompletionChunk]:
        """The reply's chunks; closing this closes the connection, which stops the server's work."""
        stream: AsyncStream[ChatCompletionChunk] = await self.get_chat_completions(request)
        try:
            async with aclosing(
                cast("AsyncGenerator[ChatCompletionChunk]", aiter(stream))
            ) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            await stream.close()

    async def connect(self) -> None:
        """Ask for the models: afterwards there is a connection, and the client has done once what
        is slow only once. What is answered doesn't matter: some servers have no such list."""
        try:
            await self._client.models.list()
        except APIStatusError:
            return

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
