"""A flow of a few seconds, and the people who take part in it."""

import itertools
from collections.abc import Mapping, Sequence

from bot.simulation.loopback import Loopback
from bot.simulation.simulated_calls import PlacedCall, PlannedCall, place
from telephony.call import JsonValue
from telephony.simulator.party import Party
from telephony.simulator.script import Press, StayOnLine, Step, WaitForPrompt

NAME = "short"

YAML = """\
name: short
title: A question of two seconds
languages: [en]
start: ask
give_up: sorry

variables:
  opening: {default: "Hello.", max_length: 600}
  desk: {default: support, max_length: 40}
  answer: {outcome: true}

anywhere:
  operator:
    keys: ["9"]
    phrases: {en: [operator]}
    then: person

nodes:
  ask:
    type: menu
    tries: 2
    timeout_s: 2
    prompt: {en: "{{ opening }} Yes or no?"}
    choices:
      agreed: {keys: ["1"], builtin: "yes", set: {answer: agreed}, then: goodbye}
      refused: {keys: ["2"], builtin: "no", set: {answer: refused}, then: goodbye}
    no_input: {then: nobody}
    no_match: {then: nobody}
  goodbye:
    type: hangup
    disposition: completed
    prompt: {en: "Thank you very much, and goodbye."}
  nobody:
    type: hangup
    disposition: no_input
    prompt: {en: "Goodbye."}
  person:
    type: transfer
    to: "{{ desk }}"
    prompt: {en: "One moment."}
    failed: ask
  sorry:
    type: hangup
    disposition: failed
    prompt: {en: "Sorry."}
"""

PATIENT = YAML.replace("name: short", "name: patient").replace("timeout_s: 2", "timeout_s: 30")
"""The same, but the bot waits for an answer for long."""

LONG_OPENING = (
    "One potato, two potatoes, three potatoes, four. Five potatoes, six potatoes, seven "
    "potatoes, more. Eight potatoes, nine potatoes, ten potatoes, and no more than that."
)
"""About ten seconds: time enough to speak over it, or to hang up."""

AGREES: tuple[Step, ...] = (
    WaitForPrompt(quiet_ms=600),
    Press("1"),
    StayOnLine(timeout_ms=60_000),
)

_numbers = itertools.count(1)


def new_number() -> str:
    """A telephone number that no call had before."""
    return f"+9197{next(_numbers):08d}"


def answers(*steps: Step) -> Party:
    """Picks up soon and takes the steps; agrees by key 1 where none are given."""
    return Party.answers(steps or AGREES, ring_ms=100)


def planned(
    party: Party,
    *,
    label: str = "short",
    carrier: str = "twilio",
    disposition: str = "completed",
    outcome: Mapping[str, JsonValue] | None = None,
    variables: Mapping[str, JsonValue] | None = None,
) -> PlannedCall:
    """A call of the short flow."""
    return PlannedCall(
        label=label,
        party=party,
        flow=NAME,
        language="en",
        carrier=carrier,
        variables=variables or {},
        disposition=disposition,
        outcome=outcome or {},
    )


async def take(line: Loopback, plan: PlannedCall) -> PlacedCall:
    """Place the call to a new number and see it to its end.

    Calls run in real time, and a machine that stands still for a second loses one now and then:
    one that did not end as it should is placed once more. What is broken fails twice.
    """
    call = await place(line, plan, new_number())
    if call.problems and plan.caller is None:  # people who converse remember the first call
        call = await place(line, plan, new_number())
    return call


def problems_of(calls: Sequence[PlacedCall]) -> dict[str, tuple[str, ...]]:
    """What is not as it was meant, by label; {} when all is."""
    return {call.plan.label: call.problems for call in calls if call.problems}
