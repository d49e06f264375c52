"""The end of a model's reply: its tools are used, or the caller has the word again; pure."""

from dataclasses import replace

from ivr_flows.actions import Say, UseTool
from ivr_flows.briefing import known
from ivr_flows.conversation import NOT_DONE, Dialogue
from ivr_flows.conversing import (
    MAX_FAULTS,
    dialogue_of,
    have_reply,
    is_spent,
    take_words,
    tool_message,
)
from ivr_flows.dialogue import Message, ToolCall
from ivr_flows.events import Failed, Passages, ReplyEnded, Responded, ToolAnswered
from ivr_flows.flow import ConverseNode, Prompt
from ivr_flows.requesting import picked
from ivr_flows.state import Phase
from ivr_flows.tool_calls import (
    BadCall,
    Leave,
    Note,
    Wanted,
    Work,
    read_call,
    shown_body,
    shown_passages,
)
from ivr_flows.turn import Turn
from ivr_flows.wording.money_reports import money_reports

MAX_ROUNDS = 5  # of tools behind one turn of the caller: then the fallback
MAX_CALLS = 4  # tools of one reply

_WAITS = f"{NOT_DONE}: first see what the other tools answer, then call this again."
_TOO_MANY = f"{NOT_DONE}: at most {MAX_CALLS} tools at once."


def reply_ended(turn: Turn, node: ConverseNode, event: ReplyEnded) -> None:
    """The model has said all it wanted to."""
    dialogue = dialogue_of(turn)
    if turn.state.phase is not Phase.REPLYING or dialogue.awaited:
        return
    turn.change(dialogue=replace(dialogue, tokens=dialogue.tokens + event.tokens, owed=0))
    if event.calls:
        _use(turn, node, event.calls)
    elif dialogue.spoken or dialogue.has_withheld:
        turn.change(phase=Phase.ASKING)
        turn.listen()
    else:
        _once_more(turn, node, "Your last reply was empty. Say something, or call a tool.")


def _once_more(turn: Turn, node: ConverseNode, note: str) -> None:
    dialogue = dialogue_of(turn)
    if dialogue.faults + 1 >= MAX_FAULTS or dialogue.tokens_used >= node.limits.tokens:
        turn.fault(ValueError(note))
        turn.enter(node.fallback)
        return
    notes = (*dialogue.notes, note)
    turn.change(dialogue=replace(dialogue, faults=dialogue.faults + 1, notes=notes))
    have_reply(turn, node)


def _use(turn: Turn, node: ConverseNode, calls: tuple[ToolCall, ...]) -> None:
    calls = _with_ids(calls, turn)
    sources = known(turn.flow, node, turn.state).sources
    wanted = [read_call(turn.flow, node, turn.state, call, sources) for call in calls]
    turn.change(dialogue=dialogue_of(turn).call(calls))
    has_work = any(isinstance(each, Work) for each in wanted[:MAX_CALLS])
    leaving: Leave | None = None
    for place, (call, each) in enumerate(zip(calls, wanted, strict=True)):
        if place >= MAX_CALLS:
            tool_message(turn, call.id, _TOO_MANY)
        elif isinstance(each, Leave) and not has_work:
            leaving = leaving or each
        else:
            _do(turn, call, each)
    if leaving is not None:
        _leave(turn, leaving)
    elif has_work:
        turn.listen()
    else:
        _next_round(turn, node, has_fault=any(isinstance(each, BadCall) for each in wanted))


def _with_ids(calls: tuple[ToolCall, ...], turn: Turn) -> tuple[ToolCall, ...]:
    """Each with an id of its own in the whole call: answers are told apart by it, also one that
    comes when the conversation that asked for it is long left.

    The model's own don't do: some endpoints give none, or count from 0 in every reply.
    """
    head, first = f"call_{turn.state.visits}", dialogue_of(turn).called
    return tuple(replace(call, id=f"{head}_{n}") for n, call in enumerate(calls, first))


