"""The bot's own voice taken out of the caller's audio: WebRTC's AEC3, one canceller a call.

    prepare()                                   # once a process, in a thread: 0.4 s
    echo = EchoCanceller(sample_rate_hz=8_000)
    echo.played(pcm, at_sample=clock.now(...))  # as the bot's audio leaves for the line
    cleaned = echo.clean(pcm)                   # every packet of the caller, in order
    echo.close()

Both streams live on the call's clock: sample n is the n-th of the caller's audio. `played` says
where on it the far end plays the bot's audio, at best before the caller's packet of that time is
cleaned, up to minutes ahead; where nothing was played there is silence. So packets that come
early, late or in bunches do not move the echo's delay, which AEC3 has to find out by itself.

A packet of 20 ms costs 0.2 to 0.4 ms while the library runs: a worker thread's task, like Silero's.
It runs only while the bot's voice can be heard back; else the audio passes as it is, delayed by as
much, so a caller who is alone on the line reaches the recogniser unchanged.
"""

import threading

import numpy as np

from speech.echo_reference import FRAMES_A_SECOND, EchoGuard, Reference
from speech.errors import EngineFailed, EngineUnavailable
from speech.stt import Pcm

__all__ = ["LATENCY_SAMPLES", "EchoCanceller", "prepare"]

LATENCY_SAMPLES = {8_000: 88, 16_000: 128, 24_000: 223}
"""How much later audio comes out, by sample rate in Hz: 11.0, 8.0 and 9.3 ms, most of it AEC3's
filter bank, the rest the library's own resampling to the rates that it works at (16 and 32 kHz).
Measured with livekit 1.2.1; a test measures it again. Wrong, words are blurred where the bot
falls silent."""

TAIL_MS = 1_000
"""How long after the bot's last sound its echo may come: 500 ms of delay and a room's decay.
Shorter, a late echo passes; longer only costs time."""

_NEW_UTTERANCE_FRAMES = 40  # of silence: pauses inside an utterance are shorter

_PREROLL_FRAMES = 2
"""Frames for which the library's output is not used when it is woken: it is of before its sleep.
More than the latency, less than any echo's delay."""

_HOW_TO_GET_IT = "run `pip install 'livekit==1.2.*'`"


def prepare() -> None:
    """Load the library (0.4 s, 25 MB), so that the first call need not. Call it in a thread.

    Raises:
        EngineUnavailable: it is not installed, or does not load; says how to get it.
    """
    _Aec3(8_000)


