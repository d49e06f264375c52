"""How a call's conversation ended."""

from dataclasses import dataclass

from bot.reply_stream import FromModel
from ivr_flows.actions import Say
from ivr_flows.events import Event
from processors.frames import UtteranceHeardFrame
from telephony.call import Disposition, EndedBy

DISCONNECTED = "disconnected"
LINE_LOST = frozenset({DISCONNECTED, "MessageTooLarge", "SecondStart"})
"""Reasons of a stream's end that break the call off: the socket, or the protocol, is broken."""

NOT_THE_CALLER = LINE_LOST | {"stopped"}
"""These, and that Exotel's flow took the call off the stream, are the carrier's doing. At any
other the caller has hung up."""


_APOLOGY = {
    "en": "Sorry, something went wrong on our side. We will call you again. Goodbye.",
    "hi": "माफ़ कीजिए, हमारी तरफ़ से कुछ गड़बड़ हो गई। हम आपको फिर से फ़ोन करेंगे। नमस्ते।",
    "mr": "माफ करा, आमच्या बाजूने काहीतरी चूक झाली. आम्ही तुम्हाला पुन्हा फोन करू. नमस्कार.",
}


@dataclass(frozen=True, slots=True)
class FarEndLeft:
    """The far end is gone: queued behind what it did before."""

    reason: str


Happening = Event | FromModel | UtteranceHeardFrame | FarEndLeft | None
"""What a call's conversation takes, one after the other; None is nothing."""


@dataclass(frozen=True, slots=True)
class CallEnding:
    """Said once, by whoever ends the conversation first."""

    disposition: Disposition
    ended_by: EndedBy
    transfer_to: str | None = None  # a number, or the name of a desk in the settings
    reason: str = ""


BROKEN = CallEnding(Disposition.FAILED, EndedBy.BOT, reason="the flow broke")
"""The end of a call whose flow broke when nobody was there any more."""


def apology(language: str) -> Say:
    """The last words of a call whose flow broke."""
    return Say(_APOLOGY.get(language, _APOLOGY["en"]), language, "")


def far_end_left(
    reason: str, disposition: str | None, *, disconnect_is_hang_up: bool
) -> CallEnding:
    """How a call ended whose stream ended for `reason`, by the far end.

    `disposition` is the flow's, where it had already come to its end. `disconnect_is_hang_up`:
    on this line callers hang up by closing the connection, as browsers do.
    """
    is_hang_up = reason == DISCONNECTED and disconnect_is_hang_up
    by = EndedBy.CARRIER if reason in NOT_THE_CALLER and not is_hang_up else EndedBy.CALLER
    if disposition is None:
        is_lost = reason in LINE_LOST and not is_hang_up
        disposition = Disposition.FAILED if is_lost else Disposition.HUNG_UP
    return CallEnding(Disposition(disposition), by, reason=reason)
