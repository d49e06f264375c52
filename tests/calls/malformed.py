"""Broken messages: real ones damaged, and those that other programs were seen to fall over."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from tests.calls.raw_telephone import RawTelephone

Message = dict[str, Any]

EVENTS = ("media", "dtmf", "mark", "stop", "start")
JUNK: tuple[Any, ...] = (None, [], [1], {}, "", "x", 0, -1, 1.5, True, "\ud800", "\x00", 10**30)
BODIES: tuple[Any, ...] = (None, [], [1], "", "x", 0, 1.5, True)  # never an object
WRONG_EVENTS: tuple[Any, ...] = (None, 5, "", "MEDIA", "dance", ["media"], {"media": 1}, True)
WRONG_PAYLOADS: tuple[Any, ...] = ("@@@@", "abc", "a", "=", "AAAA=", "é", "UklGRg", None, 7, [], {})
WRONG_DIGITS: tuple[Any, ...] = ("", "E", "12", "٣", "¹", " ", None, [], {}, "\n")

DOCUMENTS: tuple[str | bytes, ...] = (
    *("", " ", "null", "[1]", "5", "true", '"media"', "{", "}", "{}", "NaN", "Infinity", "\x00"),
    *('{"event":"media"}', '{"event":"dtmf"}', '{"event":"mark"}', '{"event":"stop"}'),
    *('{"event":"media","media":null}', '{"event":"dtmf","dtmf":null}', "\ufeff{}", "event=media"),
    *('{"event":"media","media":{"payload":', '{"event":NaN}', "[" * 5000, '{"a":' * 5000),
    *(b"", b"\xff\xfe", b"\x80" * 1000, b"\x00", b"null", "क" * 1000, "9" * 5000),
    json.dumps({"event": "media", "media": {"payload": "A" * 200_001}}),
)


def malformed(telephone: RawTelephone, count: int, seed: int) -> list[str | bytes]:
    """`count` messages, none of which a carrier could mean."""
    chance = random.Random(seed)
    damages = (_cut, _without_body, _body_is_junk, _event_is_wrong, _is_foreign, _fields_are_junk)
    made: list[str | bytes] = list(DOCUMENTS)
    while len(made) < count:
        made.append(chance.choice(damages)(telephone, chance))
    chance.shuffle(made)
    return made


Damage = Callable[[RawTelephone, random.Random], str | bytes]


def _cut(telephone: RawTelephone, chance: random.Random) -> str | bytes:
    text = json.dumps(telephone.real(chance.choice(EVENTS)))
    part = text[: chance.randrange(len(text))]
    return part.encode() if chance.random() < 0.2 else part


def _without_body(telephone: RawTelephone, chance: random.Random) -> str:
    event = chance.choice(EVENTS)
    message = telephone.real(event)
    del message[event]
    return json.dumps(message)


def _body_is_junk(telephone: RawTelephone, chance: random.Random) -> str:
    event = chance.choice(EVENTS)
    return json.dumps({**telephone.real(event), event: chance.choice(BODIES)})


def _event_is_wrong(telephone: RawTelephone, chance: random.Random) -> str:
    message = telephone.real(chance.choice(EVENTS))
    return json.dumps({**message, "event": chance.choice(WRONG_EVENTS)})


def _is_foreign(telephone: RawTelephone, chance: random.Random) -> str:
    """Of another stream: even a good key or stop counts for nothing here."""
    message = telephone.real(chance.choice(("media", "dtmf", "mark", "stop")))
    name = "streamSid" if "streamSid" in message else "stream_sid"
    return json.dumps({**message, name: "MZ" + "f" * 32})


def _fields_are_junk(telephone: RawTelephone, chance: random.Random) -> str | bytes:
    event = chance.choice(("media", "media", "dtmf", "mark"))
    message = telephone.real(event)
    body = dict(message[event])
    if event == "dtmf":
        body["digit"] = chance.choice(WRONG_DIGITS)
    elif event == "mark":
        body["name"] = chance.choice((*JUNK, "never asked for"))
    elif chance.random() < 0.6:
        odd = base64.b64encode(b"\x01\x02\x03").decode()  # half a sample of PCM
        wrong = (*WRONG_PAYLOADS, odd) if telephone.carrier == "exotel" else WRONG_PAYLOADS
        body["payload"] = chance.choice(wrong)
    else:
        body[chance.choice(("chunk", "timestamp"))] = chance.choice(JUNK)
        body["track"] = "outbound"
    text = json.dumps({**message, event: body})
    return text.encode() if chance.random() < 0.2 else text
