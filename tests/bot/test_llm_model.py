"""The language model: its stream, its request, its tools."""

import asyncio
import json
from contextlib import aclosing

import pytest

from bot.llm.endpoint import Endpoint
from bot.llm.model import CallPiece, ReplyEnd, TextPiece
from ivr_flows.dialogue import Message, ToolCall
from tests.llm_peer import (
    CallPart,
    Finish,
    Hang,
    Pause,
    Text,
    calls,
    llm_peer,
    says,
)
from tests.llm_replies import (
    HELLO,
    LOOK_UP,
    calls_of,
    end_of,
    ended,
    endpoint,
    model_of,
    replied,
)


async def test_words_come_as_the_model_writes_them_and_the_end_tells_who_replied() -> None:
    async with llm_peer(says("Namaste, two teas?")) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model)
    assert [piece.text for piece in pieces[:-1]] == ["Namaste, ", "two ", "teas?"]
    end = end_of(pieces)
    assert (end.endpoint, end.model, end.finish_reason) == ("first", "scripted-7b", "stop")
    assert end.prompt_tokens == 4
    assert end.completion_tokens == 5
    assert end.failed == ()


async def test_a_word_is_given_while_the_rest_is_still_to_come() -> None:
    async with (
        asyncio.timeout(10),
        llm_peer([Text("One moment. "), Hang()]) as peer,
        model_of(endpoint(peer)) as model,
        aclosing(model.reply(HELLO, max_tokens=9)) as pieces,
    ):
        assert await anext(pieces) == TextPiece("One moment. ")


async def test_closing_a_reply_stops_the_request_at_the_server() -> None:
    async with llm_peer([Text("One moment. "), Hang()]) as peer, model_of(endpoint(peer)) as model:
        async with aclosing(model.reply(HELLO, max_tokens=9)) as pieces:
            await anext(pieces)
        await ended(peer.asked[0])
        assert not peer.asked[0].is_complete


async def test_cancelling_who_waits_stops_the_request_at_the_server() -> None:
    async with llm_peer([Pause(60)]) as peer, model_of(endpoint(peer)) as model:
        waiting = asyncio.create_task(replied(model))
        await peer.until_asked(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await ended(peer.asked[0])
        assert not peer.asked[0].is_complete


async def test_the_request_carries_messages_tools_and_limits_as_the_api_wants_them() -> None:
    call = ToolCall("call_7", "look_up", '{"id": "4"}')
    messages = (
        *HELLO,
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "[]", tool_call_id="call_7"),
        Message("assistant", "It is on its way."),
        Message("system", "Answer in Hindi."),
        Message("user", "धन्यवाद"),
    )
    async with llm_peer(says("ok")) as peer, model_of(endpoint(peer)) as model:
        await replied(model, messages, [LOOK_UP], max_tokens=77, tool_choice="look_up")
    body = peer.asked[0].body
    assert body["messages"] == [
        {"role": "system", "content": "You sell tea."},
        {"role": "user", "content": "hello"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_7",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": '{"id": "4"}'},
                }
            ],
        },
        {"role": "tool", "content": "[]", "tool_call_id": "call_7"},
        {"role": "assistant", "content": "It is on its way."},
        {"role": "system", "content": "Answer in Hindi."},
        {"role": "user", "content": "धन्यवाद"},
    ]
    assert body["tools"][0]["function"]["parameters"] == dict(LOOK_UP.parameters)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look_up"}}
    assert (body["max_tokens"], body["stream"], body["model"]) == (77, True, "m")
    assert body["stream_options"] == {"include_usage": True}


async def test_a_request_without_tools_names_none() -> None:
    async with llm_peer(says("ok")) as peer, model_of(endpoint(peer)) as model:
        await replied(model, tool_choice="required")
    assert not {"tools", "tool_choice"} & peer.asked[0].body.keys()


