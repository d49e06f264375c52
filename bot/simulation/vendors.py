"""The people whom a simulated call reaches: what they say or press, and what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from telephony.call import Disposition, JsonValue
from telephony.simulator.party import Party
from telephony.simulator.phone_audio import Pcm
from telephony.simulator.script import BargeIn, Press, Speak, StayOnLine, Step, WaitForPrompt


class VendorName(StrEnum):
    """The kinds of vendor."""

    confirms = "confirms"
    rejects = "rejects"
    keypad = "keypad"
    interrupts = "interrupts"
    silent = "silent"
    busy = "busy"
    voicemail = "voicemail"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A phrase as it sounds: int16 mono PCM."""

    text: str
    pcm: Pcm
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Line:
    """What a vendor does at one prompt: say it, press it, or say it over the prompt."""

    text: str = ""
    keys: str = ""
    over_prompt_ms: int | None = None  # speak this long after the prompt began


@dataclass(frozen=True, slots=True)
class Vendor:
    """One kind of person."""

    name: VendorName
    does: str  # for people
    spoken: tuple[Line, ...]  # where the call's language has an ear
    keyed: tuple[Line, ...]  # where it hasn't
    disposition: Disposition
    outcome: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    behaviour: str = "answers"  # answers, busy, voicemail


PROMPT_TIMEOUT_MS = 45_000
"""The longest prompts of the shipped flows take 25 s."""

_CONFIRM_BY_KEYS = (Line(keys="1"), Line(keys="20#"))
_CONFIRMED: Mapping[str, JsonValue] = {"decision": "confirmed", "minutes": 20}

VENDORS: Mapping[VendorName, Vendor] = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            VendorName.confirms,
            "says yes, and how many minutes",
            (Line("yes, confirm"), Line("twenty minutes")),
            _CONFIRM_BY_KEYS,
            Disposition.CONFIRMED,
            _CONFIRMED,
        ),
        Vendor(
            VendorName.rejects,
            "refuses, and says why",
            (Line("no, cancel the order"), Line("we are too busy")),
            (Line(keys="2"), Line(keys="3")),
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
            (Line("yes, confirm", over_prompt_ms=2500), Line("twenty minutes")),
            (Line(keys="1", over_prompt_ms=2500), Line(keys="20#")),
            Disposition.CONFIRMED,
            _CONFIRMED,
        ),
        Vendor(VendorName.silent, "picks up and says nothing", (), (), Disposition.NO_INPUT),
        Vendor(VendorName.busy, "is on the phone", (), (), Disposition.BUSY, behaviour="busy"),
        Vendor(
            VendorName.voicemail,
            "has a machine that answers",
            (Line("you have reached the restaurant, please leave a message after the tone"),),
            (Line("you have reached the restaurant, please leave a message after the tone"),),
            Disposition.VOICEMAIL,
            behaviour="voicemail",
        ),
    )
}


def party(vendor: Vendor, clips: Mapping[str, Clip], *, speaks: bool) -> Party:
    """The simulated party that behaves as the vendor; `clips` has every text that is said."""
    lines = vendor.spoken if speaks else vendor.keyed
    match vendor.behaviour:
        case "busy":
            return Party.busy()
        case "voicemail":
            greeting = clips[lines[0].text]
            return Party.voicemail(greeting.pcm, greeting.sample_rate_hz, ring_ms=1_000)
        case _:
            steps = [step for line in lines for step in _steps(line, clips)]
            return Party.answers([*steps, StayOnLine(timeout_ms=90_000)], ring_ms=1_000)


def texts(vendor: Vendor, *, speaks: bool) -> tuple[str, ...]:
    """What the vendor says: the texts whose clips `party` wants."""
    lines = vendor.spoken if speaks else vendor.keyed
    return tuple(line.text for line in lines if line.text)


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


def _steps(line: Line, clips: Mapping[str, Clip]) -> tuple[Step, ...]:
    if line.over_prompt_ms is not None and line.text:
        clip = clips[line.text]
        return (
            BargeIn(
                line.over_prompt_ms,
                clip.pcm,
                clip.sample_rate_hz,
                clip.text,
                timeout_ms=PROMPT_TIMEOUT_MS,
            ),
        )
    if line.over_prompt_ms is not None:
        no_sound = np.zeros(0, np.int16)
        return (BargeIn(line.over_prompt_ms, no_sound, 8000), Press(line.keys))
    if line.keys:
        return (WaitForPrompt(timeout_ms=PROMPT_TIMEOUT_MS), Press(line.keys))
    clip = clips[line.text]
    return (
        WaitForPrompt(timeout_ms=PROMPT_TIMEOUT_MS),
        Speak(clip.pcm, clip.sample_rate_hz, clip.text),
    )
