"""What the call was like at the telephone: pure functions over its two recorded directions.

All arrays are int16 mono, shape (n,), on one sample clock; results are in ms of that clock. Speech
is found by energy: a 10 ms frame louder than `threshold_dbfs` is audible, and audible frames no
further apart than `merge_gap_ms` are one span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from telephony.simulator.phone_audio import FULL_SCALE, Mask, Pcm
from telephony.simulator.recording import StreamRecording

FRAME_MS: Final = 10
THRESHOLD_DBFS: Final = -45.0
"""Prompts and callers lie near -20 dBFS, a poor line's noise near -50. Too low, and noise is
speech; too high, and soft word ends are cut, which lengthens every latency."""

MERGE_GAP_MS: Final = 200
"""Closures inside words last up to 150 ms. Below that, one word is two spans; far above, a bot that
stops and speaks again at once is taken for one that did not stop."""

HOLE_MIN_MS: Final = 5
HOLE_MAX_MS: Final = 400  # a longer gap is a pause between utterances, and not a hole in one
HOLE_EDGE_MS: Final = 40  # the voice must be audible this near to both edges of a hole


@dataclass(frozen=True, slots=True)
class AudibleSpan:
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class ReplyLatency:
    """From the end of what the caller said or pressed to the bot's first audible sound after it."""

    caller_end_ms: float
    bot_start_ms: float
    by: Literal["speech", "key"]
    during_bot: bool  # the caller ended while the bot was still audible (a barge-in, or a cough)

    @property
    def latency_ms(self) -> float:
        return self.bot_start_ms - self.caller_end_ms


@dataclass(frozen=True, slots=True)
class BargeInSilence:
    """The caller began over the bot's voice; the bot was audible for `silence_after_ms` more."""

    start_ms: float
    silence_after_ms: float


@dataclass(frozen=True, slots=True)
class Hole:
    """The bot's voice was missing in the middle of a sound."""

    start_ms: float
    length_ms: float


@dataclass(frozen=True, slots=True)
class StreamMeasures:
    first_bot_audio_ms: float | None  # after `start`; None: the bot was never heard
    replies: tuple[ReplyLatency, ...]
    barge_ins: tuple[BargeInSilence, ...]
    holes: tuple[Hole, ...]
    bot_speech_ms: float
    caller_speech_ms: float
    telephone_lateness_ms: float  # above about 20 the machine, and not the bot, made the numbers


def measure(recording: StreamRecording, threshold_dbfs: float = THRESHOLD_DBFS) -> StreamMeasures:
    """Everything at once, of one recorded stream."""
    rate = recording.sample_rate_hz
    caller = audible_spans(recording.said, rate, threshold_dbfs=threshold_dbfs)
    bot = audible_spans(recording.played, rate, threshold_dbfs=threshold_dbfs)
    keys = [key.at_samples * 1000.0 / rate for key in recording.pressed]
    return StreamMeasures(
        first_bot_audio_ms=bot[0].start_ms if bot else None,
        replies=reply_latencies(caller, bot, keys),
        barge_ins=barge_in_silences(caller, bot, keys),
        holes=holes(recording.played, recording.supplied, rate, threshold_dbfs=threshold_dbfs),
        bot_speech_ms=sum(span.end_ms - span.start_ms for span in bot),
        caller_speech_ms=sum(span.end_ms - span.start_ms for span in caller),
        telephone_lateness_ms=recording.worst_lateness_ms,
    )


def audible_frames(pcm: Pcm, sample_rate_hz: int, threshold_dbfs: float = THRESHOLD_DBFS) -> Mask:
    """One bool per whole 10 ms frame: its RMS level is above the threshold."""
    frame = sample_rate_hz * FRAME_MS // 1000
    whole = pcm.size // frame
    frames = pcm[: whole * frame].astype(np.float64).reshape(whole, frame)
    limit = (FULL_SCALE * 10.0 ** (threshold_dbfs / 20.0)) ** 2
    return np.mean(np.square(frames), axis=1) > limit


