"""Every setting of Callwright, and the only reader of the environment.

A setting is an environment variable (`CALLWRIGHT_PORT`), a line of `.env`, or an option of the
command line, which wins. A part of a group is named with two underscores
(`CALLWRIGHT_TWILIO__AUTH_TOKEN`). How settings are explained and how their errors read is in
`settings_text.py`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from bot.capacity import (
    CALLS_PER_CORE,
    CORES_PER_WORKER,
    default_max_calls,
    model_threads,
)
from bot.engine_settings import EngineNames, EngineOptionTexts, option_secrets, unused
from bot.errors import SettingsError
from bot.llm_settings import LlmSettings
from bot.loop_lag import LATE_MS
from bot.setting_groups import (
    BusinessSettings,
    ExotelSettings,
    NumberRoute,
    TimeoutSettings,
    TwilioSettings,
)
from bot.setting_values import (
    CountryCode,
    DialledNumber,
    FlowValue,
    Language,
    PhoneNumber,
    WebUrl,
    secrets_in,
)
from bot.settings_text import (
    SettingRow,
    explain,
    explain_source,
    markdown,
    rows,
    unknown_names,
)

PREFIX = "CALLWRIGHT_"
DELIMITER = "__"
DEFAULT_HEARING = {"en": ("moonshine",)}
Part = Literal["partials", "flow_endings", "speculation", "speech_cache"]
"""What makes replies quick, and can be left out.

