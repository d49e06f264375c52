"""What a step of a conversation does to its state, and what it says: the tools of `turn.py`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr_flows.actions import Action, Report, Say, StopSaying
from ivr_flows.conversation import Clause
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import Flow, Node, Prompt, Value
from ivr_flows.prompts import is_static, new_value, render
from ivr_flows.state import State
from ivr_flows.variables import cut_to_length, fitted

MAX_FAULTS = 20
NOTHING: Mapping[str, Value] = {}


class Step:
    """The state so far and the actions so far."""

    def __init__(
        self, flow: Flow, hearing: frozenset[str], state: State, *, has_model: bool = False
    ) -> None:
        """`has_model`: a language model is at hand for `converse` nodes."""
        self.flow = flow
        self.hearing = hearing
        self.has_model = has_model
        self.state = state
        self.actions: list[Action] = []

    @property
    def node(self) -> Node:
        """The node that the conversation is at."""
        return self.flow.nodes[self.state.node]

    @property
    def keypad_only(self) -> bool:
        """Whether only keys are taken."""
        return self.state.is_deaf or self.state.language not in self.hearing

    def change(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)

    def say(
        self, prompt: Prompt, extra: Mapping[str, Value] = NOTHING, *, is_asking: bool = True
    ) -> None:
        """Say a prompt in the conversation's language, or in the one said in its place.

        With `is_asking` False nobody listens meanwhile (an ending, a request), so talk over it
        can't be an answer and must not cut it.
        """
        language, spoken = prompt.spoken(self.flow.languages_for(self.state.language))
        source = spoken.keypad if spoken.keypad and self.keypad_only else spoken.text
        text = self.rendered(source, language, extra)
        if not text:
            return
        interruptible = prompt.barge_in and is_asking
        self.actions.append(Say(text, language, self.state.node, interruptible, is_static(source)))
        can_interrupt = self.state.can_interrupt or interruptible
        self.change(is_saying=True, can_interrupt=can_interrupt)

    def tell(self, prompt: Prompt) -> None:
        """Say a prompt as a part of the conversation with a model, which is to know it."""
        language, spoken = prompt.spoken(self.flow.languages_for(self.state.language))
        text = self.rendered(spoken.text, language, NOTHING)
        is_static_text = is_static(spoken.text)
        self.tell_text(text, language, interruptible=prompt.barge_in, is_static=is_static_text)

    def tell_text(
        self,
        text: str,
        language: str,
        *,
        interruptible: bool = True,
        is_static: bool = False,
        cites: tuple[str, ...] = (),
    ) -> None:
        """The same for a text; what asks nothing is no question that a "haan" answers."""
        if not text or self.state.dialogue is None:
            return
        dialogue = self.state.dialogue.say(text)
        asks = "?" in text[-3:]
        self.actions.append(
            Say(
                text,
                language,
                self.state.node,
                interruptible,
                is_static,
                clause=dialogue.clauses,
                asks=asks,
                cites=cites,
            )
        )
        can_interrupt = self.state.can_interrupt or interruptible
        self.change(dialogue=dialogue, is_saying=True, can_interrupt=can_interrupt)

    def repeat(self, clause: Clause) -> None:
        """Say a clause of the conversation once more: it stays the one that it is."""
        asks = "?" in clause.text[-3:]
        here = self.state
        self.actions.append(
            Say(clause.text, here.language, here.node, clause=clause.number, asks=asks)
        )
        self.change(is_saying=True, can_interrupt=True)

    def rendered(self, source: str, language: str, extra: Mapping[str, Value]) -> str:
        """The text, or "" and a fault where it doesn't fit its variables."""
        try:
            return render(source, {**self.state.variables, **extra}, language)
        except TemplateInvalid as error:
            self.fault(error)
            return ""

    def fault(self, error: Exception) -> None:
        """Keep what went wrong for the log."""
        if len(self.state.faults) < MAX_FAULTS:
            self.change(faults=(*self.state.faults, f"{self.state.node}: {error}"))

    def stop_saying(self) -> None:
        """Cut what is being said, if it may be cut."""
        if self.state.is_saying and self.state.can_interrupt:
            self.actions.append(StopSaying())
            self.change(is_saying=False, can_interrupt=False)

    # Values

    def compute(self, values: Mapping[str, Value]) -> None:
        """Give variables what the flow's file says: constants and {{ expressions }}."""
        for name, source in values.items():
            try:
                found = new_value(source, self.state.variables, self.state.language)
            except TemplateInvalid as error:
                self.fault(error)
            else:
                self._put(name, found)
        self._report()

    def assign(self, values: Mapping[str, object]) -> bool:
        """Give variables what came from outside, which is never a template; report.

        False where a value doesn't fit its variable's type.
        """
        are_good = [self._put(name, value) for name, value in values.items()]
        self._report()
        return all(are_good)

    def _put(self, name: str, raw: object) -> bool:
        variable = self.flow.variables[name]
        try:
            value = cut_to_length(variable, fitted(variable, raw))
        except ValueError as error:
            self.fault(error)
            return False
        self.change(variables={**self.state.variables, name: value})
        return True

    def _report(self) -> None:
        variables = self.state.variables
        outcome = {n: variables[n] for n in self.flow.outcomes if variables[n] is not None}
        if outcome != self.state.reported:
            self.actions.append(Report(outcome))
            self.change(reported=outcome)
