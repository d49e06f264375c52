"""The parts of a flow file that every kind of node is made of: texts, variables, questions."""

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
    hints: tuple[Phrase, ...] = Field(
        default=(), max_length=20
    )  # names that may be said; templates
    description: str = ""


class HttpCall(Part):
    """What the business is asked over HTTP."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Template
    headers: dict[str, Template] = Field(default_factory=dict)
    json_body: Any = Field(default=None, alias="json")
    timeout_s: Seconds = 8.0  # the caller hears nothing meanwhile but the prompt
