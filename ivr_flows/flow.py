"""The schema of a flow file: what a conversation says, asks, decides and ends with.

Every field stands under the name that it has in the YAML. The schema knows the shape of each part;
what only shows on the whole (dead ends, shared answers, missing languages) is in `checks`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, model_validator

Value = str | int | float | bool | tuple[str, ...] | None  # what a variable can hold

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]  # ISO 639
Disposition = Literal[  # what came of an answered call, in the words of the call's record
    "confirmed", "rejected", "completed", "no_input", "transferred", "voicemail", "failed"
]
Template = Annotated[str, Field(min_length=1, max_length=2000)]  # text with {{ variables }}
Phrase = Annotated[str, Field(min_length=1, max_length=80)]
Seconds = Annotated[float, Field(ge=0.5, le=60)]


def _digit_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# No A to D: the media line drops them, so a choice with such a key can't be answered in a call.
Key = Annotated[str, BeforeValidator(_digit_as_text), Field(pattern=r"^[0-9*#]$")]


class Part(BaseModel):
    """Any part of a flow file: unknown fields and wrong types are errors, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)


class Spoken(Part):
    """A prompt in one language."""

    text: Template
    keypad: Template | None = None  # said instead where this language has no ear installed


class Prompt(Part):
    """What is said, by language: `en: "Hello"`, or `en: {text: ..., keypad: ...}`."""

    barge_in: bool = True  # False: the caller can't cut it short
    texts: dict[Language, Spoken] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _languages_beside_barge_in(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        given = cast("dict[str, Any]", data)
        texts = {
            name: {"text": value} if isinstance(value, str) else value
            for name, value in given.items()
            if name != "barge_in"
        }
        return {"texts": texts} | {k: v for k, v in given.items() if k == "barge_in"}

    def spoken(self, languages: tuple[str, ...]) -> tuple[str, Spoken]:
        """The text in the first of `languages` that has one, and that language."""
        for language in languages:
            if language in self.texts:
                return language, self.texts[language]
        return next(iter(self.texts.items()))


class Variable(Part):
    """A value that the conversation starts with or finds out."""

    type: Literal["text", "integer", "number", "boolean", "list", "url", "phone"] = "text"
    required: bool = False  # True: a call can't start without it
    default: Value = None
    example: Value = None  # used to try the flow, and to check its texts
    outcome: bool = False  # True: written to the call's record when it changes
    max_length: int = Field(default=200, ge=1, le=2000)  # characters; guards against a long read
    min: FiniteFloat | None = None  # types integer and number; the least that is taken
    max: FiniteFloat | None = None  # the most
    description: str = ""


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


class Retry(Part):
    """What follows when the caller said nothing, or nothing that was understood."""

    prompt: Prompt | None = None  # None: the node's own prompt again
    then: str  # where to go when the node's tries are used up


class AskingNode(Part):
    """What the nodes that wait for the caller have in common."""

    prompt: Prompt
    tries: int = Field(default=3, ge=1, le=10)  # how often it is asked before giving up
    timeout_s: Seconds = 6.0  # silence after the prompt; shorter cuts off people who look things up
    no_input: Retry
    description: str = ""


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


class RequestNode(Part):
    """Ask the business over HTTP."""

    type: Literal["request"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Template
    headers: dict[str, Template] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    timeout_s: Seconds = 8.0  # the caller hears nothing meanwhile but the prompt
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
    return {path: prompt for path, prompt in found.items() if prompt is not None}
