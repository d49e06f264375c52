"""How a bot took its turns, from the telephone's recording: pure functions, the same for any bot.

Audio is int16 mono, shape (n,), at `rate_hz`; times are ms from the stream's `start`, found to
within 10 ms (replies) and 15 ms (falls and stops, whose windows are 20 ms long). What was
said over the bot's voice is judged against a recording of the same voice that nobody disturbed,
aligned to the sample: so a pause or a soft word of the prompt is not taken for a reaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from telephony.simulator.measure import AudibleSpan, audible_spans
from telephony.simulator.phone_audio import FULL_SCALE, Mask, Pcm, level_dbfs
from telephony.simulator.script import AUDIBLE_DBFS

Levels = npt.NDArray[np.floating[Any]]
Places = npt.NDArray[np.int64]

FALL_DB: Final = -6.0
"""What counts as ducked. Half the pressure: heard by anybody; no prompt said twice is that far
from itself (the same samples, or the same through another phase of a resampler: under 1 dB)."""

SILENT_DB: Final = -24.0
"""What counts as silent. A bot that ducks to 0.3 is at -10.5 dB, one that ducks to 0.1 at -20."""

LOUD_DBFS: Final = -38.0
"""Only where the undisturbed voice is louder is anything judged: mu-law's steps and soft word ends
lie below, and a voice 24 dB quieter still is above the telephone's own silence."""

TICK_MS: Final = 20  # of the telephone's ear
WINDOW_MS: Final = 20
HOP_MS: Final = 5
FALL_FOR_MS: Final = 40  # so long must it last: a late packet or a closure is over sooner
SILENT_FOR_MS: Final = 200  # of voice that should have been heard; holes are shorter
JUDGED_AFTER_FALL_MS: Final = 120  # in which a voice that fell is either still there, or gone
HOLE_BELOW_MS: Final = 150
"""Where the bot sent nothing for less than that and then went on, time stands still for its voice:
a loaded machine's late packets are no reaction. A `clear` is followed by far more."""

ALIGN_MS: Final = 400  # either side of where the first sounds say that the two recordings meet
ALIGN_OVER_MS: Final = 800  # before the onset; longer, and a hole before it blurs the match
MIN_LIKENESS: Final = 0.5
"""Correlation below 1 kHz. The same prompt of Pipecat's, whose stream resampler wanders by a sample
or two, is at 0.67 to 0.91 (36 pairs of pieces of three calls), other words of it at 0.34 or below
(68 pairs)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one thing that the caller said."""

    latency_ms: float | None  # from the caller's last sound to the bot's first; None: no reply
    cut_after_ms: float | None  # from the caller's first sound to a bot that did not wait

    @property
    def is_cut(self) -> bool:
        """Whether the bot began before the caller had finished."""
        return self.cut_after_ms is not None


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the bot's voice did after something sounded over it. None: it did not."""

    ducked_after_ms: float | None  # at least 6 dB lower and still there
    silent_after_ms: float | None  # gone, where it should have been heard

    @property
    def is_stopped(self) -> bool:
        return self.silent_after_ms is not None


def first_sound_ms(played: Pcm, rate_hz: int) -> float | None:
    """From the stream's start to the bot's first audible sound; None: there was none."""
    spans = audible_spans(played, rate_hz)
    return spans[0].start_ms if spans else None


