"""Every setting of Callwright, and the only reader of the environment.

A setting is an environment variable (`CALLWRIGHT_PORT`), a line of `.env`, or an option of the
command line, which wins. A part of a group is named with two underscores
(`CALLWRIGHT_TWILIO__AUTH_TOKEN`). How settings are explained and how their errors read is in
`settings_text.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CALLWRIGHT_"
DELIMITER = "__"
DEFAULT_HEARING = {"en": "moonshine"}
DEFAULT_SPEAKING = {"en": "espeak", "hi": "espeak", "mr": "espeak"}
NO_ENGINE = "none"


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL that starts with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or password; those have settings of their own")
    return value.rstrip("/")


def _stream_rate(value: int) -> int:
    if value not in {8000, 16000, 24000}:
        raise ValueError("must be 8000, 16000 or 24000")
    return value


WebUrl = Annotated[str, AfterValidator(_web_url), Field(json_schema_extra={"allowed": "a URL that starts with http:// or https://"})]  # fmt: skip # noqa: E501
StreamRate = Annotated[int, AfterValidator(_stream_rate), Field(json_schema_extra={"allowed": "8000, 16000 or 24000"})]  # fmt: skip # noqa: E501
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2}$",
        json_schema_extra={"allowed": "a language of two letters, such as en, hi or mr"},
    ),
]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Group(BaseModel):
    """A group of settings. Values never show in its errors, for they may be secrets."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )


class NumberRoute(_Group):
    """What answers a number of ours."""

    flow: str = Field(description="The flow that answers.", min_length=1)
    language: Language | None = Field(None, description="Its first language.")


class BusinessSettings(_Group):
    """Where outcomes of calls are delivered."""

    outcome_url: WebUrl | None = Field(
        None, description="Receives the outcome of each call as JSON; a call may name another."
    )
    outcome_secret: SecretStr | None = Field(
        None, description="Signs the outcome (HMAC-SHA256), so that the receiver can trust it."
    )
    allow_private_outcome_urls: bool = Field(
        False,
        description="Deliver to addresses of private networks and of this machine. Off, so that "
        "whoever may start a call cannot reach the inside of your network.",
    )