def _do(turn: Turn, call: ToolCall, wanted: Wanted) -> None:
    match wanted:
        case BadCall(reason):
            turn.fault(ValueError(f"tool {call.name}: {reason}"))
            tool_message(turn, call.id, f"{NOT_DONE}: {reason}.")
        case Leave():
            tool_message(turn, call.id, _WAITS)
        case Note(values):
            turn.assign(values)
            tool_message(turn, call.id, "Noted.")
        case Work(work, filler):
            dialogue = dialogue_of(turn)
            turn.change(dialogue=replace(dialogue, awaited=(*dialogue.awaited, call.id)))
            turn.actions.append(UseTool(call.id, call.name, work, _filler(turn, filler)))


def _filler(turn: Turn, prompt: Prompt | None) -> Say | None:
    if prompt is None:
        return None
    language, spoken = prompt.spoken(turn.flow.languages_for(turn.state.language))
    text = turn.rendered(spoken.text, language, {})
    return Say(text, language, turn.state.node) if text else None


def _leave(turn: Turn, way: Leave) -> None:
    if way.values:
        turn.assign(way.values)
    if way.sets:
        turn.compute(way.sets)
    turn.enter(way.to)


def _next_round(turn: Turn, node: ConverseNode, *, has_fault: bool) -> None:
    """The tools have answered: the model goes on, if it still may."""
    dialogue = dialogue_of(turn)
    faults, rounds = dialogue.faults + has_fault, dialogue.rounds + 1
    dialogue = replace(dialogue, faults=faults, rounds=rounds, awaited=())
    turn.change(dialogue=dialogue)
    if dialogue.words:  # they come behind the tools' answers
        take_words(turn, "\n".join(dialogue.words))
    if faults > MAX_FAULTS or rounds > MAX_ROUNDS:
        turn.fault(ValueError(f"{faults} faults and {rounds} rounds of tools behind one turn"))
        turn.enter(node.fallback)
    elif is_spent(turn, node):
        turn.enter(node.after_limits)
    else:
        have_reply(turn, node)


def tool_answered(turn: Turn, node: ConverseNode, event: ToolAnswered) -> None:
    """What one tool came to."""
    dialogue = dialogue_of(turn)
    if event.call_id not in dialogue.awaited:
        return
    awaited = tuple(each for each in dialogue.awaited if each != event.call_id)
    turn.change(dialogue=replace(dialogue, awaited=awaited))
    name = _name(dialogue, event.call_id)
    match event.result:
        case Responded():
            content = shown_body(name, event.result.status_code, event.result.body)
            content += _saved(turn, node, name, event.result)
            if 200 <= event.result.status_code < 300:
                reports = money_reports(event.result.body)
                turn.change(dialogue=dialogue_of(turn).report(reports))
        case Passages(found):
            dialogue = dialogue_of(turn)
            content = shown_passages(found, len(dialogue.passages) + 1)
            cited = (*dialogue.passages, *(passage.cited for passage in found))
            turn.change(dialogue=replace(dialogue, passages=cited))
        case Failed(reason=reason):
            turn.fault(ValueError(f"tool {name}: {reason}"))
            content = f"{name} could not be used just now. Tell the caller so; don't guess."
    tool_message(turn, event.call_id, content)
    if not awaited:
        _next_round(turn, node, has_fault=False)


def _name(dialogue: Dialogue, call_id: str) -> str:
    replies = (entry for entry in dialogue.entries if not isinstance(entry, Message))
    names = [c.name for reply in replies for c in reply.calls if c.id == call_id]
    return names[-1] if names else "the tool"


def _saved(turn: Turn, node: ConverseNode, name: str, answer: Responded) -> str:
    """Keeps what the flow wants kept of a good answer, and tells the model its names."""
    tool = node.requests.get(name)
    if tool is None or not tool.save or not 200 <= answer.status_code < 300:
        return ""
    found = picked(answer.body, tool.save)
    turn.assign(found)
    named = ", ".join(f"{{{{{name}}}}} ({tool.save[name]})" for name in found)
    return f"\nSay these by their names: {named}" if found else ""