async def test_a_server_with_the_newer_name_of_the_limit_is_given_that() -> None:
    async with llm_peer(says("ok")) as peer:
        newer = Endpoint(
            "new", base_url=peer.base_url, model="m", token_limit="max_completion_tokens"
        )
        async with model_of(newer) as model:
            await replied(model, max_tokens=9)
    assert peer.asked[0].body["max_completion_tokens"] == 9
    assert "max_tokens" not in peer.asked[0].body


async def test_one_turn_after_the_other_goes_over_the_same_connection() -> None:
    async with (
        llm_peer(says("one"), calls("look_up"), says("three")) as peer,
        model_of(endpoint(peer)) as model,
    ):
        for _ in range(3):
            await replied(model, tools=[LOOK_UP])
    assert len({asked.port for asked in peer.asked}) == 1


async def test_what_only_one_server_knows_is_sent_with_each_request() -> None:
    async with llm_peer(says("ok")) as peer:
        extra = {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 5}
        own = Endpoint("own", base_url=peer.base_url, model="m", temperature=0.7, extra=extra)
        async with model_of(own) as model:
            await replied(model)
    body = peer.asked[0].body
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert (body["top_k"], body["temperature"]) == (5, 0.7)


async def test_no_key_or_organisation_of_the_environment_reaches_a_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody-else")
    async with llm_peer(says("ok")) as peer, model_of(endpoint(peer)) as model:
        await replied(model)
    assert "somebody-else" not in json.dumps(peer.asked[0].headers)


# Tools


async def test_a_tool_call_in_fragments_is_put_together() -> None:
    turn = calls("look_up", id="call_1", pieces=5, id_="12", note="चाय")
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    (call,) = calls_of(pieces)
    assert (call.id, call.name) == ("call_1", "look_up")
    assert json.loads(call.arguments) == {"id_": "12", "note": "चाय"}
    assert end_of(pieces).finish_reason == "tool_calls"


async def test_words_come_before_the_tools_of_the_same_reply() -> None:
    turn = [*says("Let me look."), *calls("look_up", number="4")]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    kinds = [type(piece) for piece in pieces]
    assert kinds == [TextPiece, TextPiece, TextPiece, CallPiece, ReplyEnd]


async def test_two_calls_whose_fragments_alternate_stay_apart() -> None:
    turn = [
        CallPart(0, "a", "look_up", '{"n"'),
        CallPart(1, "b", "hang_up", ""),
        CallPart(0, arguments=": 1}"),
        CallPart(1, arguments="{}"),
    ]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    assert calls_of(pieces) == [
        ToolCall("a", "look_up", '{"n": 1}'),
        ToolCall("b", "hang_up", "{}"),
    ]


async def test_a_new_id_with_each_fragment_is_still_one_call() -> None:
    turn = [CallPart(0, "a", "look_up", ""), CallPart(0, "b", None, "{}")]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    assert calls_of(pieces) == [ToolCall("a", "look_up", "{}")]


async def test_whole_calls_with_the_same_index_are_two() -> None:
    turn = [CallPart(0, "a", "look_up", '{"n": 1}'), CallPart(0, "b", "look_up", '{"n": 2}')]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    assert [call.id for call in calls_of(pieces)] == ["a", "b"]


async def test_arguments_that_are_no_json_are_handed_on_as_they_are() -> None:
    turn = [CallPart(0, "a", "look_up", '{"n": '), Finish("length")]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        pieces = await replied(model, tools=[LOOK_UP])
    assert calls_of(pieces) == [ToolCall("a", "look_up", '{"n": ')]
    assert end_of(pieces).finish_reason == "length"


async def test_a_call_without_id_or_index_is_given_an_id() -> None:
    turn = [CallPart(None, None, "look_up", "{}")]
    async with llm_peer(turn) as peer, model_of(endpoint(peer)) as model:
        assert calls_of(await replied(model, tools=[LOOK_UP])) == [
            ToolCall("call_0", "look_up", "{}")
        ]
