"""Where to go on after a false alarm: at the word that the far end heard last.

Pure. The audio is there already, so it is not made again: it goes on from a quiet point at or
shortly before what was heard. Quiet points are the ends of words where speakers leave any, and
else the closed lips and tongues inside them (p, t, k): the cut is never heard as a click.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processors.playout import heard_part
from speech.stt import Pcm

FURTHEST_BACK_MS = 600
"""About two words: what is said twice at most. A word is seldom longer."""

MARGIN_MS = 100
"""How far it goes back where nothing is quiet: half a syllable is said twice, none is lost."""

_WINDOW_MS = 30  # on which a level is measured; shorter ones find the troughs of a low voice
_HOP_MS = 5

_BELOW_SPEECH_DB = 20.0
"""A point is quiet when it is so far below the utterance's loud tenth. At 15 dB it is found inside
syllables; at 25 dB one offset in ten finds none (espeak, English, Hindi, Marathi)."""

_WORD_GAP_MS = 60
"""Quiet for so long is taken before any shorter one that is nearer. By espeak's word times (six
sentences, English, Hindi, Marathi) it goes on at a word's start (-40..120 ms) for 68 % of offsets
at 8 kHz and 62 % at 16 and 24, without this rule for 60, 55 and 57 %, by chance for 45 %. What the
letters of the text say about the time of its words made it no better."""

_SILENT_BELOW_SPEECH_DB = 35.0
_SILENT_DB = 30.0  # of the mean square of int16: 60 dB below full scale, a quiet line's noise


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where an utterance goes on, and what of it was heard before."""

    start_sample: int  # of the utterance's audio; its length when nothing is left to say
    heard_text: str


def resume_point(
    text: str,
    *,
    heard_ms: float,
    duration_ms: float,
    sample_rate_hz: int,
    pcm: Pcm | None = None,
) -> ResumePoint:
    """Where to go on with `text` of which `heard_ms` of `duration_ms` were heard (by marks).

    `pcm` is all of its audio, int16 mono at `sample_rate_hz`, as it was sent; without it the
    point lies `MARGIN_MS` back. `heard_text` holds what was heard, however far back that is.

    Raises:
        ValueError: `sample_rate_hz` is under 1000.
    """
    if sample_rate_hz < 1000:
        raise ValueError(f"sample_rate_hz must be 1000 or more, not {sample_rate_hz}")
    length = round(duration_ms * sample_rate_hz / 1000) if pcm is None else len(pcm)
    heard = min(max(0, round(heard_ms * sample_rate_hz / 1000)), length)
    start = heard
    if 0 < heard < length:
        start = max(0, heard - MARGIN_MS * sample_rate_hz // 1000)
        if pcm is not None:
            start = _start_in(pcm, heard, sample_rate_hz, otherwise=start)
    return ResumePoint(start, heard_part(text, heard_ms, duration_ms))


def _start_in(pcm: Pcm, heard: int, sample_rate_hz: int, *, otherwise: int) -> int:
    """The sample to go on from, 0..heard, or the length of `pcm` if only silence is left."""
    window, hop = (sample_rate_hz * ms // 1000 for ms in (_WINDOW_MS, _HOP_MS))
    if len(pcm) < window:
        return 0
    centres, levels_db = _levels(pcm, window, hop)
    speech_db = float(np.percentile(levels_db, 90))
    silent_db = max(speech_db - _SILENT_BELOW_SPEECH_DB, _SILENT_DB)
    rest = pcm[heard:]
    if (
        _level_db(rest[-window:]) <= silent_db
        and (_levels(rest, window, hop)[1] <= silent_db).all()
    ):
        return len(pcm)
    earliest = heard - FURTHEST_BACK_MS * sample_rate_hz // 1000
    is_quiet = levels_db < speech_db - _BELOW_SPEECH_DB
    quiet = np.flatnonzero(is_quiet & (centres >= earliest) & (centres <= heard))
    if not len(quiet):
        return 0 if earliest <= 0 else otherwise
    gaps = np.split(quiet, np.flatnonzero(np.diff(quiet) > 1) + 1)
    long_gaps = [gap for gap in gaps if len(gap) * _HOP_MS >= _WORD_GAP_MS]
    gap = (long_gaps or gaps)[-1]
    return int(centres[gap[np.argmin(levels_db[gap])]])


def _levels(
    pcm: Pcm, window: int, hop: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The middles of overlapping windows, in samples, and their levels in dB of int16."""
    energy = np.concatenate([[0], np.cumsum(pcm.astype(np.int64) ** 2)])
    starts = np.arange(0, len(pcm) - window + 1, hop)
    power = (energy[starts + window] - energy[starts]) / window
    return starts + window // 2, 10 * np.log10(power + 1)


def _level_db(pcm: Pcm) -> float:
    return float(10 * np.log10(np.mean(pcm.astype(np.float64) ** 2) + 1))
