"""Whole calls at a menu whose answers a language model helps to understand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from bot.llm.understanding import Understanding
from bot.services import open_services
from bot.settings import load_settings
from bot.simulation.caller import Clip
from bot.urls import Urls
from speech.resampling import StreamResampler
from tests.calls.conftest import YES
from tests.calls.conversations import Conversation, Exchange, Keys, Outcome, Says, Step
from tests.llm_peer import Hang, HttpError, LlmPeer, Turn, calls, llm_peer
from tests.llm_replies import endpoint, model_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480)]

YAML = """
name: orders
title: Orders
languages: [en]
start: ask
give_up: sorry
variables:
  number: {outcome: true, description: the number of the order, max_length: 20}
  wanted: {outcome: true}
unsure: {en: "Did you mean {{ choice }}?"}
nodes:
  ask:
    type: menu
    tries: 2
    timeout_s: 4
    prompt: {en: "Track or cancel?"}
    choices:
      track: {keys: ["1"], phrases: {en: [track my order]}, set: {wanted: track}, then: bye}
      cancel: {keys: ["2"], phrases: {en: [cancel it]}, set: {wanted: cancel}, then: bye}
    extract: [number]
    no_input: {then: sorry}
    no_match: {prompt: {en: "Sorry, track or cancel?"}, then: sorry}
  bye: {type: hangup, disposition: completed, prompt: {en: "Thank you."}}
  sorry: {type: hangup, disposition: failed, prompt: {en: "Goodbye."}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exchange(
    tmp_path_factory: pytest.TempPathFactory, voices: Mapping[str, Clip]
) -> AsyncIterator[Exchange]:
    settings = load_settings(
        env_file=None,
        data_dir=tmp_path_factory.mktemp("answers"),
        record_calls=False,
        hearing={"en": "none"},
    )
    clip = voices[YES]
    async with open_services(settings, Urls("http://localhost")) as services:
        resampler = StreamResampler(clip.sample_rate_hz, 8000)
        yield Exchange(services, np.concatenate([resampler.push(clip.pcm), resampler.finish()]))


@asynccontextmanager
async def helped(exchange: Exchange, peer: LlmPeer, deadline_s: float) -> AsyncIterator[Exchange]:
    async with model_of(endpoint(peer, failures=99)) as model:
        understanding = Understanding(model, deadline_s=deadline_s)
        services = replace(exchange.services, understanding=understanding)
        yield replace(exchange, services=services)


async def call(
    exchange: Exchange, *turns: Turn, steps: list[Step], deadline_s: float = 20
) -> Outcome:
    async with llm_peer(*turns) as peer, helped(exchange, peer, deadline_s) as with_help:
        outcome = await with_help.hold(
            Conversation(steps, [], flow=lambda _: YAML, has_model=False)
        )
        return replace(outcome, peers=[peer])


def means(choice: str, certainty: str = "certain", **details: Any) -> Turn:
    return calls("understood", choice=choice, certainty=certainty, details=details)


async def test_an_answer_in_no_lists_words_is_understood_with_its_number(
    exchange: Exchange,
) -> None:
    said = "where on earth is number four five two two"
    outcome = await call(exchange, means("track", number="4522"), steps=[Says(said)])
    assert outcome.outcome == {"wanted": "track", "number": "4522"}
    assert outcome.disposition == "completed"
    (event,) = outcome.events("understood")
    assert event["came_to"] == "track"
    assert event["took_ms"] >= 0


async def test_a_likely_answer_is_asked_about_and_taken_on_a_yes(exchange: Exchange) -> None:
    steps: list[Step] = [Says("get rid of that for me"), Says("yes")]
    outcome = await call(exchange, means("cancel", "likely"), steps=steps)
    assert "Did you mean cancel it?" in outcome.said
    assert outcome.outcome == {"wanted": "cancel"}
    assert len(outcome.peers[0].asked) == 1  # the yes is the flow's own


@pytest.mark.parametrize("turn", [[Hang()], [HttpError(500)], calls("pay", amount=100)])
async def test_without_the_models_help_the_caller_is_asked_again(
    turn: Turn, exchange: Exchange
) -> None:
    steps: list[Step] = [Says("get rid of that for me"), Keys("2")]
    outcome = await call(exchange, turn, steps=steps, deadline_s=1.0)
    assert "Sorry, track or cancel?" in outcome.said
    assert outcome.outcome == {"wanted": "cancel"}
