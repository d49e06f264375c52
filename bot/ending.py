"""How a call's conversation ended."""

from dataclasses import dataclass

from telephony.call import Disposition, EndedBy


@dataclass(frozen=True, slots=True)
class CallEnding:
    """Said once, by whoever ends the conversation first."""

    disposition: Disposition
    ended_by: EndedBy
    transfer_to: str | None = None  # a number, or the name of a desk in the settings
    reason: str = ""
