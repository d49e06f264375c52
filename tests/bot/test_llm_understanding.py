"""A caller's words understood by a model, in time or not at all."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.llm.understanding import Understanding
from ivr_flows.events import Heard, Played, Started, Understood
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.loader import load_bytes
from tests.llm_peer import (
    CallPart,
    Cut,
    Finish,
    Hang,
    HttpError,
    LlmPeer,
    Turn,
    calls,
    llm_peer,
    says,
)
from tests.llm_replies import Clock, endpoint, model_of

YAML = """
name: orders
title: Orders
languages: [en]
start: ask
give_up: sorry
nodes:
  ask:
    type: menu
    prompt: {en: "Track or cancel?"}
    choices:
      track: {keys: ["1"], phrases: {en: [track my order]}, then: sorry}
      cancel: {keys: ["2"], phrases: {en: [cancel it]}, then: sorry}
    no_input: {then: sorry}
    no_match: {then: sorry}
  sorry: {type: hangup, disposition: completed, prompt: {en: "Bye."}}
"""
WORDS = Heard("where on earth is my stuff", 0.9, "en")
TRACK = calls("understood", choice="track", certainty="certain")


@pytest.fixture(scope="module", name="orders")
def _orders() -> Interpreter:
    return Interpreter(load_bytes(YAML.encode(), "orders.yaml"), hearing=frozenset({"en"}))


class Listener:
    """One call's share of an `Understanding`."""

    def __init__(self, understanding: Understanding, interpreter: Interpreter) -> None:
        self.notes: list[str] = []
        self._understanding = understanding
        self._interpreter = interpreter
        state, _ = interpreter.step(interpreter.start_state({}, "en"), Started())
        self._state: State = interpreter.step(state, Played())[0]

    async def hears(self, heard: Heard) -> Heard:
        return await self._understanding.understand(
            self._interpreter, self._state, heard, lambda came_to, _: self.notes.append(came_to)
        )


@asynccontextmanager
async def listening(
    peer: LlmPeer, orders: Interpreter, *, deadline_s: float = 20, clock: Clock | None = None
) -> AsyncGenerator[Listener]:
    now_s = clock or Clock()
    async with model_of(endpoint(peer, failures=99), now_s=now_s) as model:
        yield Listener(Understanding(model, deadline_s=deadline_s, now_s=now_s), orders)


async def test_words_come_back_with_what_the_model_makes_of_them(orders: Interpreter) -> None:
    async with llm_peer(TRACK) as peer, listening(peer, orders) as call:
        heard = await call.hears(WORDS)
    assert heard.understood == Understood("track", 0.9)
    assert (heard.text, heard.confidence, heard.language) == (WORDS.text, 0.9, "en")
    assert call.notes == ["track"]
    body = peer.asked[0].body
    assert body["tool_choice"] == {"type": "function", "function": {"name": "understood"}}
    assert body["max_tokens"] == 120


@pytest.mark.parametrize("text", ["cancel it", "track my order", "", "..."])
async def test_where_the_flow_understands_by_itself_no_model_is_asked(
    text: str, orders: Interpreter
) -> None:
    async with llm_peer() as peer, listening(peer, orders) as call:
        assert await call.hears(Heard(text)) == Heard(text)
    assert peer.asked == []
    assert call.notes == []


LATE_OR_WRONG: dict[str, tuple[Turn, str]] = {
    "an error": ([HttpError(500)], "failed"),
    "a limit": ([HttpError(429)], "failed"),
    "silence": ([Hang()], "late"),
    "half an answer, then silence": ([CallPart(0, "a", "understood", '{"ch'), Hang()], "late"),
    "a cut": ([CallPart(0, "a", "understood", '{"ch'), Cut()], "failed"),
    "words in place of the tool": (says("The caller wants to track."), "unreadable"),
    "another tool": (calls("transfer_money", amount=5), "unreadable"),
    "half a JSON": ([CallPart(0, "a", "understood", '{"ch'), Finish("length")], "unreadable"),
}


@pytest.mark.parametrize("name", LATE_OR_WRONG)
async def test_without_an_answer_in_time_the_flows_own_words_decide(
    name: str, orders: Interpreter
) -> None:
    turn, outcome = LATE_OR_WRONG[name]
    deadline_s = 0.4 if outcome == "late" else 20
    async with llm_peer(turn) as peer, listening(peer, orders, deadline_s=deadline_s) as call:
        assert await call.hears(WORDS) == WORDS
    assert call.notes == [outcome]


async def test_a_choice_that_does_not_count_is_none(orders: Interpreter) -> None:
    turn = calls("understood", choice="give_me_money", certainty="certain")
    async with llm_peer(turn) as peer, listening(peer, orders) as call:
        heard = await call.hears(WORDS)
    assert heard.understood == Understood()
    assert call.notes == ["none"]


async def test_a_late_model_is_not_asked_for_a_while_and_then_again(orders: Interpreter) -> None:
    clock = Clock()
    async with (
        llm_peer(*[[HttpError(500)]] * 3, TRACK) as peer,
        listening(peer, orders, clock=clock) as call,
    ):
        for _ in range(5):
            assert await call.hears(WORDS) == WORDS
        assert len(peer.asked) == 3
        clock.now_s += 31
        heard: Any = await call.hears(WORDS)
        assert heard.understood.choice == "track"


async def test_a_request_that_came_too_late_is_stopped_at_the_server(orders: Interpreter) -> None:
    async with llm_peer([Hang()]) as peer, listening(peer, orders, deadline_s=0.3) as call:
        await call.hears(WORDS)
        await peer.asked[0].ended.wait()
        assert not peer.asked[0].is_complete
