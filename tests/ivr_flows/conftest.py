"""A flow with every kind of node, and a way to talk with it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ivr_flows.actions import Action
from ivr_flows.events import Event, Started
from ivr_flows.flow import Flow
from ivr_flows.interpreter import Interpreter, State
from ivr_flows.loader import load

BOTH = frozenset({"en", "hi"})


@dataclass(frozen=True, slots=True)
class Lunch:
    """The conversation of lunch.yaml."""

    flow: Flow

    def interpreter(self, hearing: frozenset[str] = BOTH) -> Interpreter:
        return Interpreter(self.flow, hearing=hearing)

    def talk(
        self,
        *events: Event,
        language: str = "en",
        hearing: frozenset[str] = BOTH,
        guest: str = "Asha",
    ) -> tuple[State, list[tuple[Action, ...]]]:
        """The last state, and the actions after each event (the first being Started)."""
        interpreter = self.interpreter(hearing)
        state = interpreter.start_state({"guest": guest}, language)
        steps: list[tuple[Action, ...]] = []
        for event in (Started(), *events):
            state, actions = interpreter.step(state, event)
            steps.append(actions)
        return state, steps

    def last(
        self, *events: Event, hearing: frozenset[str] = BOTH, guest: str = "Asha"
    ) -> list[Action]:
        """The actions after the last event."""
        return list(self.talk(*events, hearing=hearing, guest=guest)[1][-1])


@pytest.fixture(scope="session")
def lunch() -> Lunch:
    return Lunch(load(Path(__file__).with_name("lunch.yaml")))