def turn(
    caller: Sequence[AudibleSpan], bot: Sequence[AudibleSpan], until_ms: float = float("inf")
) -> Turn:
    """Score what was said in `caller` (one utterance, its pauses between the spans).

    A bot span that was under way when the caller began is no answer to him. `until_ms` is when
    the caller's next utterance began. ValueError: `caller` is empty.
    """
    if not caller:
        raise ValueError("the caller said nothing audible")
    start_ms, end_ms = caller[0].start_ms, caller[-1].end_ms
    begun = [span.start_ms for span in bot if start_ms < span.start_ms < until_ms]
    early = [at_ms for at_ms in begun if at_ms < end_ms]
    late = [at_ms for at_ms in begun if at_ms >= end_ms]
    return Turn(
        latency_ms=late[0] - end_ms if late else None,
        cut_after_ms=early[0] - start_ms if early else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """The bot's voice of one call with the short holes cut out: what it sent, in its own time."""

    pcm: Pcm
    at: Places  # where on the line each sample was played
    rate_hz: int

    @classmethod
    def of(cls, played: Pcm, supplied: Mask, rate_hz: int) -> "Voice":
        """Of a recording. Longer gaps stay: they are pauses, or the bot has stopped."""
        edges = np.flatnonzero(np.diff(supplied.astype(np.int8))) + 1
        kept = np.ones(played.size, np.bool_)
        for first, last in pairwise(edges.tolist()):
            if not supplied[first] and (last - first) * 1000 < HOLE_BELOW_MS * rate_hz:
                kept[first:last] = False
        return cls(played[kept], np.flatnonzero(kept), rate_hz)

    def own_ms(self, line_ms: float) -> float:
        """The voice's own time at a time on the line."""
        return float(np.searchsorted(self.at, line_ms * self.rate_hz / 1000)) * 1000 / self.rate_hz

    def line_ms(self, own_ms: float) -> float:
        """The time on the line at a time of the voice's own."""
        sample = min(int(own_ms * self.rate_hz / 1000), self.at.size - 1)
        return float(self.at[sample]) * 1000 / self.rate_hz


def overlap(voice: Voice, undisturbed: Voice, onset_ms: float, until_ms: float) -> Overlap | None:
    """Score what the voice did from `onset_ms` on the line; both begin with the same prompt.

    None: the two could not be aligned (another prompt, or a voice that never repeats itself).
    """
    rate_hz = voice.rate_hz
    own_onset_ms, own_until_ms = voice.own_ms(onset_ms), voice.own_ms(until_ms)
    shift = alignment(voice.pcm, undisturbed.pcm, rate_hz, own_onset_ms)
    if shift is None:
        return None
    aligned = _shifted(undisturbed.pcm, shift, voice.pcm.size)
    expected, heard = _levels_db(aligned, rate_hz), _levels_db(voice.pcm, rate_hz)
    centres_ms = np.arange(expected.size) * HOP_MS + WINDOW_MS / 2
    judged = (expected > LOUD_DBFS) & (centres_ms >= own_onset_ms) & (centres_ms < own_until_ms)
    times_ms, gains_db = centres_ms[judged], (heard - expected)[judged]
    ducked_ms, silent_ms = _ducked(times_ms, gains_db), _silent(times_ms, gains_db)
    if ducked_ms is not None and silent_ms is not None and silent_ms < ducked_ms:
        ducked_ms = None  # what sounds after the stop is another prompt
    return Overlap(
        ducked_after_ms=None if ducked_ms is None else voice.line_ms(ducked_ms) - onset_ms,
        silent_after_ms=None if silent_ms is None else voice.line_ms(silent_ms) - onset_ms,
    )


def sounds_on_after_ms(undisturbed: Voice, after_ms: int, for_ms: int) -> int:
    """So much of the voice's sound, `after_ms` or the least that is more, has been heard when it
    sounds on for `for_ms`: in its pauses nothing is there to duck. `after_ms` where it never does.
    """
    tick = undisturbed.rate_hz * TICK_MS // 1000
    ticks = undisturbed.pcm[: undisturbed.pcm.size // tick * tick].reshape(-1, tick)
    is_heard = np.array([level_dbfs(each) > AUDIBLE_DBFS for each in ticks], np.bool_)
    heard_ms = np.cumsum(is_heard) * TICK_MS
    is_loud = _runs(_levels_db(undisturbed.pcm, undisturbed.rate_hz) > LOUD_DBFS, for_ms // HOP_MS)
    for at in np.flatnonzero(is_heard & (heard_ms >= after_ms)):
        hop = (int(at) + 1) * TICK_MS // HOP_MS
        if hop < is_loud.size and is_loud[hop]:
            return int(heard_ms[at])
    return after_ms


def alignment(played: Pcm, undisturbed: Pcm, rate_hz: int, onset_ms: float) -> int | None:
    """By how many samples `played` is later than `undisturbed`; None: they are not alike.

    Found over the 0.8 s before `onset_ms`, or the first 400 ms of voice where there are fewer.
    """
    here, there = first_sound_ms(played, rate_hz), first_sound_ms(undisturbed, rate_hz)
    if here is None or there is None:
        return None
    per_ms = rate_hz / 1000.0
    end_ms = max(onset_ms, here + 400.0)
    first = int(max(here, end_ms - ALIGN_OVER_MS) * per_ms)
    sample = _deep(played[first : int(end_ms * per_ms)])
    rough, reach = round((here - there) * per_ms), int(ALIGN_MS * per_ms)
    start = first - rough - reach
    area = _deep(_shifted(undisturbed, -start, sample.size + 2 * reach))
    products = np.correlate(area, sample, mode="valid")
    sums = np.concatenate([[0.0], np.cumsum(np.square(area))])
    powers = sums[sample.size :] - sums[: -sample.size]
    likeness = products / np.sqrt(np.maximum(powers * np.sum(np.square(sample)), 1.0))
    best = int(np.argmax(likeness))
    return first - (start + best) if likeness[best] >= MIN_LIKENESS else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that `percent` of them do not exceed (nearest rank); None of none."""
    if not values:
        return None
    return sorted(values)[int(percent / 100 * (len(values) - 1) + 0.5)]


def _ducked(times_ms: Levels, gains_db: Levels) -> float | None:
    """The first lasting fall of a voice that is still there after it.

    Where the two recordings have drifted apart there are falls and rises in turn: so the median
    over a longer time must be low too.
    """
    low = _runs(gains_db <= FALL_DB, FALL_FOR_MS // HOP_MS)
    for at in np.flatnonzero(low):
        after = gains_db[at : at + JUDGED_AFTER_FALL_MS // HOP_MS]
        if SILENT_DB < float(np.median(after)) <= FALL_DB:
            return float(times_ms[at])
    return None


def _silent(times_ms: Levels, gains_db: Levels) -> float | None:
    gone = np.flatnonzero(_runs(gains_db <= SILENT_DB, SILENT_FOR_MS // HOP_MS))
    return float(times_ms[gone[0]]) if gone.size else None


def _runs(holds: npt.NDArray[np.bool_], length: int) -> npt.NDArray[np.bool_]:
    """Where `length` in a row begin."""
    if holds.size < length:
        return np.zeros(0, np.bool_)
    inside = np.convolve(holds.astype(np.int64), np.ones(length, np.int64), mode="valid")
    return inside == length


def _levels_db(pcm: Pcm, rate_hz: int) -> Levels:
    """The level of each window of 20 ms, every 5 ms, in dBFS; -120 for digital silence."""
    window, hop = rate_hz * WINDOW_MS // 1000, rate_hz * HOP_MS // 1000
    if pcm.size < window:
        return np.zeros(0)
    sums = np.concatenate([[0.0], np.cumsum(np.square(pcm.astype(np.float64)))])
    starts = np.arange(0, pcm.size - window + 1, hop)
    powers = (sums[starts + window] - sums[starts]) / window / FULL_SCALE**2
    return 10.0 * np.log10(np.maximum(powers, 1e-12))


def _deep(pcm: Pcm) -> Levels:
    """Without what is above 1 kHz, where a wander of one sample changes the sign."""
    return np.convolve(pcm.astype(np.float64), np.full(5, 0.2), mode="same")


def _shifted(pcm: Pcm, by: int, size: int) -> Pcm:
    """`pcm` later by `by` samples, silence around it, `size` samples in all."""
    made: npt.NDArray[Any] = np.zeros(size, np.int16)
    first, last = max(by, 0), min(by + pcm.size, size)
    if last > first:
        made[first:last] = pcm[first - by : last - by]
    return made
