"""Which marks are out, and whether an echo means that the far end heard what came before it.

Twilio echoes a mark when the audio before it has been played, and echoes every pending mark at once
when told to `clear`: such an echo does not mean "heard". Whether Exotel echoes marks after `clear`
is undocumented, so a cleared mark may also never come back.
"""

from dataclasses import dataclass

MOST_PENDING = 1000


@dataclass(frozen=True, slots=True)
class MarkEcho:
    """A mark that came back. `cleared`: a `clear` was sent after it, so it may not have been heard.

    An echo already on its way when `clear` was sent is flagged too: nobody can tell the two apart.
    """

    name: str
    cleared: bool


class MarkLedger:
    """The marks of one stream, oldest first. At most `MOST_PENDING`; the oldest are forgotten."""

    def __init__(self) -> None:
        self._pending: list[MarkEcho] = []

    @property
    def pending(self) -> tuple[str, ...]:
        """Names of the marks sent and not yet echoed, oldest first."""
        return tuple(mark.name for mark in self._pending)

    def sent(self, name: str) -> None:
        """A mark was sent."""
        self._pending.append(MarkEcho(name, cleared=False))
        del self._pending[:-MOST_PENDING]

    def cleared(self) -> None:
        """`clear` was sent: whatever is out may come back unheard."""
        self._pending = [MarkEcho(mark.name, cleared=True) for mark in self._pending]

    def echoed(self, name: str) -> MarkEcho | None:
        """The echo of a mark that is out, or None for one never sent or already echoed."""
        for index, mark in enumerate(self._pending):
            if mark.name == name:
                return self._pending.pop(index)
        return None