class EchoCanceller:
    """The echo of one call. May be used from several threads; each method takes its turn."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        """Cancel at 8000, 16000 or 24000 Hz. Takes 0.5 MB.

        Raises:
            ValueError: another rate.
            EngineUnavailable: the library is not installed, or does not load.
        """
        if sample_rate_hz not in LATENCY_SAMPLES:
            rates = ", ".join(map(str, LATENCY_SAMPLES))
            raise ValueError(f"sample_rate_hz must be one of {rates}, not {sample_rate_hz}")
        self._frame = sample_rate_hz // FRAMES_A_SECOND
        self._lock = threading.Lock()
        self._reference = Reference(sample_rate_hz)
        self._guard = EchoGuard()
        self._aec3: _Aec3 | None = _Aec3(sample_rate_hz)
        self._pending: Pcm = np.empty(0, np.int16)  # heard, and less than a frame
        self._ready: Pcm = np.empty(0, np.int16)  # cleaned, and not yet given back
        self._late: Pcm = np.zeros(LATENCY_SAMPLES[sample_rate_hz], np.int16)
        self._tail_frames = TAIL_MS * FRAMES_A_SECOND // 1000
        self._quiet_frames = self._tail_frames  # since the bot's last sound; none yet
        self._awake_frames = 0
        self._share = 0.0  # of the library's output in the last sample given back
        self._gain = 1.0

    @property
    def clock_samples(self) -> int:
        """The call's clock: how much of the caller's audio was cleaned."""
        return self._reference.clock_samples

    def played(self, pcm: Pcm, *, at_sample: int | None = None) -> None:
        """The far end plays `pcm`, int16 mono, from `at_sample` of the call's clock.

        None: behind what was played before, or from the present where that has run out. Good
        enough for packets of 20 ms; with longer ones say where, for the clock stands still
        between two packets of the caller. What lies 20 ms or more in the past is ignored.

        Raises:
            ValueError: `pcm` has another shape or type.
        """
        _check(pcm)
        with self._lock:
            self._reference.add(pcm, at_sample)

    def clear(self, *, at_sample: int | None = None) -> None:
        """The far end dropped what it had not played by `at_sample`; None is the present."""
        with self._lock:
            self._reference.clear(at_sample)

    def clean(self, pcm: Pcm) -> Pcm:
        """The caller's next audio, int16 mono of any length, as much of it without the echo.

        It comes out late by `LATENCY_SAMPLES`, and by 10 ms more from the first packet on that is
        not whole frames of 10 ms.

        Raises:
            ValueError: `pcm` has another shape or type.
            EngineFailed: the library broke, or the canceller is closed.
        """
        _check(pcm)
        with self._lock:
            if self._aec3 is None:
                raise EngineFailed("the echo canceller is closed")
            heard = np.concatenate((self._pending, pcm))
            whole = len(heard) // self._frame * self._frame
            self._pending = heard[whole:].copy()
            frames = heard[:whole].reshape(-1, self._frame)
            cleaned = [self._clean(self._aec3, frame) for frame in frames]
            ready = np.concatenate((self._ready, *cleaned))
            if len(ready) < len(pcm):  # the first ragged packet: from now on a frame is in hand
                ready = np.concatenate((np.zeros(self._frame, np.int16), ready))
            self._ready = ready[len(pcm) :]
            return ready[: len(pcm)]

    def close(self) -> None:
        """Free the library's memory. Closing again does nothing."""
        with self._lock:
            self._aec3 = None

    def _clean(self, aec3: "_Aec3", frame: Pcm) -> Pcm:
        """One frame of 10 ms."""
        reference = self._reference.take(self._frame)
        raw = self._delayed(frame)
        sounds = self._guard.hears(reference)
        if sounds and self._quiet_frames >= _NEW_UTTERANCE_FRAMES:
            self._guard.begin_anew()
        self._quiet_frames = 0 if sounds else self._quiet_frames + 1
        sleeps = self._quiet_frames >= self._tail_frames
        if sleeps and not self._share:
            self._awake_frames, self._gain = 0, 1.0
            return raw
        cleaned = aec3.process(reference, frame)
        self._awake_frames += 1
        share = float(self._awake_frames > _PREROLL_FRAMES and not sleeps)
        gain = self._guard.gain(raw, cleaned) if not sleeps else 1.0
        if share == self._share == gain == self._gain == 1.0:
            return cleaned
        mixed = _fade(raw, 1 - self._share, 1 - share) + _fade(cleaned, self._share, share)
        mixed *= np.linspace(self._gain, gain, self._frame, dtype=np.float32)
        self._share, self._gain = share, gain
        return np.rint(mixed).astype(np.int16)

    def _delayed(self, frame: Pcm) -> Pcm:
        """What was heard as long ago as the library's output is late."""
        audio = np.concatenate((self._late, frame))
        self._late = audio[self._frame :]
        return audio[: self._frame]


class _Aec3:
    """The library, with one frame for each direction: 10 ms of int16 mono."""

    def __init__(self, sample_rate_hz: int) -> None:
        try:
            # Loading takes 0.4 s and 25 MB, so only who cancels an echo pays for it.
            from livekit.rtc.apm import AudioProcessingModule
            from livekit.rtc.audio_frame import AudioFrame
        except (ImportError, OSError) as error:
            raise EngineUnavailable(f"livekit does not load ({error}): {_HOW_TO_GET_IT}") from error
        samples = sample_rate_hz // FRAMES_A_SECOND
        # No noise suppression, gain or high-pass: they change what the recogniser hears.
        self._module = AudioProcessingModule(echo_cancellation=True)
        self._far = AudioFrame.create(sample_rate_hz, 1, samples)
        self._near = AudioFrame.create(sample_rate_hz, 1, samples)

    def process(self, reference: Pcm, heard: Pcm) -> Pcm:
        """What is left of `heard` without the echo of `reference` and all before it."""
        self._far.data.cast("B")[:] = reference.tobytes()
        self._near.data.cast("B")[:] = heard.tobytes()
        try:
            self._module.process_reverse_stream(self._far)
            self._module.process_stream(self._near)
        except (RuntimeError, AssertionError) as error:
            raise EngineFailed(f"AEC3 refused a frame: {error}") from error
        return np.frombuffer(bytes(self._near.data), np.int16)


def _fade(pcm: Pcm, first: float, last: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return pcm * np.linspace(first, last, len(pcm), dtype=np.float32)


def _check(pcm: Pcm) -> None:
    if pcm.ndim != 1 or pcm.dtype != np.int16:
        raise ValueError(f"audio is int16 of shape (n,), not {pcm.dtype} of shape {pcm.shape}")
