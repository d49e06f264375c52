"""A few words for a silence that lasts too long: when they are due, and what they are.

Behind a caller's turn something is owed: a reply, or at least a sign of life. Where nothing can be
said in time (a slow request, a busy pool, a slow voice) the bot asks for a moment, once a turn.
"""

import asyncio
from collections.abc import Awaitable, Callable

from ivr_flows.actions import Say
from processors.call_clock import CallClock

FILLER_AFTER_MS = 1500
"""Silence behind a turn that is filled. Sooner, and it is said where the reply was about to come;
later, and callers ask whether anyone is there."""

_FILLERS = {
    "en": "One moment, please.",
    "hi": "एक क्षण रुकिए।",
    "mr": "एक क्षण थांबा.",
}


def filler(language: str, node: str = "") -> Say | None:
    """What is said, in this language; None where there is nothing for it."""
    text = _FILLERS.get(language)
    return Say(text, language, node, is_static=True) if text else None


class SilencePolicy:
    """When a silence is to be filled. Pure: told what happens, with times on the call's clock."""

    def __init__(self) -> None:
        self._since_ms: int | None = None  # the turn's end, while something is owed for it
        self._is_unheard = False  # what the caller said isn't known yet
        self._bot_sounds = False

    @property
    def due_ms(self) -> int | None:
        """When something has to be said; None: never, as it stands."""
        if self._since_ms is None or self._bot_sounds:
            return None
        return self._since_ms + FILLER_AFTER_MS

    def turn_ended(self, end_ms: int, *, is_heard: bool) -> None:
        """The caller spoke, or pressed a key; `is_heard`: what it was is known."""
        self._since_ms, self._is_unheard = end_ms, not is_heard

    def heard(self) -> None:
        """What the caller said is known, or never will be."""
        self._is_unheard = False

    def settled(self) -> None:
        """Nothing is owed: the caller goes on, or wanted nothing, or was answered."""
        self._since_ms, self._is_unheard = None, False

    def stepped(self, *, is_owing: bool) -> None:
        """The conversation went on; `is_owing`: it has yet to say something."""
        if not is_owing and not self._is_unheard:
            self.settled()

    def owe(self, at_ms: int) -> None:
        """Something is owed again from now on, if nothing was: what was said did not settle it."""
        if self._since_ms is None:
            self._since_ms = at_ms

    def bot_began(self) -> None:
        """The bot's voice came."""
        self._bot_sounds = True
        self.settled()

    def bot_ended(self, at_ms: int) -> None:
        """The bot's voice has gone; the turn may have ended before."""
        self._bot_sounds = False
        if self._since_ms is not None:
            self._since_ms = at_ms


class Fillers:
    """Waits for one call's silences, on its clock."""

    def __init__(self, clock: CallClock, fill: Callable[[], Awaitable[None]]) -> None:
        """`fill` says what is to be said, if it may be."""
        self._policy = SilencePolicy()
        self._clock = clock
        self._fill = fill
        self._changed = asyncio.Event()

    def tell(self) -> SilencePolicy:
        """What is to be told that something happened."""
        self._changed.set()
        return self._policy

    async def run(self) -> None:
        """Fill them, as long as the call lasts."""
        while True:
            self._changed.clear()
            due_ms = self._policy.due_ms
            if due_ms is None:
                await self._changed.wait()
            elif self._clock.audio_ms < due_ms:
                await self._clock.reached(due_ms)
            else:
                self._policy.settled()
                await self._fill()
