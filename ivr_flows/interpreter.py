"""A flow in a call: (state, event) -> (state, actions). Pure: no clock, no network, no frames.

Nothing raises here. What can't be rendered or computed is left out and noted in `State.faults`; a
flow that passed its checks has no such place for values that fit their variables' examples.
"""

from collections.abc import Mapping

from ivr_flows.actions import Action
from ivr_flows.briefing import Asked, asked
from ivr_flows.collecting import collect_heard, collect_pressed, collect_silence
from ivr_flows.conversing import (
    converse_heard,
    converse_pressed,
    converse_silence,
    replied,
    reply_failed,
    say_again,
    time_is_up,
    told,
)
from ivr_flows.events import (
    Event,
    Failed,
    Heard,
    HungUp,
    NothingHeard,
    Played,
    Pressed,
    Replied,
    ReplyEnded,
    Responded,
    Resumed,
    Started,
    TimeIsUp,
    Told,
    ToolAnswered,
)
from ivr_flows.flow import (
    AskingNode,
    CollectNode,
    ConverseNode,
    Flow,
    ListenNode,
    MenuNode,
    RequestNode,
    TransferNode,
)
from ivr_flows.meanings import means_at
from ivr_flows.readiness import Expected
from ivr_flows.requesting import picked
from ivr_flows.state import Phase, State
from ivr_flows.tool_rounds import reply_ended, tool_answered
from ivr_flows.turn import Turn
from ivr_flows.understanding import MUMBLED_CONFIDENCE, listen_heard, menu_heard, node_pressed
from ivr_flows.variables import first_values

__all__ = ["Interpreter", "Phase", "State"]

KEYS = frozenset("0123456789*#ABCD")
MAX_SPEECH_FAILURES = 2  # in a row: one sentence lost is said again, after two the voice is gone


