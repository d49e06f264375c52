"""What a running call tells its record, as it happens."""

from collections.abc import Mapping
from typing import Protocol

from telephony.call import JsonValue
from telephony.records import CallEvent, KeyPress, PartialTurn, Turn


class Journal(Protocol):
    """Takes notes without waiting; whoever owns it writes them down in order."""

    def bot_turn(self, utterance_id: int, turn: Turn) -> None:
        """What the bot says, as it stands now: told again whenever more of it is known."""
        ...

    def caller_partial(self, partial: PartialTurn | None) -> None:
        """What the caller is saying just now; None: nothing."""
        ...

    def caller_turn(self, turn: Turn) -> None:
        """The caller finished a turn."""
        ...

    def key(self, key: KeyPress) -> None:
        """The caller pressed a key."""
        ...

    def outcome(self, variables: Mapping[str, JsonValue]) -> None:
        """The outcome as it stands now."""
        ...

    def language(self, language: str) -> None:
        """The conversation goes on in another language (ISO 639-1)."""
        ...

    def event(self, event: CallEvent) -> None:
        """Anything else worth finding later."""
        ...
