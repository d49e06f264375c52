"""Where speech is in a piece of audio, and how much silence is left around it. Pure."""

import numpy as np
import numpy.typing as npt

from speech.stt import Pcm

Samples = npt.NDArray[np.float32]
"""float32 mono, -1..1, shape (n,)."""

FRAME_MS = 10
"""The grid on which levels are measured."""


class TailTrimmer:
    """Gives synthesised speech the same end everywhere: the last word, then a fixed silence.

    Audio goes through at once, except silence, which is held back until it is known whether
    speech follows; silence at the start is shortened.
    """

    def __init__(
        self, *, sample_rate_hz: int, lead_ms: int = 20, tail_ms: int = 60, floor: int = 64
    ) -> None:
        """Expect audio at `sample_rate_hz`.

        Args:
            sample_rate_hz: of the audio.
            lead_ms: silence left at the start.
            tail_ms: silence at the end. With the lead of the next sentence it makes the pause
                between sentences: 50-80 ms sounds natural; less runs them together, more drags.
            floor: a sample's magnitude up to which it is silence; 64 of 32767 is -54 dB, below
                anything that synthetic voices use in a word.
        """
        self._lead_samples = sample_rate_hz * lead_ms // 1000
        self._tail_samples = sample_rate_hz * tail_ms // 1000
        self._floor = floor
        self._held: list[Pcm] = []
        self._started = False

    def push(self, pcm: Pcm) -> Pcm:
        """Take audio, int16 mono, and return what can be played now (perhaps nothing)."""
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > self._floor)
        if not len(loud):
            self._held.append(pcm)
            return pcm[:0]
        end = int(loud[-1]) + 1
        silence = np.concatenate([*self._held, pcm[: loud[0]]])
        if not self._started:
            silence = silence[max(0, len(silence) - self._lead_samples) :]
        self._started = True
        self._held = [pcm[end:]]
        return np.concatenate([silence, pcm[loud[0] : end]])

    def finish(self) -> Pcm:
        """The silence that ends it: exactly `tail_ms`, or nothing when nothing was said."""
        if not self._started:
            return np.empty(0, np.int16)
        tail = np.zeros(self._tail_samples, np.int16)
        rest = np.concatenate(self._held)[: self._tail_samples]
        tail[: len(rest)] = rest
        return tail


class OnsetTrimmer:
    """Lets speech begin with its first sound that a telephone lets through.

    What a synthesiser makes of an "f" or "th" lies above 4 kHz: at 8 kHz up to 100 ms of a prompt's
    start are left at -50 dB, which the caller hears as so much later an answer.
    """

    def __init__(
        self,
        *,
        sample_rate_hz: int,
        audible_db: float = -46.0,
        keep_ms: int = 10,
        longest_ms: int = 200,
    ) -> None:
        """Expect audio at `sample_rate_hz`.

        Args:
            sample_rate_hz: of the audio.
            audible_db: level of 10 ms, below full scale, from which on it is a sound. Speech is at
                -15 to -25, espeak's "th" at 8 kHz at -50 to -55. Higher cuts soft onsets.
            keep_ms: kept before it.
            longest_ms: trimmed at most.
        """
        self._frame = sample_rate_hz * FRAME_MS // 1000
        self._power = 32768.0**2 * 10 ** (audible_db / 10)
        self._keep = sample_rate_hz * keep_ms // 1000
        self._longest = sample_rate_hz * longest_ms // 1000
        self._held: Pcm | None = np.empty(0, np.int16)  # None: it has begun

    def push(self, pcm: Pcm) -> Pcm:
        """Take audio, int16 mono, and return what can be played now (perhaps nothing)."""
        if self._held is None:
            return pcm
        audio = np.concatenate((self._held, pcm))
        frames = audio[: len(audio) // self._frame * self._frame].reshape(-1, self._frame)
        loud = np.flatnonzero((frames.astype(np.float32) ** 2).mean(axis=1) > self._power)
        if not len(loud) and len(audio) < self._longest:
            self._held = audio
            return audio[:0]
        first = int(loud[0]) * self._frame if len(loud) else self._longest
        self._held = None
        return audio[max(0, min(first, self._longest) - self._keep) :]

    def finish(self) -> Pcm:
        """What was held back of audio that never became audible."""
        held, self._held = self._held, None
        return np.empty(0, np.int16) if held is None else held


def levels_db(samples: Samples, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """The level of each full frame of 10 ms, in dB below full scale (a square wave is 0)."""
    frame = sample_rate_hz * FRAME_MS // 1000
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = np.einsum("ij,ij->i", frames, frames) / np.float32(frame)
    return (10 * np.log10(power + np.float32(1e-10))).astype(np.float32)


def speech_span(
    samples: Samples,
    sample_rate_hz: int,
    *,
    margin_ms: int = 50,
    below_speech_db: float = 40.0,
    silent_db: float = -60.0,
) -> tuple[int, int]:
    """Where the sound is: first sample and the one after the last, (0, 0) if there is none.

    Sound is what comes within `below_speech_db` of the level that the loudest 100 ms reach, and
    above `silent_db` (a quiet telephone line's noise). `margin_ms` are kept around it.

    40 dB keeps the f and s at the ends of words; at 30 dB they are cut off and short words are
    misheard. Noise that is nearer to the speech than that counts as sound.
    """
    levels = levels_db(samples, sample_rate_hz)
    loudest = min(10, len(levels))
    if not loudest:
        return 0, 0
    reference_db = float(np.partition(levels, -loudest)[-loudest])
    sound = np.flatnonzero(levels > max(reference_db - below_speech_db, silent_db))
    if reference_db <= silent_db or not len(sound):
        return 0, 0
    frame = sample_rate_hz * FRAME_MS // 1000
    margin = margin_ms // FRAME_MS
    start = max(0, int(sound[0]) - margin) * frame
    return start, min(len(samples), (int(sound[-1]) + 1 + margin) * frame)


def split_at_pauses(
    samples: Samples, sample_rate_hz: int, *, longest_s: float, shortest_s: float
) -> list[Samples]:
    """`samples` in parts of at most `longest_s`, each cut where it is quietest for 200 ms.

    The cut is looked for between `shortest_s` and `longest_s` of each part.
    """
    parts: list[Samples] = []
    while len(samples) > longest_s * sample_rate_hz:
        first, last = int(shortest_s * sample_rate_hz), int(longest_s * sample_rate_hz)
        levels = levels_db(samples[first:last], sample_rate_hz)
        around = np.convolve(levels, np.ones(20, np.float32), mode="same")
        cut = first + (int(np.argmin(around)) * 2 + 1) * sample_rate_hz * FRAME_MS // 2000
        parts.append(samples[:cut])
        samples = samples[cut:]
    return [*parts, samples]
