"""What goes between the ingress and the replicas. Plain data, so that Ray only carries it.

Errors go as data too: Ray wraps what a replica raises into classes of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from speech import errors
from speech.errors import EngineFailed, SpeechError
from speech.server.settings import EngineSpec
from speech.stt import Pcm
from speech.tts import Expression, SpeechRequest, Voice


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """How many replicas an engine has, and what each takes."""

    min_replicas: int = 1
    max_replicas: int = 4
    target_streams: float = 2.0  # a replica; more at once start another one
    max_streams: int = 8  # a replica; more wait at the ingress
    batch: int = 8  # utterances that are heard together
    gather_s: float = 0.005  # how long an utterance waits for others to join it
    max_voices: int = 64  # learned voices that a replica holds
    cpus: float = 1.0
    gpus: float = 0.0  # of one GPU: 0.5 lets two replicas share it
    downscale_delay_s: float = 300.0


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself once it has started."""

    name: str
    languages: frozenset[str]
    sample_rate_hz: int
    version: str = ""
    voices: tuple[Voice, ...] = ()
    expression: Expression = field(default_factory=Expression)
    can_learn: bool = False


@dataclass(frozen=True, slots=True)
class HearAsk:
    """One utterance, whole."""

    pcm: Pcm
    sample_rate_hz: int
    language: str
    hints: tuple[str, ...] = ()
    other_languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeakAsk:
    """One text. `learned` comes along where the voice was learned, as a reference of Ray's."""

    request: SpeechRequest
    voice: Voice | None = None
    learned: Any = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A `SpeechError` on its way."""

    kind: str  # the class's name
    message: str

    @property
    def error(self) -> SpeechError:
        """As it was."""
        kind = getattr(errors, self.kind, EngineFailed)
        is_one = isinstance(kind, type) and issubclass(kind, SpeechError)
        return kind(self.message) if is_one else EngineFailed(self.message)


def failure_of(error: BaseException) -> Failure:
    """What broke, for the other side; what no engine may raise is its failure."""
    if isinstance(error, SpeechError):
        return Failure(type(error).__name__, str(error))
    return Failure("EngineFailed", f"the engine broke: {type(error).__name__}: {error}")


Make = Callable[[EngineSpec], Any]
"""From a spec to its engine, not started; of a replica that hears with the pool as its second."""
