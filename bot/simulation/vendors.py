"""The people whom a simulated call reaches: what they say or press, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.simulation.caller import NO, YES, Answer, Caller, Clip
from bot.simulation.vendor_names import VendorName
from telephony.call import Disposition, JsonValue
from telephony.simulator.party import Party


@dataclass(frozen=True, slots=True)
class Vendor:
    """One kind of person."""

    name: VendorName
    does: str  # for people
    spoken: tuple[Answer, ...]  # where the call's language has an ear
    keyed: tuple[Answer, ...]  # where it hasn't
    disposition: Disposition
    outcome: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    behaviour: str = "answers"  # answers, busy, voicemail
    over_prompt_ms: int | None = None  # the first answer comes so long after the bot began


_GREETING = "you have reached the restaurant, please leave a message after the tone"
_CONFIRM = (Answer("yes, confirm", named="confirm"), Answer("twenty minutes", named="20"))
OVER_PROMPT_MS = 7_000
"""Of the bot's speech: by then the greeting is over, which nothing cuts short, and the order is
being read."""

_CONFIRM_BY_KEYS = (Answer(keys="1"), Answer(keys="20#"))
_CONFIRMED: Mapping[str, JsonValue] = {"decision": "confirmed", "minutes": 20}

VENDORS: Mapping[VendorName, Vendor] = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            VendorName.confirms,
            "says yes, and how many minutes",
            _CONFIRM,
            _CONFIRM_BY_KEYS,
            Disposition.CONFIRMED,
            _CONFIRMED,
        ),
        Vendor(
            VendorName.rejects,
            "refuses, and says why",
            (
                Answer("no, cancel the order", named="reject"),
                Answer("we are too busy", named="too busy"),
            ),
            (Answer(keys="2"), Answer(keys="3")),
            Disposition.REJECTED,
            {"decision": "rejected", "reason": "too_busy"},
        ),
        Vendor(
            VendorName.keypad,
            "answers by keys only",
            _CONFIRM_BY_KEYS,
            _CONFIRM_BY_KEYS,
            Disposition.CONFIRMED,
            _CONFIRMED,
        ),
        Vendor(
            VendorName.interrupts,
            "answers while the bot is still speaking",
            _CONFIRM,
            _CONFIRM_BY_KEYS,
            Disposition.CONFIRMED,
            _CONFIRMED,
            over_prompt_ms=OVER_PROMPT_MS,
        ),
        Vendor(VendorName.silent, "picks up and says nothing", (), (), Disposition.NO_INPUT),
        Vendor(VendorName.busy, "is on the phone", (), (), Disposition.BUSY, behaviour="busy"),
        Vendor(
            VendorName.voicemail,
            "has a machine that answers",
            (Answer(_GREETING),),
            (Answer(_GREETING),),
            Disposition.VOICEMAIL,
            behaviour="voicemail",
        ),
    )
}


def caller(vendor: Vendor, clips: Mapping[str, Clip], *, speaks: bool) -> Caller:
    """The vendor in one call; `clips` has every one of `texts`."""
    answers = vendor.spoken if speaks else vendor.keyed
    return Caller(answers, clips, over_prompt_ms=vendor.over_prompt_ms)


def party(vendor: Vendor, clips: Mapping[str, Clip], who: Caller) -> Party:
    """The simulated party that behaves as the vendor."""
    match vendor.behaviour:
        case "busy":
            return Party.busy()
        case "voicemail":
            greeting = clips[_GREETING]
            return Party.voicemail(greeting.pcm, greeting.sample_rate_hz, ring_ms=1_000)
        case _:
            return Party.answers(who.steps, ring_ms=1_000)


def texts(vendor: Vendor, *, speaks: bool) -> tuple[str, ...]:
    """What the vendor says: the texts whose clips `caller` and `party` want."""
    said = tuple(a.words for a in (vendor.spoken if speaks else vendor.keyed) if a.words)
    return (*said, YES, NO) if said else ()


def outcome_differs(
    vendor: Vendor, disposition: str | None, outcome: Mapping[str, JsonValue]
) -> str | None:
    """Why the call's record is not what the vendor said; None when it is."""
    if disposition != vendor.disposition:
        return f"disposition is {disposition}, the vendor meant {vendor.disposition}"
    for name, meant in vendor.outcome.items():
        if outcome.get(name) != meant:
            return f"{name} is {outcome.get(name)!r}, the vendor meant {meant!r}"
    return None
