"""TwiML as the carrier reads it: a document to a list of verbs, or 12100; pure."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Final

from telephony.simulator.violations import TwimlRefused

PARAMETER_LIMIT: Final = 500  # name and value together, of one <Parameter>


@dataclass(frozen=True, slots=True)
class Stream:
    url: str
    parameters: tuple[tuple[str, str], ...] = ()
    name: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Connect:
    stream: Stream
    action: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Dial:
    number: str
    action: str = ""
    method: str = "POST"
    timeout_s: int = 30


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    url: str
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    length_s: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    prompts: tuple["Say | Play | Pause", ...] = ()
    action: str = ""
    method: str = "POST"
    timeout_s: int = 5
    finish_on_key: str = "#"
    num_digits: int | None = None
    action_on_empty: bool = False


Verb = Connect | Redirect | Hangup | Reject | Dial | Say | Play | Pause | Gather


def parse_twiml(document: str) -> tuple[Verb, ...]:
    """The verbs of `<Response>`, in order.

    Raises TwimlRefused (12100), naming the element: not XML, another root, a verb or an attribute
    value that the simulated carrier does not carry out, or a missing one.
    """
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise TwimlRefused(f"not XML: {error}") from error
    if root.tag != "Response":
        raise TwimlRefused(f"the root is <{root.tag}>: TwiML begins with <Response>")
    return tuple(_verb(element) for element in root)


def _verb(element: ElementTree.Element) -> Verb:
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Redirect":
            return Redirect(_needed_text(element), element.get("method", "POST").upper())
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject(element.get("reason", "rejected"))
        case "Dial":
            return _dial(element)
        case "Gather":
            return _gather(element)
        case _:
            return _prompt(element)


def _prompt(element: ElementTree.Element) -> Say | Play | Pause:
    match element.tag:
        case "Say":
            return Say(_needed_text(element), element.get("language", ""))
        case "Play":
            url, digits = (element.text or "").strip(), element.get("digits", "")
            wrong = digits.strip("0123456789*#wW")
            if wrong or not (url or digits):
                raise TwimlRefused("<Play> needs a URL, or digits of 0-9 * # w W")
            return Play(url, digits)
        case "Pause":
            return Pause(_whole(element, "length", 1))
        case _:
            raise TwimlRefused(f"<{element.tag}> is not a verb that this carrier carries out here")


def _connect(element: ElementTree.Element) -> Connect:
    streams = [child for child in element if child.tag == "Stream"]
    if len(streams) != 1 or len(element) != 1:
        raise TwimlRefused("<Connect> holds exactly one <Stream>, and nothing else")
    stream = streams[0]
    url = (stream.get("url") or "").strip()
    if not url:
        raise TwimlRefused("<Stream> has no url")
    if stream.get("track", "inbound_track") != "inbound_track":
        raise TwimlRefused("31941: a bidirectional <Stream> has track inbound_track only")
    parsed = Stream(
        url,
        tuple(_parameter(child) for child in stream),
        stream.get("name", ""),
        stream.get("statusCallback", ""),
        stream.get("statusCallbackMethod", "POST").upper(),
    )
    return Connect(parsed, element.get("action", ""))


def _parameter(element: ElementTree.Element) -> tuple[str, str]:
    if element.tag != "Parameter":
        raise TwimlRefused(f"<Stream> holds <Parameter> only, not <{element.tag}>")
    name, value = element.get("name"), element.get("value")
    if not name or value is None:
        raise TwimlRefused("<Parameter> needs a name and a value")
    if len(name) + len(value) >= PARAMETER_LIMIT:
        raise TwimlRefused(f"<Parameter name={name!r}>: name and value reach {PARAMETER_LIMIT}")
    return name, value


def _dial(element: ElementTree.Element) -> Dial:
    numbers = [child for child in element if child.tag in ("Number", "Sip", "Client")]
    if len(numbers) != len(element):
        raise TwimlRefused("<Dial> holds <Number>, <Sip> or <Client> here")
    number = " ".join((child.text or "").strip() for child in numbers)
    number = number or (element.text or "").strip()
    if not number:
        raise TwimlRefused("<Dial> has nobody to dial")
    method = element.get("method", "POST").upper()
    return Dial(number, element.get("action", ""), method, _whole(element, "timeout", 30))


def _gather(element: ElementTree.Element) -> Gather:
    if element.get("input", "dtmf") != "dtmf":
        raise TwimlRefused('<Gather> takes keys here: input="dtmf"')
    count = _whole(element, "numDigits", 0)
    return Gather(
        tuple(_prompt(child) for child in element),
        element.get("action", ""),
        element.get("method", "POST").upper(),
        _whole(element, "timeout", 5),
        element.get("finishOnKey", "#"),
        count or None,
        element.get("actionOnEmptyResult", "false") == "true",
    )


def _needed_text(element: ElementTree.Element) -> str:
    text = (element.text or "").strip()
    if not text:
        raise TwimlRefused(f"<{element.tag}> is empty")
    return text


def _whole(element: ElementTree.Element, name: str, default: int) -> int:
    value = element.get(name)
    if value is None:
        return default
    if not value.isdecimal():
        raise TwimlRefused(f"<{element.tag} {name}={value!r}> is not a whole number")
    return int(value)