- `partials`: words while the caller speaks.
- `flow_endings`: what the flow expects ends a turn; without, melody and silence alone.
- `speculation`: the reply's speech is made at the first plausible end.
- `speech_cache`: what was made once is kept.
"""

DEFAULT_SPEAKING = {"en": ("espeak",), "hi": ("espeak",), "mr": ("espeak",)}
NO_ENGINE = "none"


class Settings(BaseSettings):
    """Every setting. Made by `load_settings`; nothing else reads the environment."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # .env may serve other programs; unknown names are found by load_settings
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 is every address of the machine.",
    )
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    data_dir: Path = Field(
        default=Path("data"), description="Folder of the database, recordings and caches."
    )
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="The least important records that are logged."
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that share the port and the calls; one uses about two cores.",
    )
    max_calls: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Calls at the same time, of all workers; more are refused before they are "
        f"answered. 0: what was measured, {CALLS_PER_CORE} for each core, of {CORES_PER_WORKER} "
        "cores at most for each worker.",
    )
    max_loop_lag_ms: float = Field(
        default=LATE_MS,
        ge=0,
        le=10_000,
        description="New calls are refused while the event loop is later than this (ms) for "
        "seconds on end; 0: never for that.",
    )
    overflow_number: DialledNumber | None = Field(
        default=None,
        description="Where callers are put through when there is no room; else they hear a busy "
        "tone.",
    )
    public_url: WebUrl | None = Field(
        default=None,
        description="Where carriers reach this server, e.g. https://voice.example.com.",
    )
    default_flow: str = Field(
        default="customer_support",
        min_length=1,
        description="Answers numbers that `numbers` lacks.",
    )
    flows_dir: Path | None = Field(
        default=None, description="Folder of your own flow files (YAML)."
    )
    numbers: dict[PhoneNumber, NumberRoute] = Field(
        default_factory=dict[str, NumberRoute],
        description='What answers which number, as JSON: {"+918047491899": {"flow": '
        '"customer_support", "language": "hi"}}.',
    )
    flow_variables: dict[str, dict[str, FlowValue]] = Field(
        default_factory=dict[str, dict[str, FlowValue]],
        description="Values of a flow's variables for every call that gives none, as JSON: "
        '{"customer_support": {"status_url": "https://shop.example.com/orders"}}.',
    )
    default_language: Language = Field(
        default="en", description="Language of a call that names none."
    )
    default_country_code: CountryCode = Field(
        default="91", description="Put before numbers that are written without a country."
    )
    hearing: dict[Language, EngineNames] = Field(
        default_factory=lambda: dict(DEFAULT_HEARING),
        description="Engine that hears, per language, and behind commas those that stand in for "
        "it; none: keys only. Languages that are not named keep their default.",
    )
    speaking: dict[Language, EngineNames] = Field(
        default_factory=lambda: dict(DEFAULT_SPEAKING),
        description="Engine that speaks, per language, and those that stand in for it. Languages "
        "that are not named keep their default.",
    )
    engines: dict[str, EngineOptionTexts] = Field(
        default_factory=dict[str, EngineOptionTexts],
        description="Options of engines (docs/engines.md), e.g. "
        "`CALLWRIGHT_ENGINES__WHISPER__MODEL`. An engine of another name has the option `engine`.",
    )
    voices: dict[Language, str] = Field(
        default_factory=dict[str, str],
        description="Voice, per language: a preset such as professional, or an engine's own "
        "(docs/voices.md); else the engine's choice.",
    )
    voices_file: Path | None = Field(default=None, description="Presets of your own (YAML).")
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis in which spoken texts and custom voices are shared, e.g. "
        "redis://:password@host:6379/0.",
    )
    pool_threads: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Threads that run models, in each worker; 0 shares the processor cores out.",
    )
    speech_cache_bytes: int = Field(
        default=67_108_864, ge=0, le=2**34, description="Memory for spoken prompts (bytes)."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Database, e.g. postgresql+asyncpg://user:password@host/name; else SQLite in "
        "the data folder.",
    )
    record_calls: bool = Field(default=True, description="Keep a recording of each call.")
    cancel_echo: bool = Field(
        default=True,
        description="Find out in each telephone call whether the line sends the bot's own voice "
        "back, as speakerphones do, and take it out where it does.",
    )
    without: Annotated[frozenset[Part], NoDecode] = Field(
        default=frozenset(),
        description="Parts to do without, with commas between, to measure what each is worth: "
        "calls get slower.",
    )
    api_token: SecretStr | None = Field(
        default=None,
        description="Lets other machines use the API (Authorization: Bearer ...); without it only "
        "this machine may.",
    )
    desks: dict[str, DialledNumber] = Field(
        default_factory=dict[str, str],
        description='Numbers behind the names that flows transfer to, as JSON: {"support": '
        '"+918047491899"}; also as 08047491899, a short code, or a SIP address.',
    )
    business: BusinessSettings = Field(default_factory=BusinessSettings)
    twilio: TwilioSettings = Field(default_factory=TwilioSettings)
    exotel: ExotelSettings = Field(default_factory=ExotelSettings)
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings)
    llm: LlmSettings = Field(default_factory=LlmSettings)

    @field_validator("without", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(part for each in value.split(",") if (part := each.strip()))

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("hearing", mode="after")
    @classmethod
    def _all_ears(cls, value: Mapping[str, EngineNames]) -> dict[str, EngineNames]:
        merged = {**DEFAULT_HEARING, **value}
        return {language: names for language, names in merged.items() if names != (NO_ENGINE,)}

    @field_validator("speaking", mode="after")
    @classmethod
    def _all_mouths(cls, value: Mapping[str, EngineNames]) -> dict[str, EngineNames]:
        return {**DEFAULT_SPEAKING, **value}

    @field_validator("database_url", mode="after")
    @classmethod
    def _async_driver(cls, value: SecretStr | None) -> SecretStr | None:
        known = ("postgresql+asyncpg://", "sqlite+aiosqlite://")
        if value is not None and not value.get_secret_value().startswith(known):
            raise ValueError(f"must start with {' or '.join(known)}")
        return value

    @property
    def database_dsn(self) -> SecretStr:
        """The database in SQLAlchemy's words, the default filled in."""
        if self.database_url is not None:
            return self.database_url
        return SecretStr(f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'callwright.db'}")

    @property
    def call_limit(self) -> int:
        """How many calls there may be at once, of all workers."""
        cores = len(os.sched_getaffinity(0))
        return self.max_calls or min(1000, default_max_calls(cores, self.workers))

    @property
    def model_threads(self) -> int:
        """How many threads run models in each worker."""
        return self.pool_threads or model_threads(len(os.sched_getaffinity(0)), self.workers)

    @property
    def recordings_dir(self) -> Path:
        """The folder of the recordings."""
        return self.data_dir / "recordings"

    @property
    def has_carrier(self) -> bool:
        """Whether any carrier can prove who it is; without one, only loopback may connect."""
        return (
            self.twilio.is_configured
            or self.exotel.is_configured
            or self.exotel.stream_password is not None
        )

    def secret_values(self) -> frozenset[str]:
        """Every secret that is set, for the log's filter."""
        unmasked = self.model_copy(update={"engines": {}})  # most of their options are no secrets
        return frozenset(secrets_in(unmasked)) | option_secrets(self.engines)


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Read the environment and `.env`; `overrides` are options of the command line, which win.

    Overrides that are None count as not given.

    Raises:
        SettingsError: a line for each value that is wrong, unknown or missing.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    unknown = unknown_names(Settings, PREFIX, DELIMITER, _set_names(env_file))
    try:
        settings = Settings(_env_file=env_file, **given)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        problems = explain(error, Settings, PREFIX, DELIMITER) | unknown
    except SourceError as error:
        problems = explain_source(str(error), PREFIX) | unknown
    else:
        if not (problems := unknown | unused(settings, DEFAULT_HEARING, DEFAULT_SPEAKING)):
            return settings
    # `from None`: the original error holds the values, secrets too.
    raise SettingsError(
        "\n".join(f"{name}: {problems[name]}" for name in sorted(problems))
    ) from None


def describe(settings: Settings | None = None) -> tuple[SettingRow, ...]:
    """Every setting in order, with its value where `settings` are given (secrets: "set")."""
    return rows(Settings, PREFIX, DELIMITER, settings)


def settings_markdown() -> str:
    """docs/settings.md, which `callwright settings --markdown` writes."""
    return markdown(describe())


def environment_of_child(settings: Mapping[str, str], *, keep_ours: bool) -> dict[str, str]:
    """The environment for a process of ours that shall have these settings.

    `keep_ours`: those of our own environment stay, where `settings` doesn't name them; else it
    has no others.
    """
    kept = {name: value for name, value in os.environ.items() if keep_ours or not _is_setting(name)}
    return {**kept, **settings}


def _is_setting(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _set_names(env_file: Path | None) -> frozenset[str]:
    """The names in the environment and in `.env`, in capitals."""
    names = set(os.environ)
    if env_file is not None and env_file.is_file():
        names.update(dotenv_values(env_file, encoding="utf-8", interpolate=False))
    return frozenset(name.upper() for name in names)
