"""What a running call tells its record, as it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ReplyLatency:
    """Where the time of one reply went; all on the call's clock in ms."""

    speech_end_ms: int  # the end of the caller's speech, or the key
    turn_decided_ms: int
    transcript_ms: int
    reply_ready_ms: int
    first_audio_ms: int


class Journal(Protocol):
    """Takes notes without waiting; whoever owns it writes them down in order."""

    def bot_said(self, utterance_id: int, text: str, language: str, node: str, at_ms: int) -> None:
        """The bot began to say something."""
        ...

    def bot_was_heard(
        self,
        utterance_id: int,
        heard_text: str,
        start_ms: int | None,
        end_ms: int,
        *,
        is_interrupted: bool,
    ) -> None:
        """What the far end played of it. May be told twice: the later is the truth."""
        ...

    def caller_said(
        self,
        turn_id: int,
        text: str,
        language: str,
        node: str,
        start_ms: int,
        end_ms: int,
        confidence: float,
    ) -> None:
        """The caller finished a turn."""
        ...

    def caller_pressed(self, turn_id: int, digit: str, node: str, at_ms: int) -> None:
        """The caller pressed a key."""
        ...

    def replied(self, turn_id: int, latency: ReplyLatency) -> None:
        """The first audio of the reply to a caller's turn left for the line."""
        ...

    def reported(self, variables: Mapping[str, Any]) -> None:
        """The outcome as it stands now."""
        ...

    def noted(self, kind: str, at_ms: int, detail: str) -> None:
        """Anything else worth finding later."""
        ...
