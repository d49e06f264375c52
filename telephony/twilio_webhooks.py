"""What Twilio tells us by HTTP: whether it was Twilio, and what it said."""

from collections.abc import Mapping, Sequence
from typing import Annotated, cast
from urllib.parse import parse_qs, urlsplit

from pydantic import Field
from twilio.request_validator import RequestValidator
from twilio.request_validator import (
    get_signature_algorithm as _algorithm,  # pyright: ignore[reportUnknownVariableType]
)

from telephony.call import CallStatus, CarrierUpdate
from telephony.carrier import AnsweredBy, MachineResult, StatusCallback
from telephony.errors import WebhookMalformed
from telephony.webhook_fields import WebhookModel, read_fields

SIGNATURE_HEADER = "X-Twilio-Signature"
SIGNATURE_SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
Params = Mapping[str, str] | Mapping[str, Sequence[str]]

_Sid = Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9A-Za-z]{1,62}$")]
_Count = Annotated[int, Field(ge=0, lt=2**31)]

_STATUS = {
    "queued": CallStatus.DIALING,
    "initiated": CallStatus.DIALING,
    "ringing": CallStatus.RINGING,
    "in-progress": CallStatus.IN_PROGRESS,
    "answered": CallStatus.IN_PROGRESS,
    "completed": CallStatus.COMPLETED,
    "busy": CallStatus.BUSY,
    "no-answer": CallStatus.NO_ANSWER,
    "failed": CallStatus.FAILED,
    "canceled": CallStatus.CANCELED,
}


class TwilioAnswer(WebhookModel):
    """Twilio asks what to do with a call: one to us came in, or one of ours was answered."""

    call_sid: _Sid = Field(alias="CallSid")
    account_sid: _Sid = Field(alias="AccountSid")
    from_number: str = Field(alias="From", max_length=256)
    to_number: str = Field(alias="To", max_length=256)
    call_status: str = Field(alias="CallStatus")
    direction: str = Field(alias="Direction")  # inbound, outbound-api, outbound-dial
    forwarded_from: str | None = Field(None, alias="ForwardedFrom")
    caller_name: str | None = Field(None, alias="CallerName")
    stir_verstat: str | None = Field(None, alias="StirVerstat")
    answered_by: str | None = Field(None, alias="AnsweredBy")


class _Status(WebhookModel):
    call_sid: _Sid = Field(alias="CallSid")
    call_status: str = Field(alias="CallStatus")
    sequence: _Count | None = Field(None, alias="SequenceNumber")
    duration_s: _Count | None = Field(None, alias="CallDuration")
    sip_code: str | None = Field(None, alias="SipResponseCode", max_length=16)
    answered_by: str | None = Field(None, alias="AnsweredBy")


class _Machine(WebhookModel):
    call_sid: _Sid = Field(alias="CallSid")
    answered_by: str = Field(alias="AnsweredBy")
    duration_ms: _Count | None = Field(None, alias="MachineDetectionDuration")


def parse_answer(form: Mapping[str, str]) -> TwilioAnswer:
    """Raises WebhookMalformed."""
    return read_fields(TwilioAnswer, form)


def parse_status(form: Mapping[str, str]) -> StatusCallback:
    """A status callback, in any order: `update.sequence` tells. Raises WebhookMalformed."""
    read = read_fields(_Status, form)
    status = _STATUS.get(read.call_status)
    if status is None:
        known = ", ".join(_STATUS)
        raise WebhookMalformed("CallStatus", "not a status of Twilio's", f"Send one of {known}")
    # 200 is "OK": it explains no failure.
    reason = f"SIP {read.sip_code}" if read.sip_code not in (None, "", "200") else ""
    return StatusCallback(
        carrier_call_id=read.call_sid,
        update=CarrierUpdate(status, read.sequence, reason),
        answered_by=None if read.answered_by is None else _answered_by(read.answered_by),
        duration_s=read.duration_s,
    )


def parse_machine(form: Mapping[str, str]) -> MachineResult:
    """The result of answering-machine detection. Raises WebhookMalformed."""
    read = read_fields(_Machine, form)
    return MachineResult(read.call_sid, _answered_by(read.answered_by), read.duration_ms)


def signature_is_valid(
    auth_token: str,
    url: str,
    payload: Params | str,
    signature: str | None,
    *,
    settings_header: str = "",
) -> bool:
    """Whether Twilio, who knows `auth_token`, sent this request to the public URL `url`.

    `payload`: a form's fields as they came (nothing trimmed, nothing left out), or the raw body
    of any other request, whose SHA-256 Twilio puts into the URL as `bodySHA256`. For a WebSocket
    give the wss URL and no fields: with and without a slash at its end are tried.
    `settings_header`: the header of SIGNATURE_SETTINGS_HEADER, "" where there is none.
    """
    if not auth_token or not signature:
        return False
    try:
        parts = urlsplit(url)
        if isinstance(payload, str) and "bodySHA256" not in parse_qs(parts.query):
            return False  # nothing says which body was signed
        user, at, _ = parts.netloc.rpartition("@")
        plain = url.replace(user + at, "", 1) if at else url  # Twilio drops user:password
        validator = RequestValidator(auth_token)
        algorithm = _algorithm(settings_header)
        return any(
            cast(bool, validator.validate(candidate, payload, signature, algorithm))
            for candidate in _spellings(plain)
        )
    except (ValueError, TypeError):  # a URL that is none, a field that is an uploaded file
        return False


def _spellings(url: str) -> tuple[str, ...]:
    """The URLs that Twilio may have signed. Its library tries a plain URL with its port too, but
    takes 80 for the port of wss."""
    parts = urlsplit(url)
    if parts.scheme != "wss" or parts.query:
        return (url,)
    slash = url[:-1] if url.endswith("/") else url + "/"
    if parts.port is not None:
        return url, slash
    with_port = (one.replace(parts.netloc, f"{parts.netloc}:443", 1) for one in (url, slash))
    return url, slash, *with_port


def _answered_by(word: str) -> AnsweredBy:
    if word == "human":
        return AnsweredBy.HUMAN
    return AnsweredBy.MACHINE if word.startswith(("machine", "fax")) else AnsweredBy.UNKNOWN
