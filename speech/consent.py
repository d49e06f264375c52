"""What a person agreed to whose voice is imitated: who, to which words, when, for what, how long.

The record goes wherever the voice goes, and is looked at again whenever it speaks. The evidence
(a recording of the words, a signed page) stays with whoever asked for it; its SHA-256 ties the
record to it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from speech.errors import ConsentInvalid

Use = Literal["calls", "training"]
"""For what a voice may be used: to speak in calls, to train an agent's voice."""

_CLOCKS_APART = timedelta(minutes=5)
"""How far in the future a consent may have been given: clocks of two machines differ."""

_LONGEST = timedelta(days=5 * 365 + 2)
"""A consent without an end is none; who wants longer asks again."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20, max_length=5_000)]


class Consent(BaseModel):
    """A consent that is complete; whether it still holds is `check`'s to say."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    speaker: Line = Field(description="who agreed: the name of the person whose voice it is")
    agreed_text: Words = Field(description="the words that they agreed to, as they stood there")
    agreed_at: AwareDatetime = Field(description="when, with the time zone")
    evidence_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="of the recording or page that proves it"
    )
    uses: frozenset[Use] = Field(min_length=1, description="for what: calls, training")
    expires_at: AwareDatetime = Field(description="until when, at most five years later")

    @model_validator(mode="after")
    def _ends(self) -> "Consent":
        if self.expires_at <= self.agreed_at:
            raise ValueError("expires_at must be later than agreed_at")
        if self.expires_at - self.agreed_at > _LONGEST:
            raise ValueError("expires_at must be at most five years after agreed_at")
        return self

    def check(self, use: Use, *, now_s: float) -> None:
        """See that it holds for `use` at the Unix time `now_s`.

        Raises:
            ConsentInvalid: it does not; says why.
        """
        now = datetime.fromtimestamp(now_s, UTC)
        if self.agreed_at > now + _CLOCKS_APART:
            raise ConsentInvalid(
                f"the consent is of {self.agreed_at.isoformat()}, which is still to come"
            )
        if now >= self.expires_at:
            raise ConsentInvalid(
                f"the consent expired at {self.expires_at.isoformat()}; ask the speaker again"
            )
        if use not in self.uses:
            raise ConsentInvalid(
                f"the speaker agreed to the use for {', '.join(sorted(self.uses))}, not for {use}"
            )


def read_consent(record: str | bytes | Mapping[str, Any]) -> Consent:
    """A consent from JSON, or from what was read from it.

    Raises:
        ConsentInvalid: a line for each field that is missing, unknown or wrong.
    """
    try:
        if isinstance(record, str | bytes):
            return Consent.model_validate_json(record)
        return Consent.model_validate(dict(record))
    except ValidationError as error:
        raise ConsentInvalid("\n".join(_fault(dict(fault)) for fault in error.errors())) from None


def _fault(fault: Mapping[str, Any]) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    where = ".".join(str(part) for part in fault["loc"])
    name = where.partition(".")[0]
    if fault["type"] == "missing":
        return f"consent: {name} is missing: {Consent.model_fields[name].description}"
    if fault["type"] == "extra_forbidden":
        return f"consent: there is no field {name!r}; there are: {', '.join(Consent.model_fields)}"
    if name in Consent.model_fields:
        return f"consent: {where}: {message}; it is {Consent.model_fields[name].description}"
    return f"consent: {message}"