class Interpreter:
    """Conducts conversations after one flow; holds nothing of a particular call."""

    def __init__(self, flow: Flow, *, hearing: frozenset[str], has_model: bool = False) -> None:
        """`hearing` is the set of languages (ISO 639-1) that can be recognised here; `has_model`:
        a language model is at hand, else `converse` nodes take their fallback."""
        self.flow = flow
        self.has_model = has_model
        self.hearing = hearing

    def start_state(self, variables: Mapping[str, object], language: str) -> State:
        """The state before the call was answered; an unknown language becomes the fallback.

        Raises:
            VariablesInvalid: the values don't fit the flow's variables.
        """
        values = first_values(self.flow, variables)
        spoken = language if language in self.flow.languages else self.flow.languages[0]
        return State(node=self.flow.start, language=spoken, variables=values)

    def keypad_only(self, state: State) -> bool:
        """Whether only keys are taken: the language has no ear here, or hearing broke."""
        return state.is_deaf or state.language not in self.hearing

    def expected(self, state: State) -> Expected | None:
        """What words are expected now; None where none are."""
        node = self.flow.nodes[state.node]
        is_waiting = state.phase in (Phase.ASKING, Phase.CHECKING, Phase.REPLYING)
        if not is_waiting or not isinstance(node, AskingNode) or self.keypad_only(state):
            return None
        means = means_at(self.flow, node, state.language)
        return Expected(node, state.language, means, state.phase is Phase.CHECKING)

    def asked(self, state: State) -> Asked:
        """What the model is asked for by the last `Converse`."""
        node = self.flow.nodes[state.node]
        if not isinstance(node, ConverseNode):
            raise ValueError(f'no model speaks at "{state.node}"')
        return asked(self.flow, node, state)

    def step(self, state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
        """What follows `event`; the actions are to be carried out in their order."""
        turn = Turn(self.flow, self.hearing, state, has_model=self.has_model)
        match event:
            case HungUp():
                turn.change(phase=Phase.ENDED)
            case Failed(stage="transfer") if state.phase is Phase.TRANSFERRED:
                self._transfer_failed(turn)
            case _ if state.is_ended:
                pass
            case Started():
                if state.phase is Phase.READY:
                    turn.enter(self.flow.start)
            case _ if state.phase is Phase.READY:
                pass
            case Played():
                turn.change(is_saying=False, can_interrupt=False, speech_failures=0)
            case Resumed():
                turn.change(is_saying=True, can_interrupt=True)
            case Failed(stage="speech"):
                self._speech_failed(turn)
            case Failed(stage="hearing"):
                self._hearing_failed(turn)
            case Responded() | Failed(stage="request") if state.phase is Phase.REQUESTING:
                self._responded(turn, event)
            case Told():
                told(turn, event)
            case Replied() | ReplyEnded() | ToolAnswered() | TimeIsUp() | Failed(stage="llm"):
                self._conversed(turn, event)
            case Pressed() | Heard() | NothingHeard() if state.phase is not Phase.REQUESTING:
                self._answered(turn, event)
            case _:
                pass
        return turn.state, tuple(turn.actions)

    def _answered(self, turn: Turn, event: Pressed | Heard | NothingHeard) -> None:
        if isinstance(event, Pressed) and event.digit not in KEYS:
            turn.listen()
            return
        is_part_of_number = isinstance(event, Pressed) and turn.is_collecting
        if not is_part_of_number:
            turn.change(turns=turn.state.turns + 1)
        if turn.state.turns > self.flow.max_turns:
            turn.stop_saying()
            turn.enter(self.flow.give_up)
            return
        match event:
            case Pressed():
                if isinstance(turn.node, CollectNode):
                    collect_pressed(turn, turn.node, event.digit)
                elif isinstance(turn.node, ConverseNode):
                    converse_pressed(turn, turn.node, event.digit)
                else:
                    node_pressed(turn, event.digit)
            case NothingHeard():
                turn.change(is_saying=False, can_interrupt=False)
                if isinstance(turn.node, CollectNode):
                    collect_silence(turn, turn.node)
                elif isinstance(turn.node, ConverseNode):
                    converse_silence(turn, turn.node)
                else:
                    turn.no_input()
            case Heard():
                self._heard(turn, event)

    def _conversed(
        self, turn: Turn, event: Replied | ReplyEnded | ToolAnswered | TimeIsUp | Failed
    ) -> None:
        node = turn.node
        if not isinstance(node, ConverseNode) or turn.state.dialogue is None:
            return
        match event:
            case Replied():
                replied(turn, node, event)
            case ReplyEnded():
                reply_ended(turn, node, event)
            case ToolAnswered():
                tool_answered(turn, node, event)
            case TimeIsUp():
                time_is_up(turn, node, event)
            case Failed():
                reply_failed(turn, node, event)

    def _heard(self, turn: Turn, event: Heard) -> None:
        if turn.keypad_only:  # a word from an ear that isn't meant to be open
            turn.listen()
            return
        if event.text and event.confidence >= MUMBLED_CONFIDENCE:
            turn.follow_language(event.language)
        match turn.node:
            case CollectNode():
                collect_heard(turn, turn.node, event)
            case MenuNode():
                menu_heard(turn, event)
            case ListenNode():
                listen_heard(turn, turn.node, event)
            case ConverseNode():
                converse_heard(turn, turn.node, event)
            case _:
                pass

    def _responded(self, turn: Turn, event: Responded | Failed) -> None:
        node = turn.node
        if not isinstance(node, RequestNode):
            return
        if isinstance(event, Failed):
            turn.enter(node.failure)
            return
        code = str(event.status_code)
        target = node.on_status.get(code) or node.on_status.get(f"{code[:1]}xx")
        found = picked(event.body, node.save)
        is_complete = len(found) == len(node.save)
        if target is None:
            is_good = 200 <= event.status_code < 300 and is_complete
            is_good = is_good and turn.assign(found)
            target = node.then if is_good else node.failure
        turn.enter(target)

    def _transfer_failed(self, turn: Turn) -> None:
        if isinstance(turn.node, TransferNode):
            turn.enter(turn.node.failed)

    def _speech_failed(self, turn: Turn) -> None:
        failures = turn.state.speech_failures + 1
        turn.change(speech_failures=failures, is_saying=False, can_interrupt=False)
        if failures >= MAX_SPEECH_FAILURES:
            turn.enter(self.flow.give_up)
        elif isinstance(turn.node, ConverseNode):
            say_again(turn, is_lost=True)
        elif turn.state.phase is not Phase.REQUESTING:
            turn.ask_again()

    def _hearing_failed(self, turn: Turn) -> None:
        if turn.keypad_only:
            return
        turn.change(is_deaf=True)
        if turn.state.phase is not Phase.REQUESTING:
            turn.stop_saying()
            turn.ask_again()
