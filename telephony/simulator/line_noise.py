"""What a line does to the caller's voice: noise, echo of the bot, lost and late packets."""

from dataclasses import dataclass

import numpy as np

from telephony.simulator.phone_audio import FULL_SCALE, Pcm, saturate


@dataclass(frozen=True, slots=True)
class Line:
    """The impairments of one line, from the telephone towards the bot; by default there are none.

    `lost_packets_move_the_counters`: a lost packet always leaves a jump in the media timestamp;
    with this set it also leaves a hole in the chunk and sequence counters.
    """

    packet_loss_percent: float = 0.0
    jitter_ms: float = 0.0  # each packet is late by 0 to this much; their order is kept (it is TCP)
    noise_dbfs: float | None = None  # RMS level of white noise; -50 is a poor line, -65 a usual one
    echo_db: float | None = None  # gain of the bot's own voice that comes back; -15 is a loud echo
    echo_delay_ms: int = 120
    lost_packets_move_the_counters: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.packet_loss_percent <= 100.0:
            raise ValueError(f"packet_loss_percent is 0 to 100, not {self.packet_loss_percent}")
        if self.jitter_ms < 0 or self.echo_delay_ms < 0:
            raise ValueError("jitter_ms and echo_delay_ms are 0 or more")


class ImpairedLine:
    """One line in use; same seed and same audio give the same line."""

    def __init__(self, line: Line, sample_rate_hz: int) -> None:
        self._line = line
        self._random = np.random.default_rng(line.seed)
        delay_samples = sample_rate_hz * line.echo_delay_ms // 1000
        self._echo_tail: Pcm = np.zeros(delay_samples, dtype=np.int16)

    def carry(self, said: Pcm, played: Pcm) -> Pcm:
        """What reaches the carrier of one tick: the voice, with the echo and the noise on it.

        Both are int16 mono of the same length, on the same sample clock.
        """
        line = self._line
        heard_back = np.concatenate([self._echo_tail, played])
        self._echo_tail = heard_back[played.size :]
        if line.echo_db is None and line.noise_dbfs is None:
            return said
        mixed = said.astype(np.float64)
        if line.echo_db is not None:
            mixed += heard_back[: played.size] * 10.0 ** (line.echo_db / 20.0)
        if line.noise_dbfs is not None:
            noise_rms = FULL_SCALE * 10.0 ** (line.noise_dbfs / 20.0)
            mixed += self._random.normal(0.0, noise_rms, said.size)
        return saturate(mixed)

    @property
    def moves_counters(self) -> bool:
        return self._line.lost_packets_move_the_counters

    def loses_a_packet(self) -> bool:
        percent = self._line.packet_loss_percent
        return percent > 0.0 and bool(self._random.random() * 100.0 < percent)

    def delay_ms(self) -> float:
        """How late the next packet is."""
        if self._line.jitter_ms == 0.0:
            return 0.0
        return float(self._random.uniform(0.0, self._line.jitter_ms))
