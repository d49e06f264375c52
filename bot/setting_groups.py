"""The settings that come in groups: accounts at carriers, the business, timeouts, numbers."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from bot.setting_values import (
    E164,
    AccountSid,
    ExoPhone,
    Language,
    Login,
    Seconds,
    SecretLogin,
    StreamRate,
    WebUrl,
)


class Group(BaseModel):
    """A group of settings. Values never show in its errors, for they may be secrets."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )


class NumberRoute(Group):
    """What answers a number of ours."""

    flow: str = Field(description="The flow that answers.", min_length=1)
    language: Language | None = Field(default=None, description="Its first language.")

    @model_validator(mode="before")
    @classmethod
    def _is_object(cls, value: object) -> object:
        if not isinstance(value, Mapping | NumberRoute):
            raise ValueError('write {"flow": "..."}, the name of the flow that answers')
        return value  # pyright: ignore[reportUnknownVariableType]


class BusinessSettings(Group):
    """Where outcomes of calls are delivered."""

    outcome_url: WebUrl | None = Field(
        default=None,
        description="Receives the outcome of each call as JSON; a call may name another.",
    )
    outcome_secret: SecretStr | None = Field(
        default=None,
        description="Signs the outcome (HMAC-SHA256), so that the receiver can trust it.",
    )
    allow_private_outcome_urls: bool = Field(
        default=False,
        description="Deliver to addresses of private networks and of this machine. Off, so that "
        "whoever may start a call cannot reach the inside of your network.",
    )

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if self.outcome_url is not None and self.outcome_secret is None:
            raise ValueError("is not complete: set CALLWRIGHT_BUSINESS__OUTCOME_SECRET too")
        return self


class TwilioSettings(Group):
    """An account at Twilio."""

    account_sid: AccountSid | None = Field(
        default=None, description="The account, from Twilio's console."
    )
    auth_token: SecretStr | None = Field(
        default=None, description="The account's token: signs webhooks and logs in to the REST API."
    )
    from_number: E164 | None = Field(
        default=None, description="The number that calls are placed from."
    )
    api_base_url: WebUrl = Field(default="https://api.twilio.com", description="The REST API.")
    machine_detection: bool = Field(
        default=True, description="Let Twilio tell whether a person or a machine answered."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _need_all(self, "twilio", ("account_sid", "auth_token"))
        return self

    @property
    def is_configured(self) -> bool:
        """Whether calls can be authenticated with this account."""
        return self.account_sid is not None


class ExotelSettings(Group):
    """An account at Exotel."""

    account_sid: str | None = Field(
        default=None, description="The account, from Exotel's dashboard."
    )
    api_key: SecretStr | None = Field(default=None, description="The user of the REST API.")
    api_token: SecretStr | None = Field(default=None, description="The password of the REST API.")
    from_number: ExoPhone | None = Field(
        default=None, description="The ExoPhone (caller id) that calls are placed from."
    )
    app_id: str | None = Field(
        default=None, description="The flow (app) with the Voicebot applet, for outbound calls."
    )
    api_base_url: WebUrl = Field(
        default="https://api.in.exotel.com",
        description="The REST API: Mumbai by default; Singapore is https://api.exotel.com.",
    )
    stream_user: Login | None = Field(
        default=None, description="The user that Exotel shows at our media socket (Basic auth)."
    )
    stream_password: SecretLogin | None = Field(
        default=None, description="The password that Exotel shows at our media socket (Basic auth)."
    )
    stream_sample_rate_hz: StreamRate = Field(
        default=8000,
        description="Rate (Hz) of the audio where the stream itself names none.",
    )
    stream_encoding: Literal["s16le", "mulaw"] = Field(
        default="s16le",
        description="How the stream's audio is coded: linear, 16 bits, as Exotel documents; "
        "mulaw (at 8000 Hz only) for an account that was set so.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        _need_all(self, "exotel", ("account_sid", "api_key", "api_token"))
        _need_all(self, "exotel", ("stream_user", "stream_password"))
        if self.stream_encoding == "mulaw" and self.stream_sample_rate_hz != 8000:
            raise ValueError("is not possible: mulaw is 8000 Hz; set STREAM_SAMPLE_RATE_HZ to it")
        return self

    @property
    def is_configured(self) -> bool:
        """Whether calls can be placed and confirmed with this account."""
        return self.account_sid is not None


class TimeoutSettings(Group):
    """How long is waited, in seconds."""

    handshake_s: Seconds = Field(
        default=10.0, description="For a new media socket to say which call it is (s)."
    )
    play_out_s: Seconds = Field(
        default=5.0,
        description="For the far end to confirm the last word, beyond the time that it takes to "
        "play (s).",
    )
    request_s: Seconds = Field(default=10.0, description="For an HTTP request of a flow (s).")
    hearing_s: Seconds = Field(
        default=2.0,
        description="For words of an engine that hears, where another stands in for it (s).",
    )
    speaking_s: Seconds = Field(
        default=1.5,
        description="For sound of an engine that speaks, where another stands in for it (s).",
    )
    carrier_s: Seconds = Field(
        default=15.0, description="For an answer of a carrier's REST API (s)."
    )
    outcome_s: Seconds = Field(
        default=10.0, description="For an outcome to be accepted, each try (s)."
    )
    dial_s: Seconds = Field(default=45.0, description="For the phone to be picked up (s).")
    call_s: Annotated[float, Field(gt=0, le=14400)] = Field(
        default=3600.0, description="For a whole call; then it is ended (s)."
    )
    shutdown_s: Seconds = Field(
        default=30.0, description="For running calls to end when the server is told to stop (s)."
    )


def _need_all(group: BaseModel, prefix: str, names: tuple[str, ...]) -> None:
    """Credentials are useless in part: raise ValueError that names those missing."""
    missing = [name for name in names if getattr(group, name) is None]
    if missing and len(missing) < len(names):
        variables = ", ".join(f"CALLWRIGHT_{prefix}__{name}".upper() for name in missing)
        raise ValueError(f"is not complete: set {variables} too")
