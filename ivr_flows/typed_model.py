"""A language model and its tools, played by who tries a flow in the terminal."""

import re
from collections.abc import Callable, Collection

from ivr_flows.actions import LookUp, UseTool
from ivr_flows.conversation import Found
from ivr_flows.dialogue import ToolCall
from ivr_flows.events import Event, Failed, Passages, Replied, ReplyEnded, Responded

_CALL = re.compile(r"([a-z][a-z0-9_]*)\s*(\{.*)?$", re.DOTALL)


def typed_reply(line: str, tools: Collection[str]) -> tuple[Event, ...]:
    """What the model does: `find_order {"order_id": "4522"}`, or says: anything else."""
    if line == "fail":
        return (Failed("llm", "typed"),)
    call = _CALL.match(line)
    if call is not None and call[1] in tools:
        return (ReplyEnded((ToolCall("typed", call[1], call[2] or "{}"),)),)
    return (Replied(line), ReplyEnded())


def typed_answer(
    tool: UseTool, line: str, response: Callable[[str], Responded | Failed]
) -> Responded | Failed | Passages:
    """What a tool answers: a passage for a look-up, else what `response` makes of the line."""
    if not isinstance(tool.work, LookUp):
        return response(line)
    if line == "fail":
        return Failed("knowledge", "typed")
    return Passages((Found("typed", "", line),) if line else ())
