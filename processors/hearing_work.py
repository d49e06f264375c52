"""What the task that decodes a call's words is given to do."""

from dataclasses import dataclass

from pipecat.frames.frames import InputDTMFFrame

from processors.turn_taking import TurnEnded
from processors.utterance import Utterance


@dataclass(frozen=True, slots=True)
class WordsSoFar:
    """The caller may have finished: what was said?"""

    utterance: Utterance


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """The caller has finished."""

    utterance: Utterance
    ended: TurnEnded
    decided_ms: int
    key: InputDTMFFrame | None  # that ended it
