"""The settings of language models, of what they know, and of what they understand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, SecretStr, model_validator

from bot.setting_groups import Group
from bot.setting_values import Allowed, Seconds, WebUrl

EndpointName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
    Allowed("a name of small letters, digits and _"),
]


class EndpointSettings(Group):
    """A server that speaks OpenAI's chat API."""

    base_url: WebUrl = Field(description="With its /v1, such as http://127.0.0.1:8000/v1.")
    model: str = Field(min_length=1, description="The model, as the server calls it.")
    api_key: SecretStr | None = Field(default=None, description="Shown to the server.")
    token_limit: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="What the server calls a reply's limit of tokens."
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Further fields of each request."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_object(cls, value: object) -> object:
        if not isinstance(value, Mapping | EndpointSettings):
            raise ValueError('write {"base_url": "...", "model": "..."}')
        return value  # pyright: ignore[reportUnknownVariableType]


class EmbeddingSettings(Group):
    """Where meaning is turned into numbers; without it, knowledge is found by words alone."""

    base_url: WebUrl | None = Field(
        default=None, description="An OpenAI-compatible endpoint for embeddings, with its /v1."
    )
    model: str | None = Field(default=None, min_length=1, description="Its model.")
    api_key: SecretStr | None = Field(default=None, description="Its key.")
    question_s: Seconds = Field(
        default=1.0, description="For a question's embedding; then words alone decide (s)."
    )
    question_prefix: str = Field(
        default="", description="What the model wants before a question, such as `query:`."
    )
    passage_prefix: str = Field(
        default="", description="What the model wants before a passage, such as `passage:`."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.base_url is None) != (self.model is None):
            missing = "MODEL" if self.model is None else "BASE_URL"
            raise ValueError(f"is not complete: set CALLWRIGHT_LLM__EMBEDDINGS__{missing} too")
        return self


class LlmSettings(Group):
    """Language models, in the order in which they are asked."""

    endpoints: dict[EndpointName, EndpointSettings] = Field(
        default_factory=dict[str, EndpointSettings],
        description='Language models by name, as JSON: {"vllm": {"base_url": '
        '"http://127.0.0.1:8000/v1", "model": "Qwen/Qwen2.5-7B-Instruct"}}; a key is `api_key`. '
        "The first is asked, the next where it fails. See docs/language-models.md.",
    )
    order: str = Field(
        default="",
        description="Names of endpoints with commas between, in the order in which they are "
        "asked; else as they are written.",
    )
    first_token_s: Seconds = Field(
        default=3.0, description="For the first word of a reply; then the next endpoint (s)."
    )
    idle_s: Seconds = Field(default=4.0, description="For the next word; then it broke off (s).")
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.3, description="How freely replies are worded; 0: always the likeliest word."
    )
    understands: bool = Field(
        default=False,
        description="Where a flow's own words find no answer in what a caller said, ask the model.",
    )
    understand_s: Seconds = Field(
        default=1.2, description="For that; then the caller is asked again (s)."
    )
    knowledge: dict[EndpointName, Path] = Field(
        default_factory=dict[str, Path],
        description="Folders of Markdown, text and PDF that flows look things up in, as JSON: "
        '{"shop": "/srv/shop"}.',
    )
    embeddings: EmbeddingSettings = Field(default_factory=EmbeddingSettings)

    @model_validator(mode="after")
    def _order_names_endpoints(self) -> Self:
        unknown = [name for name in self._ordered() if name not in self.endpoints]
        if unknown:
            there = ", ".join(self.endpoints) or "none"
            raise ValueError(
                f"is not right: CALLWRIGHT_LLM__ORDER names {', '.join(unknown)}; the endpoints "
                f"are {there}"
            )
        if self.understands and not self.endpoints:
            raise ValueError(
                "is not complete: CALLWRIGHT_LLM__UNDERSTANDS needs CALLWRIGHT_LLM__ENDPOINTS"
            )
        return self

    @property
    def in_order(self) -> dict[str, EndpointSettings]:
        """The endpoints by name; those that the order doesn't name come last."""
        names = dict.fromkeys((*self._ordered(), *self.endpoints))
        return {name: self.endpoints[name] for name in names}

    def _ordered(self) -> tuple[str, ...]:
        return tuple(name for each in self.order.split(",") if (name := each.strip().lower()))
