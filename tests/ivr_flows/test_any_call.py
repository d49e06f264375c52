"""Whatever happens in a call, no shipped flow breaks, and silence ends it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr_flows.actions import Listen
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    HungUp,
    NothingHeard,
    Played,
    Pressed,
    Responded,
    Started,
)
from ivr_flows.interpreter import Interpreter, Phase
from tests.ivr_flows.shipped_flows import FLOWS

LANGUAGES = ("en", "hi", "mr")


def values_of(name: str) -> dict[str, object]:
    return {n: v.example for n, v in FLOWS[name].variables.items() if v.required}


def events() -> st.SearchStrategy[Event]:
    texts = ["confirm", "no", "twenty five", "repeat", "हाँ", "marathi", "", "{{ x }}", "4522"]
    stages = ["request", "transfer", "speech", "hearing", "?"]
    bodies = [{}, {"status": "delivered"}, None, [1], "x", {"status": {"a": [1]}}]
    return st.one_of(
        st.sampled_from("0123456789*#A").map(Pressed),
        st.builds(Heard, st.sampled_from(texts) | st.text(max_size=20), st.floats(0, 1)),
        st.just(NothingHeard()),
        st.just(Played()),
        st.builds(Responded, st.sampled_from([200, 404, 500, 0, 999]), st.sampled_from(bodies)),
        st.builds(Failed, st.sampled_from(stages), st.just("")),
        st.sampled_from([Started(), Played(), Played(), Played(), Played(), HungUp()]),
    )


@pytest.mark.parametrize("flow", FLOWS)
@settings(max_examples=600, deadline=None)
@given(
    st.lists(events(), max_size=80),
    st.sampled_from(LANGUAGES),
    st.sets(st.sampled_from(LANGUAGES)),
)
def test_no_sequence_of_events_breaks_a_flow_and_silence_ends_it(
    flow: str, sequence: list[Event], language: str, hearing: set[str]
):
    interpreter = Interpreter(FLOWS[flow], hearing=frozenset(hearing))
    state = interpreter.start_state(values_of(flow), language)
    state, actions = interpreter.step(state, Started())
    for event in sequence:
        was_ended = state.phase is Phase.ENDED
        state, actions = interpreter.step(state, event)
        assert not (was_ended and actions)
        if state.phase in (Phase.ASKING, Phase.CHECKING) and isinstance(event, Pressed | Heard):
            assert any(isinstance(action, Listen) for action in actions)
    for _ in range(20):  # silence, and a business that doesn't answer
        silent = Failed("request", "") if state.phase is Phase.REQUESTING else NothingHeard()
        state, _ = interpreter.step(state, silent)
    assert state.is_ended
    assert state.faults == () or all("not a" in fault for fault in state.faults)
