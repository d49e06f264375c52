"""The schema of a `converse` node: what a language model may talk about, and may do."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ivr_flows.flow_parts import AskingNode, HttpCall, Name, Part, Prompt, Value

Briefing = Annotated[str, Field(max_length=12_000)]  # text with {{ variables }}, for the model
About = Annotated[str, Field(min_length=1, max_length=1000)]  # what a tool is for

TALK_TO_PERSON = "talk_to_person"
END_CALL = "end_call"
SET_VARIABLES = "set_variables"
LOOK_UP = "look_up"
OWN_TOOLS = frozenset({TALK_TO_PERSON, END_CALL, SET_VARIABLES, LOOK_UP})
"""Names that no exit and no request may have."""


class ExitParameter(Part):
    """A variable of the flow that the model fills in when it takes an exit."""

    description: str = ""  # for the model; the variable's own where there is none
    required: bool = True


class ConverseExit(Part):
    """A way out that the model takes when the conversation has come to it."""

    description: About  # when it is to be taken
    parameters: dict[Name, ExitParameter] = Field(default_factory=dict)  # by variable
    set: dict[Name, Value] = Field(default_factory=dict)
    then: str


class RequestTool(HttpCall):
    """Something that the model may ask of the business."""

    description: About
    parameters: dict[str, Any] = Field(default_factory=dict)  # JSON schema of type "object"
    filler: Prompt | None = None  # said when the answer takes long; None: "One moment, please."
    save: dict[Name, str] = Field(default_factory=dict)  # variable: path in the answer, a.b.0


class Limits(Part):
    """How much of a conversation there may be; then it goes on at `then`."""

    turns: int = Field(default=20, ge=1, le=200)  # of the caller
    seconds: int = Field(default=300, ge=10, le=3600)  # counted in audio, from the node's beginning
    tokens: int = Field(default=60_000, ge=500, le=5_000_000)  # of all requests, both ways
    reply_tokens: int = Field(default=200, ge=16, le=2000)  # of one reply; 200 are 40 s of speech
    then: str | None = None  # None: the fallback


class Guard(Part):
    """What the model may not say, whatever it was told."""

    numbers: bool = True  # only numbers that the call knows are spoken
    promises: bool = True  # no promises of money
    withheld: Prompt | None = None  # said in the place of what may not be said


class ConverseNode(AskingNode):
    """Let a language model hold the conversation, within bounds. `prompt` opens it."""

    type: Literal["converse"]
    goal: Annotated[str, Field(min_length=1, max_length=2000)]
    instructions: Briefing = ""  # how to go about it; never told to the caller
    facts: Briefing = ""  # what the caller may be told
    knows: tuple[Name, ...] = ()  # variables whose values the model is told
    exits: dict[Name, ConverseExit] = Field(min_length=1)
    requests: dict[Name, RequestTool] = Field(default_factory=dict)
    knowledge: Name | None = None  # the knowledge base that it may look things up in
    may_set: tuple[Name, ...] = ()  # variables that it may give values to
    person: str  # the way to a person: after two asks at most, whatever the model says
    may_hang_up: str | None = None  # the hangup node that it may end the call with
    limits: Limits = Field(default_factory=Limits)
    guard: Guard = Field(default_factory=Guard)
    fallback: str  # taken where no model or no ear is at hand, or when the model fails

    @property
    def after_limits(self) -> str:
        """Where the conversation goes on when it has had its time."""
        return self.limits.then or self.fallback
