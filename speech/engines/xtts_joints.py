"""How the parts of a neural voice's speech are joined, so that no joint is heard. Pure.

A text is spoken in pieces, and a piece is decoded in parts. Two parts of a piece overlap and are
cross-faded; between two pieces lies a short silence, whatever the model made of their edges.
"""

import numpy as np
import numpy.typing as npt

from speech.silence import TailTrimmer
from speech.stt import Pcm

Samples = npt.NDArray[np.float32]
"""float32 mono, -1..1, shape (n,)."""

FLOOR = 128
"""A sample's magnitude up to which it is silence: -48 dB. What XTTS's vocoder leaves between words
is above espeak's digital silence (64 in `TailTrimmer`) and far below any sound of a word."""

SENTENCE_PAUSE_MS = 60
CLAUSE_PAUSE_MS = 50
"""Silence after a piece that ends a sentence, and after one that ends earlier. Under 50 ms words
run into each other, over 80 they drag (see `speech/piecewise.py`)."""

LEAD_MS = 20
"""Silence left before the first sound of a text; before a later piece there is only the pause."""

FADE_MS = 5
"""A piece rises and falls over this, so that one cut off in mid-sound ends without a click. The
shortest sounds of speech (the burst of a "t") last 10 ms and more."""


class Overlap:
    """Joins the parts of one piece; each begins before the end of the one before it."""

    def __init__(self, overlap_samples: int) -> None:
        """`overlap_samples`: at most so many at the end of a part are faded into the next."""
        if overlap_samples < 1:
            raise ValueError(f"overlap_samples must be at least 1, not {overlap_samples}")
        self._overlap = overlap_samples
        self._held = np.empty(0, np.float32)  # the end of the last part, not given out yet
        self._given = 0

    @property
    def position(self) -> int:
        """Where the next part may begin at the latest: samples of the piece given out so far."""
        return self._given

    def push(self, part: Samples, *, is_last: bool = False) -> Samples:
        """Take audio that begins at `position`; what can be heard now. The last gives it all."""
        joined = part.astype(np.float32)  # a copy
        fading = min(len(self._held), len(joined))
        if fading:
            rise = np.linspace(0.0, 1.0, fading, dtype=np.float32)
            joined[:fading] = self._held[:fading] * (1 - rise) + joined[:fading] * rise
        elif not len(joined):
            joined = self._held
        kept = 0 if is_last else min(self._overlap, len(joined))
        self._held = joined[len(joined) - kept :]
        self._given += len(joined) - kept
        return joined[: len(joined) - kept]


class PieceEdges:
    """One piece on its way out: faded at both ends, its silences replaced by a pause."""

    def __init__(self, *, sample_rate_hz: int, is_first: bool, ends_sentence: bool) -> None:
        """`is_first` of its text: it keeps `LEAD_MS` of silence before it."""
        pause_ms = SENTENCE_PAUSE_MS if ends_sentence else CLAUSE_PAUSE_MS
        self._trimmer = TailTrimmer(
            sample_rate_hz=sample_rate_hz,
            lead_ms=LEAD_MS if is_first else 0,
            tail_ms=pause_ms,
            floor=FLOOR,
        )
        self._fade = sample_rate_hz * FADE_MS // 1000
        self._pending = np.empty(0, np.int16)  # may be the end of the piece, which is faded
        self._risen = 0  # samples of the fade at the start that are done

    def push(self, part: Samples) -> Pcm:
        """Take audio, and return what can be played now, int16 mono (perhaps nothing)."""
        ready = self._rise(self._trimmer.push(to_pcm(part)))
        ready = np.concatenate((self._pending, ready))
        cut = max(0, len(ready) - self._fade)
        self._pending = ready[cut:]
        return ready[:cut]

    def finish(self) -> Pcm:
        """The end of its last sound and the pause; nothing where all was silence."""
        if not len(self._pending):
            return np.empty(0, np.int16)
        fall = np.linspace(1.0, 0.0, len(self._pending), dtype=np.float32)
        return np.concatenate(((self._pending * fall).astype(np.int16), self._trimmer.finish()))

    def _rise(self, pcm: Pcm) -> Pcm:
        rising = min(len(pcm), self._fade - self._risen)
        if rising <= 0:
            return pcm
        steps = np.arange(self._risen, self._risen + rising, dtype=np.float32) / self._fade
        self._risen += rising
        return np.concatenate(((pcm[:rising] * steps).astype(np.int16), pcm[rising:]))


def to_pcm(samples: Samples) -> Pcm:
    """int16 of float32 -1..1; what is beyond is clipped, and what is no number is silence."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.round(np.clip(finite, -1.0, 1.0) * np.float32(32767)).astype(np.int16)
