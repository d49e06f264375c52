"""What we answer Twilio: TwiML, within Twilio's limits."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from twilio.twiml.voice_response import Connect, Dial, Stream, VoiceResponse

from telephony.errors import AnswerInvalid

PARAMETER_LIMIT = 500  # of a parameter's name and value together, which must stay below


def answer_twiml(
    stream_url: str, parameters: Mapping[str, str] | None = None, *, status_callback: str = ""
) -> str:
    """TwiML that connects the call to our media stream; when we close it, the call ends.

    `parameters` come back in the stream's start message. Raises AnswerInvalid: the URL must be
    wss (ws on loopback) without a query, which Twilio drops.
    """
    _check_stream_url(stream_url)
    stream = Stream(url=stream_url)
    if status_callback:
        stream = Stream(url=stream_url, status_callback=status_callback)
    for name, value in (parameters or {}).items():
        if not name or len(name) + len(value) >= PARAMETER_LIMIT:
            raise AnswerInvalid(
                f"parameter {name[:40]!r}: needs a name, and name and value below"
                f" {PARAMETER_LIMIT} characters together"
            )
        stream.parameter(name=name, value=value)
    connect = Connect()
    connect.append(stream)
    return _document(connect)


def transfer_twiml(to: str) -> str:
    """TwiML that hands the call to `to`: a number in E.164 or a SIP URI. Raises AnswerInvalid."""
    dial = Dial()
    if to.startswith(("sip:", "sips:")):
        dial.sip(to)
    elif to.removeprefix("+").isdecimal() and to.isascii():
        dial.number(to)
    else:
        raise AnswerInvalid(f"transfer to {to[:40]!r}: write a number in E.164, or a SIP URI")
    return _document(dial)


def reject_twiml() -> str:
    """TwiML that gives the caller a busy tone: the call is not answered, and costs nothing."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def hang_up_twiml() -> str:
    """TwiML that ends the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _document(verb: Connect | Dial) -> str:
    response = VoiceResponse()
    response.append(verb)
    return str(response)


def _check_stream_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise AnswerInvalid("stream_url: Twilio drops the query; use a path or a parameter")
    if parts.scheme == "wss" and parts.hostname:
        return
    if parts.scheme != "ws" or not _is_loopback(parts.hostname or ""):
        raise AnswerInvalid("stream_url: Twilio connects to wss only; ws is for loopback")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
