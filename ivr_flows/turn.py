"""One step of a conversation while it is worked out: the state so far and the actions so far."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ivr_flows.actions import (
    Action,
    HangUp,
    Listen,
    Report,
    Say,
    StopSaying,
    SwitchLanguage,
    Transfer,
)
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    DecideNode,
    Flow,
    HangUpNode,
    ListenNode,
    MenuNode,
    Node,
    Prompt,
    RequestNode,
    Retry,
    SayNode,
    SetNode,
    TransferNode,
    Value,
)
from ivr_flows.likely_words import likely_words
from ivr_flows.meanings import Means, means_at
from ivr_flows.prompts import evaluate, is_static, new_value, render
from ivr_flows.requesting import request_action
from ivr_flows.state import Phase, State
from ivr_flows.variables import cut_to_length, fitted

MAX_FAULTS = 20
LAST_DIGIT_S = 1.2
"""Silence after which a number is taken that no further key could belong to. Longer makes the
caller wait; shorter, and the third key of a number too large comes after it was taken."""
_NOTHING: Mapping[str, Value] = {}


class Turn:
    """The state and the actions of one step; lives no longer than that step."""

    def __init__(self, flow: Flow, hearing: frozenset[str], state: State) -> None:
        self.flow = flow
        self.hearing = hearing
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

    @property
    def is_collecting(self) -> bool:
        """Whether a key is a digit of a number."""
        return isinstance(self.node, CollectNode) and self.state.phase is Phase.ASKING

    def change(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)

    # Saying and listening

    def say(
        self, prompt: Prompt, extra: Mapping[str, Value] = _NOTHING, *, is_asking: bool = True
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

    def ask(self, *, prompt: Prompt | None = None, phase: Phase = Phase.ASKING) -> None:
        """Put the node's question, or `prompt` in its place, and wait for the answer."""
        node = self.node
        if isinstance(node, AskingNode):
            pending = self.state.pending if phase is Phase.CHECKING else None
            self.change(phase=phase, digits="", pending=pending)
            if phase is Phase.ASKING:
                self.say(prompt or node.prompt)
            self.listen()

    def listen(self) -> None:
        """Wait for the caller, as the node and the phase want it."""
        node = self.node
        if not isinstance(node, AskingNode):
            return
        means = self.means()
        is_checking = self.state.phase is Phase.CHECKING
        hints = likely_words(node, means, self.state.language, is_checking=is_checking)
        keys = {key for one in means for key in one.keys}
        timeout_s, max_digits, finish_key = node.timeout_s, 0, ""
        if isinstance(node, CollectNode):
            if is_checking and node.read_back:
                keys |= {node.read_back.yes_key, node.read_back.no_key}
            else:
                finish_key = node.finish_key
                keys |= set("0123456789") | {finish_key}
                max_digits = max(1, node.most_digits - len(self.state.digits))
            timeout_s = self._until_next_digit_s(node)
        self.actions.append(
            Listen(
                node=self.state.node,
                timeout_ms=round(timeout_s * 1000),
                speech=not self.keypad_only,
                keys=frozenset(keys),
                hints=() if self.keypad_only else hints,
                free_speech=isinstance(node, ListenNode),
                max_digits=max_digits,
                finish_key=finish_key,
            )
        )

    def _until_next_digit_s(self, node: CollectNode) -> float:
        digits = self.state.digits
        if not digits:
            return node.timeout_s
        may_go_on = node.kind == "digits" or int(digits) * 10 <= node.max
        return node.digit_timeout_s if may_go_on else min(node.digit_timeout_s, LAST_DIGIT_S)

    def means(self) -> tuple[Means, ...]:
        """The answers that count here and now."""
        return means_at(self.flow, self.node, self.state.language)

    # Going on

    def enter(self, name: str) -> None:
        """Go to a node, and on from it until one waits; checked flows have no endless way here."""
        for _ in range(len(self.flow.nodes) + 1):
            self.change(node=name, digits="", pending=None, tries=0)
            following = self._pass_through(self.flow.nodes[name])
            if following is None:
                return
            name = following
        self._hang_up("failed")

    def _pass_through(self, node: Node) -> str | None:
        match node:
            case SayNode():
                self.say(node.prompt)
                return node.then
            case SetNode():
                self.compute(node.values)
                return node.then
            case DecideNode():
                return self._decided(node)
            case ListenNode() if self.keypad_only:
                return node.without_ear or node.no_input.then
            case AskingNode():
                self.ask()
            case RequestNode():
                return self._request(node)
            case TransferNode():
                self._transfer(node)
            case HangUpNode():
                if node.prompt:
                    self.say(node.prompt, is_asking=False)
                self._hang_up(node.disposition)
            case _:  # pyright can't see that AskingNode stands for menu, collect and listen
                self._hang_up("failed")
        return None

    def _decided(self, node: DecideNode) -> str:
        for branch in node.branches:
            try:
                if evaluate(branch.when, self.state.variables, self.state.language):
                    return branch.then
            except TemplateInvalid as error:
                self.fault(error)
        return node.otherwise

    def _request(self, node: RequestNode) -> str | None:
        state = self.state
        try:
            action = request_action(state.node, node, state.variables, state.language)
        except TemplateInvalid as error:
            self.fault(error)
            return node.failure
        if node.prompt:
            self.say(node.prompt, is_asking=False)
        self.actions.append(action)
        self.change(phase=Phase.REQUESTING)
        return None

    def _transfer(self, node: TransferNode) -> None:
        to = self.rendered(node.to, self.state.language, _NOTHING)
        if node.prompt:
            self.say(node.prompt, is_asking=False)
        self.actions.append(Transfer(to, node.disposition))
        self.change(phase=Phase.TRANSFERRED)

    def _hang_up(self, disposition: str) -> None:
        self.actions.append(HangUp(disposition))
        self.change(phase=Phase.ENDED)

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

    # What an answer does

    def take(self, means: Means) -> None:
        """The caller gave this answer."""
        self.stop_saying()
        if means.sets:
            self.compute(dict(means.sets))
        if means.then is not None:
            self.enter(means.then)
        elif means.language is not None and means.language != self.state.language:
            self.change(language=means.language)
            self.actions.append(SwitchLanguage(means.language))
        if means.then is None:
            self.ask_again()

    def ask_again(self) -> None:
        """Put the same question again, perhaps in another language or without an ear by now."""
        node = self.node
        if isinstance(node, ListenNode) and self.keypad_only:
            self.enter(node.without_ear or node.no_input.then)
        elif self.state.phase is Phase.CHECKING:
            self.check(self.state.pending)
        else:
            self.ask()

    def check(self, value: Value) -> None:
        """Ask whether `value`, a choice or what was collected, is right."""
        self.change(pending=value, phase=Phase.CHECKING)
        node = self.node
        if isinstance(node, CollectNode) and node.read_back:
            self.say(node.read_back.prompt, {node.variable: value})
        elif isinstance(node, MenuNode) and self.flow.unsure:
            named = [means for means in self.means() if means.name == value and means.phrases]
            self.say(self.flow.unsure, {"choice": named[0].phrases[0] if named else value})
        self.ask(phase=Phase.CHECKING)

    def no_input(self) -> None:
        """Nothing came in time."""
        if isinstance(self.node, AskingNode):
            self._again(self.node, self.node.no_input)

    def no_match(self) -> None:
        """Something came that isn't an answer here."""
        node = self.node
        if isinstance(node, MenuNode | CollectNode):
            self._again(node, node.no_match)
        elif isinstance(node, AskingNode):
            self._again(node, node.no_input)

    def _again(self, node: AskingNode, retry: Retry) -> None:
        self.stop_saying()
        self.change(tries=self.state.tries + 1)
        if self.state.tries >= node.tries:
            self.enter(retry.then)
        else:
            self.ask(prompt=retry.prompt)
