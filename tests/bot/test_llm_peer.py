"""The scripted server itself: OpenAI's own client reads what it sends."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import openai
import pytest

from tests.llm_peer import Cut, HttpError, LlmPeer, Text, Turn, calls, llm_peer, says

MESSAGES = [{"role": "user", "content": "two teas please"}]


@asynccontextmanager
async def client_of(peer: LlmPeer) -> AsyncGenerator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=peer.base_url, api_key="k", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("turn", [says("Two teas."), [Text("Two "), Text("teas.")]])
async def test_a_stream_reads_word_by_word(turn: Turn) -> None:
    async with llm_peer(turn) as peer, client_of(peer) as client:
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert [word for word in words if word] == ["Two ", "teas."]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 3
    assert peer.asked[0].is_complete


async def test_the_same_turn_reads_as_one_answer() -> None:
    turn = [*says("Let me look."), *calls("look_up", number=4)]
    async with llm_peer(turn) as peer, client_of(peer) as client:
        whole = await client.chat.completions.create(model="m", messages=MESSAGES)
    message = whole.choices[0].message
    assert message.content == "Let me look."
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == '{"number": 4}'
    assert whole.choices[0].finish_reason == "tool_calls"


async def test_the_clients_own_helper_puts_tool_calls_together() -> None:
    turn = calls("look_up", number=4)
    async with (
        llm_peer(turn) as peer,
        client_of(peer) as client,
        client.chat.completions.stream(model="m", messages=MESSAGES) as stream,
    ):
        whole = await stream.get_final_completion()
    found = whole.choices[0].message.tool_calls
    assert found is not None
    assert (found[0].id, found[0].function.name) == ("call_a", "look_up")


async def test_errors_are_those_of_the_api() -> None:
    async with (
        llm_peer([HttpError(429, "slow down", (("Retry-After", "7"),))]) as peer,
        client_of(peer) as client,
    ):
        with pytest.raises(openai.RateLimitError, match="slow down") as raised:
            await client.chat.completions.create(model="m", messages=MESSAGES)
        assert raised.value.response.headers["retry-after"] == "7"
        with pytest.raises(openai.InternalServerError, match="script has ended"):
            await client.chat.completions.create(model="m", messages=MESSAGES)


async def test_a_cut_stream_is_a_broken_connection() -> None:
    async with llm_peer([Text("Two "), Cut()]) as peer, client_of(peer) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIConnectionError):
            _ = [chunk async for chunk in stream]


async def test_embeddings_read_in_both_encodings() -> None:
    async with llm_peer() as peer, client_of(peer) as client:
        packed = await client.embeddings.create(model="e", input=["tea", "milk tea"])
        plain = await client.embeddings.create(
            model="e", input=["tea", "milk tea"], encoding_format="float"
        )
    assert [len(each.embedding) for each in packed.data] == [64, 64]
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
