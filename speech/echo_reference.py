"""What an echo canceller knows of the bot's voice: where it is played, and how loud. Pure.

All audio is int16 mono PCM, shape (n,), at the call's rate; positions are samples of the call's
clock, which is the caller's audio.
"""

from collections import deque

import numpy as np

from speech.stt import Pcm

FRAMES_A_SECOND = 100
"""AEC3 works in frames of 10 ms."""

SLACK_MS = 20
"""The reference is read so much behind the clock, so that audio of the bot that comes so late is
still used. More makes a short echo come before its reference, which nothing can cancel; less
tears holes into the reference where packets jitter."""

LONGEST_AHEAD_S = 600
"""Audio further ahead of the clock is dropped, as Twilio drops it (warning 31931)."""

SILENT_PEAK = 32
"""A frame of the reference that stays at or below is silent: -60 dB of full scale, whose echo at
-15 dB is less than a step of mu-law."""

LEARNING_MS = 3_000
"""Of the bot's voice: how long AEC3 is not relied on alone. In the clip that was looked at closely,
echo came through until 1.6 s. Without an end, a caller 17 dB softer than the bot was not heard over
an echo of -18 dB, of whom AEC3 alone left more than 80 % (one case)."""

RELEARNING_MS = 800
"""The same for each time the bot begins anew, on a line that has an echo: a millisecond of another
delay lets it through for up to 0.6 s. Longer, and who speaks over the bot is hidden; at seven
milliseconds it comes through for more than a second, so audio is placed better than that."""

ECHO_AT_MOST_DB = -9.0
"""The loudest echo that is expected, against the loudest 10 ms of the bot's voice that it can be
of: -15 dB, and 6 dB for a room that answers unevenly. Higher, and a caller must speak louder to be
heard over the bot; lower lets a loud speakerphone's echo pass."""

_MARGIN_DB = 4.0  # over the loudest echo that was taken out so far, for one that was louder
_SUPPRESSED_DB = -12.0  # AEC3's output against its input, where it took a frame for echo
_FORGET_DB = 0.01  # a frame, so 1 dB a second: one wrong frame must not count for ever
_LOUDEST_UNKNOWN_DB = -60.0
_REACH_MS = 600  # how far back the sound may lie that is coming back now
_OPEN_MS = 200  # after a loud frame: a word has soft parts


class Reference:
    """The bot's audio on the call's clock."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._slack = SLACK_MS * sample_rate_hz // 1000
        self._farthest = LONGEST_AHEAD_S * sample_rate_hz
        self._parts: deque[tuple[int, Pcm]] = deque()  # (start, audio), in order, not overlapping
        self._end = 0
        self.clock_samples = 0

    def add(self, pcm: Pcm, at_sample: int | None) -> None:
        """`pcm` is played from `at_sample`; None: behind the last, or now if that is over.

        What overlaps audio that was added before is left out.
        """
        start = self._next() if at_sample is None else at_sample
        skip = max(0, self._end - start) if self._parts else 0
        start, pcm = start + skip, pcm[skip:]
        if len(pcm) and start - self.clock_samples <= self._farthest:
            self._parts.append((start, pcm.copy()))
            self._end = start + len(pcm)

    def clear(self, at_sample: int | None) -> None:
        """What begins at `at_sample` (None: now) or later is not played."""
        now = self.clock_samples if at_sample is None else at_sample
        while self._parts and self._parts[-1][0] >= now:
            self._parts.pop()
        if self._parts:
            start, pcm = self._parts.pop()
            self._parts.append((start, pcm[: now - start]))
        self._end = min(self._end, now)

    def take(self, samples: int) -> Pcm:
        """The next `samples` of the reference, for as many of the caller; the clock goes on."""
        out: Pcm = np.zeros(samples, np.int16)
        begin = self.clock_samples - self._slack
        while self._parts and self._parts[0][0] < begin + samples:
            start, pcm = self._parts.popleft()
            past = max(0, begin - start)
            part = pcm[past : begin + samples - start]
            out[start + past - begin :][: len(part)] = part
            if start + len(pcm) > begin + samples:
                self._parts.appendleft((begin + samples, pcm[begin + samples - start :]))
        self.clock_samples += samples
        return out

    def _next(self) -> int:
        lag = self.clock_samples - self._end
        return self._end if lag <= self._slack and self._end else self.clock_samples


class EchoGuard:
    """Until AEC3 has learnt the line: what is no louder than its echo is taken for echo.

    How loud the echo is shows in what AEC3 does take out; before anything was, the loudest echo
    that is expected counts. The price: for `LEARNING_MS` of the bot's voice a caller who is softer
    than that is not heard over it. A delay that changes later is not guarded.
    """

    def __init__(self) -> None:
        self._learning_frames = LEARNING_MS * FRAMES_A_SECOND // 1000
        self._powers: deque[float] = deque([0.0], maxlen=_REACH_MS * FRAMES_A_SECOND // 1000)
        self._echo_db: float | None = None
        self._open_frames = 0

    def hears(self, reference: Pcm) -> bool:
        """Take the next frame of the reference; returns whether the bot can be heard in it."""
        sounds = bool(np.abs(reference.astype(np.int32)).max() > SILENT_PEAK)
        self._powers.append(_power(reference))
        if self._learning_frames:
            self._learning_frames -= sounds
        return sounds

    def begin_anew(self) -> None:
        """The bot speaks again after silence, maybe with another delay."""
        if self._echo_db is not None:
            again = RELEARNING_MS * FRAMES_A_SECOND // 1000
            self._learning_frames = max(self._learning_frames, again)

    def gain(self, heard: Pcm, cleaned: Pcm) -> float:
        """What to multiply a frame by, 0 or 1, of which AEC3 made `cleaned`."""
        if not self._learning_frames:
            return 1.0
        power, loudest = _power(heard), max(self._powers)
        self._open_frames -= self._open_frames > 0
        if not loudest or not power:
            return 1.0 if not loudest else float(self._open_frames > 0)
        level_db = 10 * np.log10(power / loudest)
        if _power(cleaned) < power * 10 ** (_SUPPRESSED_DB / 10):
            self._learn(level_db)
        elif level_db > self._bound_db():
            self._open_frames = _OPEN_MS * FRAMES_A_SECOND // 1000
        return float(self._open_frames > 0)

    def _learn(self, level_db: float) -> None:
        before = _LOUDEST_UNKNOWN_DB if self._echo_db is None else self._echo_db - _FORGET_DB
        self._echo_db = max(before, level_db)

    def _bound_db(self) -> float:
        if self._echo_db is None:
            return ECHO_AT_MOST_DB
        return min(ECHO_AT_MOST_DB, self._echo_db + _MARGIN_DB)


def _power(pcm: Pcm) -> float:
    samples = pcm.astype(np.float32)
    return float(samples @ samples) / len(pcm)
