"""One step of a conversation while it is worked out: the state so far and the actions so far."""

from ivr_flows.actions import (
    HangUp,
    LimitTime,
    Listen,
    StopReply,
    SwitchLanguage,
    Transfer,
)
from ivr_flows.conversation import Dialogue
from ivr_flows.errors import TemplateInvalid
from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    ConverseNode,
    DecideNode,
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
from ivr_flows.prompts import evaluate
from ivr_flows.requesting import request_action
from ivr_flows.spoken_language import SpokenLanguage
from ivr_flows.state import Phase
from ivr_flows.step import Step

LAST_DIGIT_S = 1.2
"""Silence after which a number is taken that no further key could belong to. Longer makes the
caller wait; shorter, and the third key of a number too large comes after it was taken."""
KEYED_S = 2.5
"""Silence after which a number is whole that was keyed into a conversation."""


class Turn(Step):
    """One step with what the flow says to it; lives no longer than that step."""

    _heard_in = ""

    @property
    def heard_in(self) -> str:
        """The language (ISO 639-1) in which the caller's words are understood."""
        return self._heard_in or self.state.language

    @property
    def is_collecting(self) -> bool:
        """Whether a key is a digit of a number."""
        is_asked = isinstance(self.node, CollectNode) and self.state.phase is Phase.ASKING
        return is_asked or isinstance(self.node, ConverseNode)

    # Saying and listening

    def ask(self, *, prompt: Prompt | None = None, phase: Phase = Phase.ASKING) -> None:
        """Put the node's question, or `prompt` in its place, and wait for the answer."""
        node = self.node
        if isinstance(node, AskingNode):
            pending = self.state.pending if phase is Phase.CHECKING else None
            self.change(phase=phase, digits="", pending=pending)
            if phase is Phase.ASKING and not isinstance(node, ConverseNode):
                self.say(prompt or node.prompt)
            self.listen()

    def listen(self) -> None:
        """Wait for the caller, as the node and the phase want it."""
        node = self.node
        if not isinstance(node, AskingNode):
            return
        means = self.means()
        is_checking = self.state.phase is Phase.CHECKING
        hints = likely_words(
            node, means, self.state.language, self.state.variables, is_checking=is_checking
        )
        keys = {key for one in means for key in one.keys}
        timeout_s, max_digits, finish_key = node.timeout_s, 0, ""
        if isinstance(node, ConverseNode):
            keys |= set("0123456789#")
            timeout_s = KEYED_S if self.state.digits else timeout_s
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
                free_speech=isinstance(node, ListenNode | ConverseNode),
                max_digits=max_digits,
                finish_key=finish_key,
                other_languages=self._other_languages(),
            )
        )

    def _other_languages(self) -> tuple[str, ...]:
        if not self.flow.anywhere.follow_language:
            return ()
        return tuple(one for one in self._heard_languages() if one != self.state.language)

    def _heard_languages(self) -> tuple[str, ...]:
        return tuple(one for one in self.flow.languages if one in self.hearing)

    def follow_language(self, heard: str) -> None:
        """Words came in the language `heard`: they are understood in it, and the call goes on in
        it if the caller keeps to it."""
        if not self.flow.anywhere.follow_language:
            return
        state, known = self.state, self._heard_languages()
        if heard in known:
            self._heard_in = heard
        before = SpokenLanguage(state.language, state.other_language)
        after = before.after(heard, known)
        self.change(language=after.language, other_language=after.other)
        if after.language != before.language:
            self.actions.append(SwitchLanguage(after.language))

    def _until_next_digit_s(self, node: CollectNode) -> float:
        digits = self.state.digits
        if not digits:
            return node.timeout_s
        may_go_on = node.kind == "digits" or int(digits) * 10 <= node.max
        return node.digit_timeout_s if may_go_on else min(node.digit_timeout_s, LAST_DIGIT_S)

    def means(self) -> tuple[Means, ...]:
        """The answers that count here and now."""
        return means_at(self.flow, self.node, self.heard_in)

    # Going on

    def enter(self, name: str) -> None:
        """Go to a node, and on from it until one waits; checked flows have no endless way here."""
        if self.state.dialogue is not None:
            self.actions.append(StopReply())
        for _ in range(len(self.flow.nodes) + 1):
            self.change(dialogue=None, node=name, digits="", pending=None, tries=0)
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
            case ConverseNode() if self.keypad_only or not self.has_model:
                return node.fallback
            case ConverseNode():
                visit = self.state.visits + 1
                self.change(dialogue=Dialogue(), visits=visit)
                self.actions.append(LimitTime(self.state.node, node.limits.seconds, visit))
                self.tell(node.prompt)
                self.ask()
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
        to = self.rendered(node.to, self.state.language, {})
        if node.prompt:
            self.say(node.prompt, is_asking=False)
        self.actions.append(Transfer(to, node.disposition))
        self.change(phase=Phase.TRANSFERRED)

    def _hang_up(self, disposition: str) -> None:
        self.actions.append(HangUp(disposition))
        self.change(phase=Phase.ENDED)

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
        elif isinstance(node, ConverseNode) and self.keypad_only:
            self.enter(node.fallback)
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
