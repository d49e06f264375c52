"""The words of a conversation with a language model: messages, tools and calls of tools.

Plain values in the shape that OpenAI's chat API gave them; whoever talks to a model translates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool used."""

    id: str  # the model's own, until it is taken up: then one of the call
    name: str
    arguments: str  # JSON as the model wrote it: it may be wrong


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dialogue."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()  # role "assistant"
    tool_call_id: str = ""  # role "tool": the call that this answers


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may ask to have done."""

    name: str
    description: str
    parameters: Mapping[str, Any]  # JSON schema of type "object"
