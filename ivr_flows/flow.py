"""The schema of a flow file: what a conversation says, asks, decides and ends with.

Every field stands under the name that it has in the YAML. The schema knows the shape of each part;
what only shows on the whole (dead ends, shared answers, missing languages) is in `checks`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivr_flows.converse_node import ConverseExit as ConverseExit
from ivr_flows.converse_node import ConverseNode as ConverseNode
from ivr_flows.converse_node import Guard as Guard
from ivr_flows.converse_node import RequestTool as RequestTool
from ivr_flows.flow_parts import AskingNode as AskingNode
from ivr_flows.flow_parts import Disposition as Disposition
from ivr_flows.flow_parts import HttpCall as HttpCall
from ivr_flows.flow_parts import Key as Key
from ivr_flows.flow_parts import Language as Language
from ivr_flows.flow_parts import Name as Name
from ivr_flows.flow_parts import Part as Part
from ivr_flows.flow_parts import Phrase as Phrase
from ivr_flows.flow_parts import Prompt as Prompt
from ivr_flows.flow_parts import Retry as Retry
from ivr_flows.flow_parts import Seconds as Seconds
from ivr_flows.flow_parts import Spoken as Spoken
from ivr_flows.flow_parts import Template as Template
from ivr_flows.flow_parts import Value as Value
from ivr_flows.flow_parts import Variable as Variable


class MenuChoice(Part):
    """One thing that the caller can answer."""

    keys: tuple[Key, ...] = Field(min_length=1)
    phrases: dict[Language, tuple[Phrase, ...]] = Field(default_factory=dict)
    builtin: Literal["yes", "no", "repeat", "operator"] | None = None  # adds its own phrases
    set: dict[Name, Value] = Field(default_factory=dict)
    then: str | None = None
    repeat: bool = False  # True: say the prompt again
    language: Language | None = None  # go on here in this language

    @model_validator(mode="after")
    def _one_way_on(self) -> "MenuChoice":
        if (self.then is not None) + self.repeat + (self.language is not None) != 1:
            raise ValueError("a choice leads to exactly one of then, repeat and language")
        return self


class SayNode(Part):
    """Say something and go on."""

    type: Literal["say"]
    prompt: Prompt
    then: str
    description: str = ""


class MenuNode(AskingNode):
    """Ask for one of several things, by key or by voice."""

    type: Literal["menu"]
    choices: dict[Name, MenuChoice] = Field(min_length=1)
    no_match: Retry
    extract: tuple[Name, ...] = ()  # variables that a language model fills from the answer


class ReadBack(Part):
    """Say what was collected and ask whether it is right."""

    prompt: Prompt
    when: Literal["always", "spoken", "unsure"] = "always"
    yes_key: Key = "1"
    no_key: Key = "2"


class CollectNode(AskingNode):
    """Ask for a number, by keys or by voice."""

    type: Literal["collect"]
    variable: Name
    kind: Literal["digits", "number", "minutes"] = "digits"
    min_digits: int = Field(default=1, ge=1, le=32)  # kind digits
    max_digits: int = Field(default=16, ge=1, le=32)  # kind digits
    min: int = Field(default=0, ge=0)  # kinds number and minutes
    max: int = Field(default=999_999, ge=0, le=10**12)  # kinds number and minutes
    finish_key: Key = "#"
    digit_timeout_s: Seconds = 3.0  # between two keys; shorter cuts numbers in two
    read_back: ReadBack | None = None
    no_match: Retry
    then: str

    @property
    def most_digits(self) -> int:
        """How many keys can be pressed before the number is complete."""
        return self.max_digits if self.kind == "digits" else len(str(self.max))


class ListenNode(AskingNode):
    """Take what the caller says, in their own words."""

    type: Literal["listen"]
    variable: Name
    then: str
    extract: tuple[Name, ...] = ()  # variables that a language model fills from the answer
    without_ear: str | None = None  # where to go when nobody here understands the language


class Branch(Part):
    """One way to go, if its condition holds."""

    when: Annotated[str, Field(min_length=1, max_length=500)]  # an expression over the variables
    then: str


class DecideNode(Part):
    """Go where the first condition that holds points to."""

    type: Literal["decide"]
    branches: tuple[Branch, ...] = Field(min_length=1)
    otherwise: str
    description: str = ""


class SetNode(Part):
    """Give variables a value: a constant, or a text with {{ an expression }}."""

    type: Literal["set"]
    values: dict[Name, Value] = Field(min_length=1)
    then: str
    description: str = ""


class RequestNode(HttpCall):
    """Ask the business over HTTP."""

    type: Literal["request"]
    prompt: Prompt | None = None  # said while waiting
    save: dict[Name, str] = Field(default_factory=dict)  # variable: path in the answer, a.b.0
    then: str  # after an answer 2xx that holds everything to save
    on_status: dict[Annotated[str, Field(pattern=r"^([1-5]\d\d|[1-5]xx)$")], str] = Field(
        default_factory=dict
    )
    failure: str  # any other answer, none in time, or one without what is to be saved
    description: str = ""


class TransferNode(Part):
    """Hand the call to a person."""

    type: Literal["transfer"]
    prompt: Prompt | None = None
    to: Template  # a number in E.164 or the name of a desk
    disposition: Disposition = "transferred"
    failed: str  # where to go when nobody takes it
    description: str = ""


class HangUpNode(Part):
    """End the call."""

    type: Literal["hangup"]
    prompt: Prompt | None = None
    disposition: Disposition
    description: str = ""


Node = Annotated[
    SayNode
    | MenuNode
    | CollectNode
    | ListenNode
    | DecideNode
    | SetNode
    | RequestNode
    | ConverseNode
    | TransferNode
    | HangUpNode,
    Field(discriminator="type"),
]


class Anytime(Part):
    """An answer that counts wherever the caller is asked something."""

    keys: tuple[Key, ...] = ()
    phrases: dict[Language, tuple[Phrase, ...]] = Field(default_factory=dict)


class OperatorAnytime(Anytime):
    """Ask for a person, at any time."""

    then: str


class LanguageAnytime(Part):
    """Ask for another language, at any time and in any language."""

    keys: tuple[Key, ...] = ()
    phrases: tuple[Phrase, ...] = ()


class Anywhere(Part):
    """The answers that count everywhere.

    A menu's own choice named `repeat` or `operator` takes the place of the one given here. In a
    `collect`, digits are digits: only `*` and `#` work there, unless they finish the number.
    """

    repeat: Anytime | None = None
    operator: OperatorAnytime | None = None
    languages: dict[Language, LanguageAnytime] = Field(default_factory=dict)
    next_language: Anytime | None = None  # the flow's languages, one after the other
    follow_language: bool = False  # who speaks another of them twice is answered in it


class Flow(Part):
    """A conversation."""

    name: Name
    title: str
    description: str = ""
    languages: tuple[Language, ...] = Field(min_length=1)  # the first is the fallback
    fallbacks: dict[Language, Language] = Field(default_factory=dict)  # missing mr: say it in hi
    variables: dict[Name, Variable] = Field(default_factory=dict)
    anywhere: Anywhere = Field(default_factory=Anywhere)
    unsure: Prompt | None = None  # "Did you mean {{ choice }}?"; None: an unsure answer is no match
    max_turns: int = Field(default=60, ge=5, le=500)  # answers, silences; then `give_up`
    start: str
    give_up: str  # the end that is taken when the call can't go on
    nodes: dict[Name, Node] = Field(min_length=1)

    def languages_for(self, language: str) -> tuple[str, ...]:
        """`language` and those said in its place, in order."""
        chain = [language] if language in self.languages else []
        while chain and (following := self.fallbacks.get(chain[-1])) and following not in chain:
            chain.append(following)
        return (*chain, self.languages[0]) if self.languages[0] not in chain else tuple(chain)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The variables that are reported."""
        return tuple(name for name, variable in self.variables.items() if variable.outcome)


def prompts_of(node: Node) -> Mapping[tuple[str, ...], Prompt]:
    """Every prompt of a node by its path inside the node."""
    found: dict[tuple[str, ...], Prompt | None] = {("prompt",): getattr(node, "prompt", None)}
    if isinstance(node, AskingNode):
        found["no_input", "prompt"] = node.no_input.prompt
    if isinstance(node, MenuNode | CollectNode):
        found["no_match", "prompt"] = node.no_match.prompt
    if isinstance(node, CollectNode) and node.read_back:
        found["read_back", "prompt"] = node.read_back.prompt
    if isinstance(node, ConverseNode):
        found["guard", "withheld"] = node.guard.withheld
        found |= {("requests", name, "filler"): r.filler for name, r in node.requests.items()}
    return {path: prompt for path, prompt in found.items() if prompt is not None}