class TwilioSettings(_Group):
    """An account at Twilio."""

    account_sid: str | None = Field(
        None,
        description="The account, from Twilio's console.",
        pattern=r"^AC[0-9a-fA-F]{32}$",
        json_schema_extra={"allowed": "AC and 32 hexadecimal digits"},
    )
    auth_token: SecretStr | None = Field(
        None, description="The account's token: signs webhooks and logs in to the REST API."
    )
    from_number: str | None = Field(
        None,
        description="The number that calls are placed from.",
        pattern=r"^\+[1-9][0-9]{6,14}$",
        json_schema_extra={"allowed": "a number in E.164, such as +14155550100"},
    )
    api_base_url: WebUrl = Field("https://api.twilio.com", description="The REST API.")
    machine_detection: bool = Field(
        True, description="Let Twilio tell whether a person or a machine answered."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _need_all(self, "twilio", ("account_sid", "auth_token"))
        return self

    @property
    def is_configured(self) -> bool:
        """Whether calls can be authenticated with this account."""
        return self.account_sid is not None


class ExotelSettings(_Group):
    """An account at Exotel."""

    account_sid: str | None = Field(None, description="The account, from Exotel's dashboard.")
    api_key: SecretStr | None = Field(None, description="The user of the REST API.")
    api_token: SecretStr | None = Field(None, description="The password of the REST API.")
    from_number: str | None = Field(
        None,
        description="The ExoPhone (caller id) that calls are placed from.",
        pattern=r"^\+?[0-9]{6,15}$",
        json_schema_extra={"allowed": "an ExoPhone, such as 08047491899"},
    )
    app_id: str | None = Field(
        None, description="The flow (app) with the Voicebot applet, for outbound calls."
    )
    api_base_url: WebUrl = Field(
        "https://api.in.exotel.com",
        description="The REST API: Mumbai by default; Singapore is https://api.exotel.com.",
    )
    stream_user: str | None = Field(
        None, description="The user that Exotel shows at our media socket (Basic auth)."
    )
    stream_password: SecretStr | None = Field(
        None, description="The password that Exotel shows at our media socket (Basic auth)."
    )
    stream_sample_rate_hz: StreamRate = Field(
        8000,
        description="Rate (Hz) of the audio where the stream itself names none.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _need_all(self, "exotel", ("account_sid", "api_key", "api_token"))
        _need_all(self, "exotel", ("stream_user", "stream_password"))
        return self

    @property
    def is_configured(self) -> bool:
        """Whether calls can be placed and confirmed with this account."""
        return self.account_sid is not None


class TimeoutSettings(_Group):
    """How long is waited, in seconds."""

    handshake_s: Seconds = Field(
        10.0, description="For a new media socket to say which call it is (s)."
    )
    play_out_s: Seconds = Field(
        5.0,
        description="For the far end to confirm the last word, beyond the time that it takes to "
        "play (s).",
    )
    request_s: Seconds = Field(10.0, description="For an HTTP request of a flow (s).")
    carrier_s: Seconds = Field(15.0, description="For an answer of a carrier's REST API (s).")
    outcome_s: Seconds = Field(10.0, description="For an outcome to be accepted, each try (s).")
    dial_s: Seconds = Field(45.0, description="For the phone to be picked up (s).")
    call_s: Annotated[float, Field(gt=0, le=14400)] = Field(
        3600.0, description="For a whole call; then it is ended (s)."
    )
    shutdown_s: Seconds = Field(
        30.0, description="For running calls to end when the server is told to stop (s)."
    )


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
        "127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 is every address of the machine.",
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        Path("data"), description="Folder of the database, recordings and caches."
    )
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least important records that are logged."
    )
    max_calls: int = Field(
        20, ge=1, le=1000, description="Calls at the same time; more are refused."
    )
    public_url: WebUrl | None = Field(
        None, description="Where carriers reach this server, e.g. https://voice.example.com."
    )
    default_flow: str = Field(
        "customer_support", min_length=1, description="Answers numbers that `numbers` lacks."
    )
    flows_dir: Path | None = Field(None, description="Folder of your own flow files (YAML).")
    numbers: dict[str, NumberRoute] = Field(
        default_factory=dict[str, NumberRoute],
        description='What answers which number, as JSON: {"+918047491899": {"flow": '
        '"customer_support", "language": "hi"}}.',
    )
    default_language: Language = Field("en", description="Language of a call that names none.")
    default_country_code: str = Field(
        "91",
        pattern=r"^[1-9][0-9]{0,2}$",
        description="Put before numbers that are written without a country.",
        json_schema_extra={"allowed": "one to three digits, such as 91"},
    )
    hearing: dict[Language, str] = Field(
        default_factory=lambda: dict(DEFAULT_HEARING),
        description="Engine that hears, per language; none: keys only. Languages that are not "
        "named keep their default.",
    )
    speaking: dict[Language, str] = Field(
        default_factory=lambda: dict(DEFAULT_SPEAKING),
        description="Engine that speaks, per language. Languages that are not named keep their "
        "default.",
    )
    voices: dict[Language, str] = Field(
        default_factory=dict[str, str],
        description="Voice of the engine, per language; else the engine's own choice.",
    )
    pool_threads: int = Field(
        0, ge=0, le=256, description="Threads that run models; 0 is one for each processor core."
    )
    speech_cache_bytes: int = Field(
        67_108_864, ge=0, le=2**34, description="Memory for spoken prompts (bytes)."
    )
    database_url: SecretStr | None = Field(
        None,
        description="Database, e.g. postgresql+asyncpg://user:password@host/name; else SQLite in "
        "the data folder.",
    )
    record_calls: bool = Field(True, description="Keep a recording of each call.")
    business: BusinessSettings = Field(default_factory=BusinessSettings)
    twilio: TwilioSettings = Field(default_factory=TwilioSettings)
    exotel: ExotelSettings = Field(default_factory=ExotelSettings)
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("hearing", mode="after")
    @classmethod
    def _all_ears(cls, value: Mapping[str, str]) -> dict[str, str]:
        merged = {**DEFAULT_HEARING, **value}
        return {language: engine for language, engine in merged.items() if engine != NO_ENGINE}

    @field_validator("speaking", mode="after")
    @classmethod
    def _all_mouths(cls, value: Mapping[str, str]) -> dict[str, str]:
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
        groups: tuple[BaseModel, ...] = (self, self.business, self.twilio, self.exotel)
        values = (getattr(group, name) for group in groups for name in type(group).model_fields)
        return frozenset(
            value.get_secret_value()
            for value in values
            if isinstance(value, SecretStr) and value.get_secret_value()
        )


def _need_all(group: BaseModel, prefix: str, names: tuple[str, ...]) -> None:
    """Credentials are useless in part: raise ValueError that names those missing."""
    missing = [name for name in names if getattr(group, name) is None]
    if missing and len(missing) < len(names):
        variables = ", ".join(f"{PREFIX}{prefix}{DELIMITER}{name}".upper() for name in missing)
        raise ValueError(f"is not complete: set {variables} too")


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Read the environment and `.env`; `overrides` are options of the command line, which win.

    Overrides that are None count as not given.

    Raises:
        SettingsError: a line for each value that is wrong, unknown or missing.
    """
    from bot.settings_text import readable_errors

    given = {name: value for name, value in overrides.items() if value is not None}
    with readable_errors(env_file):
        return Settings(_env_file=env_file, **given)  # pyright: ignore[reportCallIssue]
    raise AssertionError("unreachable")