def audible_spans(
    pcm: Pcm,
    sample_rate_hz: int,
    *,
    threshold_dbfs: float = THRESHOLD_DBFS,
    merge_gap_ms: int = MERGE_GAP_MS,
) -> tuple[AudibleSpan, ...]:
    """The audible spans in order, exact to one frame of 10 ms."""
    loud = np.flatnonzero(audible_frames(pcm, sample_rate_hz, threshold_dbfs))
    if loud.size == 0:
        return ()
    breaks = np.flatnonzero((np.diff(loud) - 1) * FRAME_MS >= merge_gap_ms)
    starts = loud[np.concatenate([[0], breaks + 1])]
    ends = loud[np.concatenate([breaks, [loud.size - 1]])] + 1
    return tuple(
        AudibleSpan(float(start) * FRAME_MS, float(end) * FRAME_MS)
        for start, end in zip(starts, ends, strict=True)
    )


def reply_latencies(
    caller: Sequence[AudibleSpan], bot: Sequence[AudibleSpan], keys_ms: Sequence[float] = ()
) -> tuple[ReplyLatency, ...]:
    """One for each time the bot began to speak after the caller had said or pressed something.

    Several caller spans (or keys) before one reply are one turn, measured from the last of them. A
    bot that goes on after a pause of its own, with nothing new from the caller, is no reply.
    """
    ends = sorted([(span.end_ms, False) for span in caller] + [(at_ms, True) for at_ms in keys_ms])
    found: list[ReplyLatency] = []
    answered_until_ms = float("-inf")
    for span in bot:
        open_turns = [end for end in ends if answered_until_ms < end[0] <= span.start_ms]
        answered_until_ms = span.start_ms
        if open_turns:
            end_ms, is_key = open_turns[-1]
            during = any(other.start_ms < end_ms < other.end_ms for other in bot)
            by = "key" if is_key else "speech"
            found.append(ReplyLatency(end_ms, span.start_ms, by, during))
    return tuple(found)


def barge_in_silences(
    caller: Sequence[AudibleSpan], bot: Sequence[AudibleSpan], keys_ms: Sequence[float] = ()
) -> tuple[BargeInSilence, ...]:
    """For each onset of the caller (or key) inside a bot span: how long the bot stayed audible.

    Only the first onset in a bot span counts. A bot that does not stop shows the rest of its
    prompt's length.
    """
    onsets = sorted([span.start_ms for span in caller] + list(keys_ms))
    found: list[BargeInSilence] = []
    for span in bot:
        inside = [onset for onset in onsets if span.start_ms < onset < span.end_ms]
        if inside:
            found.append(BargeInSilence(inside[0], span.end_ms - inside[0]))
    return tuple(found)


def holes(
    played: Pcm,
    supplied: Mask,
    sample_rate_hz: int,
    *,
    threshold_dbfs: float = THRESHOLD_DBFS,
    min_ms: float = HOLE_MIN_MS,
    max_ms: float = HOLE_MAX_MS,
    edge_ms: int = HOLE_EDGE_MS,
) -> tuple[Hole, ...]:
    """Runs in which the bot supplied nothing, with its voice audible right before and after.

    `played` already lies behind the telephone's jitter buffer. Silence that the bot itself sent is
    no hole; nor is a gap longer than `max_ms`, which is a pause between utterances.
    """
    edges = np.flatnonzero(np.diff(supplied.astype(np.int8)))
    per_ms = sample_rate_hz / 1000.0
    edge = int(edge_ms * per_ms)
    limit = (FULL_SCALE * 10.0 ** (threshold_dbfs / 20.0)) ** 2
    found: list[Hole] = []
    for stop, resume in pairwise(edges):
        if not supplied[stop]:  # a change from filling to supplied: not the start of a hole
            continue
        start, end = int(stop) + 1, int(resume) + 1
        length_ms = (end - start) / per_ms
        if not min_ms <= length_ms <= max_ms:
            continue
        before, after = played[max(0, start - edge) : start], played[end : end + edge]
        if _mean_square(before) > limit and _mean_square(after) > limit:
            found.append(Hole(start / per_ms, length_ms))
    return tuple(found)


def _mean_square(pcm: Pcm) -> float:
    return float(np.mean(np.square(pcm.astype(np.float64)))) if pcm.size else 0.0
