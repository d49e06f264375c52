"""Where each media message belongs on the line's own clock: gaps, duplicates, late ones. Pure.

A WebSocket keeps order, but what the carrier puts on it may have lost packets, sent them twice or
paused (discontinuous transmission). Everything behind this counts time in audio, so a gap has to be
filled (`concealment.py`) and a duplicate has to vanish, or the call's clock drifts from the
caller's.

Two witnesses are heard: `chunk`, which counts media messages, and `timestamp`, in ms. Neither is
believed alone: one garbled counter must not silence a call or flood it with silence.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

# A fill is for lost packets and pauses in transmission, not for a restarted stream. Shorter, and a
# long pause moves the clock; longer, and one garbled timestamp makes the bot sit through silence.
LONGEST_FILL_MS = 2_000
# Beyond this a timestamp is taken for garbled or restarted, and nothing is filled.
FARTHEST_GAP_MS = 60_000
# RFC 3550 A.1 (MAX_DROPOUT): a counter that jumps farther is not believed alone.
FARTHEST_STEP = 3_000
# So many packets that look late, in unbroken order: it is we who are ahead, by a garbled counter.
LATE_RUN = 3
# So many consecutive chunks whose timestamps disagree: the timestamps are not in ms. Ignore them.
CLOCK_DISAGREEMENTS = 5

Verdict = Literal["in_order", "gap", "duplicate", "late", "resync"]


@dataclass(frozen=True, slots=True)
class Placement:
    """What to do with one packet: put `missing_samples` in its gap, then it, if `keep`."""

    verdict: Verdict
    keep: bool
    missing_samples: int = 0


class MediaTimeline:
    """One stream's line clock. Not for two streams: each has its own counters."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._longest_fill = LONGEST_FILL_MS * sample_rate_hz // 1000
        self._chunk: int | None = None
        self._next_at: int | None = None  # samples on the carrier's clock
        self._recent: deque[int] = deque(maxlen=256)
        self._stray_next: int | None = None
        self._stray_run = 0
        self._clock_trusted = True
        self._clock_disagreements = 0
        self._surplus = 0  # samples filled for a gap that the clock then took back
        self._last_fill = 0

    def place(self, *, chunk: int | None, timestamp_ms: int | None, samples: int) -> Placement:
        """Where a packet of `samples` belongs; counters as the carrier gave them."""
        at = None
        if timestamp_ms is not None and self._clock_trusted:
            at = timestamp_ms * self._rate_hz // 1000
        step = 1 if chunk is None or self._chunk is None else chunk - self._chunk
        if self._stray(step, chunk, at, samples):
            return self._place_stray(chunk, at, samples, ahead=step > FARTHEST_STEP)
        self._stray_run = 0
        missing = max(0, step - 1) * samples
        gap = self._gap(at, samples, missing, counted=chunk is not None and step == 1)
        self._advance(chunk, at, samples)
        return self._filled(gap)

    def _stray(self, step: int, chunk: int | None, at: int | None, samples: int) -> bool:
        """Whether the packet is not the next one: counted before, long before, or far ahead."""
        if at is not None and self._next_at is not None:
            ahead = at - self._next_at
            near = -samples // 2 < ahead < FARTHEST_GAP_MS * self._rate_hz // 1000
            if chunk is None:
                return ahead <= -samples // 2
            if step > FARTHEST_STEP or step <= 0:
                return not near  # the timestamp vouches for it
        return step <= 0 or step > FARTHEST_STEP

    def _place_stray(
        self, chunk: int | None, at: int | None, samples: int, *, ahead: bool
    ) -> Placement:
        key = chunk if chunk is not None else at
        if key is None:
            raise AssertionError("a packet without counter and timestamp can't be out of place")
        if key in self._recent:
            return Placement("duplicate", keep=False)
        self._stray_run = self._stray_run + 1 if key == self._stray_next else 1
        self._stray_next = key + (1 if chunk is not None else samples)
        if self._stray_run >= LATE_RUN:
            self._stray_run = 0
            self._recent.clear()
            self._next_at = None
            self._advance(chunk, at, samples)
            return Placement("resync", keep=True)
        # Far ahead is a garbled counter on sound audio; late audio has its silence already.
        return Placement("in_order", keep=True) if ahead else Placement("late", keep=False)

    def _gap(self, at: int | None, samples: int, missing: int, *, counted: bool) -> int:
        """Samples lost before this packet; corrects the clock where it went back."""
        if at is None or self._next_at is None:
            return missing
        gap = at - self._next_at
        # Without a missing chunk only a pause of a whole packet counts: less is jitter.
        if gap >= (samples if missing == 0 else samples // 2):
            self._doubt_clock(counted)
            return gap if gap <= FARTHEST_GAP_MS * self._rate_hz // 1000 else missing
        if gap <= -samples // 2:
            self._doubt_clock(counted)
            self._surplus += min(self._last_fill, -gap)
            self._last_fill = 0
            return 0
        self._clock_disagreements = 0
        return 0

    def _doubt_clock(self, counted: bool) -> None:
        self._clock_disagreements += counted
        if self._clock_disagreements >= CLOCK_DISAGREEMENTS:
            self._clock_trusted = False
            self._next_at = None

    def _advance(self, chunk: int | None, at: int | None, samples: int) -> None:
        if chunk is not None:
            self._chunk = chunk
            self._recent.append(chunk)
        elif at is not None:
            self._recent.append(at)
        if not self._clock_trusted:
            return
        expected = None if self._next_at is None else self._next_at + samples
        if at is None:
            self._next_at = expected
        # Small wobble is the carrier's rounding: following it would add its gaps and not its
        # overlaps. Anything larger is where the line's clock now stands.
        elif expected is None or abs(at + samples - expected) >= samples // 2:
            self._next_at = at + samples
        else:
            self._next_at = expected

    def _filled(self, gap: int) -> Placement:
        gap = min(gap, self._longest_fill)
        owed = min(gap, self._surplus)
        self._surplus -= owed
        silence = gap - owed
        if gap:
            self._last_fill = gap
        return Placement("gap" if gap else "in_order", keep=True, missing_samples=silence)
