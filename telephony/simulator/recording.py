"""What a telephone recorded of one media stream: both directions on one sample clock."""

from dataclasses import dataclass
from pathlib import Path

from telephony.simulator.phone_audio import Mask, Pcm, save_wav


@dataclass(frozen=True, slots=True)
class SaidSpan:
    """The person spoke a clip, from its first to its last sample that left the mouth."""

    start_samples: int
    end_samples: int
    text: str
    barge_in: bool = False


@dataclass(frozen=True, slots=True)
class PressedKey:
    digit: str
    at_samples: int


@dataclass(frozen=True, slots=True)
class EchoedMark:
    """A mark sent back to the bot. `played` is False when a clear, not the playhead, freed it."""

    name: str
    at_samples: int
    played: bool


@dataclass(frozen=True, slots=True, eq=False)
class StreamRecording:
    """int16 mono arrays of one length; sample 0 is the moment `start` was sent."""

    sample_rate_hz: int
    said: Pcm  # the person's voice, clean
    sent: Pcm  # what the bot was sent: the voice with noise and echo (lost packets are still here)
    played: Pcm  # the bot's voice as it left the loudspeaker
    supplied: Mask  # True where `played` came from the bot and is not filling
    spoken: tuple[SaidSpan, ...] = ()
    pressed: tuple[PressedKey, ...] = ()
    marks: tuple[EchoedMark, ...] = ()
    worst_lateness_ms: float = 0.0  # the telephone's own worst delay behind its frame schedule

    @property
    def duration_ms(self) -> int:
        return self.said.size * 1000 // self.sample_rate_hz

    def save(self, path: Path) -> None:
        """A two-channel 16-bit WAV: the person left, the bot right."""
        save_wav(path, self.said, self.played, self.sample_rate_hz)
