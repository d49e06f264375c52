"""The doctor's look at the flows: the same that the server takes at its start."""

from bot.doctor.machine import Check, State
from bot.flow_settings import examine_flows
from bot.settings import Settings


def flows(settings: Settings) -> tuple[Check, ...]:
    """Whether the server would start on these flows: a check for each fault, else one."""
    found, faults = examine_flows(settings)
    if faults:
        return tuple(Check("flows", State.BROKEN, fault.what, fault.fix) for fault in faults)
    return (Check("flows", State.OK, ", ".join(sorted(found))),)
